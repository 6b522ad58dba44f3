//! Writes completion entries and interrupt messages, one at a time.
use super::entry_fate::EntryFate;
use super::entry_octets::EntryOctets;
use super::records::{Completion, CqRecord};
use crate::configuration::CqNumber;
use crate::control::records::{MsixMessage, QpEvent};
use crate::literal::Literal;
use crate::pcie::records::WriteRequest;
use crate::pins::Ports;
use crate::stream::beat::*;
use ironwarp_abi::context::CompletionQueueContext;
use ironwarp_abi::queue::{kind, CompletionEntry};
use rust_hdl::prelude::*;

/// Where the interrupt vector begins in the last word of a queue's context.
const VECTOR_BIT: usize = 8;
const _: () = {
    let vector = crate::memory::field(CompletionQueueContext::FIELDS, "vector");
    assert!(vector.bit() == VECTOR_BIT && vector.word() == 2);
};

/// What the writer does.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Writing {
    /// Chooses: a queue that was armed, a message, an entry.
    Idle,
    /// The queue's state and context are read.
    Read,
    /// They are there.
    Look,
    /// Hands the entry or message to the write engine.
    Send,
    /// Raises the interrupt.
    Tell,
}

/// Writes [`Completion`]s as `ironwarp_abi::queue::CompletionEntry` into their queue's ring, each
/// in one piece of 32 octets, and raises the queue's interrupt when it is armed and the write
/// engine has taken the entry, or when it is being armed and entries wait. A [`MsixMessage`]
/// becomes a write of four octets, behind the entries before it.
///
/// An entry is dropped if its life is over, and if its queue does not run, or was started or
/// stopped while it was looked up. What is chosen after a queue was stopped does not reach it; what
/// is on its way when it is stopped is out before a fence, which passes here as an entry, is told.
///
/// The entry that finds no place but the ring's last is lost: an entry of kind `OVERFLOW` takes the
/// place, and the queue takes nothing more until it is started again. Who loses an entry, then or
/// later, has ended: `overflow_event` says so, once in a life. Nothing that was not consumed is
/// ever overwritten. Nine clocks an entry if the write engine does not wait.
#[derive(LogicBlock, Ports, Default)]
pub struct EntryWriter {
    pub clock: Signal<In, Clock>,
    pub completion: StreamSink<Completion>,
    pub message: StreamSink<MsixMessage>,
    /// Queues that were armed.
    pub armed: StreamSink<CqNumber>,
    pub write: StreamSource<WriteRequest>,
    pub write_data: StreamSource<Beat>,
    pub interrupt: StreamSource<Bits<8>>,
    /// A queue pair has lost an entry; the completion queue that is told is not known here.
    pub overflow_event: StreamSource<QpEvent>,
    /// From the next clock on everything is about the queue `index` and the `entry`; what is known
    /// of the queue comes two clocks later.
    pub look: Signal<Out, Bit>,
    pub index: Signal<Out, CqNumber>,
    pub entry: Signal<Out, Completion>,
    /// The words of the queue's context.
    pub ring_low: Signal<In, Bits<32>>,
    pub ring_high: Signal<In, Bits<32>>,
    pub shape: Signal<In, Bits<32>>,
    /// See [`CqState`](super::cq_state::CqState).
    pub record: Signal<In, CqRecord>,
    pub used: Signal<In, Bits<16>>,
    pub runs: Signal<In, Bit>,
    pub asked: Signal<In, Bit>,
    pub disturbed: Signal<In, Bit>,
    pub keep: Signal<Out, Bit>,
    pub keep_record: Signal<Out, CqRecord>,
    /// See [`EntryLife`](super::entry_life::EntryLife).
    pub alive: Signal<In, Bit>,
    pub close: Signal<Out, Bit>,
    /// An entry went to the write engine.
    pub written: Signal<Out, Bit>,
    /// An interrupt message went to the write engine.
    pub interrupted: Signal<Out, Bit>,
    /// A queue has overflowed.
    pub overflow: Signal<Out, Bit>,
    /// A fence's entry went to the write engine, or nobody was there to read it.
    pub fence_told: Signal<Out, Bit>,
    fate: EntryFate,
    octets: EntryOctets,
    state: DFF<Writing>,
    held: DFF<Completion>,
    cq: DFF<CqNumber>,
    checking: DFF<Bit>,
    is_message: DFF<Bit>,
    is_fence: DFF<Bit>,
    request: DFF<WriteRequest>,
    request_left: DFF<Bit>,
    data_left: DFF<Bit>,
    beat: DFF<Bits<2>>,
    word: DFF<Bits<32>>,
    phase: DFF<Bit>,
    vector: DFF<Bits<8>>,
    kept: DFF<CqRecord>,
    idle: Signal<Local, Bit>,
    known: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    lost: Signal<Local, Bit>,
    tells: Signal<Local, Bit>,
    is_event: Signal<Local, Bit>,
    fence_kind: Literal<8, { kind::FENCE as u64 }>,
    event_kind: Literal<8, { kind::EVENT as u64 }>,
    entry_octets: Literal<16, { CompletionEntry::BYTES as u64 }>,
    message_octets: Literal<16, 4>,
    beat_one: Literal<2, 1>,
}

