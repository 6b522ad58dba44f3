//! What chance does to the frames of a link.

use crate::Impairments;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What happens to one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// It never arrives.
    pub drop: bool,
    /// It arrives again, so many clocks after its end.
    pub duplicate: Option<u64>,
    /// It comes so many clocks late, and so do those behind it.
    pub jitter: u64,
    /// It is held back so many clocks, and others overtake it.
    pub held: u64,
    /// A bit flips: beat and bit.
    pub flip: Option<(usize, u32)>,
    /// The receiving MAC finds its frame check sequence wrong.
    pub bad_check_sequence: bool,
}

/// The dice of one direction.
#[derive(Debug)]
pub struct Chance {
    impairments: Impairments,
    random: ChaCha8Rng,
    /// Beats of the longest frame so far: a flip may be anywhere in a frame of that length.
    longest: usize,
}

impl Chance {
    /// Dice with a seed.
    pub fn new(impairments: Impairments, seed: u64) -> Self {
        Self { impairments, random: ChaCha8Rng::seed_from_u64(seed), longest: 8 }
    }

    /// Learns how long frames are.
    pub fn saw(&mut self, beats: usize) {
        self.longest = self.longest.max(beats);
    }

    fn happens(&mut self, chance: f64) -> bool {
        chance > 0.0 && self.random.random_bool(chance.min(1.0))
    }

    fn upto(&mut self, most: u64) -> u64 {
        if most == 0 {
            0
        } else {
            self.random.random_range(0..=most)
        }
    }

    /// The fate of the next frame.
    pub fn fate(&mut self) -> Fate {
        let mut fate = Fate::default();
        if self.impairments == Impairments::NONE {
            return fate;
        }
        let chances = self.impairments.clone();
        fate.drop = self.happens(chances.drop);
        if self.happens(chances.duplicate) {
            fate.duplicate = Some(self.upto(chances.reorder_clocks));
        }
        if self.happens(chances.reorder) {
            fate.held = 1 + self.upto(chances.reorder_clocks);
        }
        fate.jitter = self.upto(chances.jitter_clocks);
        fate.bad_check_sequence = self.happens(chances.corrupt);
        if fate.bad_check_sequence || self.happens(chances.corrupt_undetected) {
            let beat = self.random.random_range(0..self.longest);
            fate.flip = Some((beat, self.random.random_range(0..64)));
        }
        fate
    }
}
