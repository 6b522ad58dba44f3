//! Makes the header of one frame.
use crate::configuration::{QpNumber, QP_BITS};
use crate::control::records::ContextWrite;
use crate::literal::Literal;
use crate::memory::field;
use crate::memory::ContextTable;
use crate::receive::records::ReceiveEdge;
use crate::transmit::header_sums::HeaderSums;
use crate::transmit::header_words::HeaderWords;
use crate::transmit::next_hops::NextHops;
use crate::transmit::records::*;
use ironwarp_abi::context::table;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_wire::tcp;
use rust_hdl::prelude::*;

/// Time to live of what is sent.
pub const HOPS: u64 = 64;
/// Data offset 5 and ACK.
const ACK: u64 = ((tcp::HEADER_BYTES as u64 / 4) << 12) | tcp::ACK as u64;
/// The same, and PSH.
const DATA: u64 = ACK | tcp::PSH as u64;

/// Ethernet, IPv4 and TCP header from the context's addresses and the frame's numbers. `header` is
/// that of the inputs five clocks before; hold them.
#[derive(LogicBlock)]
pub struct HeaderMaker {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    /// The queue pair; its context takes a clock more.
    pub qp: Signal<In, QpNumber>,
    pub job: Signal<In, SendJob>,
    pub stored: Signal<In, SegmentSummary>,
    /// Acknowledgement number and window.
    pub mirrored: Signal<In, ReceiveEdge>,
    /// Sequence number.
    pub number: Signal<In, Bits<32>>,
    /// The frame is an acknowledgement without data.
    pub bare: Signal<In, Bit>,
    /// The stored segment shall be forgotten.
    pub discard: Signal<In, Bit>,
    pub header: Signal<Out, FrameHeader>,
    /// The context's words from our IP address to our MAC address.
    addresses: ContextTable<QP_BITS, 5>,
    hops: NextHops,
    sums: HeaderSums,
    words: HeaderWords,
    our_mac_high: Signal<Local, Bits<32>>,
    flags: Signal<Local, Bits<16>>,
    ack_flags: Literal<16, ACK>,
    data_flags: Literal<16, DATA>,
}

impl Default for HeaderMaker {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            qp: Default::default(),
            job: Default::default(),
            stored: Default::default(),
            mirrored: Default::default(),
            number: Default::default(),
            bare: Default::default(),
            discard: Default::default(),
            header: Default::default(),
            addresses: ContextTable::new(
                table::QUEUE_PAIR,
                field(QueuePairContext::FIELDS, "local_ip").word(),
            ),
            hops: Default::default(),
            sums: Default::default(),
            words: Default::default(),
            our_mac_high: Default::default(),
            flags: Default::default(),
            ack_flags: Default::default(),
            data_flags: Default::default(),
        }
    }
}

impl Logic for HeaderMaker {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, addresses, hops, sums);
        self.addresses.context_write.next = self.context_write.val();
        self.addresses.index.next = self.qp.val();
        self.hops.context_write.next = self.context_write.val();
        self.hops.qp.next = self.qp.val();
        self.flags.next = self.data_flags.val();
        if self.bare.val() {
            self.flags.next = self.ack_flags.val();
        }

        self.sums.our_ip.next = self.addresses.words[0].val();
        self.sums.peer_ip.next = self.addresses.words[1].val();
        self.sums.ports.next = self.addresses.words[2].val();
        self.sums.number.next = self.number.val();
        self.sums.acknowledgement.next = self.mirrored.val().expected;
        self.sums.flags.next = self.flags.val();
        self.sums.window.next = self.mirrored.val().window;
        self.sums.payload.next = self.stored.val().sum;
        self.sums.bytes.next = self.stored.val().bytes;

        self.words.our_ip.next = self.addresses.words[0].val();
        self.words.peer_ip.next = self.addresses.words[1].val();
        self.words.ports.next = self.addresses.words[2].val();
        self.our_mac_high.next = self.addresses.words[4].val();
        self.words.our_mac.next = (bit_cast::<48, 16>(self.our_mac_high.val().get_bits::<16>(0))
            << 32)
            | bit_cast::<48, 32>(self.addresses.words[3].val());
        self.words.peer_mac.next = self.hops.address.val();
        self.words.number.next = self.number.val();
        self.words.acknowledgement.next = self.mirrored.val().expected;
        self.words.flags.next = self.flags.val();
        self.words.window.next = self.mirrored.val().window;
        self.words.total.next = self.sums.total.val();
        self.words.network.next = self.sums.network.val();
        self.words.transport.next = self.sums.transport.val();
        self.words.bytes.next = self.job.val().bytes;
        self.header.next = self.words.header.val();
        self.header.next.discard = self.discard.val();
        self.header.next.raw = self.job.val().raw & !self.bare.val();
        self.header.next.bare = self.bare.val();
    }
}
