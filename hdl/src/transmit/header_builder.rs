//! Builds Ethernet, IPv4 and TCP headers, and decides what leaves next.
use crate::complete::records::Completion;
use crate::configuration::QpNumber;
use crate::control::records::{ContextWrite, QpEvent};
use crate::life::QpChange;
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::records::ReceiveEdge;
use crate::stream::*;
use crate::transmit::frame_choice::FrameChoice;
use crate::transmit::frame_life::FrameLife;
use crate::transmit::frame_reports::FrameReports;
use crate::transmit::header_maker::HeaderMaker;
use crate::transmit::receive_mirror::ReceiveMirror;
use crate::transmit::records::*;
use rust_hdl::prelude::*;

/// What [`HeaderBuilder`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum BuilderState {
    /// Takes a stored segment, an acknowledgement that is owed, or a fence.
    Choose,
    /// The queue pair's numbers are looked up.
    Look,
    /// Keeps the numbers. May the segment leave? Is the acknowledgement owed still?
    Read,
    /// The checksums are computed.
    Sum,
    /// Offers the header.
    Offer,
    /// Offers the completion of a raw frame.
    Complete,
    /// Offers the error: the bus refused the payload.
    Fail,
    /// Offers the fence.
    Fence,
}

/// One header about every 9 clocks: of each stored segment in its turn, and, between two of them,
/// of an acknowledgement that some queue pair owes and that no segment of it carries.
///
/// ```text
///         segment or ACK
/// Choose ----------------> Look --> Read --> Sum --> Offer --> Choose
///                                    | raw -----------> Offer --> Complete --> Choose
///                                    | another life --> Offer (discard) --> Choose
///                                    | not owed --> Choose
///                                    | bad --> Fail --> Choose
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct HeaderBuilder {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub receive_edge: Signal<In, ReceiveEdge>,
    pub job: StreamSink<SendJob>,
    /// One for every job that is no fence.
    pub summary: StreamSink<SegmentSummary>,
    pub header: StreamSource<FrameHeader>,
    /// A segment has left for the wire: SND.NXT as the peer will see it.
    pub left: Signal<Out, SendNext>,
    pub completion: StreamSource<Completion>,
    pub event: StreamSource<QpEvent>,

    mirror: ReceiveMirror,
    choice: FrameChoice,
    life: FrameLife,
    maker: HeaderMaker,
    reports: FrameReports,
    state: DFF<BuilderState>,
    qp: DFF<QpNumber>,
    bare: DFF<Bit>,
    discard: DFF<Bit>,
    current: DFF<SendJob>,
    stored: DFF<SegmentSummary>,
    number: DFF<Bits<32>>,
    mirrored: DFF<ReceiveEdge>,
    count: DFF<Bits<3>>,
    steps: Literal<3, 5>,
    /// Nothing that the header is made of is another life's, or it is not to leave.
    whole: Signal<Local, Bit>,
    segment: Signal<Local, Bit>,
}

