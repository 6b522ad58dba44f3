//! Cuts a programme down to what it takes to show a difference.

use super::programme::Programme;
use super::run::{run, Records};
use super::side::Make;

/// The numbers of as few events as are found to show a difference of this kind: every event that
/// can be missed alone, or in a run of 2, 4, 8, … neighbours, is left out.
pub fn shrink(programme: &Programme, make: &Make) -> Vec<usize> {
    let differs = |kept: &[usize]| {
        let outcome = run(&programme.keep(kept), make, &Records::default());
        outcome.difference.map(|(at, difference)| (at, difference.kind()))
    };
    let mut kept: Vec<usize> = (0..programme.events.len()).collect();
    let Some((at, kind)) = differs(&kept) else { return kept };
    // What comes later has nothing to do with it.
    kept.truncate(at + 1);
    let mut length = kept.len().next_power_of_two() / 2;
    while length > 0 {
        let before = kept.len();
        let mut from = 0;
        while from < kept.len() {
            let mut fewer = kept.clone();
            fewer.drain(from..(from + length).min(kept.len()));
            match differs(&fewer) {
                Some((_, seen)) if seen == kind => kept = fewer,
                _ => from += length,
            }
        }
        if length > 1 || kept.len() == before {
            length /= 2;
        }
    }
    kept
}
