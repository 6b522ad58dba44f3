//! Takes the markers out of FPDUs, and looks whether they point to the FPDU's start.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::notes::*;
use crate::stream::*;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// Beats of 8 octets (a last one may have less) go in; beats of 4 or 8 come out, for a
/// [`WordPacker`]. One clock; full rate within a packet.
///
/// ```text
/// position mod 512     0             508
///                    +------+------+           +------+------+
/// beat               |marker| octets|    or    |octets|marker|
///                    +------+------+           +------+------+
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct MarkerRemover {
    pub clock: Signal<In, Clock>,
    /// The head of each packet; an event has no packet.
    pub head: StreamSink<PacketHead>,
    /// The packets; `error` says that the CRC is wrong.
    pub sink: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    /// The heads again, ahead of their packets.
    pub next_head: StreamSource<PacketHead>,
    /// After each packet: success, or `MPA_CRC` or `MPA_MARKER` (`ironwarp_abi::status`).
    pub verdict: Signal<Out, Bits<8>>,
    pub verdict_valid: Signal<Out, Bit>,
    /// There is a place for the verdict on one more packet.
    pub verdict_ready: Signal<In, Bit>,
    in_packet: DFF<Bit>,
    current: DFF<PacketHead>,
    position: DFF<Bits<9>>,
    /// Octets of stream since the length field.
    distance: DFF<Bits<16>>,
    wrong: DFF<Bit>,
    // Of the beat a clock ago: a marker's pointer, what it should be, and the end of the packet.
    checks: DFF<Bit>,
    pointed: DFF<Bits<16>>,
    due: DFF<Bits<16>>,
    ended: DFF<Bit>,
    bad_crc: DFF<Bit>,
    out: DFF<Beat>,
    out_full: DFF<Bit>,
    found: DFF<Bits<8>>,
    found_valid: DFF<Bit>,
    free: Signal<Local, Bit>,
    starts: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    low: Signal<Local, Bit>,
    high: Signal<Local, Bit>,
    data: Signal<Local, Bits<64>>,
    marker: Signal<Local, Bits<32>>,
    pointer: Signal<Local, Bits<16>>,
    expected: Signal<Local, Bits<16>>,
    differs: Signal<Local, Bit>,
    rest: Signal<Local, Bits<4>>,
    eight: Literal<9, 8>,
    eight_octets: Literal<16, 8>,
    four: Literal<16, 4>,
    minus_four: Literal<16, 0xfffc>,
    half: Literal<4, 4>,
    /// The pointer's low bits are reserved.
    pointer_bits: Literal<16, 0xfffc>,
    high_position: Literal<9, 508>,
    kind_event: Literal<2, { packet_kind::EVENT }>,
    crc_error: Literal<8, { status::MPA_CRC as u64 }>,
    marker_error: Literal<8, { status::MPA_MARKER as u64 }>,
}

impl Logic for MarkerRemover {
    //= rfc5044#4.3  Every 512th octet of the stream begins a marker.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_packet, current, position, distance, wrong, out, out_full);
        dff_setup!(self, clock, found, found_valid, checks, pointed, due, ended, bad_crc);
        self.source.beat.next = self.out.q.val();
        self.source.valid.next = self.out_full.q.val();
        self.free.next = self.source.ready.val() | !self.out_full.q.val();

        // A packet starts with its head.
        self.starts.next = !self.in_packet.q.val()
            & self.head.valid.val()
            & self.next_head.ready.val()
            & self.verdict_ready.val();
        self.head.ready.next =
            !self.in_packet.q.val() & self.next_head.ready.val() & self.verdict_ready.val();
        self.next_head.beat.next = self.head.beat.val();
        self.next_head.valid.next =
            !self.in_packet.q.val() & self.head.valid.val() & self.verdict_ready.val();
        if self.starts.val() {
            self.current.d.next = self.head.beat.val();
            self.position.d.next = self.head.beat.val().position;
            self.in_packet.d.next = self.head.beat.val().kind != self.kind_event.val();
            self.distance.d.next = 0.into();
            if self.head.beat.val().markers & !self.head.beat.val().position.any() {
                self.distance.d.next = self.minus_four.val();
            }
        }

        self.sink.ready.next = self.in_packet.q.val() & self.free.val();
        self.moves.next = self.in_packet.q.val() & self.free.val() & self.sink.valid.val();
        self.low.next = self.current.q.val().markers & !self.position.q.val().any();
        self.high.next = self.current.q.val().markers
            & (self.position.q.val() == self.high_position.val())
            & (self.sink.beat.val().bytes > self.half.val());
        self.data.next = self.sink.beat.val().data;
        self.marker.next = self.data.val().get_bits::<32>(0);
        self.expected.next = self.distance.q.val();
        if self.high.val() {
            self.marker.next = self.data.val().get_bits::<32>(32);
            self.expected.next = self.distance.q.val() + self.four.val();
        }
        if self.distance.q.val() == self.minus_four.val() {
            self.expected.next = 0.into();
        }
        self.pointer.next = (bit_cast::<16, 8>(self.marker.val().get_bits::<8>(16)) << 8)
            | bit_cast::<16, 8>(self.marker.val().get_bits::<8>(24));
        self.checks.d.next = self.moves.val() & (self.low.val() | self.high.val());
        self.pointed.d.next = self.pointer.val() & self.pointer_bits.val();
        self.due.d.next = self.expected.val();
        self.ended.d.next = self.moves.val() & self.sink.beat.val().last;
        self.bad_crc.d.next = self.current.q.val().crc & self.sink.beat.val().error;
        self.rest.next = self.sink.beat.val().bytes - self.half.val();

