//! Sums a frame: the IPv4 header, and the TCP segment with its pseudo header.
//!
//! ```text
//! beat -> keep the octets of the packet -> add four 16-bit words -> accumulate -> fold, compare
//! ```
//! A one's complement sum does not care for the order of octets as long as all words have the same
//! one (RFC 1071 s. 2(B)): the words are added as they lie in the beat.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::notes::FrameVerdict;
use crate::stream::Beat;
use rust_hdl::prelude::*;

/// Watches the frames that come from the MAC; four clocks after a frame's last beat comes its
/// verdict. `checked` means something for TCP over IPv4 with a header of five words.
#[derive(LogicBlock, Ports, Default)]
pub struct Checksums {
    pub clock: Signal<In, Clock>,
    /// A beat of a frame.
    pub beat: Signal<In, Beat>,
    /// `beat` arrives in this clock.
    pub valid: Signal<In, Bit>,
    pub verdict: Signal<Out, FrameVerdict>,
    /// `verdict` means something in this clock.
    pub verdict_valid: Signal<Out, Bit>,
    /// Which beat of the frame comes next; stays at 7 after that.
    index: DFF<Bits<3>>,
    /// Octets of the IPv4 packet that are still to come, from beat 3 on.
    rest: DFF<Bits<16>>,
    // Stage 1: the octets that count.
    data: DFF<Bits<64>>,
    at: DFF<Bits<3>>,
    moving: DFF<Bit>,
    ends: DFF<Bit>,
    broken: DFF<Bit>,
    cut: DFF<Bit>,
    /// The packet ends inside its header.
    stub: DFF<Bit>,
    /// The TCP length, as the pseudo header has it, octets swapped.
    length: DFF<Bits<16>>,
    // Stage 2: the sums of one beat.
    ip_part: DFF<Bits<18>>,
    tcp_part: DFF<Bits<18>>,
    first: DFF<Bit>,
    moving2: DFF<Bit>,
    ends2: DFF<Bit>,
    broken2: DFF<Bit>,
    cut2: DFF<Bit>,
    // Stage 3: the sums of the frame.
    ip_sum: DFF<Bits<20>>,
    tcp_sum: DFF<Bits<32>>,
    ends3: DFF<Bit>,
    broken3: DFF<Bit>,
    cut3: DFF<Bit>,
    found: DFF<FrameVerdict>,
    found_valid: DFF<Bit>,
    input_data: Signal<Local, Bits<64>>,
    total: Signal<Local, Bits<16>>,
    segment: Signal<Local, Bits<16>>,
    kept: Signal<Local, Bits<64>>,
    empty: Signal<Local, Bits<7>>,
    word0: Signal<Local, Bits<18>>,
    word1: Signal<Local, Bits<18>>,
    word2: Signal<Local, Bits<18>>,
    word3: Signal<Local, Bits<18>>,
    ip_fold: Signal<Local, Bits<17>>,
    ip_end: Signal<Local, Bits<16>>,
    tcp_fold: Signal<Local, Bits<17>>,
    tcp_end: Signal<Local, Bits<16>>,
    ones: Literal<64, { u64::MAX }>,
    all: Literal<16, 0xffff>,
    one: Literal<3, 1>,
    eight: Literal<16, 8>,
    sixty_four: Literal<7, 64>,
    /// Octets of the packet in beats 1 and 2.
    octets_before: Literal<16, 10>,
    ip_header: Literal<16, 20>,
    /// The protocol number, octets swapped.
    protocol: Literal<18, 0x0600>,
}

impl Logic for Checksums {
    //= rfc9293#3.1  The checksum covers a pseudo header, the header and the data.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, index, rest, data, at, moving, ends, broken, cut, stub);
        dff_setup!(self, clock, length);
        dff_setup!(self, clock, ip_part, tcp_part, first, moving2, ends2, broken2, cut2);
        dff_setup!(self, clock, ip_sum, tcp_sum, ends3, broken3, cut3, found, found_valid);

