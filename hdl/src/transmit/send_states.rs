//! Where sending stands on every queue pair.
use crate::control::records::{Command, ContextWrite};
use crate::literal::Literal;
use crate::memory::{ContextTable, Table};
use crate::transmit::records::*;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::QP_BITS;
use rust_hdl::prelude::*;

/// The [`SendState`] of every queue pair: a start begins it from the context, a segment moves it
/// on.
///
/// The context's words are there a clock after the command; in that clock the start writes, and
/// `busy` asks the segmenter to wait.
#[derive(LogicBlock)]
pub struct SendStates {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    pub qp: Signal<In, Bits<4>>,
    /// The state of `qp`, a clock later.
    pub state: Signal<Out, SendState>,
    /// A start writes in this clock: do not `commit`.
    pub busy: Signal<Out, Bit>,
    /// A segment of `qp` is handed on; the rest says which.
    pub commit: Signal<In, Bit>,
    /// SND.NXT after it.
    pub after: Signal<In, Bits<32>>,
    /// It is a raw frame: no sequence number moves.
    pub raw: Signal<In, Bit>,
    /// Octets of payload.
    pub payload: Signal<In, Bits<16>>,
    /// The message ends with it.
    pub last: Signal<In, Bit>,
    /// The message is an RDMA Write or a Read Response: no message sequence number moves.
    pub write: Signal<In, Bit>,
    /// The message is a Read Request, which has sequence numbers of its own.
    pub read: Signal<In, Bit>,
    /// SND.NXT has moved, a clock after the `commit` or the start.
    pub sent: Signal<Out, SendNext>,
    /// `open_qp` has started and need not wait for the peer's first FPDU.
    pub open: Signal<Out, Bit>,
    pub open_qp: Signal<Out, Bits<4>>,
    flags: ContextTable<QP_BITS, 1>,
    firsts: ContextTable<QP_BITS, 1>,
    states: Table<SendState, QP_BITS>,
    starting: DFF<Bit>,
    starting_qp: DFF<Bits<4>>,
    told: DFF<SendNext>,
    flags_word: Signal<Local, Bits<32>>,
    current: Signal<Local, SendState>,
    one: Literal<32, 1>,
}

impl Default for SendStates {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            command: Default::default(),
            qp: Default::default(),
            state: Default::default(),
            busy: Default::default(),
            commit: Default::default(),
            after: Default::default(),
            raw: Default::default(),
            payload: Default::default(),
            last: Default::default(),
            write: Default::default(),
            read: Default::default(),
            sent: Default::default(),
            open: Default::default(),
            open_qp: Default::default(),
            flags: ContextTable::new(table::QUEUE_PAIR, 0),
            firsts: ContextTable::new(table::QUEUE_PAIR, 13),
            states: Default::default(),
            starting: Default::default(),
            starting_qp: Default::default(),
            told: Default::default(),
            flags_word: Default::default(),
            current: Default::default(),
            one: Default::default(),
        }
    }
}

impl Logic for SendStates {
    //= rfc5041#5.1  Message sequence numbers count from 1; offsets from 0.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, starting, starting_qp, told);
        clock!(self, clock, flags, firsts, states);
        self.flags.context_write.next = self.context_write.val();
        self.firsts.context_write.next = self.context_write.val();
        self.flags.index.next = bit_cast::<4, 8>(self.command.val().index);
        self.firsts.index.next = bit_cast::<4, 8>(self.command.val().index);
        self.starting.d.next = self.command.val().valid & self.command.val().enable;
        self.starting_qp.d.next = bit_cast::<4, 8>(self.command.val().index);
        self.busy.next = self.starting.q.val();
        self.flags_word.next = self.flags.words[0].val();
        self.open.next = self.starting.q.val() & !self.flags_word.val().get_bit(3);
        self.open_qp.next = self.starting_qp.q.val();
        self.states.read_index.next = self.qp.val();
        self.current.next = self.states.read_record.val();
        self.state.next = self.states.read_record.val();

        self.states.write.next = self.commit.val();
        self.states.write_index.next = self.qp.val();
        self.states.write_record.next = self.current.val();
        if !self.raw.val() {
            self.states.write_record.next.number = self.after.val();
        }
        self.states.write_record.next.offset =
            self.current.val().offset + bit_cast::<32, 16>(self.payload.val());
        if self.last.val() {
            self.states.write_record.next.offset = 0.into();
            if self.read.val() {
                self.states.write_record.next.read = self.current.val().read + self.one.val();
            } else if !self.write.val() {
                self.states.write_record.next.message = self.current.val().message + self.one.val();
            }
        }
        self.told.d.next.valid = self.commit.val() & !self.raw.val();
        self.told.d.next.qp = self.qp.val();
        self.told.d.next.number = self.after.val();
        if self.starting.q.val() {
            self.states.write.next = true;
            self.states.write_index.next = self.starting_qp.q.val();
            self.states.write_record.next.number = self.firsts.words[0].val();
            self.states.write_record.next.message = self.one.val();
            self.states.write_record.next.read = self.one.val();
            self.states.write_record.next.offset = 0.into();
            self.told.d.next.valid = true;
            self.told.d.next.qp = self.starting_qp.q.val();
            self.told.d.next.number = self.firsts.words[0].val();
        }
        self.sent.next = self.told.q.val();
    }
}
