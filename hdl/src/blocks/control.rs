//! The blocks of `control` that stand alone.

use crate::control::bar_decoder::BarDecoder;
use crate::control::counters::Counters;
use crate::control::msix_table::MsixTable;
use crate::control::qp_state::QpState;
use crate::control::register_file::RegisterFile;
use crate::control::register_reader::RegisterReader;
use crate::control::time_base::TimeBase;
use crate::receive::ring_sizes::BANK_BITS;

blocks! {
    bar_decoder: BarDecoder::default(),
        [clock, sink, wipe, context_write, doorbell, register_write, msix_write];
    register_file: RegisterFile::default(),
        [clock, write, clocks_per_microsecond, restart_time, completion_timeout, mac_address,
         query_qp, qp_command, cq_command];
    register_reader: RegisterReader::<BANK_BITS>::default(),
        [clock, sink, source, clocks_per_microsecond, microseconds, completion_timeout,
         mac_address, active, query_qp, started, query_send_next, query_send_unacknowledged,
         query_receive_next, query_send_window, count_index, count_value, msix_word, msix_value,
         msix_pending];
    time_base: TimeBase::default(), [clock, clocks_per_microsecond, restart, microseconds, tick];
    counters: Counters::default(), [clock, pulses, index, value];
    qp_state: QpState::default(),
        [clock, command, event_send, event_receive, completion, active, started];
    msix_table: MsixTable::default(),
        [clock, write, read_word, read_data, pending, enabled, interrupt, message];
}
