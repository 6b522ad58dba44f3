//! Writes frames into the rings while they come in, and makes them count when they were good.
//!
//! ```text
//! frame ----> stage ----> ring write: octet n of the frame goes to position origin + n
//!               |
//! segment -> Acceptance -> decision: origin, which octets, what to do at the last beat
//!
//! last beat:  good -> RCV.NXT moves, the stream has grown, acknowledge
//!             bad  -> nothing has happened: what was written lies beyond RCV.NXT
//! ```
use crate::configuration::{QpNumber, STREAM_RING_BITS};
use crate::control::records::ContextWrite;
use crate::life::{Life, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::acceptance::Acceptance;
use crate::receive::frame_check::FrameCheck;
use crate::receive::notes::*;
use crate::receive::octet_mask::OctetMask;
use crate::receive::raw_ring::RawRing;
use crate::receive::records::Acknowledgement;
use crate::receive::ring_sizes::{RingPosition, LONGEST_FRAME};
use ironwarp_wire::tcp;
use rust_hdl::prelude::*;

/// The numbers of the pulses in [`TcpReceive::counts`].
pub mod frame_count {
    /// Frames that ended.
    pub const RECEIVED: usize = 0;
    /// Frames with a bad check sequence, checksum or length.
    pub const BAD: usize = 1;
    /// Frames for another station.
    pub const FOREIGN: usize = 2;
    /// Frames for which no room was left.
    pub const NO_ROOM: usize = 3;
    /// Raw frames while queue pair 0 is stopped.
    pub const RAW_NO_BUFFER: usize = 4;
    /// Segments that were not the next in sequence.
    pub const OUT_OF_ORDER: usize = 5;
    /// Segments taken.
    pub const ACCEPTED: usize = 6;
}

/// The receiving half of TCP: takes what is next in sequence, and has everything else told.
///
/// All outputs are registered; each record means something only with its `_valid`, for one clock,
/// and whoever it is for must take it.
#[derive(LogicBlock, Ports, Default)]
pub struct TcpReceive {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub taken: Signal<In, StreamTaken>,
    /// Frames, from the [`FrameQueue`](crate::receive::frame_queue::FrameQueue).
    pub frame: Signal<In, FrameBeat>,
    pub segment: Signal<In, FrameHead>,
    pub segment_valid: Signal<In, Bit>,
    // To the ring.
    pub write_qp: Signal<Out, QpNumber>,
    pub write_at: Signal<Out, RingPosition>,
    pub write_data: Signal<Out, Bits<64>>,
    pub write_mask: Signal<Out, Bits<8>>,
    /// A stream has grown.
    pub grown: Signal<Out, StreamGrown>,
    /// A raw frame is complete in ring 0.
    pub raw: Signal<Out, RawFrame>,
    pub raw_valid: Signal<Out, Bit>,
    /// There is a place for the length of another raw frame.
    pub raw_ready: Signal<In, Bit>,
    pub note: Signal<Out, EdgeNote>,
    pub note_valid: Signal<Out, Bit>,
    pub acknowledgement: Signal<Out, Acknowledgement>,
    pub acknowledgement_valid: Signal<Out, Bit>,
    pub peer_reset: Signal<Out, PeerReset>,
    /// Pulses: [`frame_count`].
    pub counts: Signal<Out, Bits<7>>,
    acceptance: Acceptance,
    octets: OctetMask,
    check: FrameCheck,
    lives: LifeWatch,
    /// Queue pair 0's life.
    raw_life: DFF<Life>,
    stage: DFF<FrameBeat>,
    offset: DFF<Bits<16>>,
    raw_ring: RawRing,
    ring_qp: DFF<QpNumber>,
    ring_at: DFF<RingPosition>,
    ring_data: DFF<Bits<64>>,
    ring_mask: DFF<Bits<8>>,
    growth: DFF<StreamGrown>,
    raw_frame: DFF<RawFrame>,
    /// Octets of the frame up to the end of `stage`.
    octets_now: DFF<Bits<16>>,
    offset_next: Signal<Local, Bits<16>>,
    raw_done: DFF<Bit>,
    told: DFF<EdgeNote>,
    told_valid: DFF<Bit>,
    ack: DFF<Acknowledgement>,
    ack_valid: DFF<Bit>,
    dead: DFF<PeerReset>,
    count: DFF<Bits<7>>,
    is_raw: Signal<Local, Bit>,
    is_segment: Signal<Local, Bit>,
    origin: Signal<Local, RingPosition>,
    low: Signal<Local, Bits<16>>,
    high: Signal<Local, Bits<16>>,
    total: Signal<Local, Bits<16>>,
    ends: Signal<Local, Bit>,
    /// The segment's queue pair is started, and active, in the life in which the segment came.
    started: Signal<Local, Bit>,
    live: Signal<Local, Bit>,
    commit: Signal<Local, Bit>,
    acknowledges: Signal<Local, Bit>,
    pulses: Signal<Local, Bits<7>>,
    raw_way: Literal<2, { way::RAW }>,
    segment_way: Literal<2, { way::SEGMENT }>,
    takes_number: Literal<8, { (tcp::SYN | tcp::FIN) as u64 }>,
    eight: Literal<16, 8>,
    longest: Literal<16, LONGEST_FRAME>,
}

impl Logic for TcpReceive {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, stage, offset, raw_frame, raw_done, raw_life);
        dff_setup!(self, clock, ring_qp, ring_at, ring_data, ring_mask, growth, octets_now);
        dff_setup!(self, clock, told, told_valid, ack, ack_valid, dead, count);
        clock!(self, clock, acceptance, lives, raw_ring);
        self.acceptance.context_write.next = self.context_write.val();
        self.acceptance.change.next = self.change.val();
        self.acceptance.taken.next = self.taken.val();
        self.acceptance.head.next = self.segment.val();
        self.acceptance.ask.next = self.segment_valid.val();

        // A change in the very clock of a segment's end counts already.
        self.lives.change.next = self.change.val();
        self.lives.look.next = self.segment_valid.val();
        self.lives.qp.next = self.segment.val().qp;
        self.started.next = self.lives.life_now.val().started
            & (self.lives.life_now.val().generation == self.segment.val().generation);
        self.live.next = self.started.val() & self.lives.life_now.val().active;
        if self.change.val().valid & !self.change.val().qp.any() {
            self.raw_life.d.next.generation = self.change.val().generation;
            self.raw_life.d.next.started = self.change.val().started;
            self.raw_life.d.next.active = self.change.val().active;
        }

        self.stage.d.next = self.frame.val();
        self.offset_next.next = self.offset.q.val();
        if self.frame.val().valid {
            if self.frame.val().first {
                self.offset_next.next = 0.into();
            } else if !self.offset.q.val().get_bit(15) {
                self.offset_next.next = self.offset.q.val() + self.eight.val();
            }
        }
        self.offset.d.next = self.offset_next.val();
        self.octets_now.d.next = self.offset_next.val() + bit_cast::<16, 4>(self.frame.val().bytes);
        self.raw_ring.taken.next = self.taken.val();
        self.raw_ring.beat.next = self.stage.q.val().valid;
        self.raw_ring.first.next = self.stage.q.val().first;
        self.raw_ring.octets.next = self.octets_now.q.val();

        // Which octets of the beat go to the ring: those from `low` to before `high`.
        self.is_raw.next = self.stage.q.val().way == self.raw_way.val();
        self.is_segment.next = self.stage.q.val().way == self.segment_way.val();
        self.origin.next = self.acceptance.decision.val().origin;
        self.low.next = self.acceptance.decision.val().low;
        self.high.next = self.acceptance.decision.val().high;
        if self.is_raw.val() {
            self.origin.next = bit_cast::<STREAM_RING_BITS, 32>(self.raw_ring.start.val());
            self.low.next = 0.into();
            self.high.next = self.longest.val();
        }
        self.octets.offset.next = self.offset.q.val();
        self.octets.low.next = self.low.val();
        self.octets.high.next = self.high.val();
        self.ring_at.d.next =
            self.origin.val() + bit_cast::<STREAM_RING_BITS, 16>(self.offset.q.val());
        self.ring_data.d.next = self.stage.q.val().data;
        self.ring_qp.d.next = self.acceptance.decision.val().qp;
        if self.is_raw.val() {
            self.ring_qp.d.next = 0.into();
        }
        self.ring_mask.d.next = 0.into();
        if self.stage.q.val().valid
            & ((self.is_raw.val() & self.raw_ring.fits.val())
                | (self.is_segment.val() & self.acceptance.decision.val().accept))
        {
            self.ring_mask.d.next = self.octets.mask.val();
        }

        // The last beat: what the frame was good for.
        self.total.next = self.octets_now.q.val();
        self.ends.next = self.stage.q.val().valid & self.stage.q.val().last;
        self.pulses.next = 0.into();
        self.commit.next = false;
        self.acknowledges.next = false;
        self.check.frame.next = self.stage.q.val();
        self.check.octets.next = self.total.val();
        self.raw_done.d.next = false;
        self.raw_ring.done.next = false;
        self.raw_frame.d.next.generation = self.raw_life.q.val().generation;
        self.raw_frame.d.next.octets = self.total.val();
        if self.ends.val() {
            self.pulses.next = self.pulses.val().replace_bit(0, true);
            if self.check.bad.val() {
                self.pulses.next = self.pulses.val().replace_bit(1, true);
            } else if self.check.foreign.val() {
                self.pulses.next = self.pulses.val().replace_bit(2, true);
            } else if self.is_segment.val() {
                self.acknowledges.next = self.started.val();
                self.commit.next = self.live.val();
            } else if !self.raw_life.q.val().active {
                self.pulses.next = self.pulses.val().replace_bit(4, true);
            } else if !self.raw_ring.fits.val() | !self.raw_ready.val() {
                self.pulses.next = self.pulses.val().replace_bit(3, true);
            } else {
                self.raw_done.d.next = true;
                self.raw_ring.done.next = true;
            }
        }
        self.acceptance.commit.next = self.commit.val();
        if self.commit.val() {
            if self.acceptance.decision.val().no_room {
                self.pulses.next = self.pulses.val().replace_bit(3, true);
            }
            if self.acceptance.decision.val().out_of_order {
                self.pulses.next = self.pulses.val().replace_bit(5, true);
            }
            if self.acceptance.decision.val().accept {
                self.pulses.next = self.pulses.val().replace_bit(6, true);
            }
        }
        self.count.d.next = self.pulses.val();
        self.growth.d.next.valid = self.commit.val() & self.acceptance.decision.val().accept;
        self.growth.d.next.qp = self.acceptance.decision.val().qp;
        self.growth.d.next.end = self.acceptance.decision.val().end;
        self.growth.d.next.finished = self.acceptance.decision.val().finish;
        self.told_valid.d.next = self.commit.val() & self.acceptance.decision.val().acknowledge;
        self.told.d.next.qp = self.acceptance.decision.val().qp;
        self.told.d.next.generation = self.segment.val().generation;
        self.told.d.next.expected = self.acceptance.decision.val().expected;
        self.told.d.next.acknowledge = true;
        self.ack_valid.d.next = self.acknowledges.val() & self.acceptance.decision.val().forward;
        self.ack.d.next.qp = self.acceptance.decision.val().qp;
        self.ack.d.next.generation = self.segment.val().generation;
        self.ack.d.next.sequence = self.segment.val().sequence;
        self.ack.d.next.number = self.segment.val().acknowledgement;
        self.ack.d.next.window = self.segment.val().window;
        self.ack.d.next.bare = !self.segment.val().payload.any()
            & !(self.segment.val().flags & self.takes_number.val()).any();
        self.dead.d.next.valid = self.commit.val() & self.acceptance.decision.val().reset;
        self.dead.d.next.qp = self.acceptance.decision.val().qp;
        self.dead.d.next.generation = self.segment.val().generation;
        self.dead.d.next.expected = self.acceptance.decision.val().expected;

        self.write_qp.next = self.ring_qp.q.val();
        self.write_at.next = self.ring_at.q.val();
        self.write_data.next = self.ring_data.q.val();
        self.write_mask.next = self.ring_mask.q.val();
        self.grown.next = self.growth.q.val();
        self.raw.next = self.raw_frame.q.val();
        self.raw_valid.next = self.raw_done.q.val();
        self.note.next = self.told.q.val();
        self.note_valid.next = self.told_valid.q.val();
        self.acknowledgement.next = self.ack.q.val();
        self.acknowledgement_valid.next = self.ack_valid.q.val();
        self.peer_reset.next = self.dead.q.val();
        self.counts.next = self.count.q.val();
    }
}
