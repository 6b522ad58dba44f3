//! How many objects a device has, and what follows from that.
//!
//! Everything that counts objects derives from one of these: the RTL when it is made, the model
//! when it is opened, the driver from what the device says in
//! [`CAPABILITIES`](crate::registers::CAPABILITIES) and [`SIZES`](crate::registers::SIZES).

use crate::limits::{FRAME_BYTES_MAX, NUMBER_BITS, WINDOW_UNIT};
use crate::registers::{self, DOORBELL_PAGE_BITS};

/// The counts of a device, each as its log2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// Queue pairs. Queue pair [`RAW_QP`](crate::limits::RAW_QP) carries raw frames, the others
    /// RDMA streams.
    pub qp_bits: usize,
    /// Completion queues.
    pub cq_bits: usize,
    /// Memory regions.
    pub mr_bits: usize,
    /// Buckets of the flow table. A bucket is the head of a list, so this bounds no connections.
    pub bucket_bits: usize,
    /// Octets of received TCP stream that wait on chip, per queue pair.
    pub stream_ring_bits: usize,
}

/// For boards for gigabit Ethernet, where block RAM is short: no jumbo frames.
pub const BOARD: Configuration =
    Configuration { qp_bits: 4, cq_bits: 4, mr_bits: 8, bucket_bits: 6, stream_ring_bits: 12 };
/// The device that is simulated.
pub const REFERENCE: Configuration =
    Configuration { qp_bits: 6, cq_bits: 6, mr_bits: 10, bucket_bits: 8, stream_ring_bits: 16 };
/// A device for a thousand connections.
pub const LARGE: Configuration =
    Configuration { qp_bits: 10, cq_bits: 10, mr_bits: 14, bucket_bits: 12, stream_ring_bits: 13 };
/// Every configuration that is built, with its name.
pub const ALL: &[(&str, Configuration)] =
    &[("board", BOARD), ("reference", REFERENCE), ("large", LARGE)];

impl Configuration {
    /// Queue pairs.
    pub const fn qp_count(&self) -> usize {
        1 << self.qp_bits
    }

    /// Completion queues.
    pub const fn cq_count(&self) -> usize {
        1 << self.cq_bits
    }

    /// Memory regions.
    pub const fn mr_count(&self) -> usize {
        1 << self.mr_bits
    }

    /// Buckets of the flow table.
    pub const fn bucket_count(&self) -> usize {
        1 << self.bucket_bits
    }

    /// Octets of a stream ring.
    pub const fn stream_ring_bytes(&self) -> usize {
        1 << self.stream_ring_bits
    }

    /// The largest FPDU that the device receives, in octets on the stream, markers included: the
    /// ring always has room for it and for the rest of the segment in which it ends.
    pub const fn fpdu_bytes_max(&self) -> usize {
        self.stream_ring_bytes() / 2 - 384
    }

    /// The largest frame that the device receives, without frame check sequence.
    pub const fn frame_bytes_max(&self) -> usize {
        if FRAME_BYTES_MAX < self.stream_ring_bytes() / 2 {
            FRAME_BYTES_MAX
        } else {
            self.stream_ring_bytes() / 2
        }
    }

    /// The largest receive window that the device keeps with an ideal host: octets that fit into
    /// the stream ring whatever segments bring them. A larger one promises more than the chip can
    /// hold.
    pub const fn receive_window_max(&self) -> u32 {
        (self.stream_ring_bytes() - WINDOW_UNIT) as u32
    }

    /// log2 of the octets of one doorbell area; BAR 0 has four areas of this size: registers, the
    /// queue pairs' pages, the completion queues' pages, and one that is reserved.
    pub const fn area_bits(&self) -> usize {
        let objects = if self.qp_bits > self.cq_bits { self.qp_bits } else { self.cq_bits };
        DOORBELL_PAGE_BITS + objects
    }

    /// Octets of BAR 0.
    pub const fn bar_bytes(&self) -> u32 {
        4 << self.area_bits()
    }

    /// Where the doorbell `which` ([`DOORBELL_SEND`](registers::DOORBELL_SEND),
    /// [`DOORBELL_RECEIVE`](registers::DOORBELL_RECEIVE)) of queue pair `qp` lies in BAR 0.
    pub const fn qp_doorbell(&self, qp: u32, which: u32) -> u32 {
        (registers::AREA_QP << self.area_bits()) + (qp << DOORBELL_PAGE_BITS) + which
    }

    /// Where the doorbell `which` ([`DOORBELL_CONSUMED`](registers::DOORBELL_CONSUMED),
    /// [`DOORBELL_ARM`](registers::DOORBELL_ARM)) of completion queue `cq` lies in BAR 0.
    pub const fn cq_doorbell(&self, cq: u32, which: u32) -> u32 {
        (registers::AREA_CQ << self.area_bits()) + (cq << DOORBELL_PAGE_BITS) + which
    }
}

const fn holds(configuration: &Configuration) -> bool {
    configuration.qp_bits <= NUMBER_BITS
        && configuration.cq_bits <= NUMBER_BITS
        && configuration.mr_bits <= NUMBER_BITS
        && configuration.stream_ring_bits <= 16
        && configuration.frame_bytes_max() * 2 <= configuration.stream_ring_bytes()
}
const _: () = assert!(holds(&BOARD) && holds(&REFERENCE) && holds(&LARGE));
