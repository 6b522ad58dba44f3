//! The blocks of `pcie` that stand alone.

use crate::pcie::bar_reader::BarReader;
use crate::pcie::byte_enables::ByteEnables;
use crate::pcie::byte_shift::ByteShift;
use crate::pcie::completion_store::CompletionStore;
use crate::pcie::posted_data::PostedData;
use crate::pcie::posted_select::PostedSelect;
use crate::pcie::read_issuer::ReadIssuer;
use crate::pcie::read_out::ReadOut;
use crate::pcie::read_splitter::ReadSplitter;
use crate::pcie::read_tlp::ReadTlp;
use crate::pcie::request_header::RequestHeader;
use crate::pcie::tlp_builder::TlpBuilder;
use crate::pcie::tlp_merge::TlpMerge;
use crate::pcie::tlp_receiver::TlpReceiver;
use crate::pcie::write_splitter::WriteSplitter;

blocks! {
    byte_enables: ByteEnables::default(), [offset, bytes, dwords, first, last];
    request_header: RequestHeader::default(),
        [write, address, dwords, first_enables, last_enables, tag, requester, head, tail, wide];
    byte_shift: ByteShift::default(), [clock, sink, source];
    tlp_receiver: TlpReceiver::default(),
        [clock, sink, bar_write, bar_request, completion, unexpected];
    bar_reader: BarReader::default(), [clock, completer, sink, bar_read, bar_answer, source];
    read_splitter: ReadSplitter::default(), [clock, max_read, sink, source];
    read_issuer: ReadIssuer::<2>::new(4),
        [clock, sink, source, open, open_tag, opened, retired];
    completion_store: CompletionStore::<2, 8>::new(4),
        [clock, completion, open, open_tag, opened, retired, retired_tag, done, failed, known,
         read_address, read_data];
    read_out: ReadOut::<2, 8>::default(),
        [clock, source, open, open_tag, opened, done, failed, read_address, read_data, retired,
         retired_tag];
    read_tlp: ReadTlp::default(), [clock, requester, sink, source];
    posted_select: PostedSelect::default(),
        [clock, payload, completion, answer, request, order];
    posted_data: PostedData::default(), [order, payload, completion, source];
    write_splitter: WriteSplitter::default(), [clock, max_payload, requester, sink, source];
    tlp_builder: TlpBuilder::default(), [clock, header, data, source];
    tlp_merge: TlpMerge::default(), [clock, posted, reads, source];
}
