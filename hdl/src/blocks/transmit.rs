//! The blocks of `transmit` that stand alone.

use crate::transmit::ack_processor::AckProcessor;
use crate::transmit::answer_status::AnswerStatus;
use crate::transmit::crc_inserter::CrcInserter;
use crate::transmit::done_reads::DoneReads;
use crate::transmit::fpdu_framer::FpduFramer;
use crate::transmit::frame_assembler::FrameAssembler;
use crate::transmit::header_builder::HeaderBuilder;
use crate::transmit::header_sums::HeaderSums;
use crate::transmit::marker_inserter::MarkerInserter;
use crate::transmit::payload_read::PayloadRead;
use crate::transmit::read_limit::ReadLimit;
use crate::transmit::receive_mirror::ReceiveMirror;
use crate::transmit::request_check::RequestCheck;
use crate::transmit::response_queue::ResponseQueue;
use crate::transmit::scheduler::Scheduler;
use crate::transmit::segment_sizer::SegmentSizer;
use crate::transmit::segment_store::SegmentStore;
use crate::transmit::segmenter::Segmenter;
use crate::transmit::send_completions::SendCompletions;
use crate::transmit::stream_writer::StreamWriter;
use crate::transmit::tally::Tally;
use crate::transmit::watch::Watch;
use crate::transmit::Transmit;

blocks! {
    request_check: RequestCheck::default(),
        [qp, entry, reads, sorted];
    segment_sizer: SegmentSizer::default(),
        [clock, raw, to_stag, length, offset, mulpdu, markers, position, payload, last, ulpdu,
        octets];
    tally: Tally::default(), [clock, load, load_qp, value, up, up_qp, down, down_qp, any];
    read_limit: ReadLimit::outbound(),
        [clock, context_write, command, start, start_qp, done, done_qp, room];
    response_queue: ResponseQueue::default(),
        [clock, context_write, command, asked, room, available, head_qp, head, take, take_qp];
    answer_status: AnswerStatus::default(), [refusal, response, status];
    done_reads: DoneReads::default(),
        [clock, command, read_done, news, qp, seen, some, complete];
    scheduler: Scheduler::default(),
        [clock, command, available, asked, active, crowded, opened, send_edge, open, open_qp,
        read_done, qp, block, pause, halt, commit, response, last, any, choice, respond];
    watch: Watch::default(),
        [clock, command, send_edge, choosing, qp, stale, stale_now, moved_now];
    segmenter: Segmenter::default(),
        [clock, context_write, command, any, choice, respond, read_room, qp, block, pause, halt,
        commit, response, last, used_up, head, asked, open, open_qp, send_edge, sent,
        question, answer, job, request, read_sent, event];
    payload_read: PayloadRead::default(), [clock, max_read, job, read, data, source, started];
    fpdu_framer: FpduFramer::default(), [clock, job, payload, source];
    marker_inserter: MarkerInserter::default(), [clock, job, sink, source];
    crc_inserter: CrcInserter::default(), [clock, job, sink, source];
    stream_writer: StreamWriter::default(), [clock, frame, marker, check, payload, source];
    segment_store: SegmentStore::default(), [clock, sink, summary, source, stored];
    header_sums: HeaderSums::default(),
        [clock, our_ip, peer_ip, ports, number, acknowledgement, flags, window, payload, bytes,
        total, network, transport];
    receive_mirror: ReceiveMirror::default(),
        [clock, context_write, command, receive_edge, qp, record, owed, pay];
    header_builder: HeaderBuilder::default(),
        [clock, context_write, command, active, receive_edge, job, summary, header, completion,
        event];
    frame_assembler: FrameAssembler::default(), [clock, header, segment, source];
    ack_processor: AckProcessor::default(),
        [clock, context_write, command, acknowledgement, sent, send_edge];
    send_completions: SendCompletions::default(),
        [clock, command, request, send_edge, read_done, completion, crowded];
    transmit: Transmit::default(),
        [clock, context_write, qp_command, active, doorbell, request_read, request_data,
        payload_read, payload_data, max_read, acknowledgement, receive_edge, opened, read_asked,
        read_room, read_sent, read_done, completion, event, frame, query_qp, query_send_next,
        query_send_unacknowledged, query_send_window, frame_sent, stations];
}
