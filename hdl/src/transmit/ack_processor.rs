//! Judges the peer's acknowledgements.
use crate::configuration::QpNumber;
use crate::control::records::ContextWrite;
use crate::life::{LifeTable, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::receive::records::Acknowledgement;
use crate::stream::*;
use crate::transmit::records::*;
use rust_hdl::prelude::*;

/// What [`AckProcessor`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum AckState {
    /// Takes an acknowledgement.
    Take,
    /// The queue pair's record and its context are read.
    Look,
    /// Acceptable? Then tell.
    Judge,
    /// Tells.
    Tell,
}

/// What was told of a queue pair last, and the segment that set its window.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct SetEdge {
    /// Something was.
    pub known: Bit,
    /// Octets of the stream that are acknowledged.
    pub acknowledged: Bits<32>,
    /// SND.WND.
    pub window: Bits<32>,
    /// SND.WL1.
    pub setter: Bits<32>,
    /// Duplicates since something was acknowledged: at most 3.
    pub duplicates: Bits<2>,
}

/// Keeps SND.UNA, SND.WND and SND.WL1 of every queue pair, and tells everyone when the first two
/// move. A segment older than the one that set the window last leaves the window alone, unless it
/// acknowledges something new.
///
/// ```text
/// acknowledgement --> Take --> Look --> Judge --> Tell --> send_edge
///                  records <-----------------------+
/// ```
/// An acknowledgement is a duplicate if octets are outstanding, its segment is bare, and it says what
/// was told last (RFC 5681 s. 2).
///
/// At the start of a life SND.WND is what the context says, and SND.WL1 is RCV.NXT. An
/// acknowledgement counts until the host stops its queue pair, and only for its own life. Four
/// clocks an acknowledgement.
#[derive(LogicBlock, Ports, Default)]
pub struct AckProcessor {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub acknowledgement: StreamSink<Acknowledgement>,
    /// The segmenter has moved SND.NXT.
    pub sent: Signal<In, SendNext>,
    /// SND.UNA or SND.WND has moved, or was told again: only while it is `free`.
    pub send_edge: Signal<Out, SendEdge>,
    pub free: Signal<In, Bit>,
    watch: LifeWatch,
    scale: QpField<4, { field_number("send_window_shift") }>,
    first: QpField<32, { field_number("send_next") }>,
    receive_next: QpField<32, { field_number("receive_next") }>,
    ends: LifeTable<Bits<32>>,
    edges: LifeTable<SetEdge>,
    state: DFF<AckState>,
    asked: DFF<Acknowledgement>,
    told: DFF<SetEdge>,
    good: DFF<Bit>,
    qp: Signal<Local, QpNumber>,
    position: Signal<Local, Bits<32>>,
    acknowledged: Signal<Local, Bits<32>>,
    outstanding: Signal<Local, Bits<32>>,
    current: Signal<Local, SetEdge>,
    setter: Signal<Local, Bits<32>>,
    age: Signal<Local, Bits<32>>,
    sets: Signal<Local, Bit>,
    scaled: Signal<Local, Bits<32>>,
    duplicate: Signal<Local, Bit>,
    most: Literal<2, 3>,
    one: Literal<2, 1>,
    lives: Signal<Local, Bit>,
}

impl Logic for AckProcessor {
    //= rfc9293#3.10.7.4  SND.UNA =< SEG.ACK =< SND.NXT; SND.WL1 =< SEG.SEQ sets the window.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, asked, told, good);
        clock!(self, clock, watch, scale, first, receive_next, ends, edges);
        self.scale.context_write.next = self.context_write.val();
        self.first.context_write.next = self.context_write.val();
        self.receive_next.context_write.next = self.context_write.val();
        self.watch.change.next = self.change.val();
        self.ends.change.next = self.change.val();
        self.edges.change.next = self.change.val();
        self.qp.next = self.asked.q.val().qp;
        self.watch.look.next = self.state.q.val() == AckState::Look;
        self.watch.qp.next = self.qp.val();
        self.scale.qp.next = self.qp.val();
        self.first.qp.next = self.qp.val();
        self.receive_next.qp.next = self.qp.val();
        self.ends.read_qp.next = self.qp.val();
        self.edges.read_qp.next = self.qp.val();
        self.ends.write.next = self.sent.val().valid;
        self.ends.write_qp.next = self.sent.val().qp;
        self.ends.write_record.next = self.sent.val().position;

        // Relative to the life's first octet.
        self.current.next = self.edges.read_record.val();
        self.setter.next = self.current.val().setter;
        if !self.current.val().known {
            self.setter.next = self.receive_next.value.val();
        }
        self.position.next = self.asked.q.val().number - self.first.value.val();
        self.acknowledged.next = self.position.val() - self.current.val().acknowledged;
        self.outstanding.next = self.ends.read_record.val() - self.current.val().acknowledged;
        self.age.next = self.asked.q.val().sequence - self.setter.val();
        self.sets.next = self.acknowledged.val().any() | !self.age.val().get_bit(31);
        self.scaled.next =
            bit_cast::<32, 16>(self.asked.q.val().window) << self.scale.value.val();
        self.duplicate.next = self.asked.q.val().bare
            & self.current.val().known
            & !self.acknowledged.val().any()
            & self.outstanding.val().any()
            & (self.scaled.val() == self.current.val().window);
        self.lives.next = self.watch.life_now.val().started
            & (self.watch.life_now.val().generation == self.asked.q.val().generation);

        self.send_edge.next.valid = false;
        self.send_edge.next.qp = self.qp.val();
        self.send_edge.next.acknowledged = self.told.q.val().acknowledged;
        self.send_edge.next.window = self.told.q.val().window;
        self.send_edge.next.duplicates = self.told.q.val().duplicates;
        self.edges.write_qp.next = self.qp.val();
        self.edges.write_record.next = self.told.q.val();
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
                self.good.d.next = (self.acknowledged.val() <= self.outstanding.val())
                    & self.sets.val()
                    & self.lives.val();
                self.told.d.next.known = true;
                self.told.d.next.acknowledged = self.position.val();
                self.told.d.next.window = self.scaled.val();
                self.told.d.next.duplicates = self.current.val().duplicates;
                if self.acknowledged.val().any() {
                    self.told.d.next.duplicates = 0.into();
                } else if self.duplicate.val()
                    & (self.current.val().duplicates != self.most.val())
                {
                    self.told.d.next.duplicates =
                        self.current.val().duplicates + self.one.val();
                }
                self.told.d.next.setter = self.asked.q.val().sequence;
                self.state.d.next = AckState::Tell;
            }
            AckState::Tell => {
                if !self.good.q.val() | !self.lives.val() {
                    self.state.d.next = AckState::Take;
                } else if self.free.val() {
                    self.send_edge.next.valid = true;
                    self.state.d.next = AckState::Take;
                }
            }
            _ => {
                self.state.d.next = AckState::Take;
            }
        }
        self.edges.write.next = self.send_edge.val().valid;
    }
}