        // Stage 1: octets behind the packet (Ethernet's padding) do not count.
        self.input_data.next = self.beat.val().data;
        self.total.next = (bit_cast::<16, 8>(self.input_data.val().get_bits::<8>(0)) << 8)
            | bit_cast::<16, 8>(self.input_data.val().get_bits::<8>(8));
        self.segment.next = self.total.val() - self.ip_header.val();
        self.empty.next = self.sixty_four.val() - (bit_cast::<7, 16>(self.rest.q.val()) << 3);
        self.kept.next = self.input_data.val();
        if (self.index.q.val() > 2) & (self.rest.q.val() < self.eight.val()) {
            self.kept.next = self.input_data.val() & (self.ones.val() >> self.empty.val());
        }
        self.moving.d.next = self.valid.val();
        self.ends.d.next = self.valid.val() & self.beat.val().last;
        if self.valid.val() {
            self.data.d.next = self.kept.val();
            self.at.d.next = self.index.q.val();
            self.broken.d.next = self.beat.val().error;
            self.cut.d.next = (self.index.q.val() < 3)
                | self.stub.q.val()
                | (self.rest.q.val() > bit_cast::<16, 4>(self.beat.val().bytes));
            if self.index.q.val() == 2 {
                self.stub.d.next = self.total.val() < self.ip_header.val();
                self.rest.d.next = self.total.val() - self.octets_before.val();
                self.length.d.next = (self.segment.val() << 8) | (self.segment.val() >> 8);
            } else {
                self.rest.d.next = self.rest.q.val() - self.eight.val();
                if self.rest.q.val() < self.eight.val() {
                    self.rest.d.next = 0.into();
                }
            }
            if self.index.q.val() != 7 {
                self.index.d.next = self.index.q.val() + self.one.val();
            }
            if self.beat.val().last {
                self.index.d.next = 0.into();
            }
        }

        // Stage 2: beats 1 to 4 hold the IPv4 header, beats 3 and 4 the addresses.
        self.word0.next = bit_cast::<18, 16>(self.data.q.val().get_bits::<16>(0));
        self.word1.next = bit_cast::<18, 16>(self.data.q.val().get_bits::<16>(16));
        self.word2.next = bit_cast::<18, 16>(self.data.q.val().get_bits::<16>(32));
        self.word3.next = bit_cast::<18, 16>(self.data.q.val().get_bits::<16>(48));
        self.moving2.d.next = self.moving.q.val();
        self.ends2.d.next = self.ends.q.val();
        self.broken2.d.next = self.broken.q.val();
        self.cut2.d.next = self.cut.q.val();
        self.first.d.next = !self.at.q.val().any();
        self.ip_part.d.next = 0.into();
        self.tcp_part.d.next =
            self.word0.val() + self.word1.val() + self.word2.val() + self.word3.val();
        if self.at.q.val() == 0 {
            self.tcp_part.d.next = 0.into();
        }
        if self.at.q.val() == 1 {
            self.ip_part.d.next = self.word3.val();
            self.tcp_part.d.next = self.protocol.val();
        }
        if self.at.q.val() == 2 {
            self.ip_part.d.next =
                self.word0.val() + self.word1.val() + self.word2.val() + self.word3.val();
            self.tcp_part.d.next = bit_cast::<18, 16>(self.length.q.val());
        }
        if self.at.q.val() == 3 {
            self.ip_part.d.next =
                self.word0.val() + self.word1.val() + self.word2.val() + self.word3.val();
            self.tcp_part.d.next = self.word1.val() + self.word2.val() + self.word3.val();
        }
        if self.at.q.val() == 4 {
            self.ip_part.d.next = self.word0.val();
        }

        // Stage 3.
        self.ends3.d.next = self.ends2.q.val();
        self.broken3.d.next = self.broken2.q.val();
        self.cut3.d.next = self.cut2.q.val();
        if self.moving2.q.val() {
            self.ip_sum.d.next = self.ip_sum.q.val() + bit_cast::<20, 18>(self.ip_part.q.val());
            self.tcp_sum.d.next = self.tcp_sum.q.val() + bit_cast::<32, 18>(self.tcp_part.q.val());
            if self.first.q.val() {
                self.ip_sum.d.next = 0.into();
                self.tcp_sum.d.next = 0.into();
            }
        }

