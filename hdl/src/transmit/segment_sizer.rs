//! How long the next segment is.
use crate::configuration::CONFIGURATION;
use crate::literal::Literal;
use crate::mpa::MarkerCount;
use crate::pins::Ports;
use ironwarp_wire::{ddp, limit, mpa};
use rust_hdl::prelude::*;

/// The largest MULPDU that makes sense: what the device's largest frame holds.
pub const fn mulpdu_ceiling(markers: bool) -> usize {
    limit::mulpdu_of_frame(CONFIGURATION.frame_bytes_max(), markers)
}
/// The smallest MULPDU that is obeyed, so that every segment carries something.
pub const MULPDU_FLOOR: usize = mpa::fpdu::MULPDU_MIN;

/// Length field, CRC, and what rounds up to a multiple of four.
const AROUND: u64 = (mpa::fpdu::LENGTH_BYTES + mpa::fpdu::CRC_BYTES) as u64 + 3;
const _: () = assert!(mpa::fpdu::CRC_BYTES % 4 == 0, "rounded up with the rest");

/// Cuts the next segment off a message: as much as one FPDU holds (RFC 5044 s. 4.5).
///
/// ```text
/// MULPDU --> obeyed
/// what is left, room --> payload, last --> ULPDU, FPDU --> octets with markers
///                   clock 1               2           3
/// ```
/// `payload` and `last` belong to the inputs of a clock before, `ulpdu` to those of two, and
/// `octets` to those of three; `mulpdu` must be there a clock before the others. Hold the inputs.
#[derive(LogicBlock, Ports, Default)]
pub struct SegmentSizer {
    pub clock: Signal<In, Clock>,
    /// A raw frame: all of it, without headers.
    pub raw: Signal<In, Bit>,
    /// The DDP segment is tagged.
    pub to_stag: Signal<In, Bit>,
    /// Octets of the message.
    pub length: Signal<In, Bits<32>>,
    /// Octets of it that are sent.
    pub offset: Signal<In, Bits<32>>,
    /// The largest ULPDU.
    pub mulpdu: Signal<In, Bits<16>>,
    pub markers: Signal<In, Bit>,
    /// Octets of the stream before the segment, modulo 512.
    pub position: Signal<In, Bits<9>>,
    /// Octets of payload.
    pub payload: Signal<Out, Bits<16>>,
    /// The message ends with this segment.
    pub last: Signal<Out, Bit>,
    /// Octets of the ULPDU.
    pub ulpdu: Signal<Out, Bits<16>>,
    /// Octets in the TCP stream: FPDU and markers.
    pub octets: Signal<Out, Bits<16>>,
    count: MarkerCount,
    piece: DFF<Bits<16>>,
    ending: DFF<Bit>,
    unit: DFF<Bits<16>>,
    fpdu: DFF<Bits<16>>,
    obeyed: DFF<Bits<16>>,
    total: DFF<Bits<16>>,
    header: Signal<Local, Bits<16>>,
    room: Signal<Local, Bits<16>>,
    left: Signal<Local, Bits<32>>,
    around: Signal<Local, Bits<16>>,
    rounded: Signal<Local, Bits<16>>,
    floor: Literal<16, { MULPDU_FLOOR as u64 }>,
    ceiling: Literal<16, { mulpdu_ceiling(false) as u64 }>,
    marked_ceiling: Literal<16, { mulpdu_ceiling(true) as u64 }>,
    most: Signal<Local, Bits<16>>,
    short: Literal<16, { ddp::TAGGED_HEADER_BYTES as u64 }>,
    long: Literal<16, { ddp::UNTAGGED_HEADER_BYTES as u64 }>,
    /// The header, and length field, CRC, and what rounds up to a multiple of four.
    short_around: Literal<16, { AROUND + ddp::TAGGED_HEADER_BYTES as u64 }>,
    long_around: Literal<16, { AROUND + ddp::UNTAGGED_HEADER_BYTES as u64 }>,
    words: Literal<16, 0xfffc>,
}

