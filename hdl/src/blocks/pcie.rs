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
    byte_enables: ByteEnables::default(),
    request_header: RequestHeader::default(),
    byte_shift: ByteShift::default(),
    tlp_kind: TlpKind::default(),
    header_fields: HeaderFields::default(),
    tlp_receiver: TlpReceiver::default(),
    bar_reader: BarReader::default(),
    answer_tlp: AnswerTlp::default(),
    read_splitter: ReadSplitter::default(),
    read_issuer: ReadIssuer::<2, 4>::new(16),
    completion_timer: CompletionTimer::default(),
    completion_check: CompletionCheck::default(),
    slot_states: SlotStates::<2>::default(),
    completion_store: CompletionStore::<2, 8>::default(),
    read_out: ReadOut::<2, 8>::default(),
    read_tlp: ReadTlp::default(),
    posted_select: PostedSelect::default(),
    posted_data: PostedData::default(),
    write_splitter: WriteSplitter::default(),
    tlp_builder: TlpBuilder::default(),
    tlp_merge: TlpMerge::default(),
}
