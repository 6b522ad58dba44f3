//! Chance, with a seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// Dice.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u32) -> bool {
        self.0.random_range(0..times) == 0
    }

    /// A number of a range.
    pub fn within(&mut self, range: RangeInclusive<u32>) -> u32 {
        self.0.random_range(range)
    }

    /// Any number.
    pub fn any(&mut self) -> u32 {
        self.0.random()
    }

    /// One of them.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.0.random_range(0..all.len())]
    }

    /// A number up to `most`; small ones and round ones are likelier than large ones.
    pub fn size(&mut self, most: u32) -> u32 {
        let bits = 32 - most.leading_zeros();
        let width = self.within(0..=bits);
        let size = (u64::from(self.any()) & ((1 << width) - 1)) as u32;
        let round = if self.one_in(4) { size & !7 } else { size };
        round.min(most)
    }
}
