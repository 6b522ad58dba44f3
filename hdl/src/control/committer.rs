//! Takes a record out of the context window, whole, if the device can have it.
use super::copy_order::CopyOrder;
use super::record_masks::{RecordMasks, RecordWord};
use super::records::{CommitCommand, ContextWrite, CqCommand, PageWrite, Wipe, EVERY_TABLE};
use super::region_check::RegionCheck;
use crate::configuration::*;
use crate::literal::Literal;
use crate::memory::{field, DualPortRam, Table};
use crate::pins::Ports;
use ironwarp_abi::context::*;
use ironwarp_abi::limits::{NUMBER_BITS, QUEUE_BITS_MAX};
use ironwarp_abi::registers::CONTEXT_WINDOW_WORDS;
use rust_hdl::prelude::*;

/// The width of a count of objects.
const COUNT_BITS: usize = NUMBER_BITS + 1;
/// The width of the number of a word in the window.
const WORD_BITS: usize = 5;

const _: () = {
    assert!(CONTEXT_WINDOW_WORDS == 1 << WORD_BITS);
    let region = field(MemoryRegionContext::FIELDS, "valid");
    let flow = field(FlowContext::FIELDS, "valid");
    assert!(region.bit() == 31 && flow.bit() == 31);
    let send = field(QueuePairContext::FIELDS, "send_queue_log2");
    let receive = field(QueuePairContext::FIELDS, "receive_queue_log2");
    assert!(send.word() == receive.word() && send.bit() == 16 && receive.bit() == 24);
};

/// What the committer does.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Committing {
    /// The host writes words.
    Idle,
    /// The object is looked up, and the first word.
    Look,
    /// Checks the words one by one.
    Check,
    /// Writes them to the tables.
    Copy,
}

/// Keeps the words that the host writes into the context window, until it commits them; then checks
/// them and, if all is well, copies them to the engines' tables: a word a clock, without a gap.
///
/// ```text
/// window_write -> window -> check, a word a clock --> copy, a word a clock -> context_write
///   commit ---> table, index: does it exist? is it stopped?    +--> refused
/// ```
/// It is refused if the table or the object does not exist; if a bit outside every field is set;
/// if a completion queue, flow or interrupt vector that the record names does not exist, or one of
/// its rings is too large; if the numbers of a region do not fit together, as
/// [`MemoryRegionContext::in_range`] says; if it is for a queue pair or a completion queue that is
/// started. A commit empties the window, be it refused or not: a word that is not written is zero.
///
/// A region's and a flow's word with `valid` comes first, with that clear, and then as the last:
/// until it has come nobody takes the record for a valid one. Words that were never written are not
/// checked: a commit takes as many clocks as words were written and the record has, and about four.
#[derive(LogicBlock, Ports, Default)]
pub struct Committer {
    pub clock: Signal<In, Clock>,
    /// After a reset: clears the contexts of a number.
    pub wipe: Signal<In, Wipe>,
    /// Words for the window; none while `busy`, or in the clock of `commit`.
    pub window_write: Signal<In, PageWrite>,
    pub commit: Signal<In, CommitCommand>,
    pub busy: Signal<Out, Bit>,
    /// The queue pair that is looked up, while `busy`; and whether it is started, a clock later.
    pub qp: Signal<Out, QpNumber>,
    pub qp_started: Signal<In, Bit>,
    /// Says which completion queues run.
    pub cq_command: Signal<In, CqCommand>,
    pub context_write: Signal<Out, ContextWrite>,
    /// A record was not taken.
    pub refused: Signal<Out, Bit>,
    window: DualPortRam<Bits<32>, WORD_BITS>,
    cqs: Table<Bit, CQ_BITS>,
    masks: RecordMasks,
    region: RegionCheck,
    order: CopyOrder,
    state: DFF<Committing>,
    held: DFF<CommitCommand>,
    /// Bit n: word n was written since the last commit.
    written: DFF<Bits<32>>,
    /// The highest of them.
    highest: DFF<Bits<WORD_BITS>>,
    /// The word that is read in this clock ...
    step: DFF<Bits<WORD_BITS>>,
    /// ... and the one that is there.
    at: DFF<Bits<WORD_BITS>>,
    there: DFF<Bit>,
    /// The same of the word with `valid` when it comes first.
    step_early: DFF<Bit>,
    early: DFF<Bit>,
    bad: DFF<Bit>,
    out: DFF<ContextWrite>,
    refused_out: DFF<Bit>,
    count: Signal<Local, Bits<COUNT_BITS>>,
    runs: Signal<Local, Bit>,
    is_qp: Signal<Local, Bit>,
    exists: Signal<Local, Bit>,
    value: Signal<Local, Bits<32>>,
    place: Signal<Local, RecordWord>,
    alien: Signal<Local, Bits<32>>,
    too_large: Signal<Local, Bit>,
    bad_now: Signal<Local, Bit>,
    checked: Signal<Local, Bit>,
    copied: Signal<Local, Bit>,
    written_bit: Signal<Local, Bits<32>>,
    qp_table: Literal<4, { table::QUEUE_PAIR as u64 }>,
    cq_table: Literal<4, { table::COMPLETION_QUEUE as u64 }>,
    mr_table: Literal<4, { table::MEMORY_REGION as u64 }>,
    flow_table: Literal<4, { table::FLOW as u64 }>,
    bucket_table: Literal<4, { table::FLOW_BUCKET as u64 }>,
    hop_table: Literal<4, { table::NEXT_HOP as u64 }>,
    every_table: Literal<4, EVERY_TABLE>,
    qp_count: Literal<COUNT_BITS, { QP_COUNT as u64 }>,
    cq_count: Literal<COUNT_BITS, { CQ_COUNT as u64 }>,
    mr_count: Literal<COUNT_BITS, { CONFIGURATION.mr_count() as u64 }>,
    bucket_count: Literal<COUNT_BITS, { CONFIGURATION.bucket_count() as u64 }>,
    sizes_word:
        Literal<WORD_BITS, { field(QueuePairContext::FIELDS, "send_queue_log2").word() as u64 }>,
    size_max: Literal<4, { QUEUE_BITS_MAX as u64 }>,
    window_words: Literal<10, { CONTEXT_WINDOW_WORDS as u64 }>,
    first: Literal<32, 1>,
    one: Literal<WORD_BITS, 1>,
    validity: Literal<32, { 1 << 31 }>,
}

