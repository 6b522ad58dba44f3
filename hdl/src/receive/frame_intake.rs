//! From the MAC to frames whose way is known.
use crate::control::records::ContextWrite;
use crate::receive::checksums::Checksums;
use crate::receive::flow_table::FlowTable;
use crate::receive::frame_queue::{FrameQueue, WAITING_BITS};
use crate::receive::notes::*;
use crate::receive::parser::Parser;
use crate::stream::*;
use rust_hdl::prelude::*;

/// ```text
///        +-> Parser -> FIFO -> FlowTable -+
/// mac ---+-> Checksums -------------------+--> FrameQueue -> frame, segment
///        +--------------------------------+
/// ```
#[derive(LogicBlock, Default)]
pub struct FrameIntake {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub mac_address: Signal<In, Bits<48>>,
    /// Frames from the MAC; always ready.
    pub mac: StreamSink<Beat>,
    /// See [`FrameQueue`].
    pub frame: Signal<Out, FrameBeat>,
    pub segment: Signal<Out, FrameHead>,
    pub segment_valid: Signal<Out, Bit>,
    /// A frame's first beat comes in this clock.
    pub starts: Signal<Out, Bit>,
    parser: Parser,
    heads: StreamFifo<FrameHead, WAITING_BITS>,
    flows: FlowTable,
    checksums: Checksums,
    queue: FrameQueue,
    in_packet: DFF<Bit>,
}

impl Logic for FrameIntake {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_packet);
        clock!(self, clock, parser, heads, flows, checksums, queue);
        self.mac.ready.next = true;
        if self.mac.valid.val() {
            self.in_packet.d.next = !self.mac.beat.val().last;
        }
        self.starts.next = self.mac.valid.val() & !self.in_packet.q.val();
        self.parser.mac_address.next = self.mac_address.val();
        self.parser.beat.next = self.mac.beat.val();
        self.parser.valid.next = self.mac.valid.val();
        self.checksums.beat.next = self.mac.beat.val();
        self.checksums.valid.next = self.mac.valid.val();
        self.queue.beat.next = self.mac.beat.val();
        self.queue.beat_valid.next = self.mac.valid.val();
        self.heads.sink.beat.next = self.parser.head.val();
        self.heads.sink.valid.next = self.parser.head_valid.val();
        self.flows.context_write.next = self.context_write.val();
        StreamSource::<FrameHead>::join(&mut self.heads.source, &mut self.flows.sink);
        StreamSource::<FrameHead>::join(&mut self.flows.source, &mut self.queue.head);
        self.queue.verdict.next = self.checksums.verdict.val();
        self.queue.verdict_valid.next = self.checksums.verdict_valid.val();
        self.frame.next = self.queue.frame.val();
        self.segment.next = self.queue.segment.val();
        self.segment_valid.next = self.queue.segment_valid.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench::{Segment, STATION};
    use crate::stream::bench::*;
    use rand::Rng;

    /// Segments take the flow table longest, and are then waited for by frames of a beat or two.
    #[test]
    fn keeps_frames_whole_without_a_pause_between_them() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = FrameIntake::default();
            uut.connect_all();
            let station = STATION.iter().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
            uut.mac_address.next = station.to_bits();
            let tiny = rng.random_range(0.0..1.0);
            let frames: Vec<Packet> = (0..300)
                .map(|_| {
                    let mut octets = Segment::of(1, rng.random(), &[]).frame();
                    if rng.random_bool(tiny) {
                        octets.truncate(rng.random_range(1..16));
                    } else {
                        octets.truncate(rng.random_range(54..=60));
                    }
                    Packet { octets, error: false }
                })
                .collect();
            let mut beats = dense(&frames).into_iter();
            let (mut seen, mut octets) = (vec![], Vec::<u8>::new());
            for _ in 0..3000 {
                let now = beats.next();
                uut.mac.valid.next = now.is_some();
                uut.mac.beat.next = now.unwrap_or_default();
                settle!(uut);
                let frame = uut.frame.val();
                if frame.valid {
                    assert_eq!(frame.first, octets.is_empty(), "SEED={seed}");
                    let bytes = frame.bytes.to_u64() as usize;
                    octets.extend(&frame.data.to_u64().to_le_bytes()[..bytes]);
                    if frame.last {
                        seen.push(std::mem::take(&mut octets));
                    }
                }
                edge!(uut);
            }
            let sent: Vec<Vec<u8>> = frames.into_iter().map(|frame| frame.octets).collect();
            assert_eq!(seen, sent, "SEED={seed}");
        }
    }
}
