//! Builds Ethernet, IPv4 and TCP headers, and decides what leaves next.
use crate::complete::records::Completion;
use crate::configuration::{QpNumber, CQ_BITS};
use crate::control::records::{ContextWrite, QpEvent};
use crate::life::{LifeTable, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::memory::{field_number, QpField};
use crate::receive::records::ReceiveEdge;
use crate::stream::*;
use crate::transmit::header_maker::HeaderMaker;
use crate::transmit::receive_mirror::ReceiveMirror;
use crate::transmit::records::*;
use ironwarp_abi::{queue, status};
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
/// A segment leaves while its queue pair is active in the life that it belongs to, and no segment
/// before it was lost.
#[derive(LogicBlock, Default)]
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
    watch: LifeWatch,
    maker: HeaderMaker,
    first: QpField<32, { field_number("send_next") }>,
    receive_cq: QpField<CQ_BITS, { field_number("receive_cq") }>,
    /// Octets of the stream that have left, and whether a segment was lost.
    positions: LifeTable<Bits<32>>,
    losses: LifeTable<Bit>,
    state: DFF<BuilderState>,
    qp: DFF<QpNumber>,
    bare: DFF<Bit>,
    discard: DFF<Bit>,
    current: DFF<SendJob>,
    stored: DFF<SegmentSummary>,
    number: DFF<Bits<32>>,
    mirrored: DFF<ReceiveEdge>,
    count: DFF<Bits<3>>,
    waits: Signal<Local, Bit>,
    carries: Signal<Local, Bit>,
    choose_bare: Signal<Local, Bit>,
    look_qp: Signal<Local, QpNumber>,
    alive: Signal<Local, Bit>,
    after: Signal<Local, Bits<32>>,
    steps: Literal<3, 5>,
    success: Literal<8, { status::SUCCESS as u64 }>,
    fault: Literal<8, { status::DMA_FAULT as u64 }>,
    kind: Literal<8, { queue::kind::SEND as u64 }>,
}

