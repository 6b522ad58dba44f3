//! What the control plane tells a block, in tests.
use crate::control::records::ContextWrite;
use crate::life::QpChange;
use rust_hdl::prelude::*;

/// The words of a record, one a clock.
pub fn writes(table: u8, index: usize, words: &[u32]) -> Vec<ContextWrite> {
    let write = |(word, data): (usize, &u32)| ContextWrite {
        valid: true,
        table: u64::from(table).to_bits(),
        index: (index as u64).to_bits(),
        word: (word as u64).to_bits(),
        data: u64::from(*data).to_bits(),
    };
    words.iter().enumerate().map(write).collect()
}

/// The host starts a queue pair.
pub fn begins(qp: usize, generation: u64) -> QpChange {
    QpChange {
        valid: true,
        wipe: false,
        qp: (qp as u64).to_bits(),
        generation: generation.to_bits(),
        begins: true,
        started: true,
        active: true,
    }
}

/// The host stops it.
pub fn stops(qp: usize, generation: u64) -> QpChange {
    QpChange { begins: false, started: false, active: false, ..begins(qp, generation) }
}

/// Commits a record to a block that has `context_write`.
macro_rules! commit {
    ($uut:expr, $table:expr, $index:expr, $words:expr) => {
        for write in $crate::receive::bench_control::writes($table, $index, $words) {
            $uut.context_write.next = write;
            $crate::stream::bench::tick!($uut);
        }
        $uut.context_write.next = Default::default();
    };
}

/// Tells a block of a change.
macro_rules! change {
    ($uut:expr, $change:expr) => {
        $uut.change.next = $change;
        $crate::stream::bench::tick!($uut);
        $uut.change.next = Default::default();
    };
}

pub(crate) use {change, commit};
