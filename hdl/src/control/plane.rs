//! The control plane as one block.
use super::bar_decoder::BarDecoder;
use super::committer::Committer;
use super::counters::Counters;
use super::fences::Fences;
use super::msix_table::MsixTable;
use super::qp_state::QpState;
use super::records::*;
use super::register_file::RegisterFile;
use super::register_reader::RegisterReader;
use super::time_base::TimeBase;
use crate::complete::records::Completion;
use crate::configuration::*;
use crate::life::QpChange;
use crate::pcie::records::BarWrite;
use crate::pins::Ports;
use crate::stream::beat::*;
use ironwarp_abi::limits::FLOW_KEY_BITS;
use rust_hdl::prelude::*;

/// What is counted elsewhere, before what is counted here, and behind it.
const OTHER_COUNTERS: usize = 16;
const LATER_COUNTERS: usize = 2;
/// The counters.
const COUNTERS: usize = OTHER_COUNTERS + 1 + LATER_COUNTERS;

/// The pulses that the counters count, in the order of the `COUNT_` registers.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Pulses {
    pub others: Bits<OTHER_COUNTERS>,
    pub refused: Bit,
    pub later: Bits<LATER_COUNTERS>,
}

/// Everything that the host's accesses to BAR 0 do.
///
/// ```text
///              +-> qp_doorbell, cq_doorbell (broadcasts)
///              |   +-> Committer -> context_write
/// bar_write -> BarDecoder -> RegisterFile -> cq_command, mac_address, flow_key, query_qp
///              |        ^ hold    | | +----> Fences <-> fence, fenced, fence_{completion, told}
///              v        +---------|-+------> QpState -> change, event_completion
/// interrupt -> MsixTable          v             ^ events
///              -> interrupt_write TimeBase     Counters <- counts
/// bar_read -> RegisterReader (of all of them) -> bar_answer
/// ```
/// A doorbell comes one clock after its write was taken, what a register asks for two. Accesses
/// keep their order: what a commit or a command sets in motion is told to the engines before the
/// next write or read is taken, so a doorbell counts from the start before it, and a fence stands
/// behind every commit and every stop that came before it.
#[derive(LogicBlock, Ports, Default)]
pub struct Control {
    pub clock: Signal<In, Clock>,
    pub bar_write: StreamSink<BarWrite>,
    pub bar_read: StreamSink<Bits<BAR_BITS>>,
    pub bar_answer: StreamSource<Bits<32>>,
    /// After a reset: clears what the host wrote before.
    pub wipe: Signal<In, Wipe>,
    pub context_write: Signal<Out, ContextWrite>,
    pub change: Signal<Out, QpChange>,
    pub qp_doorbell: Signal<Out, QpDoorbell>,
    pub cq_doorbell: Signal<Out, CqDoorbell>,
    /// A wipe stops every completion queue.
    pub cq_command: Signal<Out, CqCommand>,
    /// A microsecond has passed, as the time base says.
    pub microsecond: Signal<Out, Bit>,
    /// `COMPLETION_TIMEOUT` in microseconds.
    pub completion_timeout: Signal<Out, Bits<24>>,
    /// The station's address; the first octet is in the highest byte.
    pub mac_address: Signal<Out, Bits<48>>,
    /// The key of the flow table's hash.
    pub flow_key: Signal<Out, Bits<FLOW_KEY_BITS>>,
    pub event_send: StreamSink<QpEvent>,
    pub event_receive: StreamSink<QpEvent>,
    pub event_overflow: StreamSink<QpEvent>,
    pub event_completion: StreamSource<Completion>,
    /// A fence enters the engines, and has passed them.
    pub fence: Signal<Out, Bit>,
    pub transmit_fenced: Signal<In, Bit>,
    pub receive_fenced: Signal<In, Bit>,
    /// Then it goes to the completion writer, and is done when that says so.
    pub fence_completion: StreamSource<Completion>,
    pub fence_told: Signal<In, Bit>,
    /// The queue pair that `QUERY_` registers show; the answers may come 16 clocks later.
    pub query_qp: Signal<Out, QpNumber>,
    pub query_send_next: Signal<In, Bits<32>>,
    pub query_send_unacknowledged: Signal<In, Bits<32>>,
    pub query_receive_next: Signal<In, Bits<32>>,
    pub query_send_window: Signal<In, Bits<32>>,
    /// Bit n counts in the n-th `COUNT_` register; the next one is counted here.
    pub counts: Signal<In, Bits<OTHER_COUNTERS>>,
    /// Those behind it.
    pub later_counts: Signal<In, Bits<LATER_COUNTERS>>,
    /// The function may send interrupt messages.
    pub messages_enabled: Signal<In, Bit>,
    /// Interrupt vectors. Always ready.
    pub interrupt: StreamSink<Bits<8>>,
    /// The messages they become.
    pub interrupt_write: StreamSource<MsixMessage>,
    decoder: BarDecoder,
    registers: RegisterFile,
    committer: Committer,
    time_base: TimeBase,
    counters: Counters<COUNTERS>,
    qps: QpState,
    fences: Fences,
    msix: MsixTable,
    reader: RegisterReader,
    hold: Signal<Local, Bit>,
    commands: Signal<Local, CqCommand>,
    pulses: Signal<Local, Pulses>,
}