impl Logic for Committer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, held, written, highest, step, at, there, step_early, early);
        dff_setup!(self, clock, bad, out, refused_out);
        clock!(self, clock, window, cqs, region);
        self.context_write.next = self.out.q.val();
        self.refused.next = self.refused_out.q.val();
        self.busy.next = self.state.q.val() != Committing::Idle;

        // The window.
        self.window.write_address.next = bit_cast::<WORD_BITS, 10>(self.window_write.val().word);
        self.window.write_data.next = self.window_write.val().data;
        self.window.write_enable.next = self.window_write.val().valid
            & (self.window_write.val().word < self.window_words.val());
        self.written_bit.next = self.first.val() << self.window.write_address.val();
        if self.window.write_enable.val() {
            self.written.d.next = self.written.q.val() | self.written_bit.val();
            if self.highest.q.val() < self.window.write_address.val() {
                self.highest.d.next = self.window.write_address.val();
            }
        }
        self.window.read_address.next = self.step.q.val();
        self.value.next = 0.into();
        if self.written.q.val().get_bit(self.at.q.val().index()) {
            self.value.next = self.window.read_data.val();
        }

        // The object.
        self.qp.next = bit_cast::<QP_BITS, NUMBER_BITS>(self.held.q.val().index);
        self.cqs.read_index.next = bit_cast::<CQ_BITS, NUMBER_BITS>(self.held.q.val().index);
        self.cqs.write.next = self.cq_command.val().valid;
        self.cqs.write_index.next = self.cq_command.val().cq;
        self.cqs.write_record.next = self.cq_command.val().enable;
        self.count.next = 0.into();
        self.runs.next = false;
        self.is_qp.next = self.held.q.val().table == self.qp_table.val();
        if self.is_qp.val() {
            self.count.next = self.qp_count.val();
            self.runs.next = self.qp_started.val();
        } else if self.held.q.val().table == self.cq_table.val() {
            self.count.next = self.cq_count.val();
            self.runs.next = self.cqs.read_record.val();
        } else if self.held.q.val().table == self.mr_table.val() {
            self.count.next = self.mr_count.val();
        } else if self.held.q.val().table == self.flow_table.val() {
            self.count.next = self.qp_count.val();
        } else if self.held.q.val().table == self.bucket_table.val() {
            self.count.next = self.bucket_count.val();
        } else if self.held.q.val().table == self.hop_table.val() {
            self.count.next = self.qp_count.val();
        }
        self.exists.next =
            bit_cast::<COUNT_BITS, NUMBER_BITS>(self.held.q.val().index) < self.count.val();

        // A word of it.
        self.place.next.word = self.at.q.val();
        self.place.next.table = self.held.q.val().table;
        self.masks.place.next = self.place.val();
        self.alien.next = self.value.val() & !self.masks.mask.val();
        self.too_large.next = self.is_qp.val()
            & (self.at.q.val() == self.sizes_word.val())
            & ((self.value.val().get_bits::<4>(16) > self.size_max.val())
                | (self.value.val().get_bits::<4>(24) > self.size_max.val()));
        self.region.idle.next = self.state.q.val() == Committing::Idle;
        self.region.there.next = self.state.q.val() == Committing::Check;
        self.region.place.next = self.place.val();
        self.region.value.next = self.value.val();
        self.bad_now.next = self.bad.q.val()
            | self.alien.val().any()
            | self.too_large.val()
            | self.region.wrong.val();
        self.checked.next = self.there.q.val() & (self.at.q.val() == self.highest.q.val());
        self.copied.next = self.there.q.val()
            & !self.early.q.val()
            & (self.at.q.val() == self.order.final_word.val());
        self.order.step.next = self.step.q.val();
        self.order.table.next = self.held.q.val().table;
        self.at.d.next = self.step.q.val();
        self.early.d.next = self.step_early.q.val();
        self.there.d.next = false;
        self.refused_out.d.next = false;
        self.out.d.next.valid = false;
        self.out.d.next.table = self.held.q.val().table;
        self.out.d.next.index = bit_cast::<OBJECT_BITS, NUMBER_BITS>(self.held.q.val().index);
        self.out.d.next.word = bit_cast::<6, WORD_BITS>(self.at.q.val());
        self.out.d.next.data = self.value.val();
        if self.early.q.val() {
            self.out.d.next.data = self.value.val() & !self.validity.val();
        }
        match self.state.q.val() {
            Committing::Idle => {
                self.held.d.next = self.commit.val();
                self.step.d.next = 0.into();
                self.step_early.d.next = false;
                self.bad.d.next = false;
                if self.commit.val().valid {
                    self.state.d.next = Committing::Look;
                }
            }
            Committing::Look => {
                self.there.d.next = true;
                self.step.d.next = self.step.q.val() + self.one.val();
                self.state.d.next = Committing::Check;
            }
            Committing::Check => {
                self.there.d.next = true;
                self.step.d.next = self.step.q.val() + self.one.val();
                self.bad.d.next = self.bad_now.val();
                if self.checked.val() {
                    self.there.d.next = false;
                    if self.bad_now.val() | !self.exists.val() | self.runs.val() {
                        self.refused_out.d.next = true;
                        self.written.d.next = 0.into();
                        self.highest.d.next = 0.into();
                        self.state.d.next = Committing::Idle;
                    } else {
                        self.step.d.next = 0.into();
                        if self.order.has_valid.val() {
                            self.step.d.next = self.order.final_word.val();
                            self.step_early.d.next = true;
                        }
                        self.state.d.next = Committing::Copy;
                    }
                }
            }
            Committing::Copy => {
                self.there.d.next = true;
                self.step.d.next = self.order.following.val();
                if self.step_early.q.val() {
                    self.step.d.next = 0.into();
                }
                self.step_early.d.next = false;
                self.out.d.next.valid = self.there.q.val();
                if self.copied.val() {
                    self.there.d.next = false;
                    self.written.d.next = 0.into();
                    self.highest.d.next = 0.into();
                    self.state.d.next = Committing::Idle;
                }
            }
        }

        if self.wipe.val().valid {
            self.out.d.next.valid = true;
            self.out.d.next.table = self.every_table.val();
            self.out.d.next.index = self.wipe.val().index;
            self.out.d.next.data = 0.into();
        }
    }
}