impl Logic for HeaderBuilder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, qp, bare, discard, current, stored, number, mirrored, count);
        clock!(self, clock, mirror, life, maker, reports);
        self.mirror.context_write.next = self.context_write.val();
        self.life.context_write.next = self.context_write.val();
        self.maker.context_write.next = self.context_write.val();
        self.mirror.change.next = self.change.val();
        self.life.change.next = self.change.val();
        self.mirror.receive_edge.next = self.receive_edge.val();
        self.mirror.qp.next = self.qp.q.val();

        self.choice.owing.next = self.mirror.owing.valid.val();
        self.choice.owing_qp.next = self.mirror.owing.beat.val();
        self.choice.job.next = self.job.beat.val();
        self.choice.job_valid.next = self.job.valid.val();
        self.choice.stored.next = self.summary.valid.val();
        self.choice.last_bare.next = self.bare.q.val();
        self.life.look.next = self.state.q.val() == BuilderState::Choose;
        self.life.look_qp.next = self.choice.qp.val();
        self.life.qp.next = self.qp.q.val();
        self.life.bare.next = self.bare.q.val();
        self.life.generation.next = self.current.q.val().generation;
        self.life.position.next =
            self.current.q.val().position + bit_cast::<32, 16>(self.stored.q.val().bytes);
        self.life.leave.next = false;
        self.life.lose.next = self.state.q.val() == BuilderState::Fail;
        self.left.next = self.life.left.val();

        self.maker.qp.next = self.qp.q.val();
        self.maker.job.next = self.current.q.val();
        self.maker.stored.next = self.stored.q.val();
        self.maker.mirrored.next = self.mirrored.q.val();
        self.maker.number.next = self.number.q.val();
        self.maker.bare.next = self.bare.q.val();
        self.maker.discard.next = self.discard.q.val();
        self.header.beat.next = self.maker.header.val();
        self.header.beat.next.fence = self.state.q.val() == BuilderState::Fence;
        self.segment.next = !self.bare.q.val() & !self.discard.q.val();
        // A header is made of contexts as they are now. Of a queue pair that is stopped while the
        // wire refuses they are soon another connection's.
        self.whole.next = self.discard.q.val() | !self.life.disturbed.val();
        self.header.valid.next = ((self.state.q.val() == BuilderState::Offer) & self.whole.val())
            | (self.state.q.val() == BuilderState::Fence);

        self.reports.context_write.next = self.context_write.val();
        self.reports.qp.next = self.qp.q.val();
        self.reports.job.next = self.current.q.val();
        self.completion.beat.next = self.reports.completion.val();
        self.completion.valid.next = self.state.q.val() == BuilderState::Complete;
        self.event.beat.next = self.reports.failure.val();
        self.event.valid.next = self.state.q.val() == BuilderState::Fail;

        self.mirror.pay.next = false;
        self.mirror.owing.ready.next = false;
        self.job.ready.next = false;
        self.summary.ready.next = false;
        match self.state.q.val() {
            BuilderState::Choose => {
                self.count.d.next = 0.into();
                self.discard.d.next = false;
                self.qp.d.next = self.choice.qp.val();
                self.bare.d.next = self.choice.bare.val();
                self.current.d.next = self.job.beat.val();
                self.stored.d.next = self.summary.beat.val();
                self.mirror.owing.ready.next = self.choice.bare.val();
                self.job.ready.next = self.choice.segment.val() | self.choice.fence.val();
                self.summary.ready.next = self.choice.segment.val();
                if self.choice.bare.val() {
                    self.stored.d.next.sum = 0.into();
                    self.stored.d.next.bytes = 0.into();
                    self.stored.d.next.error = false;
                }
                if self.choice.bare.val() | self.choice.segment.val() {
                    self.state.d.next = BuilderState::Look;
                }
                if self.choice.fence.val() {
                    self.state.d.next = BuilderState::Fence;
                }
            }
            BuilderState::Look => {
                self.state.d.next = BuilderState::Read;
            }
            BuilderState::Read => {
                self.mirrored.d.next = self.mirror.record.val();
                self.number.d.next = self.life.next_number.val();
                self.state.d.next = BuilderState::Sum;
                if self.bare.q.val() {
                    self.mirror.pay.next = self.life.alive.val() & self.mirror.owes.val();
                    if !self.mirror.pay.val() {
                        self.state.d.next = BuilderState::Choose;
                    }
                } else {
                    self.number.d.next = self.life.first.val() + self.current.q.val().position;
                    self.mirror.pay.next = self.life.alive.val()
                        & !self.current.q.val().raw
                        & !self.stored.q.val().error;
                    self.discard.d.next = !self.life.alive.val();
                    if self.current.q.val().raw | !self.life.alive.val() {
                        self.state.d.next = BuilderState::Offer;
                    }
                    if self.stored.q.val().error {
                        self.state.d.next = BuilderState::Choose;
                        if self.life.alive.val() {
                            self.state.d.next = BuilderState::Fail;
                        }
                    }
                }
            }
            BuilderState::Sum => {
                self.count.d.next = self.count.q.val() + 1;
                if self.count.q.val() == self.steps.val() {
                    self.state.d.next = BuilderState::Offer;
                }
            }
            BuilderState::Offer => {
                if !self.whole.val() {
                    self.discard.d.next = true;
                    if self.bare.q.val() {
                        self.state.d.next = BuilderState::Choose;
                    }
                } else if self.header.ready.val() {
                    self.state.d.next = BuilderState::Choose;
                    self.life.leave.next = self.segment.val() & !self.current.q.val().raw;
                    if self.segment.val() & self.current.q.val().raw & self.current.q.val().signaled
                    {
                        self.state.d.next = BuilderState::Complete;
                    }
                }
            }
            BuilderState::Complete => {
                if self.completion.ready.val() {
                    self.state.d.next = BuilderState::Choose;
                }
            }
            BuilderState::Fail => {
                if self.event.ready.val() {
                    self.state.d.next = BuilderState::Choose;
                }
            }
            BuilderState::Fence => {
                if self.header.ready.val() {
                    self.state.d.next = BuilderState::Choose;
                }
            }
            _ => {
                self.state.d.next = BuilderState::Choose;
            }
        }
    }
}
