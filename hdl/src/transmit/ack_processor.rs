//! Judges the peer's acknowledgements.
use crate::control::records::{Command, ContextWrite};
use crate::memory::{ContextTable, Table};
use crate::receive::records::Acknowledgement;
use crate::stream::*;
use crate::transmit::records::*;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::QP_BITS;
use rust_hdl::prelude::*;

/// What [`AckProcessor`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum AckState {
    /// Takes an acknowledgement.
    Take,
    /// The queue pair's record and window scale are read.
    Look,
    /// Acceptable? Then tell.
    Judge,
}

/// Keeps SND.UNA, SND.WND and SND.WL1 of every queue pair, and tells everyone when the first two
/// move. A segment older than the one that set the window last leaves the window alone, unless it
/// acknowledges something new.
///
/// ```text
/// acknowledgement --> Take --> Look --> Judge --+--> edge
/// command --> context words, a clock later -----+     |
/// sent (SND.NXT) --> table           table <----------+
/// ```
/// A start takes them from the context; SND.WL1 is RCV.NXT then. Three clocks an acknowledgement.
#[derive(LogicBlock)]
pub struct AckProcessor {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    pub acknowledgement: StreamSink<Acknowledgement>,
    /// The segmenter has moved SND.NXT.
    pub sent: Signal<In, SendNext>,
    /// SND.UNA or SND.WND has moved, or was told again.
    pub send_edge: Signal<Out, SendEdge>,
    scales: ContextTable<QP_BITS, 1>,
    starts: ContextTable<QP_BITS, 3>,
    ends: Table<Bits<32>, QP_BITS>,
    edges: Table<SendEdge, QP_BITS>,
    /// SND.WL1.
    setters: Table<Bits<32>, QP_BITS>,
    state: DFF<AckState>,
    asked: DFF<Acknowledgement>,
    /// A queue pair starts: its context words are there in this clock.
    starting: DFF<Bit>,
    starting_qp: DFF<Bits<4>>,
    told: DFF<SendEdge>,
    told_setter: DFF<Bits<32>>,
    qp: Signal<Local, Bits<4>>,
    scale_word: Signal<Local, Bits<32>>,
    scale: Signal<Local, Bits<4>>,
    acknowledged: Signal<Local, Bits<32>>,
    outstanding: Signal<Local, Bits<32>>,
    current: Signal<Local, SendEdge>,
    age: Signal<Local, Bits<32>>,
    sets: Signal<Local, Bit>,
}

impl Default for AckProcessor {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            command: Default::default(),
            acknowledgement: Default::default(),
            sent: Default::default(),
            send_edge: Default::default(),
            scales: ContextTable::new(table::QUEUE_PAIR, 0),
            starts: ContextTable::new(table::QUEUE_PAIR, 13),
            ends: Default::default(),
            edges: Default::default(),
            setters: Default::default(),
            state: Default::default(),
            asked: Default::default(),
            starting: Default::default(),
            starting_qp: Default::default(),
            told: Default::default(),
            told_setter: Default::default(),
            qp: Default::default(),
            scale_word: Default::default(),
            scale: Default::default(),
            acknowledged: Default::default(),
            outstanding: Default::default(),
            current: Default::default(),
            age: Default::default(),
            sets: Default::default(),
        }
    }
}

impl Logic for AckProcessor {
    //= rfc9293#3.10.7.4  SND.UNA =< SEG.ACK =< SND.NXT; SND.WL1 =< SEG.SEQ sets the window.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, asked, starting, starting_qp, told, told_setter);
        clock!(self, clock, scales, starts, ends, edges, setters);
        self.scales.context_write.next = self.context_write.val();
        self.starts.context_write.next = self.context_write.val();
        self.qp.next = bit_cast::<4, 8>(self.asked.q.val().qp);
        self.scales.index.next = self.qp.val();
        self.starts.index.next = bit_cast::<4, 8>(self.command.val().index);
        self.ends.read_index.next = self.qp.val();
        self.edges.read_index.next = self.qp.val();
        self.setters.read_index.next = self.qp.val();
        self.ends.write.next = self.sent.val().valid;
        self.ends.write_index.next = self.sent.val().qp;
        self.ends.write_record.next = self.sent.val().number;
        self.edges.write.next = self.told.q.val().valid;
        self.edges.write_index.next = self.told.q.val().qp;
        self.edges.write_record.next = self.told.q.val();
        self.setters.write.next = self.told.q.val().valid;
        self.setters.write_index.next = self.told.q.val().qp;
        self.setters.write_record.next = self.told_setter.q.val();
        self.send_edge.next = self.told.q.val();

        self.scale_word.next = self.scales.words[0].val();
        self.scale.next = self.scale_word.val().get_bits::<4>(8);
        self.current.next = self.edges.read_record.val();
        self.acknowledged.next = self.asked.q.val().number - self.current.val().unacknowledged;
        self.outstanding.next = self.ends.read_record.val() - self.current.val().unacknowledged;
        self.age.next = self.asked.q.val().sequence - self.setters.read_record.val();
        self.sets.next = self.acknowledged.val().any() | !self.age.val().get_bit(31);

        self.starting.d.next = self.command.val().valid & self.command.val().enable;
        self.starting_qp.d.next = bit_cast::<4, 8>(self.command.val().index);
        self.told.d.next.valid = false;
        self.acknowledgement.ready.next = self.state.q.val() == AckState::Take;
        match self.state.q.val() {
            AckState::Take => {
                self.asked.d.next = self.acknowledgement.beat.val();
                if self.acknowledgement.valid.val() {
                    self.state.d.next = AckState::Look;
                }
            }
            AckState::Look => {
                self.state.d.next = AckState::Judge;
            }
            AckState::Judge => {
                if !self.starting.q.val() {
                    // What was read in the clocks around a start means nothing.
                    self.told.d.next.valid = (self.acknowledged.val() <= self.outstanding.val())
                        & self.sets.val()
                        & !self.told.q.val().valid;
                    self.told.d.next.qp = self.qp.val();
                    self.told.d.next.unacknowledged = self.asked.q.val().number;
                    self.told.d.next.window =
                        bit_cast::<32, 16>(self.asked.q.val().window) << self.scale.val();
                    self.told_setter.d.next = self.asked.q.val().sequence;
                }
                self.state.d.next = AckState::Take;
            }
            _ => {
                self.state.d.next = AckState::Take;
            }
        }
        if self.starting.q.val() {
            self.told.d.next.valid = true;
            self.told.d.next.qp = self.starting_qp.q.val();
            self.told.d.next.unacknowledged = self.starts.words[0].val();
            self.told.d.next.window = self.starts.words[1].val();
            self.told_setter.d.next = self.starts.words[2].val();
        }
    }
}