impl Logic for Control {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, decoder, registers, committer, time_base, counters, qps, fences);
        clock!(self, clock, msix, reader);

        // The host's writes, one after the other.
        StreamSink::<BarWrite>::link(&mut self.bar_write, &mut self.decoder.sink);
        self.hold.next = self.committer.busy.val() | self.qps.busy.val();
        self.decoder.hold.next = self.hold.val();
        self.decoder.wipe.next = self.wipe.val();
        self.qp_doorbell.next = self.decoder.qp_doorbell.val();
        self.cq_doorbell.next = self.decoder.cq_doorbell.val();
        self.registers.write.next = self.decoder.register_write.val();
        self.msix.write.next = self.decoder.msix_write.val();
        self.mac_address.next = self.registers.mac_address.val();
        self.flow_key.next = self.registers.flow_key.val();
        self.time_base.clocks_per_microsecond.next = self.registers.clocks_per_microsecond.val();
        self.time_base.restart.next = self.registers.restart_time.val();
        self.microsecond.next = self.time_base.tick.val();
        self.completion_timeout.next = self.registers.completion_timeout.val();
        self.reader.completion_timeout.next = self.registers.completion_timeout.val();
        self.reader.retransmit_min.next = self.registers.retransmit_min.val();
        self.pulses.next.others = self.counts.val();
        self.pulses.next.later = self.later_counts.val();
        self.pulses.next.refused = self.decoder.refused.val()
            | self.registers.refused.val()
            | self.committer.refused.val();
        self.counters.pulses.next = self.pulses.val().into();

        self.commands.next = self.registers.cq_command.val();
        if self.wipe.val().valid {
            self.commands.next.valid = true;
            self.commands.next.cq = bit_cast::<CQ_BITS, OBJECT_BITS>(self.wipe.val().index);
            self.commands.next.enable = false;
        }
        self.cq_command.next = self.commands.val();

        // Contexts.
        self.committer.wipe.next = self.wipe.val();
        self.committer.window_write.next = self.decoder.window_write.val();
        self.committer.commit.next = self.registers.commit.val();
        self.committer.cq_command.next = self.commands.val();
        self.context_write.next = self.committer.context_write.val();

        // Lives.
        self.qps.wipe.next = self.wipe.val();
        self.qps.context_write.next = self.committer.context_write.val();
        self.qps.command.next = self.registers.qp_command.val();
        self.change.next = self.qps.change.val();
        StreamSink::<QpEvent>::link(&mut self.event_send, &mut self.qps.event_send);
        StreamSink::<QpEvent>::link(&mut self.event_receive, &mut self.qps.event_receive);
        StreamSink::<QpEvent>::link(&mut self.event_overflow, &mut self.qps.event_overflow);
        StreamSource::<Completion>::link(&mut self.event_completion, &mut self.qps.completion);
        self.query_qp.next = self.registers.query_qp.val();
        // While a record is taken nothing is read.
        self.qps.shown_qp.next = self.registers.query_qp.val();
        if self.committer.busy.val() {
            self.qps.shown_qp.next = self.committer.qp.val();
        }
        self.committer.qp_started.next = self.qps.shown.val().started;

        // Fences.
        self.fences.ask.next = self.registers.fence.val();
        self.fences.cq.next = self.registers.fence_queue.val();
        self.fence.next = self.fences.fence.val();
        self.fences.transmit_fenced.next = self.transmit_fenced.val();
        self.fences.receive_fenced.next = self.receive_fenced.val();
        StreamSource::<Completion>::link(&mut self.fence_completion, &mut self.fences.completion);
        self.fences.told.next = self.fence_told.val();

        self.msix.enabled.next = self.messages_enabled.val();
        StreamSink::<Bits<8>>::link(&mut self.interrupt, &mut self.msix.interrupt);
        StreamSource::<MsixMessage>::link(&mut self.interrupt_write, &mut self.msix.message);

        // The host's reads, behind its writes.
        StreamSink::<Bits<BAR_BITS>>::link(&mut self.bar_read, &mut self.reader.sink);
        StreamSource::<Bits<32>>::link(&mut self.bar_answer, &mut self.reader.source);
        self.reader.hold.next = self.hold.val() | self.decoder.busy.val();
        self.reader.clocks_per_microsecond.next = self.registers.clocks_per_microsecond.val();
        self.reader.microseconds.next = self.time_base.microseconds.val();
        self.reader.mac_address.next = self.registers.mac_address.val();
        self.reader.query_qp.next = self.registers.query_qp.val();
        self.reader.query_record.next = self.qps.shown.val();
        self.reader.query_send_next.next = self.query_send_next.val();
        self.reader.query_send_unacknowledged.next = self.query_send_unacknowledged.val();
        self.reader.query_receive_next.next = self.query_receive_next.val();
        self.reader.query_send_window.next = self.query_send_window.val();
        self.reader.fence_queue.next = self.registers.fence_queue.val();
        self.reader.fence_number.next = self.fences.number.val();
        self.reader.fence_busy.next = self.fences.busy.val();
        self.counters.index.next = self.reader.count_index.val();
        self.reader.count_value.next = self.counters.value.val();
        self.msix.read_word.next = self.reader.msix_word.val();
        self.reader.msix_value.next = self.msix.read_data.val();
        self.reader.msix_pending.next = self.msix.pending.val();
    }
}
