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
    register_file: RegisterFile::default(),
    register_reader: RegisterReader::default(),
    record_masks: RecordMasks::default(),
    committer: Committer::default(),
    time_base: TimeBase::default(),
    counters: Counters::<19>::default(),
    qp_state: QpState::default(),
    fences: Fences::default(),
    msix_table: MsixTable::default(),
}