        // Stage 4.
        self.ip_fold.next = bit_cast::<17, 16>(self.ip_sum.q.val().get_bits::<16>(0))
            + bit_cast::<17, 4>(self.ip_sum.q.val().get_bits::<4>(16));
        self.ip_end.next = self.ip_fold.val().get_bits::<16>(0)
            + bit_cast::<16, 1>(self.ip_fold.val().get_bits::<1>(16));
        self.tcp_fold.next = bit_cast::<17, 16>(self.tcp_sum.q.val().get_bits::<16>(0))
            + bit_cast::<17, 16>(self.tcp_sum.q.val().get_bits::<16>(16));
        self.tcp_end.next = self.tcp_fold.val().get_bits::<16>(0)
            + bit_cast::<16, 1>(self.tcp_fold.val().get_bits::<1>(16));
        self.found_valid.d.next = self.ends3.q.val();
        self.found.d.next.intact = !self.broken3.q.val();
        self.found.d.next.header_good = !self.cut3.q.val() & (self.ip_end.val() == self.all.val());
        self.found.d.next.checked = !self.cut3.q.val()
            & (self.ip_end.val() == self.all.val())
            & (self.tcp_end.val() == self.all.val());
        self.verdict.next = self.found.q.val();
        self.verdict_valid.next = self.found_valid.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench::Segment;
    use crate::stream::bench::*;
    use ironwarp_wire::checksum;
    use rand::Rng;

    /// Is the IPv4 header good, and is all of it?
    fn verdict_on(frame: &[u8]) -> (bool, bool) {
        let total = usize::from(frame[16]) << 8 | usize::from(frame[17]);
        let Some(ip) = frame.get(14..14 + total) else { return (false, false) };
        if total < 20 {
            return (false, false);
        }
        let header_good = checksum::internet(&ip[..20]) == 0;
        let (source, destination) =
            (ip[12..16].try_into().unwrap(), ip[16..20].try_into().unwrap());
        let sum = checksum::tcp_over_ipv4(source, destination, &ip[20..]);
        (header_good, header_good && sum == 0)
    }

    //= rfc9293#3.1
    //= type=test
    #[test]
    fn agrees_with_the_software_sums() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = Checksums::default();
            uut.connect_all();
            let packets: Vec<Packet> = (0..40)
                .map(|_| {
                    let payload: Vec<u8> =
                        (0..rng.random_range(0..150)).map(|_| rng.random()).collect();
                    let mut octets =
                        Segment::of(rng.random_range(0..256), rng.random(), &payload).frame();
                    let length = octets.len();
                    match rng.random_range(0..6) {
                        5 => octets[17] = rng.random_range(0..24),
                        0 => octets[rng.random_range(18..length)] ^= 1 << rng.random_range(0..8),
                        1 => octets[17] ^= 1,
                        2 => octets.extend([rng.random::<u8>(), 7]),
                        3 => octets.truncate(length - 1),
                        _ => {}
                    }
                    Packet { octets, error: rng.random_bool(0.1) }
                })
                .collect();
            let mut seen = vec![];
            let mut beats = dense(&packets).into_iter();
            let mut idle = 0;
            while idle < 10 {
                let now = if rng.random_bool(0.8) { beats.next() } else { None };
                uut.valid.next = now.is_some();
                uut.beat.next = now.unwrap_or_default();
                tick!(uut);
                if uut.verdict_valid.val() {
                    seen.push(uut.verdict.val());
                }
                idle = if beats.len() == 0 { idle + 1 } else { 0 };
            }
            let expected: Vec<FrameVerdict> = packets
                .iter()
                .map(|p| (p, verdict_on(&p.octets)))
                .map(|(p, (header_good, checked))| FrameVerdict {
                    intact: !p.error,
                    header_good,
                    checked,
                })
                .collect();
            assert_eq!(seen, expected, "SEED={seed}");
            assert!(seen.iter().any(|v| v.checked) && seen.iter().any(|v| !v.checked));
        }
    }
}
