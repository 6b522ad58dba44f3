//! Says which queue pair is looked at next, and what it may send.
use crate::configuration::QpNumber;
use crate::life::{LifeFilter, LifeTable, QpChange};
use crate::literal::Literal;
use crate::pins::Ports;
use crate::queue::{NoteMerge, QpNote, QueueEntry, ReadyList};
use crate::receive::records::Opened;
use crate::stream::*;
use crate::transmit::records::*;
use ironwarp_abi::queue::opcode;
use rust_hdl::prelude::*;

/// Round robin over the queue pairs that may have something to send: those about which there was
/// news, and those that have just sent.
///
/// ```text
/// read done, opened, room for      +-----------+     +-----------+
/// what is outstanding, again,  --->| NoteMerge |---->| ReadyList |----> candidate
/// arrived, asked, moved            +-----------+     +-----------+       |
///            turn, opened: LifeTables <----------------- qp -------------+
/// ```
/// Who takes a number looks everything up, and sends a segment or lets the queue pair go: whatever
/// could change the answer is news. A message once begun is finished; then work requests and Read
/// Responses take turns, work requests first. New work requests wait while there is no room for
/// what is outstanding, or for an RDMA Read to be done; Read Responses do not. Nothing is sent
/// before it is allowed (RFC 5044 s. 7.1.2 rule 4), nor after an error. What is sent again comes
/// first, in the order of the log.
#[derive(LogicBlock, Ports, Default)]
pub struct Scheduler {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    /// An RDMA Read is done: at most every other clock.
    pub read_done: Signal<In, QpNote>,
    /// The peer's FPDU that allows to send has come; only the first of a life is news.
    pub opened: Signal<In, Opened>,
    /// There is room again for what is outstanding.
    pub uncrowded: Signal<In, QpNote>,
    pub roomy: Signal<In, QpNote>,
    /// Octets of a queue pair are lost, if `lost_free`.
    pub lost: Signal<In, QpNote>,
    pub lost_free: Signal<Out, Bit>,
    /// A segment is sent: there may be another one. The number may come while it is still at work.
    pub again: Signal<In, QpNote>,
    /// Work requests have arrived.
    pub arrived: Signal<In, QpNote>,
    /// A Read Request of the peer has come, if `asked_free`.
    pub asked: Signal<In, QpNote>,
    pub asked_free: Signal<Out, Bit>,
    /// The peer has acknowledged or moved its window, if `moved_free`.
    pub moved: Signal<In, QpNote>,
    pub moved_free: Signal<Out, Bit>,
    /// The next queue pair to look at.
    pub candidate: StreamSource<QpNumber>,

    /// A queue pair: the next ones are about it.
    pub qp: Signal<In, QpNumber>,
    /// A clock later: it must await the peer's first FPDU; it may have RDMA Reads outstanding,
    pub awaits: Signal<In, Bit>,
    pub reads: Signal<In, Bit>,
    /// and one more of them now; it may have no more work requests outstanding.
    pub read_room: Signal<In, Bit>,
    pub crowded: Signal<In, Bit>,
    /// its log is full, or else it sends messages of the log again.
    pub full: Signal<In, Bit>,
    pub replaying: Signal<In, Bit>,
    /// Two clocks later: its oldest work request, if it has one; it has a Read Request to answer.
    pub head: Signal<In, QueueEntry>,
    pub head_available: Signal<In, Bit>,
    pub asked_available: Signal<In, Bit>,
    /// The message that it sends again is a work request's.
    pub replays_posted: Signal<In, Bit>,
    /// In the same clock: something may be sent, and it is a Read Response.
    pub go: Signal<Out, Bit>,
    pub respond: Signal<Out, Bit>,
    /// The record of `qp` from now on: not after a change since it was read.
    pub write: Signal<In, Bit>,
    pub following: Signal<In, Turn>,

    notes: NoteMerge<9>,
    list: ReadyList,
    filter: LifeFilter,
    turns: LifeTable<Turn>,
    openings: LifeTable<Bit>,
    openings_seen: LifeTable<Bit>,
    /// A valid FPDU has come in the present life: the first?
    opens: DFF<QpNote>,
    /// What was found a clock after `qp`.
    opened_up: DFF<Bit>,
    room: DFF<Bit>,
    space: DFF<Bit>,
    log_room: DFF<Bit>,
    replays: DFF<Bit>,
    current: DFF<Turn>,
    control: Signal<Local, Bits<32>>,
    waits: Signal<Local, Bit>,
    sends: Signal<Local, Bit>,
    op_read: Literal<8, { opcode::READ as u64 }>,
}

