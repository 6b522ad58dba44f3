//! The blocks of `receive` that stand alone.

use crate::receive::{
    acceptance::Acceptance, buffer_count::BufferCount, checksums::Checksums, crc_check::CrcCheck,
    ddp_check::DdpCheck, ddp_header::DdpHeader, flow_entries::FlowEntries, flow_hash::FlowHash,
    flow_table::FlowTable, fpdu_length::FpduLength, fpdu_need::FpduNeed, fpdu_size::FpduSize,
    fpdu_start::FpduStart, frame_check::FrameCheck, frame_intake::FrameIntake,
    frame_queue::FrameQueue, framer::Framer, judge::Judge, marker_remover::MarkerRemover,
    message_check::MessageCheck, message_records::MessageRecords, message_states::MessageStates,
    next_fpdu::NextFpdu, octet_mask::OctetMask, outstanding_reads::OutstandingReads,
    packet_life::PacketLife, parser::Parser, placement::Placement, raw_ring::RawRing,
    read_request::ReadRequestFields, reset_events::ResetEvents, ring_reader::RingReader,
    stream_ring::StreamRing, stream_span::StreamSpan, stream_work::StreamWork,
    tcp_receive::TcpReceive, window_teller::WindowTeller, Receive,
};

blocks! {
    octet_mask: OctetMask::default(), [offset, low, high, mask];
    parser: Parser::default(), [clock, mac_address, beat, valid, head, head_valid];
    checksums: Checksums::default(), [clock, beat, valid, verdict, verdict_valid];
    flow_hash: FlowHash::default(), [clock, key, head, bucket];
    flow_entries: FlowEntries::default(), [clock, context_write, bucket, first, qp, entry];
    flow_table: FlowTable::default(), [clock, context_write, change, sink, source];
    frame_check: FrameCheck::default(), [frame, octets, bad, foreign];
    fpdu_start: FpduStart::default(), [position, markers, available, begun, between];
    frame_queue: FrameQueue::default(),
        [clock, beat, beat_valid, beat_ready, head, verdict, verdict_valid, frame, segment,
        segment_valid];
    frame_intake: FrameIntake::default(),
        [clock, context_write, change, mac_address, flow_key, mac, frame, segment, segment_valid,
        starts, overflow];
    raw_ring: RawRing::default(), [clock, taken, beat, first, fits, start, done, octets];
    acceptance: Acceptance::default(),
        [clock, context_write, change, taken, head, ask, decision, commit];
    tcp_receive: TcpReceive::default(),
        [clock, context_write, change, taken, frame, segment, segment_valid, write_qp, write_at,
        write_data, write_mask, grown, raw, raw_valid, raw_ready, note, note_valid, acknowledgement,
        acknowledgement_valid, peer_reset, counts];
    stream_ring: StreamRing::default(),
        [clock, write_qp, write_at, write_data, write_mask, read_qp, read_at, read_data];
    fpdu_length: FpduLength::default(), [data, marker, octets];
    fpdu_need: FpduNeed::default(), [data, marker, needs, last];
    fpdu_size: FpduSize::default(), [clock, data, markers, position, total, too_long];
    stream_span: StreamSpan::default(),
        [clock, context_write, change, grown, qp, first, position, stream_end, available, finished,
        advance, beyond];
    stream_work: StreamWork::default(),
        [clock, change, grown, arrived, again, raw, next_valid, next_raw, next_qp, take];
    buffer_count: BufferCount::default(),
        [clock, change, doorbell, arrived, qp, spare, waits, give, raw_starts, raw_ends,
        raw_returns];
    next_fpdu: NextFpdu::default(),
        [clock, context_write, change, grown, qp, look, facts, begun, between, peek_data, total,
        too_long, whole, needs, last, advance];
    framer: Framer::default(),
        [clock, context_write, change, grown, doorbell, arrived, raw_ends, raw_returns, raw, peek,
        peek_qp, peek_at, peek_data, job];
    ring_reader: RingReader::default(),
        [clock, change, job, peek, peek_qp, peek_at, read_qp, read_at, read_data, head, packet,
        taken];
    crc_check: CrcCheck::default(), [clock, sink, source];
    marker_remover: MarkerRemover::default(),
        [clock, head, sink, source, next_head, verdict, verdict_valid, verdict_ready];
    ddp_header: DdpHeader::default(),
        [word, is_tagged, last, solicited, request, response, queue_number, payload, status];
    ddp_check: DdpCheck::default(), [clock, head, sink, verdict, payload, arrival];
    message_check: MessageCheck::default(),
        [packet, entry, has_entry, has_room, fits, expected, pd, cq, verdict, question,
        expected_next, delivery];
    message_states: MessageStates::default(),
        [clock, change, qp, request, expected, write, following];
    outstanding_reads: OutstandingReads::default(),
        [clock, change, read_sent, packet, fits, take];
    message_records: MessageRecords::default(),
        [clock, context_write, change, read_sent, packet, expected, fits, pd, cq, follows,
        following, answers];
    packet_life: PacketLife::default(), [clock, change, look, qp, generation, live, fail];
    judge: Judge::default(),
        [clock, context_write, change, fence, arrival, head_qp, entry, take, take_qp, raw_ends,
        raw_returns, room_qp, read_room, asking, read_sent, question, answer, delivery, opened,
        checked, crc_wrong, passed, raw_dropped];
    read_request_fields: ReadRequestFields::default(), [clock, data, push, qp, generation, asked];
    placement: Placement::default(),
        [clock, change, delivery, payload, write, write_data, completion, event, read_asked, asking,
        read_done, fenced, placed];
    reset_events: ResetEvents::default(), [clock, context_write, seen, event];
    window_teller: WindowTeller::default(),
        [clock, context_write, change, note, taken, receive_edge, query_qp, query_receive_next];
    receive: Receive::default(),
        [clock, context_write, change, doorbell, fence, fenced, flow_key, max_read, mac,
        mac_address, request_read, request_data, write, write_data, completion, event,
        acknowledgement, receive_edge, opened, read_asked, room_qp, read_room, read_sent, read_done,
        query_qp, query_receive_next, counts, stations];
}