        // A clock later.
        self.differs.next = self.checks.q.val() & (self.pointed.q.val() != self.due.q.val());
        self.wrong.d.next = self.wrong.q.val() | self.differs.val();
        self.found_valid.d.next = self.ended.q.val();
        self.found.d.next = 0.into();
        if self.wrong.q.val() | self.differs.val() {
            self.found.d.next = self.marker_error.val();
        }
        if self.bad_crc.q.val() {
            self.found.d.next = self.crc_error.val();
        }
        if self.ended.q.val() {
            self.wrong.d.next = false;
        }

        if self.free.val() {
            self.out_full.d.next = false;
        }
        if self.moves.val() {
            self.out_full.d.next = true;
            self.out.d.next = self.sink.beat.val();
            self.out.d.next.error = false;
            if self.low.val() {
                self.out.d.next.data = self.data.val() >> 32;
                self.out.d.next.bytes = self.rest.val();
            } else if self.high.val() {
                self.out.d.next.data = bit_cast::<64, 32>(self.data.val().get_bits::<32>(0));
                self.out.d.next.bytes = self.half.val();
            }
            self.position.d.next = self.position.q.val() + self.eight.val();
            self.distance.d.next = self.distance.q.val() + self.eight_octets.val();
            if self.sink.beat.val().last {
                self.in_packet.d.next = false;
            }
        }
        self.verdict.next = self.found.q.val();
        self.verdict_valid.next = self.found_valid.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_wire::mpa::stream::{Framer, Framing};
    use rand::Rng;

    /// An FPDU as it travels, its head, the octets that are to come out, and the verdict.
    fn fpdu(rng: &mut rand_chacha::ChaCha8Rng) -> (PacketHead, Packet, Vec<u8>, u8) {
        let markers = rng.random_bool(0.8);
        let at = 4 * rng.random_range(0..300_u64);
        let ulpdu: Vec<u8> = (0..rng.random_range(0..1200)).map(|_| rng.random()).collect();
        let (mut octets, mut bare) = (vec![], vec![]);
        let mut framer = Framer::at(Framing { markers, crc: false }, at).unwrap();
        framer.frame(&ulpdu, &mut octets).unwrap();
        Framer::new(Framing { markers: false, crc: false }).frame(&ulpdu, &mut bare).unwrap();
        let (error, crc) = (rng.random_bool(0.3), rng.random());
        let mut verdict = status::SUCCESS;
        // The first marker in it, if any.
        let marker = (512 - at as usize % 512) % 512;
        if markers && marker < octets.len() && rng.random_bool(0.3) {
            octets[marker + 3] ^= 4 << rng.random_range(0..6);
            verdict = status::MPA_MARKER;
        }
        if error && crc {
            verdict = status::MPA_CRC;
        }
        let head = PacketHead {
            markers,
            crc,
            position: (at % 512).to_bits(),
            octets: (octets.len() as u64).to_bits(),
            ..Default::default()
        };
        (head, Packet { octets, error }, bare, verdict)
    }

    //= rfc5044#4.3
    //= type=test
    #[test]
    fn leaves_what_the_framer_put_between_the_markers() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = MarkerRemover::default();
            uut.connect_all();
            let fpdus: Vec<_> = (0..20).map(|_| fpdu(&mut rng)).collect();
            let packets: Vec<Packet> = fpdus.iter().map(|fpdu| fpdu.1.clone()).collect();
            let beats = dense(&packets);
            let (mut heads, mut sent, mut out, mut verdicts) = (0, 0, vec![vec![]], vec![]);
            let mut passed = 0;
            while verdicts.len() < fpdus.len() {
                uut.head.valid.next = heads < fpdus.len();
                uut.head.beat.next = fpdus.get(heads).map(|fpdu| fpdu.0).unwrap_or_default();
                uut.sink.valid.next = sent < beats.len();
                uut.sink.beat.next = beats.get(sent).copied().unwrap_or_default();
                uut.next_head.ready.next = rng.random_bool(0.6);
                uut.verdict_ready.next = rng.random_bool(0.6);
                uut.source.ready.next = rng.random_bool(0.6);
                settle!(uut);
                if uut.next_head.valid.val() && uut.next_head.ready.val() {
                    assert_eq!(uut.next_head.beat.val(), fpdus[heads].0);
                    passed += 1;
                }
                heads += usize::from(uut.head.valid.val() && uut.head.ready.val());
                assert_eq!(heads, passed, "a head leaves when it is taken");
                sent += usize::from(uut.sink.valid.val() && uut.sink.ready.val());
                if uut.source.valid.val() && uut.source.ready.val() {
                    let beat = uut.source.beat.val();
                    let bytes = beat.bytes.to_u64() as usize;
                    assert!(bytes == 4 || bytes == 8);
                    let octets = beat.data.to_u64().to_le_bytes();
                    out.last_mut().unwrap().extend_from_slice(&octets[..bytes]);
                    if beat.last {
                        out.push(vec![]);
                    }
                }
                edge!(uut);
                if uut.verdict_valid.val() {
                    verdicts.push(uut.verdict.val().to_u64() as u8);
                }
            }
            uut.source.ready.next = true;
            settle!(uut);
            if uut.source.valid.val() {
                let beat = uut.source.beat.val();
                let octets = beat.data.to_u64().to_le_bytes();
                let bytes = beat.bytes.to_u64() as usize;
                out.last_mut().unwrap().extend_from_slice(&octets[..bytes]);
            }
            for (n, (_, _, bare, verdict)) in fpdus.iter().enumerate() {
                assert_eq!(out[n], *bare, "SEED={seed}, FPDU {n}");
                assert_eq!(verdicts[n], *verdict, "SEED={seed}, FPDU {n}");
            }
        }
    }
}