impl Logic for SegmentSizer {
    //= rfc5044#4.5
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, piece, ending, unit, fpdu, obeyed, total);
        self.obeyed.d.next = self.mulpdu.val();
        if self.mulpdu.val() < self.floor.val() {
            self.obeyed.d.next = self.floor.val();
        }
        self.most.next = self.ceiling.val();
        if self.markers.val() {
            self.most.next = self.marked_ceiling.val();
        }
        if self.mulpdu.val() > self.most.val() {
            self.obeyed.d.next = self.most.val();
        }
        self.header.next = self.long.val();
        self.around.next = self.long_around.val();
        if self.to_stag.val() {
            self.header.next = self.short.val();
            self.around.next = self.short_around.val();
        }
        self.room.next = self.obeyed.q.val() - self.header.val();
        self.left.next = self.length.val() - self.offset.val();
        self.piece.d.next = bit_cast::<16, 32>(self.left.val());
        self.ending.d.next = true;
        if !self.raw.val() & (self.left.val() > bit_cast::<32, 16>(self.room.val())) {
            self.piece.d.next = self.room.val();
            self.ending.d.next = false;
        }

        self.unit.d.next = self.piece.q.val() + self.header.val();
        self.rounded.next = self.piece.q.val() + self.around.val();
        self.fpdu.d.next = self.rounded.val() & self.words.val();

        self.count.position.next = self.position.val();
        self.count.octets.next = bit_cast::<15, 16>(self.fpdu.q.val());
        self.total.d.next = self.fpdu.q.val();
        if self.markers.val() {
            self.total.d.next =
                self.fpdu.q.val() + (bit_cast::<16, 7>(self.count.count.val()) << 2);
        }
        self.payload.next = self.piece.q.val();
        self.last.next = self.ending.q.val();
        self.ulpdu.next = self.unit.q.val();
        self.octets.next = self.total.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_wire::mpa::stream::{Framer, Framing};
    use rand::Rng;

    //= rfc5044#4.5
    //= type=test
    #[test]
    fn agrees_with_the_software_framer() {
        let mut rng = rng(5041);
        let mut uut = SegmentSizer::default();
        crate::queue::elaborate("segment_sizer", &mut uut);
        for round in 0..500 {
            let mulpdu = [0, 64, 128, 129, 1442, 1454, 8954, 65_535, rng.random_range(0..9000)];
            let mulpdu: usize = mulpdu[rng.random_range(0..9)];
            let length: u32 = [0, 1, 1440, 5000, u32::MAX, rng.random()][rng.random_range(0..6)];
            let offset = length - [0, 1, 1440, length][rng.random_range(0..4)].min(length);
            let (to_stag, markers) = (rng.random(), rng.random());
            let position = 4 * rng.random_range(0..128_u64);
            uut.raw.next = false;
            uut.to_stag.next = to_stag;
            uut.length.next = u64::from(length).to_bits();
            uut.offset.next = u64::from(offset).to_bits();
            uut.mulpdu.next = (mulpdu as u64).to_bits();
            uut.markers.next = markers;
            uut.position.next = position.to_bits();
            for _ in 0..4 {
                tick!(uut);
            }
            let header = if to_stag { 14 } else { 18 };
            let room = mulpdu.clamp(MULPDU_FLOOR, mulpdu_ceiling(markers)) - header;
            let payload = room.min((length - offset) as usize);
            let framing = Framing { markers, crc: false };
            let mut framer = Framer::at(framing, position).expect("a multiple of four");
            let mut octets = vec![];
            framer.frame(&vec![0; header + payload], &mut octets).expect("short enough");
            assert_eq!(uut.payload.val().to_u64(), payload as u64, "round {round}");
            assert_eq!(uut.last.val(), payload == (length - offset) as usize, "round {round}");
            assert_eq!(uut.ulpdu.val().to_u64(), (header + payload) as u64, "round {round}");
            assert_eq!(uut.octets.val().to_u64(), octets.len() as u64, "round {round}");
        }
    }
}
