//! BAR 0: the register map. The only place that has an address.

use crate::limits::{CQ_COUNT, QP_COUNT, VECTOR_COUNT};

/// What the host may do with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads only; a write is ignored.
    ReadOnly,
    /// Reads back what was written.
    ReadWrite,
    /// A write acts; a read gives zero.
    WriteOnly,
}

/// One bit field of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// The field's name.
    pub name: &'static str,
    /// Highest bit.
    pub high: u32,
    /// Lowest bit.
    pub low: u32,
}

/// A 32-bit register of BAR 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// The register's name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Byte offset in BAR 0.
    pub address: u32,
    /// What the host may do.
    pub access: Access,
    /// Its fields, lowest first.
    pub fields: &'static [Bits],
}

macro_rules! registers {
    ($($(#[doc = $about:literal])* $address:literal $access:ident $name:ident {
        $($field:ident $high:literal : $low:literal),* $(,)?
    })*) => {
        $($(#[doc = $about])* pub const $name: Register = Register {
            name: stringify!($name),
            about: concat!($($about),*),
            address: $address,
            access: Access::$access,
            fields: &[$(Bits { name: stringify!($field), high: $high, low: $low }),*],
        };)*
        /// Every register, by address.
        pub const ALL: &[Register] = &[$($name),*];
    };
}

registers! {
    /// Says that this is an IronWARP device: reads [`DEVICE_MAGIC`].
    0x000 ReadOnly DEVICE { magic 31:0 }
    /// The version of this contract; a driver refuses a major version that it does not know.
    0x004 ReadOnly VERSION { minor 15:0, major 31:16 }
    /// log2 of the number of queue pairs, completion queues, memory regions and flow entries;
    /// the number of interrupt vectors; scatter/gather elements of a work request.
    0x008 ReadOnly CAPABILITIES { qp 3:0, cq 7:4, mr 11:8, flow 15:12, vectors 23:16, sge 27:24 }
    /// log2 of the on-chip sizes: work requests cached a queue, work requests outstanding a queue
    /// pair, octets of the stream ring.
    0x00c ReadOnly SIZES { wqe_cache 3:0, outstanding 7:4, stream_ring 15:8 }
    /// Core clocks that make a microsecond. Every timer of the device counts in these.
    0x010 ReadWrite TIME_BASE { clocks_per_microsecond 15:0 }
    /// Microseconds since the time base was last written; wraps.
    0x014 ReadOnly TIME { microseconds 31:0 }
    /// How long a memory read of the device may wait for its octets, in microseconds: it is given
    /// up after more than half of this, and not later than after it (PCI Express base
    /// specification, s. 2.8). [`COMPLETION_TIMEOUT_RESET`] after a reset; less than 2 means never.
    /// What waits for the read ends with an error; its tag is kept back until its octets have come
    /// after all, or for as long again.
    0x018 ReadWrite COMPLETION_TIMEOUT { microseconds 23:0 }
    /// The station's MAC address, last four octets (the last octet in bits 7:0).
    0x020 ReadWrite MAC_LOW { octets 31:0 }
    /// The station's MAC address, first two octets (the first octet in bits 15:8). Unicast frames
    /// to any other address are dropped.
    0x024 ReadWrite MAC_HIGH { octets 15:0 }
    /// Starts (`enable` = 1) a queue pair from its context, or stops it (`enable` = 0).
    0x030 WriteOnly QP_CONTROL { index 7:0, enable 8:8 }
    /// Starts (`enable` = 1) a completion queue, empty, from its context, or stops it.
    0x034 WriteOnly CQ_CONTROL { index 7:0, enable 8:8 }
    /// Bit n says that queue pair n is active: started, and neither stopped nor in error.
    0x038 ReadOnly QP_ACTIVE { active 15:0 }
    /// The queue pair that the `QUERY_` registers show. Wait 16 clocks (any register read does)
    /// before reading them.
    0x040 ReadWrite QUERY_QP { index 7:0 }
    /// Sequence number of the next octet that the queue pair will send (RFC 9293 SND.NXT).
    0x044 ReadOnly QUERY_SEND_NEXT { sequence 31:0 }
    /// Oldest sequence number that the peer has not acknowledged (RFC 9293 SND.UNA).
    0x048 ReadOnly QUERY_SEND_UNACKNOWLEDGED { sequence 31:0 }
    /// Sequence number of the next octet expected from the peer (RFC 9293 RCV.NXT).
    0x04c ReadOnly QUERY_RECEIVE_NEXT { sequence 31:0 }
    /// The send window that the peer has left open, in octets, from SND.UNA.
    0x050 ReadOnly QUERY_SEND_WINDOW { octets 31:0 }
    /// Frames sent; wraps, as every counter does.
    0x100 ReadOnly COUNT_FRAMES_SENT { frames 31:0 }
    /// Frames received.
    0x104 ReadOnly COUNT_FRAMES_RECEIVED { frames 31:0 }
    /// Frames dropped: bad frame check sequence, bad IPv4, TCP checksum, or malformed.
    0x108 ReadOnly COUNT_FRAMES_BAD { frames 31:0 }
    /// Unicast frames dropped that were meant for another station.
    0x10c ReadOnly COUNT_FRAMES_FOREIGN { frames 31:0 }
    /// Frames dropped whole since the on-chip room was gone (no octet of them is acknowledged).
    0x110 ReadOnly COUNT_FRAMES_NO_ROOM { frames 31:0 }
    /// Raw frames dropped since queue pair 0 had no receive work request or was stopped.
    0x114 ReadOnly COUNT_RAW_NO_BUFFER { frames 31:0 }
    /// TCP segments of a flow that were not the next in sequence (old ones, or after a gap).
    0x118 ReadOnly COUNT_SEGMENTS_OUT_OF_ORDER { segments 31:0 }
    /// TCP segments accepted into a stream.
    0x11c ReadOnly COUNT_SEGMENTS_ACCEPTED { segments 31:0 }
    /// FPDUs whose CRC was wrong.
    0x120 ReadOnly COUNT_FPDU_CRC_ERRORS { fpdus 31:0 }
    /// FPDUs placed or delivered.
    0x124 ReadOnly COUNT_FPDUS_PLACED { fpdus 31:0 }
    /// Transaction-layer packets that the device could not take: malformed, writes of other sizes
    /// than a register or an aligned pair, and completions that no read waits for.
    0x128 ReadOnly COUNT_TLP_UNEXPECTED { tlps 31:0 }
    /// Completion entries that were lost since their queue was full.
    0x12c ReadOnly COUNT_CQ_OVERFLOWS { entries 31:0 }
    /// Frames in which the MAC found a wrong frame check sequence, or the PHY an error. Where the
    /// device has no MAC of its own this and the next three are zero.
    0x130 ReadOnly COUNT_MAC_DAMAGED { frames 31:0 }
    /// Frames that were shorter than 64 octets or longer than the largest, as the MAC found.
    0x134 ReadOnly COUNT_MAC_MISFITS { frames 31:0 }
    /// PAUSE frames that the MAC received.
    0x138 ReadOnly COUNT_MAC_PAUSES { frames 31:0 }
    /// Frames lost between MAC and device, one way or the other.
    0x13c ReadOnly COUNT_MAC_LOST { frames 31:0 }
}

