//! What frames from the serial line say.
use super::records::Arrived;
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::beat::*;
use ironwarp_abi::serial::{kind, HEADER_BYTES, PACKET_BYTES_MAX};
use rust_hdl::prelude::*;

/// Reads the header and hands a packet's octets on as beats. The packet ends with `error` unless
/// its frame was good, it is the packet that was expected and it is not too long; then, and for
/// every other good frame, `arrived` says so.
#[derive(LogicBlock, Ports, Default)]
pub struct FrameReceiver {
    pub clock: Signal<In, Clock>,
    /// Frames, as the unstuffer gives them.
    pub octet: Signal<In, Bits<8>>,
    pub valid: Signal<In, Bit>,
    pub ended: Signal<In, Bit>,
    pub good: Signal<In, Bit>,
    /// The number of the next packet.
    pub expected: Signal<In, Bits<8>>,
    /// It may be taken.
    pub room: Signal<In, Bit>,
    /// Packets; there is always room for them, since the line cannot wait.
    pub packet: StreamSource<Beat>,
    pub arrived: Signal<Out, Arrived>,
    /// Octets of the frame; stops at its greatest value.
    count: DFF<Bits<10>>,
    header: DFF<Bits<32>>,
    /// Octets of the body that are not handed on, from byte 0.
    held: DFF<Bits<64>>,
    held_count: DFF<Bits<4>>,
    arrived_out: DFF<Arrived>,
    /// The beat that is handed on.
    beat: DFF<Beat>,
    beat_full: DFF<Bit>,
    in_header: Signal<Local, Bit>,
    too_long: Signal<Local, Bit>,
    is_packet: Signal<Local, Bit>,
    wanted: Signal<Local, Bit>,
    count_more: Signal<Local, Bits<10>>,
    held_more: Signal<Local, Bits<4>>,
    shift: Signal<Local, Bits<7>>,
    place: Signal<Local, Bits<64>>,
    joined: Signal<Local, Bits<64>>,
    header_bytes: Literal<10, { HEADER_BYTES as u64 }>,
    most: Literal<10, { (HEADER_BYTES + PACKET_BYTES_MAX) as u64 }>,
    packet_kind: Literal<8, { kind::PACKET as u64 }>,
    one: Literal<10, 1>,
    one_octet: Literal<4, 1>,
}

impl Logic for FrameReceiver {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count, header, held, held_count, arrived_out, beat, beat_full);
        self.arrived.next = self.arrived_out.q.val();
        self.packet.beat.next = self.beat.q.val();
        self.packet.valid.next = self.beat_full.q.val();

        self.in_header.next = self.count.q.val() < self.header_bytes.val();
        self.too_long.next = self.count.q.val() > self.most.val();
        self.is_packet.next = self.header.q.val().get_bits::<8>(0) == self.packet_kind.val();
        self.wanted.next = self.is_packet.val()
            & (self.header.q.val().get_bits::<8>(8) == self.expected.val())
            & self.room.val()
            & !self.too_long.val();
        self.count_more.next = self.count.q.val() + self.one.val();
        self.held_more.next = self.held_count.q.val() + self.one_octet.val();
        self.shift.next = bit_cast::<7, 4>(self.held_count.q.val()) << 3;
        self.place.next = bit_cast::<64, 8>(self.octet.val()) << self.shift.val();
        self.joined.next = self.held.q.val() | self.place.val();

        self.beat_full.d.next = false;
        self.beat.d.next.data = self.held.q.val();
        self.beat.d.next.bytes = self.held_count.q.val();
        self.beat.d.next.last = self.ended.val();
        self.beat.d.next.error = self.ended.val() & !(self.good.val() & self.wanted.val());
        self.arrived_out.d.next.valid = self.ended.val() & self.good.val() & !self.in_header.val();
        self.arrived_out.d.next.kind = self.header.q.val().get_bits::<8>(0);
        self.arrived_out.d.next.nonce = self.header.q.val().get_bits::<16>(8);
        self.arrived_out.d.next.acknowledge = self.header.q.val().get_bits::<8>(16);
        self.arrived_out.d.next.detail = self.header.q.val().get_bits::<8>(24);
        self.arrived_out.d.next.requester = self.held.q.val().get_bits::<16>(0);
        self.arrived_out.d.next.stored = self.wanted.val() & (self.held_count.q.val() != 0);
        if self.valid.val() {
            if !self.too_long.val() {
                self.count.d.next = self.count_more.val();
            }
            if self.in_header.val() {
                self.header.d.next =
                    (self.header.q.val() >> 8) | (bit_cast::<32, 8>(self.octet.val()) << 24);
            } else if self.held_count.q.val() == 8 {
                self.beat_full.d.next = self.is_packet.val() & !self.too_long.val();
                self.held.d.next = bit_cast::<64, 8>(self.octet.val());
                self.held_count.d.next = 1.into();
            } else {
                self.held.d.next = self.joined.val();
                self.held_count.d.next = self.held_more.val();
            }
        }
        if self.ended.val() {
            self.beat_full.d.next = self.is_packet.val() & (self.held_count.q.val() != 0);
            self.count.d.next = 0.into();
            self.held.d.next = 0.into();
            self.held_count.d.next = 0.into();
        }
    }
}