impl Logic for HeaderBuilder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, qp, bare, discard, current, stored, number, mirrored, count);
        clock!(self, clock, mirror, watch, maker, first, receive_cq, positions, losses);
        self.mirror.context_write.next = self.context_write.val();
        self.maker.context_write.next = self.context_write.val();
        self.first.context_write.next = self.context_write.val();
        self.receive_cq.context_write.next = self.context_write.val();
        self.mirror.change.next = self.change.val();
        self.watch.change.next = self.change.val();
        self.positions.change.next = self.change.val();
        self.losses.change.next = self.change.val();
        self.mirror.receive_edge.next = self.receive_edge.val();
        self.mirror.qp.next = self.qp.q.val();
        self.first.qp.next = self.qp.q.val();
        self.receive_cq.qp.next = self.qp.q.val();
        self.positions.read_qp.next = self.qp.q.val();
        self.losses.read_qp.next = self.qp.q.val();

        // An acknowledgement goes first, but not twice in a row while segments wait, and not if the
        // segment carries it.
        self.waits.next =
            self.job.valid.val() & (self.job.beat.val().fence | self.summary.valid.val());
        self.carries.next = !self.job.beat.val().fence
            & !self.job.beat.val().raw
            & (self.job.beat.val().qp == self.mirror.owing.beat.val());
        self.choose_bare.next = self.mirror.owing.valid.val()
            & (!self.waits.val() | (!self.bare.q.val() & !self.carries.val()));
        self.look_qp.next = self.job.beat.val().qp;
        if self.choose_bare.val() {
            self.look_qp.next = self.mirror.owing.beat.val();
        }
        self.watch.look.next = self.state.q.val() == BuilderState::Choose;
        self.watch.qp.next = self.look_qp.val();
        self.alive.next = self.watch.life_now.val().active
            & !self.losses.read_record.val()
            & (self.bare.q.val()
                | (self.watch.life_now.val().generation == self.current.q.val().generation));

        self.maker.qp.next = self.qp.q.val();
        self.maker.job.next = self.current.q.val();
        self.maker.stored.next = self.stored.q.val();
        self.maker.mirrored.next = self.mirrored.q.val();
        self.maker.number.next = self.number.q.val();
        self.maker.bare.next = self.bare.q.val();
        self.maker.discard.next = self.discard.q.val();
        self.header.beat.next = self.maker.header.val();
        self.header.beat.next.fence = self.state.q.val() == BuilderState::Fence;
        self.header.valid.next = (self.state.q.val() == BuilderState::Offer)
            | (self.state.q.val() == BuilderState::Fence);

        self.after.next =
            self.current.q.val().position + bit_cast::<32, 16>(self.stored.q.val().bytes);
        self.left.next.valid = false;
        self.left.next.qp = self.qp.q.val();
        self.left.next.position = self.after.val();
        self.losses.write.next = false;
        self.losses.write_qp.next = self.qp.q.val();
        self.losses.write_record.next = true;

        self.completion.beat.next.cq = self.current.q.val().cq;
        self.completion.beat.next.qp = self.qp.q.val();
        self.completion.beat.next.generation = self.current.q.val().generation;
        self.completion.beat.next.kind = self.kind.val();
        self.completion.beat.next.status = self.success.val();
        self.completion.beat.next.request = self.current.q.val().request;
        self.completion.beat.next.solicited = false;
        self.completion.beat.next.length = bit_cast::<32, 16>(self.current.q.val().bytes);
        self.completion.beat.next.sequence = 0.into();
        self.completion.valid.next = self.state.q.val() == BuilderState::Complete;
        self.event.beat.next.qp = self.qp.q.val();
        self.event.beat.next.generation = self.current.q.val().generation;
        self.event.beat.next.status = self.fault.val();
        self.event.beat.next.cq = self.receive_cq.value.val();
        self.event.beat.next.sequence = 0.into();
        self.event.valid.next = self.state.q.val() == BuilderState::Fail;

        self.mirror.pay.next = false;
        self.mirror.owing.ready.next = false;
        self.job.ready.next = false;
        self.summary.ready.next = false;
        match self.state.q.val() {
            BuilderState::Choose => {
                self.count.d.next = 0.into();
                self.discard.d.next = false;
                self.qp.d.next = self.look_qp.val();
                self.bare.d.next = self.choose_bare.val();
                if self.choose_bare.val() {
                    self.mirror.owing.ready.next = true;
                    self.stored.d.next.sum = 0.into();
                    self.stored.d.next.bytes = 0.into();
                    self.stored.d.next.error = false;
                    self.state.d.next = BuilderState::Look;
                } else if self.waits.val() {
                    self.current.d.next = self.job.beat.val();
                    self.stored.d.next = self.summary.beat.val();
                    self.job.ready.next = true;
                    self.summary.ready.next = !self.job.beat.val().fence;
                    self.state.d.next = BuilderState::Look;
                    if self.job.beat.val().fence {
                        self.state.d.next = BuilderState::Fence;
                    }
                }
            }
            BuilderState::Look => {
                self.state.d.next = BuilderState::Read;
            }
            BuilderState::Read => {
                self.mirrored.d.next = self.mirror.record.val();
                self.number.d.next = self.first.value.val() + self.positions.read_record.val();
                self.state.d.next = BuilderState::Sum;
                if self.bare.q.val() {
                    self.mirror.pay.next = self.alive.val() & self.mirror.owes.val();
                    if !self.mirror.pay.val() {
                        self.state.d.next = BuilderState::Choose;
                    }
                } else {
                    self.number.d.next = self.first.value.val() + self.current.q.val().position;
                    self.mirror.pay.next =
                        self.alive.val() & !self.current.q.val().raw & !self.stored.q.val().error;
                    if self.current.q.val().raw {
                        self.state.d.next = BuilderState::Offer;
                    }
                    if !self.alive.val() {
                        self.discard.d.next = true;
                        self.state.d.next = BuilderState::Offer;
                    }
                    if self.stored.q.val().error {
                        self.state.d.next = BuilderState::Choose;
                        if self.alive.val() {
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
                if self.header.ready.val() {
                    self.state.d.next = BuilderState::Choose;
                    if !self.bare.q.val() & !self.discard.q.val() {
                        if self.current.q.val().raw {
                            if self.current.q.val().signaled {
                                self.state.d.next = BuilderState::Complete;
                            }
                        } else {
                            // A life that begins in this clock wins.
                            self.left.next.valid =
                                self.watch.life.val().generation == self.current.q.val().generation;
                        }
                    }
                }
            }
            BuilderState::Complete => {
                if self.completion.ready.val() {
                    self.state.d.next = BuilderState::Choose;
                }
            }
            BuilderState::Fail => {
                self.losses.write.next =
                    self.watch.life.val().generation == self.current.q.val().generation;
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
        self.positions.write.next = self.left.val().valid;
        self.positions.write_qp.next = self.left.val().qp;
        self.positions.write_record.next = self.left.val().position;
    }
}