impl Logic for EntryWriter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, held, cq, checking, is_message, is_fence, request);
        dff_setup!(self, clock, request_left, data_left, beat, word, phase, vector, kept);
        // Who is next.
        self.idle.next = self.state.q.val() == Writing::Idle;
        self.armed.ready.next = self.idle.val();
        self.message.ready.next = self.idle.val() & !self.armed.valid.val();
        self.completion.ready.next =
            self.idle.val() & !self.armed.valid.val() & !self.message.valid.val();
        self.look.next = self.idle.val();
        self.entry.next = self.completion.beat.val();
        self.index.next = self.completion.beat.val().cq;
        if self.armed.valid.val() {
            self.index.next = self.armed.beat.val();
        }
        if !self.idle.val() {
            self.entry.next = self.held.q.val();
            self.index.next = self.cq.q.val();
        }

        // Its queue.
        self.fate.ring_low.next = self.ring_low.val();
        self.fate.ring_high.next = self.ring_high.val();
        self.fate.shape.next = self.shape.val();
        self.fate.record.next = self.record.val();
        self.fate.used.next = self.used.val();
        self.fate.entry.next = self.held.q.val();
        self.known.next = self.runs.val() & !self.disturbed.val();
        self.takes.next = (self.state.q.val() == Writing::Look)
            & !self.checking.q.val()
            & self.known.val()
            & self.alive.val();
        self.is_event.next = self.held.q.val().kind == self.event_kind.val();
        self.lost.next = self.fate.lost.val();
        self.tells.next =
            self.takes.val() & self.lost.val() & !self.is_fence.q.val() & !self.is_event.val();
        self.overflow_event.valid.next = self.tells.val();
        self.overflow_event.beat.next = self.fate.loss.val();
        self.keep.next = false;
        self.keep_record.next = self.kept.q.val();
        self.close.next = false;
        self.written.next = false;
        self.interrupted.next = false;
        self.overflow.next = false;
        self.fence_told.next = false;

        // What is written.
        self.octets.entry.next = self.held.q.val();
        self.octets.phase.next = self.phase.q.val();
        self.octets.number.next = self.beat.q.val();
        self.octets.is_message.next = self.is_message.q.val();
        self.octets.word.next = self.word.q.val();
        self.write.beat.next = self.request.q.val();
        self.write.valid.next = self.request_left.q.val();
        self.write_data.valid.next = self.data_left.q.val();
        self.write_data.beat.next = self.octets.beat.val();
        self.interrupt.beat.next = self.vector.q.val();
        self.interrupt.valid.next = self.state.q.val() == Writing::Tell;

        match self.state.q.val() {
            Writing::Idle => {
                self.beat.d.next = 0.into();
                self.cq.d.next = self.index.val();
                self.checking.d.next = self.armed.valid.val();
                self.is_message.d.next = false;
                self.is_fence.d.next = self.completion.beat.val().kind == self.fence_kind.val();
                self.held.d.next = self.completion.beat.val();
                if self.armed.valid.val() {
                    self.state.d.next = Writing::Read;
                } else if self.message.valid.val() {
                    self.is_message.d.next = true;
                    self.word.d.next = self.message.beat.val().data;
                    self.request.d.next.address = self.message.beat.val().address;
                    self.request.d.next.bytes = self.message_octets.val();
                    self.request_left.d.next = true;
                    self.data_left.d.next = true;
                    self.state.d.next = Writing::Send;
                } else if self.completion.valid.val() {
                    self.state.d.next = Writing::Read;
                }
            }
            Writing::Read => {
                self.state.d.next = Writing::Look;
            }
            Writing::Look => {
                self.vector.d.next = self.shape.val().get_bits::<8>(8);
                self.phase.d.next = self.fate.phase.val();
                self.request.d.next.address = self.fate.address.val();
                self.request.d.next.bytes = self.entry_octets.val();
                self.kept.d.next = self.record.val();
                self.keep_record.next = self.record.val();
                self.state.d.next = Writing::Idle;
                if self.checking.q.val() {
                    if self.known.val() & self.asked.val() {
                        self.keep.next = true;
                        self.keep_record.next.armed = !self.used.val().any();
                        if self.used.val().any() {
                            self.state.d.next = Writing::Tell;
                        }
                    }
                } else if !self.takes.val() {
                    self.fence_told.next = self.is_fence.q.val();
                } else if self.tells.val() & !self.overflow_event.ready.val() {
                    self.state.d.next = Writing::Look;
                } else {
                    self.close.next =
                        self.is_event.val() | (self.lost.val() & !self.is_fence.q.val());
                    if self.record.val().overflowed {
                        self.fence_told.next = self.is_fence.q.val();
                    } else {
                        self.keep.next = true;
                        self.keep_record.next = self.fate.after.val();
                        self.kept.d.next = self.fate.after.val();
                        self.held.d.next = self.fate.written.val();
                        self.overflow.next = self.lost.val();
                        self.request_left.d.next = true;
                        self.data_left.d.next = true;
                        self.state.d.next = Writing::Send;
                    }
                }
            }
            Writing::Send => {
                if self.write.ready.val() {
                    self.request_left.d.next = false;
                }
                if self.data_left.q.val() & self.write_data.ready.val() {
                    self.beat.d.next = self.beat.q.val() + self.beat_one.val();
                    self.data_left.d.next = !self.is_message.q.val() & (self.beat.q.val() != 3);
                }
                if !self.request_left.q.val() & !self.data_left.q.val() {
                    self.state.d.next = Writing::Idle;
                    self.written.next = !self.is_message.q.val();
                    self.interrupted.next = self.is_message.q.val();
                    if !self.is_message.q.val() {
                        self.fence_told.next = self.is_fence.q.val();
                        if self.kept.q.val().armed & !self.disturbed.val() {
                            self.keep.next = true;
                            self.keep_record.next.armed = false;
                            self.state.d.next = Writing::Tell;
                        }
                    }
                }
            }
            Writing::Tell => {
                if self.interrupt.ready.val() {
                    self.state.d.next = Writing::Idle;
                }
            }
        }
    }
}
