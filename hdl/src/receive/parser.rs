//! Finds the header fields of a frame.
//!
//! ```text
//! octet    0..5    12..13  14..33          34..37  38..41  42..45  46    47     48..49
//!          to      type    IPv4 header     ports   SEQ     ACK     size  flags  window
//! beat     0       1       1 .. 4          4       4, 5    5       5     5      6
//! ```
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::notes::{header_kind, way, FrameHead};
use crate::stream::{Beat, Swap};
use rust_hdl::prelude::*;

/// Watches the frames that come from the MAC. Gives the head of each one, in their order: a clock
/// after beat 6, or after the last beat if the frame ends before. A frame that ends inside the TCP
/// header is for the checksums to find.
#[derive(LogicBlock, Ports, Default)]
pub struct Parser {
    pub clock: Signal<In, Clock>,
    /// The station's address; the first octet is in the highest byte.
    pub mac_address: Signal<In, Bits<48>>,
    /// A beat of a frame.
    pub beat: Signal<In, Beat>,
    /// `beat` arrives in this clock.
    pub valid: Signal<In, Bit>,
    /// A frame's head. `way` is `SEGMENT` for every well-formed TCP segment to this
    /// station alone; no flow is looked up.
    pub head: Signal<Out, FrameHead>,
    /// `head` means something in this clock.
    pub head_valid: Signal<Out, Bit>,
    order: Swap,
    /// Which beat of the frame comes next; stays at 7 after that.
    index: DFF<Bits<3>>,
    /// What is known of the frame; all there is, in the clock of `head_valid`.
    partial: DFF<FrameHead>,
    /// The frame is for this station alone.
    unicast: DFF<Bit>,
    total: DFF<Bits<16>>,
    /// The first half of a number that goes across two beats.
    upper: DFF<Bits<16>>,
    done: DFF<Bit>,
    word: Signal<Local, Bits<64>>,
    fields: Signal<Local, FrameHead>,
    joined: Signal<Local, Bits<32>>,
    size: Signal<Local, Bits<4>>,
    header: Signal<Local, Bits<16>>,
    headers: Signal<Local, Bits<16>>,
    payload_at: Signal<Local, Bits<16>>,
    one: Literal<3, 1>,
    foreign: Literal<2, { way::FOREIGN }>,
    raw: Literal<2, { way::RAW }>,
    segment: Literal<2, { way::SEGMENT }>,
    no_packet: Literal<2, { header_kind::NONE }>,
    packet: Literal<2, { header_kind::PACKET }>,
    header_known: Literal<2, { header_kind::HEADER }>,
    tcp: Literal<2, { header_kind::SEGMENT }>,
    ipv4: Literal<16, 0x0800>,
    /// IPv4 with a header of five words.
    plain: Literal<8, 0x45>,
    tcp_number: Literal<8, 6>,
    ip_header: Literal<16, 20>,
    frame_headers: Literal<16, 34>,
    smallest: Literal<4, 5>,
}

