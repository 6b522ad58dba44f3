//! The blocks of `pcie` that stand alone.

use crate::pcie::answer_tlp::AnswerTlp;
use crate::pcie::bar_reader::BarReader;
use crate::pcie::byte_enables::ByteEnables;
use crate::pcie::byte_shift::ByteShift;
use crate::pcie::completion_check::CompletionCheck;
use crate::pcie::completion_store::CompletionStore;
use crate::pcie::completion_timer::CompletionTimer;
use crate::pcie::header_fields::HeaderFields;
use crate::pcie::posted_data::PostedData;
use crate::pcie::posted_select::PostedSelect;
use crate::pcie::read_issuer::ReadIssuer;
use crate::pcie::read_out::ReadOut;
use crate::pcie::read_splitter::ReadSplitter;
use crate::pcie::read_tlp::ReadTlp;
use crate::pcie::request_header::RequestHeader;
use crate::pcie::slot_states::SlotStates;
use crate::pcie::tlp_builder::TlpBuilder;
use crate::pcie::tlp_kind::TlpKind;
use crate::pcie::tlp_merge::TlpMerge;
use crate::pcie::tlp_receiver::TlpReceiver;
use crate::pcie::write_splitter::WriteSplitter;

blocks! {
    byte_enables: ByteEnables::default(), [offset, bytes, dwords, first, last];
    request_header: RequestHeader::default(),
        [write, address, dwords, first_enables, last_enables, tag, requester, head, tail, wide];
    byte_shift: ByteShift::default(), [clock, sink, source];
    tlp_kind: TlpKind::default(),
        [kind, wide, read, locked, write, completion, completion_data, fetch, compare, other];
    header_fields: HeaderFields::default(),
        [requester, head, tail, wide, length, address, writes, nothing, asks, request, refuses,
         answers, completion];
    tlp_receiver: TlpReceiver::default(),
        [clock, requester, sink, bar_write, bar_request, completion, unexpected];
    bar_reader: BarReader::default(), [clock, completer, sink, bar_read, bar_answer, source];
    answer_tlp: AnswerTlp::default(), [clock, bus_master, taken, left, sink, source];
    read_splitter: ReadSplitter::default(), [clock, max_read, sink, source];
    read_issuer: ReadIssuer::<2, 4>::new(16),
        [clock, sink, source, enabled, open, opened, busy, quarantined];
    completion_timer: CompletionTimer::default(), [clock, microsecond, timeout, pulse];
    completion_check: CompletionCheck::default(), [clock, header, awaited, fits, then];
    slot_states: SlotStates::<2>::default(),
        [clock, open, open_slot, looked_up, counted, spoilt, complete, retired, retired_slot,
         pulse, still, is_open, is_quarantined, is_fresh, done, failed, busy, quarantined];
    completion_store: CompletionStore::<2, 8>::default(),
        [clock, completion, open, opened, retired, retired_slot, pulse, still, done, failed, busy,
         quarantined, known, read_address, read_data];
    read_out: ReadOut::<2, 8>::default(),
        [clock, source, open, opened, done, failed, read_address, read_data, retired,
         retired_slot];
    read_tlp: ReadTlp::default(), [clock, requester, sink, source];
    posted_select: PostedSelect::default(),
        [clock, bus_master, payload, completion, request, order, taken];
    posted_data: PostedData::default(), [order, payload, completion, source];
    write_splitter: WriteSplitter::default(), [clock, max_payload, requester, sink, source];
    tlp_builder: TlpBuilder::default(), [clock, header, data, source, left];
    tlp_merge: TlpMerge::default(), [clock, bus_master, answers, posted, reads, source];
}
