//! The blocks of `receive` that stand alone.

use crate::receive::ring_sizes::BANK_BITS_SMALL;
use crate::receive::{
    acceptance::Acceptance, checksums::Checksums, crc_check::CrcCheck, ddp_check::DdpCheck,
    ddp_header::DdpHeader, epochs::Epochs, flow_table::FlowTable, fpdu_length::FpduLength,
    fpdu_size::FpduSize, fpdu_start::FpduStart, frame_check::FrameCheck, frame_queue::FrameQueue,
    framer::Framer, judge::Judge, life::Life, marker_remover::MarkerRemover,
    message_check::MessageCheck, message_states::MessageStates, octet_mask::OctetMask,
    outstanding_reads::OutstandingReads, parser::Parser, placement::Placement, qp_word::QpWord,
    read_request::ReadRequestFields, refusal_status::RefusalStatus, reset_events::ResetEvents,
    ring_reader::RingReader, ring_sizes::BANK_BITS, stream_ring::StreamRing,
    stream_span::StreamSpan, stream_work::StreamWork, tcp_receive::TcpReceive,
    window_teller::WindowTeller, wire_order::WireOrder, Receive,
};

blocks! {
    wire_order: WireOrder::default(), [data, word];
    octet_mask: OctetMask::default(), [offset, low, high, mask];
    qp_word: QpWord::<15>::default(), [clock, context_write, qp, word];
    epochs: Epochs::default(), [clock, qp_command, now, earlier];
    parser: Parser::default(), [clock, mac_address, beat, valid, head, head_valid];
    checksums: Checksums::default(), [clock, beat, valid, verdict, verdict_valid];
    flow_table: FlowTable::default(), [clock, context_write, sink, source];
    frame_check: FrameCheck::<BANK_BITS>::default(), [frame, octets, bad, foreign];
    fpdu_start: FpduStart::default(), [position, markers, available, begun, between];
    frame_queue: FrameQueue::default(),
        [clock, beat, beat_valid, head, verdict, verdict_valid, frame, segment, segment_valid];
    acceptance: Acceptance::<BANK_BITS>::default(),
        [clock, context_write, qp_command, active, taken, head, ask, decision, commit, disturbed];
    tcp_receive: TcpReceive::<BANK_BITS>::default(),
        [clock, context_write, qp_command, active, taken, frame, segment, segment_valid, write_qp,
        write_at, write_data, write_mask, grown, raw, raw_valid, raw_ready, note, note_valid,
        acknowledgement, acknowledgement_valid, reset_valid, reset_qp, reset_sequence, counts];
    stream_ring: StreamRing::<BANK_BITS>::default(),
        [clock, write_qp, write_at, write_data, write_mask, read_qp, read_at, read_data];
    fpdu_length: FpduLength::default(), [data, marker, octets];
    fpdu_size: FpduSize::<BANK_BITS>::default(), [clock, data, markers, position, total, too_long];
    stream_span: StreamSpan::default(),
        [clock, context_write, qp_command, grown, qp, first, position, stream_end, available,
        advance, beyond];
    stream_work: StreamWork::default(),
        [clock, qp_command, grown, wanted, finished, qp, look, again, tell];
    framer: Framer::<BANK_BITS>::default(),
        [clock, context_write, qp_command, active, grown, raw, peek, peek_qp, peek_at, peek_data,
        job];
    ring_reader: RingReader::default(),
        [clock, qp_command, job, peek, peek_qp, peek_at, read_qp, read_at, read_data, head,
        packet, taken];
    crc_check: CrcCheck::default(), [clock, sink, source];
    marker_remover: MarkerRemover::default(),
        [clock, head, sink, source, next_head, verdict, verdict_valid, verdict_ready];
    ddp_header: DdpHeader::default(),
        [word, is_tagged, last, solicited, request, response, queue_number, payload, status];
    ddp_check: DdpCheck::default(), [clock, head, sink, verdict, payload, arrival];
    refusal_status: RefusalStatus::default(), [refusal, remote, status];
    message_check: MessageCheck::default(),
        [packet, entry, has_entry, has_room, fits, expected, pd, cq, verdict, question,
        expected_next, delivery];
    message_states: MessageStates::default(),
        [clock, qp_command, qp, request, expected, write, following];
    outstanding_reads: OutstandingReads::default(),
        [clock, qp_command, read_sent, packet, fits, take];
    life: Life::default(), [clock, qp_command, active, qp, epoch, live, fail];
    judge: Judge::default(),
        [clock, context_write, qp_command, active, arrival, available, promised, head_qp, entry,
        take, take_qp, read_room, asking, read_sent, question, answer, delivery, opened, checked,
        crc_wrong, passed, raw_dropped];
    read_request_fields: ReadRequestFields::default(), [clock, data, push, qp, asked];
    placement: Placement::default(),
        [clock, qp_command, delivery, payload, write, write_data, completion, event, read_asked,
        asking, read_done, placed];
    reset_events: ResetEvents::default(),
        [clock, context_write, seen, qp, expected, event];
    window_teller: WindowTeller::default(),
        [clock, context_write, qp_command, note, taken, receive_edge, query_qp,
        query_receive_next];
    receive: Receive::<BANK_BITS_SMALL>::default(),
        [clock, context_write, qp_command, active, doorbell, max_read, mac, mac_address,
        request_read, request_data, write, write_data, completion, event, acknowledgement,
        receive_edge, opened, read_asked, read_room, read_sent, read_done, query_qp,
        query_receive_next, counts, stations];
}
