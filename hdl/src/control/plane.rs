//! The control plane as one block.
use super::bar_decoder::BarDecoder;
use super::counters::Counters;
use super::msix_table::MsixTable;
use super::qp_state::QpState;
use super::records::*;
use super::register_file::RegisterFile;
use super::register_reader::RegisterReader;
use super::time_base::TimeBase;
use crate::complete::records::Completion;
use crate::pcie::records::BarWrite;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Everything that the host's accesses to BAR 0 do.
///
/// ```text
///              +-> context_write, doorbell (broadcasts)
/// bar_write -> BarDecoder -> RegisterFile -> qp_command, cq_command, mac_address, query_qp
///              |                  |              |
///              |                  v              v
///              |              TimeBase   event -> QpState -> active, event_completion
///              v
/// interrupt -> MsixTable -> interrupt_write      Counters <- counts
/// bar_read -> RegisterReader (of all of them) -> bar_answer
/// ```
/// A broadcast comes one clock after its write was taken, a command two; `active` follows its
/// command by a clock. Writes keep their order: a context word is out before the command after it.
#[derive(LogicBlock, Default)]
pub struct Control<const BANK: usize> {
    pub clock: Signal<In, Clock>,
    /// Always ready.
    pub bar_write: StreamSink<BarWrite>,
    pub bar_read: StreamSink<Bits<20>>,
    pub bar_answer: StreamSource<Bits<32>>,
    /// After a reset: clears what the host wrote before.
    pub wipe: Signal<In, Wipe>,
    pub context_write: Signal<Out, ContextWrite>,
    pub doorbell: Signal<Out, Doorbell>,
    pub qp_command: Signal<Out, Command>,
    pub cq_command: Signal<Out, Command>,
    /// A microsecond has passed, as the time base says.
    pub microsecond: Signal<Out, Bit>,
    /// `COMPLETION_TIMEOUT` in microseconds.
    pub completion_timeout: Signal<Out, Bits<24>>,
    /// The station's address; the first octet is in the highest byte.
    pub mac_address: Signal<Out, Bits<48>>,
    /// Bit n: queue pair n runs.
    pub active: Signal<Out, Bits<16>>,
    pub event_send: StreamSink<QpEvent>,
    pub event_receive: StreamSink<QpEvent>,
    pub event_completion: StreamSource<Completion>,
    /// The queue pair that `QUERY_` registers show; the answers may come 16 clocks later.
    pub query_qp: Signal<Out, Bits<8>>,
    pub query_send_next: Signal<In, Bits<32>>,
    pub query_send_unacknowledged: Signal<In, Bits<32>>,
    pub query_receive_next: Signal<In, Bits<32>>,
    pub query_send_window: Signal<In, Bits<32>>,
    /// Bit n counts in the n-th `COUNT_` register.
    pub counts: Signal<In, Bits<16>>,
    /// The function may send interrupt messages.
    pub messages_enabled: Signal<In, Bit>,
    /// Interrupt vectors. Always ready.
    pub interrupt: StreamSink<Bits<8>>,
    /// The messages they become.
    pub interrupt_write: StreamSource<MsixMessage>,
    decoder: BarDecoder,
    registers: RegisterFile,
    time_base: TimeBase,
    counters: Counters,
    qps: QpState,
    msix: MsixTable,
    reader: RegisterReader<BANK>,
}

impl<const BANK: usize> Logic for Control<BANK> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, decoder, registers, time_base, counters, qps, msix, reader);
        StreamSink::<BarWrite>::link(&mut self.bar_write, &mut self.decoder.sink);
        self.decoder.wipe.next = self.wipe.val();
        self.context_write.next = self.decoder.context_write.val();
        self.doorbell.next = self.decoder.doorbell.val();
        self.registers.write.next = self.decoder.register_write.val();
        self.msix.write.next = self.decoder.msix_write.val();
        self.qp_command.next = self.registers.qp_command.val();
        self.cq_command.next = self.registers.cq_command.val();
        self.mac_address.next = self.registers.mac_address.val();
        self.query_qp.next = self.registers.query_qp.val();
        self.time_base.clocks_per_microsecond.next = self.registers.clocks_per_microsecond.val();
        self.time_base.restart.next = self.registers.restart_time.val();
        self.microsecond.next = self.time_base.tick.val();
        self.completion_timeout.next = self.registers.completion_timeout.val();
        self.reader.completion_timeout.next = self.registers.completion_timeout.val();
        self.counters.pulses.next = self.counts.val();

        StreamSink::<QpEvent>::link(&mut self.event_send, &mut self.qps.event_send);
        StreamSink::<QpEvent>::link(&mut self.event_receive, &mut self.qps.event_receive);
        StreamSource::<Completion>::link(&mut self.event_completion, &mut self.qps.completion);
        self.qps.command.next = self.registers.qp_command.val();
        self.active.next = self.qps.active.val();

        self.msix.enabled.next = self.messages_enabled.val();
        StreamSink::<Bits<8>>::link(&mut self.interrupt, &mut self.msix.interrupt);
        StreamSource::<MsixMessage>::link(&mut self.interrupt_write, &mut self.msix.message);

        StreamSink::<Bits<20>>::link(&mut self.bar_read, &mut self.reader.sink);
        StreamSource::<Bits<32>>::link(&mut self.bar_answer, &mut self.reader.source);
        self.reader.clocks_per_microsecond.next = self.registers.clocks_per_microsecond.val();
        self.reader.microseconds.next = self.time_base.microseconds.val();
        self.reader.mac_address.next = self.registers.mac_address.val();
        self.reader.active.next = self.qps.active.val();
        self.reader.started.next = self.qps.started.val();
        self.reader.query_qp.next = self.registers.query_qp.val();
        self.reader.query_send_next.next = self.query_send_next.val();
        self.reader.query_send_unacknowledged.next = self.query_send_unacknowledged.val();
        self.reader.query_receive_next.next = self.query_receive_next.val();
        self.reader.query_send_window.next = self.query_send_window.val();
        self.counters.index.next = self.reader.count_index.val();
        self.reader.count_value.next = self.counters.value.val();
        self.msix.read_word.next = self.reader.msix_word.val();
        self.reader.msix_value.next = self.msix.read_data.val();
        self.reader.msix_pending.next = self.msix.pending.val();
    }
}
