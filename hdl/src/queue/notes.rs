//! Notes of several makers on their way to one list.
use crate::configuration::QpNumber;
use crate::pins::Ports;
use crate::queue::records::QpNote;
use crate::stream::*;
use rust_hdl::prelude::*;

/// Brings the notes of `N` makers to a [`ReadyList`](super::ReadyList), one a clock; of several,
/// the first maker's first.
///
/// A maker's note waits in its place until no maker before it has one. Contract: a maker makes its
/// next note when the place is `free`; who cannot look knows that the makers before it leave room
/// in time. `source` is always taken.
#[derive(LogicBlock, Ports)]
pub struct NoteMerge<const N: usize> {
    pub clock: Signal<In, Clock>,
    pub notes: [Signal<In, QpNote>; N],
    /// There is no note in that maker's place.
    pub free: [Signal<Out, Bit>; N],
    pub source: StreamSource<QpNumber>,
    places: [DFF<QpNote>; N],
    waiting: Signal<Local, QpNote>,
    leaves: Signal<Local, Bit>,
    note: Signal<Local, QpNote>,
}

impl<const N: usize> Default for NoteMerge<N> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            notes: std::array::from_fn(|_| Default::default()),
            free: std::array::from_fn(|_| Default::default()),
            source: Default::default(),
            places: std::array::from_fn(|_| Default::default()),
            waiting: Default::default(),
            leaves: Default::default(),
            note: Default::default(),
        }
    }
}

impl<const N: usize> Logic for NoteMerge<N> {
    #[hdl_gen]
    fn update(&mut self) {
        self.leaves.next = false;
        self.source.beat.next = 0.into();
        for i in 0..N {
            self.places[i].clock.next = self.clock.val();
            self.waiting.next = self.places[i].q.val();
            self.note.next = self.notes[i].val();
            self.free[i].next = !self.waiting.val().valid;
            if self.waiting.val().valid & !self.leaves.val() {
                self.leaves.next = true;
                self.source.beat.next = self.waiting.val().qp;
                self.waiting.next.valid = false;
            }
            if self.note.val().valid {
                self.waiting.next = self.note.val();
            }
            self.places[i].d.next = self.waiting.val();
        }
        self.source.valid.next = self.leaves.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn loses_no_note_of_makers_that_keep_the_contract() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = NoteMerge::<3>::default();
            crate::queue::elaborate("note_merge", &mut uut);
            let (mut before, mut sent, mut got) = (false, vec![], vec![]);
            for clock in 0..2000 {
                settle!(uut);
                for i in 0..3 {
                    // The first maker does not look.
                    let free = if i == 0 { !before } else { uut.free[i].val() };
                    let valid = free && clock < 1990 && rng.random_bool(0.7);
                    before = if i == 0 { valid } else { before };
                    let qp = rng.random_range(0..16_u64);
                    uut.notes[i].next = QpNote { valid, qp: qp.to_bits() };
                    sent.extend(valid.then_some(qp));
                }
                settle!(uut);
                got.extend(uut.source.valid.val().then(|| uut.source.beat.val().to_u64()));
                edge!(uut);
            }
            sent.sort();
            got.sort();
            assert_eq!(got, sent, "SEED={seed}");
        }
    }
}
