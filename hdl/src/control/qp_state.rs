//! Which queue pairs run.
use super::records::{Command, QpEvent};
use crate::complete::records::Completion;
use crate::stream::beat::*;
use crate::stream::Merge2;
use ironwarp_abi::{limits, queue};
use rust_hdl::prelude::*;

/// A command starts or stops a queue pair; an event stops it and becomes a completion entry of kind
/// `EVENT`. An event of a queue pair that does not run is swallowed: only the first reason counts.
///
/// `active` follows a command by a clock. An event takes two clocks, and waits for the completion
/// writer.
#[derive(LogicBlock)]
pub struct QpState {
    pub clock: Signal<In, Clock>,
    pub command: Signal<In, Command>,
    /// What the transmit side met.
    pub event_send: StreamSink<QpEvent>,
    /// What the receive side met.
    pub event_receive: StreamSink<QpEvent>,
    pub completion: StreamSource<Completion>,
    /// Bit n: queue pair n runs.
    pub active: Signal<Out, Bits<16>>,
    /// Bit n: queue pair n has run since the reset.
    pub started: Signal<Out, Bits<16>>,
    merge: Merge2<QpEvent>,
    bits: DFF<Bits<16>>,
    begun: DFF<Bits<16>>,
    out: DFF<Completion>,
    out_full: DFF<Bit>,
    free: Signal<Local, Bit>,
    known: Signal<Local, Bit>,
    event_qp: Signal<Local, Bits<4>>,
    event_mask: Signal<Local, Bits<16>>,
    command_mask: Signal<Local, Bits<16>>,
    after_event: Signal<Local, Bits<16>>,
    first: Constant<Bits<16>>,
    kind: Constant<Bits<8>>,
}

impl Default for QpState {
    fn default() -> Self {
        assert_eq!(limits::QP_COUNT, 16, "the bits of `active`");
        Self {
            clock: Default::default(),
            command: Default::default(),
            event_send: Default::default(),
            event_receive: Default::default(),
            completion: Default::default(),
            active: Default::default(),
            started: Default::default(),
            merge: Default::default(),
            bits: Default::default(),
            begun: Default::default(),
            out: Default::default(),
            out_full: Default::default(),
            free: Default::default(),
            known: Default::default(),
            event_qp: Default::default(),
            event_mask: Default::default(),
            command_mask: Default::default(),
            after_event: Default::default(),
            first: Constant::new(1.into()),
            kind: Constant::new(queue::kind::EVENT.to_bits()),
        }
    }
}

impl Logic for QpState {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, bits, begun, out, out_full);
        clock!(self, clock, merge);
        StreamSink::<QpEvent>::link(&mut self.event_send, &mut self.merge.sink_a);
        StreamSink::<QpEvent>::link(&mut self.event_receive, &mut self.merge.sink_b);
        self.completion.beat.next = self.out.q.val();
        self.completion.valid.next = self.out_full.q.val();
        self.active.next = self.bits.q.val();
        self.started.next = self.begun.q.val();

        // Not in the clock in which the last one is taken: every engine waits for this.
        self.free.next = !self.out_full.q.val();
        self.merge.source.ready.next = self.free.val();
        self.event_qp.next = bit_cast::<4, 8>(self.merge.source.beat.val().qp);
        self.event_mask.next = self.first.val() << self.event_qp.val();
        self.command_mask.next = self.first.val() << bit_cast::<4, 8>(self.command.val().index);
        self.known.next =
            self.merge.source.valid.val() & self.bits.q.val().get_bit(self.event_qp.val().index());
        self.after_event.next = self.bits.q.val();
        if self.completion.ready.val() {
            self.out_full.d.next = false;
        }
        if self.free.val() {
            self.out_full.d.next = self.known.val();
            self.out.d.next.cq = self.merge.source.beat.val().cq;
            self.out.d.next.qp = self.merge.source.beat.val().qp;
            self.out.d.next.kind = self.kind.val();
            self.out.d.next.status = self.merge.source.beat.val().status;
            self.out.d.next.request = 0.into();
            self.out.d.next.solicited = false;
            self.out.d.next.length = 0.into();
            self.out.d.next.sequence = self.merge.source.beat.val().sequence;
            if self.known.val() {
                self.after_event.next = self.bits.q.val() & !self.event_mask.val();
            }
        }
        self.bits.d.next = self.after_event.val();
        if self.command.val().valid {
            if self.command.val().enable {
                self.bits.d.next = self.after_event.val() | self.command_mask.val();
                self.begun.d.next = self.begun.q.val() | self.command_mask.val();
            } else {
                self.bits.d.next = self.after_event.val() & !self.command_mask.val();
            }
        }
    }
}