/// What [`DEVICE`] reads: `IWRP`.
pub const DEVICE_MAGIC: u32 = 0x4957_5250;
/// What [`COMPLETION_TIMEOUT`] reads after a reset: 50 ms, the end of PCI Express's default range.
pub const COMPLETION_TIMEOUT_RESET: u32 = 50_000;
/// What [`VERSION`] reads.
pub const ABI_VERSION: u32 = 1 << 16 | 2;

/// The size of BAR 0 in bytes.
pub const BAR_BYTES: u32 = 1 << 20;
/// The MSI-X table: 16 bytes a vector (PCI Express base specification, MSI-X capability).
pub const MSIX_TABLE: u32 = 0x0_1000;
/// The MSI-X pending-bit array.
pub const MSIX_PENDING: u32 = 0x0_2000;
/// Queue pair contexts, [`CONTEXT_STRIDE`] bytes each; write only.
pub const QP_CONTEXTS: u32 = 0x2_0000;
/// Completion queue contexts, [`CONTEXT_STRIDE`] bytes each; write only.
pub const CQ_CONTEXTS: u32 = 0x3_0000;
/// Memory region records, [`CONTEXT_STRIDE`] bytes each; write only.
pub const MR_CONTEXTS: u32 = 0x4_0000;
/// Flow table entries, [`CONTEXT_STRIDE`] bytes each; write only.
pub const FLOW_CONTEXTS: u32 = 0x5_0000;
/// Bytes from one context to the next, whatever its kind.
pub const CONTEXT_STRIDE: u32 = 256;
/// The doorbell pages of the queue pairs, [`DOORBELL_PAGE`] bytes each; write only.
pub const QP_DOORBELLS: u32 = 0x8_0000;
/// The doorbell pages of the completion queues, [`DOORBELL_PAGE`] bytes each; write only.
pub const CQ_DOORBELLS: u32 = 0xc_0000;
/// Bytes from one doorbell page to the next: a page can be given to a process.
pub const DOORBELL_PAGE: u32 = 4096;
/// In a queue pair's page: send work requests posted so far, modulo 2^16.
pub const DOORBELL_SEND: u32 = 0;
/// In a queue pair's page: receive work requests posted so far, modulo 2^16.
pub const DOORBELL_RECEIVE: u32 = 4;
/// In a completion queue's page: entries consumed so far, modulo 2^16.
pub const DOORBELL_CONSUMED: u32 = 0;
/// In a completion queue's page: ask for an interrupt with the next entry. If entries wait that
/// are not yet consumed, the interrupt comes at once. The value is ignored.
pub const DOORBELL_ARM: u32 = 4;

const _: () = assert!(16 * VECTOR_COUNT <= 4096, "the MSI-X table has a page");
const _: () = assert!(QP_COUNT as u32 * DOORBELL_PAGE <= CQ_DOORBELLS - QP_DOORBELLS);
const _: () = assert!(CQ_COUNT as u32 * DOORBELL_PAGE <= BAR_BYTES - CQ_DOORBELLS);
