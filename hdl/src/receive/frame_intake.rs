//! From the MAC to frames whose way is known.
use crate::control::records::ContextWrite;
use crate::life::QpChange;
use crate::literal::Literal;
use crate::mac::overflow_guard::OverflowGuard;
use crate::pins::Ports;
use crate::receive::checksums::Checksums;
use crate::receive::flow_hash::FlowHash;
use crate::receive::flow_table::FlowTable;
use crate::receive::frame_queue::{FrameQueue, WAITING_BITS};
use crate::receive::notes::*;
use crate::receive::parser::Parser;
use crate::stream::*;
use ironwarp_abi::limits::FLOW_KEY_BITS;
use rust_hdl::prelude::*;

/// ```text
///          +-> Parser, FlowHash -> FIFO -> FlowTable -+
/// mac -> guard --> Checksums -------------------------+--> FrameQueue -> frame, segment
///          +------------------------------------------+
/// ```
/// Nobody can stop the frames. Where the flow table is slow, for the host has made a long list, the
/// guard drops what there is no room for, and keeps the rest whole.
#[derive(LogicBlock, Ports, Default)]
pub struct FrameIntake {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub mac_address: Signal<In, Bits<48>>,
    /// The key of the flow table's hash.
    pub flow_key: Signal<In, Bits<FLOW_KEY_BITS>>,
    /// Frames from the MAC; always ready.
    pub mac: StreamSink<Beat>,
    /// See [`FrameQueue`].
    pub frame: Signal<Out, FrameBeat>,
    pub segment: Signal<Out, FrameHead>,
    pub segment_valid: Signal<Out, Bit>,
    /// A frame's first beat comes in this clock.
    pub starts: Signal<Out, Bit>,
    /// There was no room for a frame, or for several in a row.
    pub overflow: Signal<Out, Bit>,
    guard: OverflowGuard,
    parser: Parser,
    hash: FlowHash,
    heads: StreamFifo<FrameHead, WAITING_BITS>,
    flows: FlowTable,
    checksums: Checksums,
    queue: FrameQueue,
    in_packet: DFF<Bit>,
    /// Frames that have begun to come and not left.
    under_way: DFF<Bits<{ WAITING_BITS + 1 }>>,
    lost: DFF<Bit>,
    moves: Signal<Local, Bit>,
    enters: Signal<Local, Bit>,
    leaves: Signal<Local, Bit>,
    one: Literal<{ WAITING_BITS + 1 }, 1>,
    most: Literal<{ WAITING_BITS + 1 }, { 1 << WAITING_BITS }>,
}

