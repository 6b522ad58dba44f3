//! The blocks of `transmit` that stand alone.

use crate::transmit::ack_processor::AckProcessor;
use crate::transmit::crc_inserter::CrcInserter;
use crate::transmit::fpdu_framer::FpduFramer;
use crate::transmit::frame_assembler::FrameAssembler;
use crate::transmit::frame_choice::FrameChoice;
use crate::transmit::frame_life::FrameLife;
use crate::transmit::header_builder::HeaderBuilder;
use crate::transmit::header_sums::HeaderSums;
use crate::transmit::marker_inserter::MarkerInserter;
use crate::transmit::next_hops::NextHops;
use crate::transmit::payload_read::PayloadRead;
use crate::transmit::query::SendQuery;
use crate::transmit::read_limit::OutboundLimit;
use crate::transmit::receive_mirror::ReceiveMirror;
use crate::transmit::request_check::RequestCheck;
use crate::transmit::response_queue::ResponseQueue;
use crate::transmit::scheduler::Scheduler;
use crate::transmit::segment_path::SegmentPath;
use crate::transmit::segment_sizer::SegmentSizer;
use crate::transmit::segment_store::SegmentStore;
use crate::transmit::segmenter::Segmenter;
use crate::transmit::send_completions::SendCompletions;
use crate::transmit::send_states::SendStates;
use crate::transmit::send_window::SendWindow;
use crate::transmit::stream_writer::StreamWriter;
use crate::transmit::Transmit;

blocks! {
    request_check: RequestCheck::default(),
        [qp, entry, reads, sorted];
    segment_sizer: SegmentSizer::default(),
        [clock, raw, to_stag, length, offset, mulpdu, markers, position, payload, last, ulpdu,
        octets];
    read_limit: OutboundLimit::default(),
        [clock, context_write, change, start, start_qp, done, done_qp, qp, room, previous, count_qp,
        begun, ended];
    response_queue: ResponseQueue::default(),
        [clock, context_write, change, asked, free, arrived, room_qp, room, head_qp, head,
        head_available, take, take_qp];
    scheduler: Scheduler::default(),
        [clock, change, read_done, opened, uncrowded, again, arrived, asked, asked_free, moved,
        moved_free, candidate, qp, awaits, reads, read_room, crowded, head, head_available,
        asked_available, go, respond, write, following];
    send_states: SendStates::default(),
        [clock, change, qp, state, commit, after, raw, payload, last, write, read, sent];
    send_window: SendWindow::default(),
        [clock, context_write, change, send_edge, qp, position, octets, beyond];
    segmenter: Segmenter::default(),
        [clock, context_write, change, fence, candidate, qp, awaits, reads, head, asked, go,
        respond, write_turn, following, again, used_request, used_response, send_edge, sent,
        question, answer, job, request, read_sent, event];
    payload_read: PayloadRead::default(), [clock, max_read, job, read, data, source, started];
    fpdu_framer: FpduFramer::default(), [clock, job, payload, source];
    marker_inserter: MarkerInserter::default(), [clock, job, sink, source];
    crc_inserter: CrcInserter::default(), [clock, job, sink, source];
    stream_writer: StreamWriter::default(), [clock, frame, marker, check, payload, source];
    segment_store: SegmentStore::default(), [clock, sink, summary, source, stored];
    segment_path: SegmentPath::default(),
        [clock, max_read, job, send, payload_read, payload_data, summary, segment, started, reading,
        stored];
    header_sums: HeaderSums::default(),
        [clock, our_ip, peer_ip, ports, number, acknowledgement, flags, window, payload, bytes,
        total, network, transport];
    next_hops: NextHops::default(), [clock, context_write, qp, address];
    receive_mirror: ReceiveMirror::default(),
        [clock, context_write, change, receive_edge, owing, qp, record, owes, pay];
    header_builder: HeaderBuilder::default(),
        [clock, context_write, change, receive_edge, job, summary, header, left, completion,
        event];
    frame_choice: FrameChoice::default(),
        [owing, owing_qp, job, job_valid, stored, last_bare, bare, segment, fence, qp];
    frame_life: FrameLife::default(),
        [clock, context_write, change, look, look_qp, qp, bare, generation, alive, disturbed,
        first, next_number, leave, position, lose, left];
    frame_assembler: FrameAssembler::default(), [clock, header, segment, source, fenced];
    ack_processor: AckProcessor::default(),
        [clock, context_write, change, acknowledgement, sent, send_edge, free];
    send_completions: SendCompletions::default(),
        [clock, change, request, send_edge, read_done, done_qp, done, completion, crowd_qp, crowded,
        uncrowded];
    send_query: SendQuery::default(),
        [clock, context_write, change, left, send_edge, qp, number, unacknowledged, window];
    transmit: Transmit::default(),
        [clock, context_write, change, doorbell, fence, fenced, request_read, request_data,
        payload_read, payload_data, max_read, acknowledgement, receive_edge, opened, read_asked,
        room_qp, read_room, read_sent, read_done, completion, event, frame, query_qp,
        query_send_next, query_send_unacknowledged, query_send_window, frame_sent, stations];
}