impl Logic for Scheduler {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, opens, opened_up, room, space, log_room, replays, current);
        clock!(self, clock, notes, list, filter, turns, openings, openings_seen);
        self.list.change.next = self.change.val();
        self.turns.change.next = self.change.val();
        self.openings.change.next = self.change.val();
        self.openings_seen.change.next = self.change.val();

        // The news. The makers that cannot wait come first.
        self.notes.notes[0].next = self.read_done.val();
        self.notes.notes[1].next.valid =
            self.opens.q.val().valid & !self.openings_seen.read_record.val();
        self.notes.notes[1].next.qp = self.opens.q.val().qp;
        self.notes.notes[2].next = self.uncrowded.val();
        self.notes.notes[3].next = self.roomy.val();
        self.notes.notes[4].next = self.again.val();
        self.notes.notes[5].next = self.arrived.val();
        self.notes.notes[6].next = self.asked.val();
        self.notes.notes[7].next = self.moved.val();
        self.notes.notes[8].next = self.lost.val();
        self.asked_free.next = self.notes.free[6].val();
        self.moved_free.next = self.notes.free[7].val();
        self.lost_free.next = self.notes.free[8].val();
        StreamSource::<QpNumber>::join(&mut self.notes.source, &mut self.list.put);
        self.candidate.beat.next = self.list.first.beat.val();
        self.candidate.valid.next = self.list.first.valid.val();
        self.list.first.ready.next = self.candidate.ready.val();

        // The peer's first FPDU.
        self.filter.change.next = self.change.val();
        self.filter.valid.next = self.opened.val().valid;
        self.filter.qp.next = self.opened.val().qp;
        self.filter.generation.next = self.opened.val().generation;
        self.opens.d.next.valid = self.filter.lives.val();
        self.opens.d.next.qp = self.filter.lives_qp.val();
        self.openings_seen.read_qp.next = self.filter.lives_qp.val();
        self.openings.write.next = self.filter.lives.val();
        self.openings.write_qp.next = self.filter.lives_qp.val();
        self.openings.write_record.next = true;
        // In the next clock, so that `read_record` is from before.
        self.openings_seen.write.next = self.opens.q.val().valid;
        self.openings_seen.write_qp.next = self.opens.q.val().qp;
        self.openings_seen.write_record.next = true;

        // Whose turn it is. An RDMA Read too many waits, unless there can be none at all.
        self.turns.read_qp.next = self.qp.val();
        self.openings.read_qp.next = self.qp.val();
        self.turns.write.next = self.write.val();
        self.turns.write_qp.next = self.qp.val();
        self.turns.write_record.next = self.following.val();
        self.current.d.next = self.turns.read_record.val();
        self.opened_up.d.next = self.openings.read_record.val() | !self.awaits.val();
        self.room.d.next = self.read_room.val() | !self.reads.val();
        self.space.d.next = !self.crowded.val();
        self.log_room.d.next = !self.full.val();
        self.replays.d.next = self.replaying.val();
        self.control.next = self.head.val().control;
        self.waits.next =
            (self.control.val().get_bits::<8>(0) == self.op_read.val()) & !self.room.q.val();
        self.sends.next = self.head_available.val() & self.space.q.val() & !self.waits.val();
        self.respond.next =
            self.asked_available.val() & !(self.sends.val() & !self.current.q.val().posted);
        self.go.next =
            (self.sends.val() | self.asked_available.val()) & self.log_room.q.val();
        if self.current.q.val().begun {
            self.respond.next = !self.current.q.val().posted;
        }
        // What is sent again was allowed before.
        if self.replays.q.val() {
            self.respond.next = !self.replays_posted.val();
        }
        if self.current.q.val().begun | self.replays.q.val() {
            self.go.next = self.head_available.val();
            if self.respond.val() {
                self.go.next = self.asked_available.val();
            }
        }
        if self.current.q.val().failed | !self.opened_up.q.val() {
            self.go.next = false;
        }
    }
}
