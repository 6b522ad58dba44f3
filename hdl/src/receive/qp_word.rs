//! One word of every queue pair's context.
use crate::control::records::ContextWrite;
use crate::memory::ContextTable;
use ironwarp_abi::context::{table, QueuePairContext};
use ironwarp_abi::limits::QP_BITS;
use rust_hdl::prelude::*;

const _: () = assert!(QP_BITS == 4, "the receive engine's kernels have this width");

/// The context word that holds a field; a name that is not there does not compile.
pub const fn word_of(name: &str) -> usize {
    let fields = QueuePairContext::FIELDS;
    let mut i = 0;
    loop {
        let (left, right) = (fields[i].name.as_bytes(), name.as_bytes());
        let mut same = left.len() == right.len();
        let mut at = 0;
        while same && at < left.len() {
            same = left[at] == right[at];
            at += 1;
        }
        if same {
            return fields[i].word();
        }
        i += 1;
    }
}

/// Flags, shifts and protection domain.
pub const FLAGS: usize = word_of("receive_markers");
/// MULPDU and the completion queues.
pub const QUEUES: usize = word_of("receive_cq");
/// RCV.NXT at the start.
pub const RECEIVE_NEXT: usize = word_of("receive_next");
/// The window to advertise when nothing waits on chip.
pub const RECEIVE_WINDOW: usize = word_of("receive_window");

/// Word `W` of the context of `qp`, one clock later.
#[derive(LogicBlock)]
pub struct QpWord<const W: usize> {
    pub clock: Signal<In, Clock>,
    /// The host's writes of contexts.
    pub context_write: Signal<In, ContextWrite>,
    pub qp: Signal<In, Bits<4>>,
    pub word: Signal<Out, Bits<32>>,
    words: ContextTable<QP_BITS, 1>,
}

impl<const W: usize> Default for QpWord<W> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            qp: Default::default(),
            word: Default::default(),
            words: ContextTable::new(table::QUEUE_PAIR, W),
        }
    }
}

impl<const W: usize> Logic for QpWord<W> {
    #[hdl_gen]
    fn update(&mut self) {
        self.words.clock.next = self.clock.val();
        self.words.context_write.next = self.context_write.val();
        self.words.index.next = self.qp.val();
        self.word.next = self.words.words[0].val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernels of the engine slice these bits out of the words.
    #[test]
    fn the_fields_lie_where_the_kernels_look() {
        for (name, word, bit, width) in [
            ("receive_markers", FLAGS, 1, 1),
            ("crc", FLAGS, 2, 1),
            ("receive_window_shift", FLAGS, 12, 4),
            ("pd", FLAGS, 16, 16),
            ("receive_cq", QUEUES, 24, 8),
            ("receive_next", RECEIVE_NEXT, 0, 32),
            ("receive_window", RECEIVE_WINDOW, 0, 32),
        ] {
            let mut fields = QueuePairContext::FIELDS.iter();
            let field = fields.find(|field| field.name == name).expect(name);
            assert_eq!((field.word(), field.bit(), field.width), (word, bit, width), "{name}");
        }
    }
}
