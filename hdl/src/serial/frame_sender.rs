//! Which frame goes out next, octet by octet.
use super::records::{FrameOctet, FrameStart};
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::beat::*;
use ironwarp_abi::serial::{kind, HEADER_BYTES, IDENTITY, VERSION};
use rust_hdl::prelude::*;

/// An answer to the host's `OPEN` first, then packets, then a bare acknowledgement.
#[derive(LogicBlock, Ports, Default)]
pub struct FrameSender {
    pub clock: Signal<In, Clock>,
    /// The host waits for `OPENED` with `nonce`.
    pub greet: Signal<In, Bit>,
    pub nonce: Signal<In, Bits<16>>,
    /// The host waits for an acknowledgement.
    pub confirm: Signal<In, Bit>,
    /// What every frame acknowledges.
    pub acknowledge: Signal<In, Bits<8>>,
    /// A frame begins, with `nonce` ...
    pub greeting: Signal<Out, Bit>,
    /// ... or with `acknowledge`.
    pub confirming: Signal<Out, Bit>,
    pub packet: StreamSink<Beat>,
    /// The number of the packet.
    pub number: Signal<In, Bits<8>>,
    /// No packet is under way nor begun in this clock.
    pub between: Signal<Out, Bit>,
    pub source: StreamSource<FrameOctet>,
    /// Octets to send, the next in bits 7:0, and how many.
    octets: DFF<Bits<64>>,
    left: DFF<Bits<4>>,
    /// A packet's beat comes after them.
    more: DFF<Bit>,
    start: Signal<Local, FrameStart>,
    left_less: Signal<Local, Bits<4>>,
    opened: Literal<8, { kind::OPENED as u64 }>,
    packet_kind: Literal<8, { kind::PACKET as u64 }>,
    acknowledge_kind: Literal<8, { kind::ACKNOWLEDGE as u64 }>,
    version: Literal<8, { VERSION as u64 }>,
    identity: Literal<32, { u32::from_le_bytes(IDENTITY) as u64 }>,
    header_bytes: Literal<4, { HEADER_BYTES as u64 }>,
    greeting_bytes: Literal<4, { (HEADER_BYTES + IDENTITY.len()) as u64 }>,
    one: Literal<4, 1>,
}

impl Logic for FrameSender {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, octets, left, more);
        self.source.beat.next.octet = self.octets.q.val().get_bits::<8>(0);
        self.source.beat.next.last = !self.more.q.val() & (self.left.q.val() == self.one.val());
        self.source.valid.next = self.left.q.val() != 0;
        self.left_less.next = self.left.q.val() - self.one.val();
        self.greeting.next = false;
        self.confirming.next = false;
        self.packet.ready.next = false;
        self.between.next = false;

        self.start.next.kind = self.acknowledge_kind.val();
        self.start.next.sequence = 0.into();
        self.start.next.acknowledge = self.acknowledge.val();
        self.start.next.detail = 0.into();
        self.start.next.identity = self.identity.val();
        if self.greet.val() {
            self.start.next.kind = self.opened.val();
            self.start.next.sequence = self.nonce.val().get_bits::<8>(0);
            self.start.next.acknowledge = self.nonce.val().get_bits::<8>(8);
            self.start.next.detail = self.version.val();
        } else if self.packet.valid.val() {
            self.start.next.kind = self.packet_kind.val();
            self.start.next.sequence = self.number.val();
        }

        if self.left.q.val() != 0 {
            if self.source.ready.val() {
                self.octets.d.next = self.octets.q.val() >> 8;
                self.left.d.next = self.left_less.val();
            }
        } else if self.more.q.val() {
            self.packet.ready.next = true;
            self.octets.d.next = self.packet.beat.val().data;
            self.left.d.next = self.packet.beat.val().bytes;
            self.more.d.next = !self.packet.beat.val().last;
            if !self.packet.valid.val() {
                // The session has ended within the packet: so does the frame.
                self.left.d.next = self.one.val();
                self.more.d.next = false;
            }
        } else {
            self.octets.d.next = self.start.val().into();
            self.left.d.next = self.header_bytes.val();
            self.between.next = true;
            if self.greet.val() {
                self.left.d.next = self.greeting_bytes.val();
                self.greeting.next = true;
            } else if self.packet.valid.val() {
                self.more.d.next = true;
                self.confirming.next = true;
                self.between.next = false;
            } else if self.confirm.val() {
                self.confirming.next = true;
            } else {
                self.left.d.next = 0.into();
            }
        }
    }
}