impl Logic for FrameIntake {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_packet, under_way, lost);
        clock!(self, clock, guard, parser, hash, heads, flows, checksums, queue);
        self.mac.ready.next = true;
        self.guard.beat.next = self.mac.beat.val();
        self.guard.beat_valid.next = self.mac.valid.val();
        self.guard.source.ready.next = self.queue.beat_ready.val()
            & (self.in_packet.q.val() | (self.under_way.q.val() != self.most.val()));
        self.lost.d.next = self.guard.overflow.val();
        self.overflow.next = self.lost.q.val();
        self.moves.next = self.guard.source.valid.val() & self.guard.source.ready.val();
        if self.moves.val() {
            self.in_packet.d.next = !self.guard.source.beat.val().last;
        }
        self.enters.next = self.moves.val() & !self.in_packet.q.val();
        self.leaves.next = self.queue.frame.val().valid & self.queue.frame.val().last;
        if self.enters.val() & !self.leaves.val() {
            self.under_way.d.next = self.under_way.q.val() + self.one.val();
        }
        if !self.enters.val() & self.leaves.val() {
            self.under_way.d.next = self.under_way.q.val() - self.one.val();
        }
        self.starts.next = self.enters.val();

        self.parser.mac_address.next = self.mac_address.val();
        self.parser.beat.next = self.guard.source.beat.val();
        self.parser.valid.next = self.moves.val();
        self.checksums.beat.next = self.guard.source.beat.val();
        self.checksums.valid.next = self.moves.val();
        self.queue.beat.next = self.guard.source.beat.val();
        self.queue.beat_valid.next = self.moves.val();
        // The parser has a segment's addresses and ports two beats before its head is whole.
        self.hash.key.next = self.flow_key.val();
        self.hash.head.next = self.parser.head.val();
        self.heads.sink.beat.next = self.parser.head.val();
        self.heads.sink.beat.next.bucket = self.hash.bucket.val();
        self.heads.sink.valid.next = self.parser.head_valid.val();
        self.flows.context_write.next = self.context_write.val();
        self.flows.change.next = self.change.val();
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
    use crate::configuration::{CONFIGURATION, QP_COUNT};
    use crate::receive::bench::{Segment, STATION};
    use crate::receive::bench_control::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::{table, FlowContext};
    use rand::Rng;

    fn station() -> Bits<48> {
        STATION.iter().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet)).to_bits()
    }

    /// Sends frames with so many clocks between them, and gives those that come out, each with what
    /// the MAC said of it; and how often there was no room.
    fn pass(uut: &mut FrameIntake, frames: &[Packet], gap: usize) -> (Vec<(Vec<u8>, bool)>, usize) {
        let mut beats = dense(frames).into_iter().flat_map(|beat| {
            let pause = if beat.last { gap } else { 0 };
            std::iter::once(Some(beat)).chain(std::iter::repeat_n(None, pause))
        });
        let (mut seen, mut octets, mut lost, mut idle) = (vec![], Vec::<u8>::new(), 0, 0);
        while idle < 200 + 2 * QP_COUNT {
            let now = beats.next().flatten();
            uut.mac.valid.next = now.is_some();
            uut.mac.beat.next = now.unwrap_or_default();
            settle!(*uut);
            idle = if now.is_some() { 0 } else { idle + 1 };
            lost += usize::from(uut.overflow.val());
            let frame = uut.frame.val();
            if frame.valid {
                idle = 0;
                assert_eq!(frame.first, octets.is_empty());
                let bytes = frame.bytes.to_u64() as usize;
                octets.extend(&frame.data.to_u64().to_le_bytes()[..bytes]);
                if frame.last {
                    seen.push((std::mem::take(&mut octets), frame.intact));
                }
            }
            edge!(*uut);
        }
        (seen, lost)
    }

    /// Segments take the flow table longest, and are then waited for by frames of a beat or two.
    #[test]
    fn keeps_frames_whole_without_a_pause_between_them() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = FrameIntake::default();
            uut.connect_all();
            uut.mac_address.next = station();
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
            let (seen, lost) = pass(&mut uut, &frames, 0);
            let sent: Vec<_> = frames.into_iter().map(|frame| (frame.octets, true)).collect();
            assert_eq!(seen, sent, "SEED={seed}");
            assert_eq!(lost, 0, "SEED={seed}");
        }
    }

    /// A list without an end, which a host may make, costs frames, and no frame its wholeness.
    #[test]
    fn a_list_without_an_end_costs_whole_frames() {
        let mut rng = rng(4);
        let mut uut = FrameIntake::default();
        uut.connect_all();
        uut.mac_address.next = station();
        for bucket in 0..CONFIGURATION.bucket_count() {
            commit!(uut, table::FLOW_BUCKET, bucket, &[1]);
        }
        for (qp, next) in [(1, 2), (2, 1)] {
            let flow = FlowContext { next, valid: true, ..Default::default() };
            commit!(uut, table::FLOW, qp, &flow.to_words());
        }
        let frames: Vec<Packet> = (0..300)
            .map(|_| {
                let payload = vec![rng.random(); rng.random_range(0..300)];
                let octets = Segment::of(1, rng.random(), &payload).frame();
                Packet { octets, error: false }
            })
            .collect();
        let (seen, lost) = pass(&mut uut, &frames, 3);
        let mut sent = frames.iter();
        for (octets, _) in seen.iter().filter(|(_, intact)| *intact) {
            assert!(sent.any(|frame| frame.octets == *octets), "a frame that was not sent");
        }
        let whole = seen.iter().filter(|(_, intact)| *intact).count();
        assert!(whole > 2 && seen.len() - whole <= lost, "{whole} of {}, {lost}", seen.len());
        assert!(whole == frames.len() || lost > 0);
        // It goes on when the list has an end again.
        commit!(uut, table::FLOW, 2, &FlowContext::default().to_words());
        let (seen, lost) = pass(&mut uut, &frames[..20], 3);
        assert_eq!((seen.iter().filter(|(_, intact)| *intact).count(), lost), (20, 0));
    }
}
