//! Builds Ethernet, IPv4 and TCP headers, and decides what leaves next.
use crate::complete::records::Completion;
use crate::control::records::{Command, ContextWrite, QpEvent};
use crate::literal::Literal;
use crate::memory::{ContextTable, Table};
use crate::receive::records::ReceiveEdge;
use crate::stream::*;
use crate::transmit::frame_choice::FrameChoice;
use crate::transmit::header_maker::HeaderMaker;
use crate::transmit::life_check::LifeCheck;
use crate::transmit::receive_mirror::ReceiveMirror;
use crate::transmit::records::*;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::QP_BITS;
use ironwarp_abi::{queue, status};
use rust_hdl::prelude::*;

/// What [`HeaderBuilder`] does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum BuilderState {
    /// Takes a stored segment, or an acknowledgement that is owed.
    Choose,
    /// The queue pair's numbers are looked up. Is it still the same life of it?
    Look,
    /// Keeps the numbers. May the segment leave?
    Read,
    /// The checksums are computed.
    Sum,
    /// Offers the header.
    Offer,
    /// Offers the completion of a raw frame.
    Complete,
    /// Offers the error: the bus refused the payload.
    Fail,
}

/// One header about every 9 clocks: of each stored segment in its turn, and, between two of them,
/// of an acknowledgement that some queue pair owes and that no segment of it carries.
///
/// ```text
///         segment or ACK
/// Choose ----------------> Look --> Read --> Sum --> Offer --> Choose
///                                    | raw -----------> Offer --> Complete --> Choose
///                                    | another life --> Offer (discard) --> Choose
///                                    | bad --> Fail --> Choose
/// ```
/// A queue pair that met an error sends no more data until the host's next command.
#[derive(LogicBlock)]
pub struct HeaderBuilder {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    pub active: Signal<In, Bits<16>>,
    pub receive_edge: Signal<In, ReceiveEdge>,
    pub job: StreamSink<SendJob>,
    pub summary: StreamSink<SegmentSummary>,
    pub header: StreamSource<FrameHeader>,
    pub completion: StreamSource<Completion>,
    pub event: StreamSource<QpEvent>,

    mirror: ReceiveMirror,
    life: LifeCheck,
    choice: FrameChoice,
    maker: HeaderMaker,
    starts: ContextTable<QP_BITS, 1>,
    numbers: Table<Bits<32>, QP_BITS>,
    state: DFF<BuilderState>,
    qp: DFF<Bits<4>>,
    bare: DFF<Bit>,
    discard: DFF<Bit>,
    /// It was still the same life in `Look`.
    alive: DFF<Bit>,
    current: DFF<SendJob>,
    stored: DFF<SegmentSummary>,
    number: DFF<Bits<32>>,
    mirrored: DFF<ReceiveEdge>,
    count: DFF<Bits<3>>,
    starting: DFF<Bit>,
    starting_qp: DFF<Bits<4>>,
    offer: Signal<Local, Bit>,
    after: Signal<Local, Bits<32>>,
    steps: Literal<3, 5>,
    success: Literal<8, { status::SUCCESS as u64 }>,
    fault: Literal<8, { status::DMA_FAULT as u64 }>,
    kind: Literal<8, { queue::kind::SEND as u64 }>,
}

impl Default for HeaderBuilder {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            command: Default::default(),
            active: Default::default(),
            receive_edge: Default::default(),
            job: Default::default(),
            summary: Default::default(),
            header: Default::default(),
            completion: Default::default(),
            event: Default::default(),
            mirror: Default::default(),
            life: Default::default(),
            choice: Default::default(),
            maker: Default::default(),
            starts: ContextTable::new(table::QUEUE_PAIR, 13),
            numbers: Default::default(),
            state: Default::default(),
            qp: Default::default(),
            bare: Default::default(),
            discard: Default::default(),
            alive: Default::default(),
            current: Default::default(),
            stored: Default::default(),
            number: Default::default(),
            mirrored: Default::default(),
            count: Default::default(),
            starting: Default::default(),
            starting_qp: Default::default(),
            offer: Default::default(),
            after: Default::default(),
            steps: Default::default(),
            success: Default::default(),
            fault: Default::default(),
            kind: Default::default(),
        }
    }
}

