//! Fences, from the host's wish to the word that they are done.
use super::records::FenceCommand;
use crate::complete::records::Completion;
use crate::configuration::CqNumber;
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::beat::*;
use ironwarp_abi::queue::kind;
use rust_hdl::prelude::*;

/// What a fence does.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Fencing {
    /// There is none.
    Idle,
    /// It passes through the engines.
    Pass,
    /// Its entry is offered to the completion writer.
    Offer,
    /// Its entry is on its way.
    Tell,
}

/// One fence at a time: a token goes through the transmit and the receive side; when it has come
/// out of both, an entry goes to the completion writer, and when that is written, the fence is
/// done. Who asks for another in the meantime waits; the last stands for all that wait.
#[derive(LogicBlock, Ports, Default)]
pub struct Fences {
    pub clock: Signal<In, Clock>,
    pub ask: Signal<In, FenceCommand>,
    /// The completion queue that is told.
    pub cq: Signal<In, CqNumber>,
    /// The token enters the engines.
    pub fence: Signal<Out, Bit>,
    /// It has come out.
    pub transmit_fenced: Signal<In, Bit>,
    pub receive_fenced: Signal<In, Bit>,
    pub completion: StreamSource<Completion>,
    /// The entry is written, or nobody was there to read it.
    pub told: Signal<In, Bit>,
    /// The last fence that is done.
    pub number: Signal<Out, Bits<16>>,
    /// One is under way, or waits.
    pub busy: Signal<Out, Bit>,
    state: DFF<Fencing>,
    waits: DFF<Bit>,
    waiting: DFF<Bits<16>>,
    current: DFF<Bits<16>>,
    done: DFF<Bits<16>>,
    token: DFF<Bit>,
    in_transmit: DFF<Bit>,
    in_receive: DFF<Bit>,
    kind: Literal<8, { kind::FENCE as u64 }>,
}

impl Logic for Fences {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, waits, waiting, current, done, token, in_transmit);
        dff_setup!(self, clock, in_receive);
        self.fence.next = self.token.q.val();
        self.number.next = self.done.q.val();
        self.busy.next = self.waits.q.val() | (self.state.q.val() != Fencing::Idle);
        self.completion.valid.next = self.state.q.val() == Fencing::Offer;
        self.completion.beat.next.cq = self.cq.val();
        self.completion.beat.next.qp = 0.into();
        self.completion.beat.next.generation = 0.into();
        self.completion.beat.next.kind = self.kind.val();
        self.completion.beat.next.status = 0.into();
        self.completion.beat.next.request = self.current.q.val();
        self.completion.beat.next.solicited = false;
        self.completion.beat.next.length = 0.into();
        self.completion.beat.next.sequence = 0.into();

        self.token.d.next = false;
        match self.state.q.val() {
            Fencing::Idle => {
                if self.waits.q.val() {
                    self.waits.d.next = false;
                    self.current.d.next = self.waiting.q.val();
                    self.token.d.next = true;
                    self.in_transmit.d.next = true;
                    self.in_receive.d.next = true;
                    self.state.d.next = Fencing::Pass;
                }
            }
            Fencing::Pass => {
                if self.transmit_fenced.val() {
                    self.in_transmit.d.next = false;
                }
                if self.receive_fenced.val() {
                    self.in_receive.d.next = false;
                }
                if !self.in_transmit.q.val() & !self.in_receive.q.val() {
                    self.state.d.next = Fencing::Offer;
                }
            }
            Fencing::Offer => {
                if self.completion.ready.val() {
                    self.state.d.next = Fencing::Tell;
                }
            }
            Fencing::Tell => {
                if self.told.val() {
                    self.done.d.next = self.current.q.val();
                    self.state.d.next = Fencing::Idle;
                }
            }
        }
        if self.ask.val().valid {
            self.waits.d.next = true;
            self.waiting.d.next = self.ask.val().number;
        }
    }
}