impl Logic for Parser {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, index, partial, unicast, total, upper, done);
        self.order.word.next = self.beat.val().data;
        self.word.next = self.order.swapped.val();
        self.fields.next = self.partial.q.val();
        self.joined.next = (bit_cast::<32, 16>(self.upper.q.val()) << 16)
            | bit_cast::<32, 16>(self.word.val().get_bits::<16>(48));
        self.size.next = self.word.val().get_bits::<4>(12);
        self.header.next = bit_cast::<16, 4>(self.size.val()) << 2;
        self.headers.next = self.header.val() + self.ip_header.val();
        self.payload_at.next = self.header.val() + self.frame_headers.val();

        if self.index.q.val() == 0 {
            self.fields.next.kind = self.no_packet.val();
            self.fields.next.broken = false;
            self.fields.next.way = self.foreign.val();
            if self.word.val().get_bit(56)
                | (self.word.val().get_bits::<48>(16) == self.mac_address.val())
            {
                self.fields.next.way = self.raw.val();
            }
        }
        if (self.index.q.val() == 1) & (self.word.val().get_bits::<16>(16) == self.ipv4.val()) {
            self.fields.next.kind = self.packet.val();
            if self.word.val().get_bits::<8>(8) == self.plain.val() {
                self.fields.next.kind = self.header_known.val();
            }
        }
        // No fragment: neither "more fragments" nor an offset.
        if (self.index.q.val() == 2)
            & (self.partial.q.val().kind == self.header_known.val())
            & !self.word.val().get_bits::<14>(16).any()
            & (self.word.val().get_bits::<8>(0) == self.tcp_number.val())
        {
            self.fields.next.kind = self.tcp.val();
        }
        if self.index.q.val() == 3 {
            self.fields.next.remote_ip = self.word.val().get_bits::<32>(16);
        }
        if self.index.q.val() == 4 {
            self.fields.next.local_ip = self.joined.val();
            self.fields.next.remote_port = self.word.val().get_bits::<16>(32);
            self.fields.next.local_port = self.word.val().get_bits::<16>(16);
        }
        if self.index.q.val() == 5 {
            self.fields.next.sequence = self.joined.val();
            self.fields.next.acknowledgement = self.word.val().get_bits::<32>(16);
            self.fields.next.flags = self.word.val().get_bits::<8>(0);
            self.fields.next.payload_at = self.payload_at.val().get_bits::<7>(0);
            self.fields.next.payload = self.total.q.val() - self.headers.val();
            self.fields.next.broken =
                (self.size.val() < self.smallest.val()) | (self.total.q.val() < self.headers.val());
        }
        if self.index.q.val() == 6 {
            self.fields.next.window = self.word.val().get_bits::<16>(48);
            if (self.partial.q.val().kind == self.tcp.val())
                & !self.partial.q.val().broken
                & self.unicast.q.val()
            {
                self.fields.next.way = self.segment.val();
            }
        }

        self.done.d.next = false;
        if self.valid.val() {
            self.partial.d.next = self.fields.val();
            if self.index.q.val() == 0 {
                self.unicast.d.next = self.word.val().get_bits::<48>(16) == self.mac_address.val();
            }
            self.upper.d.next = self.word.val().get_bits::<16>(0);
            if self.index.q.val() == 2 {
                self.total.d.next = self.word.val().get_bits::<16>(48);
            }
            if self.index.q.val() != 7 {
                self.index.d.next = self.index.q.val() + self.one.val();
            }
            if self.beat.val().last {
                self.index.d.next = 0.into();
            }
            if (self.index.q.val() == 6) | (self.beat.val().last & (self.index.q.val() != 7)) {
                self.done.d.next = true;
            }
        }
        self.head.next = self.partial.q.val();
        self.head_valid.next = self.done.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench::{Segment, STATION};
    use crate::stream::bench::*;
    use ironwarp_wire::{ethernet, ipv4, tcp};
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;
    use std::ops::Range;

    fn number(octets: &[u8], field: Range<usize>) -> u64 {
        octets[field].iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet))
    }

    /// The head by the tables of `ironwarp_wire`.
    fn head_of(frame: &[u8]) -> FrameHead {
        let mut head = FrameHead::default();
        let to = &frame[ethernet::DESTINATION];
        let ours = to[0] & 1 == 1 || to == STATION;
        head.way = if ours { way::RAW } else { way::FOREIGN }.to_bits();
        let ip = frame.get(ethernet::HEADER_BYTES..).unwrap_or_default();
        // What is not there stays as it is: only `way` and `kind` count then.
        if frame.len() < ethernet::HEADER_BYTES
            || number(frame, ethernet::TYPE) != u64::from(ethernet::TYPE_IPV4)
        {
            return head;
        }
        if ip.first() != Some(&ipv4::VERSION_4_WITHOUT_OPTIONS) {
            head.kind = header_kind::PACKET.to_bits();
            return head;
        }
        head.kind = header_kind::HEADER.to_bits();
        if ip.len() <= ipv4::PROTOCOL
            || number(ip, ipv4::FRAGMENT) & 0x3fff != 0
            || ip[ipv4::PROTOCOL] != ipv4::PROTOCOL_TCP
        {
            return head;
        }
        head.kind = header_kind::SEGMENT.to_bits();
        let Some(segment) = ip.get(ipv4::HEADER_BYTES..) else { return head };
        if segment.len() < tcp::FLAGS + 1 {
            return head;
        }
        let size = u64::from(segment[tcp::DATA_OFFSET] >> 4) * 4;
        let total = number(ip, ipv4::TOTAL_LENGTH);
        head.broken = size < 20 || total < 20 + size;
        if head.broken || segment.len() < tcp::HEADER_BYTES {
            return head;
        }
        if to == STATION {
            head.way = way::SEGMENT.to_bits();
        }
        head.remote_ip = number(ip, ipv4::SOURCE).to_bits();
        head.local_ip = number(ip, ipv4::DESTINATION).to_bits();
        head.remote_port = number(segment, tcp::SOURCE_PORT).to_bits();
        head.local_port = number(segment, tcp::DESTINATION_PORT).to_bits();
        head.sequence = number(segment, tcp::SEQUENCE).to_bits();
        head.acknowledgement = number(segment, tcp::ACKNOWLEDGMENT).to_bits();
        head.window = number(segment, tcp::WINDOW).to_bits();
        head.flags = u64::from(segment[tcp::FLAGS]).to_bits();
        head.payload_at = (34 + size).to_bits();
        head.payload = (total - 20 - size).to_bits();
        head
    }

    fn frame(rng: &mut ChaCha8Rng) -> Vec<u8> {
        let segment = Segment {
            remote_ip: rng.random(),
            local_ip: rng.random(),
            remote_port: rng.random(),
            local_port: rng.random(),
            sequence: rng.random(),
            acknowledgement: rng.random(),
            flags: rng.random(),
            window: rng.random(),
            options: 4 * rng.random_range(0..=10),
            payload: vec![0; rng.random_range(0..60)],
        };
        let mut frame = segment.frame();
        // Half of them are something else.
        match rng.random_range(0..10) {
            0 => frame[0] |= 1,
            1 => frame[5] ^= 1,
            2 => frame[12] = 6,
            3 => frame[14] = 0x46,
            4 => frame[21] = 1,
            5 => frame[23] = 17,
            6 => frame[46] = 0x40,
            7 => frame[17] = 30,
            8 => frame.truncate(rng.random_range(6..=48)),
            _ => {}
        }
        frame
    }

    #[test]
    fn finds_the_fields_where_the_tables_have_them() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = Parser::default();
            uut.connect_all();
            let station = STATION.iter().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
            uut.mac_address.next = station.to_bits();
            let frames: Vec<Vec<u8>> = (0..40).map(|_| frame(&mut rng)).collect();
            let mut seen = vec![];
            let packets: Vec<Packet> =
                frames.iter().map(|f| Packet { octets: f.clone(), error: false }).collect();
            let mut beats = dense(&packets).into_iter().peekable();
            let mut last = 3;
            while last > 0 {
                let now = if rng.random_bool(0.8) { beats.next() } else { None };
                uut.valid.next = now.is_some();
                uut.beat.next = now.unwrap_or_default();
                tick!(uut);
                if uut.head_valid.val() {
                    seen.push(uut.head.val());
                }
                last -= usize::from(beats.peek().is_none());
            }
            assert_eq!(seen.len(), frames.len(), "SEED={seed}");
            for (seen, frame) in seen.iter().zip(&frames) {
                let expected = head_of(frame);
                assert_eq!(seen.way, expected.way, "SEED={seed} {frame:02x?}");
                // A header that is cut is for the length to find.
                if frame.len() >= ethernet::HEADER_BYTES {
                    assert_eq!(seen.kind, expected.kind, "SEED={seed} {frame:02x?}");
                }
                let whole = frame.len() >= 54 && expected.kind == header_kind::SEGMENT;
                let broken = whole && seen.broken;
                assert_eq!(broken, whole && expected.broken, "SEED={seed} {frame:02x?}");
                if expected.way == way::SEGMENT {
                    assert_eq!(*seen, expected, "SEED={seed} {frame:02x?}");
                }
            }
        }
    }
}