impl Logic for HeaderBuilder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, qp, bare, discard, current, stored, number, mirrored);
        dff_setup!(self, clock, count, starting, starting_qp, alive);
        clock!(self, clock, mirror, life, maker, starts, numbers);
        self.mirror.context_write.next = self.context_write.val();
        self.maker.context_write.next = self.context_write.val();
        self.starts.context_write.next = self.context_write.val();
        self.mirror.command.next = self.command.val();
        self.life.command.next = self.command.val();
        self.mirror.receive_edge.next = self.receive_edge.val();
        self.mirror.qp.next = self.qp.q.val();
        self.numbers.read_index.next = self.qp.q.val();

        self.choice.owed.next = self.mirror.owed.val();
        self.choice.active.next = self.active.val();
        self.choice.last.next = self.qp.q.val();
        self.choice.last_bare.next = self.bare.q.val();
        self.choice.segment.next = self.job.valid.val() & self.summary.valid.val();
        self.choice.job.next = self.job.beat.val();
        self.life.qp.next = self.qp.q.val();
        self.life.generation.next = self.current.q.val().generation;
        self.life.active.next = self.active.val();
        self.maker.qp.next = self.qp.q.val();
        self.maker.job.next = self.current.q.val();
        self.maker.stored.next = self.stored.q.val();
        self.maker.mirrored.next = self.mirrored.q.val();
        self.maker.number.next = self.number.q.val();
        self.maker.bare.next = self.bare.q.val();
        self.maker.discard.next = self.discard.q.val();
        self.header.beat.next = self.maker.header.val();

        // The sequence number that the next frame of a queue pair will have.
        self.starting.d.next = self.command.val().valid & self.command.val().enable;
        self.starting_qp.d.next = bit_cast::<4, 8>(self.command.val().index);
        self.starts.index.next = bit_cast::<4, 8>(self.command.val().index);
        self.after.next = self.number.q.val() + bit_cast::<32, 16>(self.stored.q.val().bytes);
        self.numbers.write.next = self.starting.q.val();
        self.numbers.write_index.next = self.starting_qp.q.val();
        self.numbers.write_record.next = self.starts.words[0].val();

        self.completion.beat.next.cq = self.current.q.val().cq;
        self.completion.beat.next.qp = bit_cast::<8, 4>(self.qp.q.val());
        self.completion.beat.next.kind = self.kind.val();
        self.completion.beat.next.status = self.success.val();
        self.completion.beat.next.request = self.current.q.val().request;
        self.completion.beat.next.solicited = false;
        self.completion.beat.next.length = bit_cast::<32, 16>(self.current.q.val().bytes);
        self.completion.beat.next.sequence = 0.into();
        self.completion.valid.next = self.state.q.val() == BuilderState::Complete;
        self.event.beat.next.qp = bit_cast::<8, 4>(self.qp.q.val());
        self.event.beat.next.status = self.fault.val();
        self.event.beat.next.cq = self.maker.receive_cq.val();
        self.event.beat.next.sequence = 0.into();
        self.event.valid.next = self.state.q.val() == BuilderState::Fail;

        self.mirror.pay.next = false;
        self.life.lost.next = false;
        self.job.ready.next = false;
        self.summary.ready.next = false;
        // A start writes the sequence number first.
        self.offer.next = (self.state.q.val() == BuilderState::Offer) & !self.starting.q.val();
        self.header.valid.next = self.offer.val();
        match self.state.q.val() {
            BuilderState::Choose => {
                self.count.d.next = 0.into();
                self.discard.d.next = false;
                if self.choice.bare.val() {
                    self.bare.d.next = true;
                    self.qp.d.next = self.choice.qp.val();
                    self.stored.d.next.sum = 0.into();
                    self.stored.d.next.bytes = 0.into();
                    self.stored.d.next.error = false;
                    self.state.d.next = BuilderState::Look;
                } else if self.choice.data.val() {
                    self.bare.d.next = false;
                    self.qp.d.next = self.job.beat.val().qp;
                    self.current.d.next = self.job.beat.val();
                    self.stored.d.next = self.summary.beat.val();
                    self.job.ready.next = true;
                    self.summary.ready.next = true;
                    self.state.d.next = BuilderState::Look;
                }
            }
            BuilderState::Look => {
                self.alive.d.next = self.life.alive.val();
                self.state.d.next = BuilderState::Read;
            }
            BuilderState::Read => {
                self.mirrored.d.next = self.mirror.record.val();
                self.number.d.next = self.numbers.read_record.val();
                self.state.d.next = BuilderState::Sum;
                self.mirror.pay.next = true;
                if !self.bare.q.val() {
                    self.number.d.next = self.current.q.val().position;
                    self.mirror.pay.next = self.alive.q.val() & !self.current.q.val().raw;
                    if self.current.q.val().raw {
                        self.state.d.next = BuilderState::Offer;
                    }
                    if !self.alive.q.val() {
                        self.discard.d.next = true;
                        self.state.d.next = BuilderState::Offer;
                    }
                    if self.stored.q.val().error {
                        self.mirror.pay.next = false;
                        self.state.d.next = BuilderState::Choose;
                        if self.alive.q.val() {
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
                if self.offer.val() & self.header.ready.val() {
                    self.state.d.next = BuilderState::Choose;
                    if !self.bare.q.val() & !self.discard.q.val() {
                        if self.current.q.val().raw {
                            if self.current.q.val().signaled {
                                self.state.d.next = BuilderState::Complete;
                            }
                        } else {
                            self.numbers.write.next = true;
                            self.numbers.write_index.next = self.qp.q.val();
                            self.numbers.write_record.next = self.after.val();
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
                self.life.lost.next = self.event.ready.val();
                if self.event.ready.val() {
                    self.state.d.next = BuilderState::Choose;
                }
            }
            _ => {
                self.state.d.next = BuilderState::Choose;
            }
        }
    }
}
