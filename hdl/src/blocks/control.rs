//! The blocks of `control` that stand alone.

use crate::control::bar_decoder::BarDecoder;
use crate::control::committer::Committer;
use crate::control::counters::Counters;
use crate::control::fences::Fences;
use crate::control::msix_table::MsixTable;
use crate::control::qp_state::QpState;
use crate::control::record_masks::RecordMasks;
use crate::control::register_file::RegisterFile;
use crate::control::register_reader::RegisterReader;
use crate::control::time_base::TimeBase;

blocks! {
    bar_decoder: BarDecoder::default(),
        [clock, sink, hold, busy, wipe, qp_doorbell, cq_doorbell, register_write, msix_write,
         window_write, refused];
    register_file: RegisterFile::default(),
        [clock, write, clocks_per_microsecond, restart_time, completion_timeout, mac_address,
         query_qp, fence_queue, flow_key, qp_command, cq_command, commit, fence, refused];
    register_reader: RegisterReader::default(),
        [clock, sink, source, hold, clocks_per_microsecond, microseconds, completion_timeout,
         mac_address, query_qp, query_record, query_send_next, query_send_unacknowledged,
         query_receive_next, query_send_window, fence_queue, fence_number, fence_busy,
         count_index, count_value, msix_word, msix_value, msix_pending];
    record_masks: RecordMasks::default(), [place, mask];
    committer: Committer::default(),
        [clock, wipe, window_write, commit, busy, qp, qp_started, cq_command, context_write,
         refused];
    time_base: TimeBase::default(), [clock, clocks_per_microsecond, restart, microseconds, tick];
    counters: Counters::<17>::default(), [clock, pulses, index, value];
    qp_state: QpState::default(),
        [clock, wipe, context_write, command, busy, event_send, event_receive, event_overflow,
         completion, change, shown_qp, shown];
    fences: Fences::default(),
        [clock, ask, cq, fence, transmit_fenced, receive_fenced, completion, told, number, busy];
    msix_table: MsixTable::default(),
        [clock, write, read_word, read_data, pending, enabled, interrupt, message];
}
