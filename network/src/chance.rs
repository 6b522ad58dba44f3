//! The dice of one direction.

use crate::{Impairment, Picoseconds};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Without a seed of its own or of its world, chance follows from this one.
const SEED: u64 = 1;
/// How many later frames overtake one that is held back, at most.
pub(crate) const OVERTAKERS_MAX: u32 = 10;

/// What happens to one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fate {
    pub lost: bool,
    pub duplicated: bool,
    /// It is held back until so many later ones have overtaken it.
    pub overtakers: Option<u32>,
    /// A number that decides which bit changes.
    pub corrupt: Option<u64>,
    /// What it takes besides the delay.
    pub jitter: Picoseconds,
}

/// Decides the fates of frames, one after another. Every frame takes as many numbers from the
/// stream as every other, so that which frames are lost does not depend on what else happens.
#[derive(Debug)]
pub(crate) struct Chance {
    impairment: Impairment,
    random: ChaCha8Rng,
    /// The last frame was lost.
    losing: bool,
}

impl Chance {
    /// The dice of a direction: each has a stream of random numbers of its own.
    pub fn new(impairment: &Impairment, direction: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(impairment.seed.unwrap_or(SEED));
        random.set_stream(direction);
        Self { impairment: impairment.clone(), random, losing: false }
    }

    /// The probability that the next frame is lost.
    fn loss(&self) -> f64 {
        let (loss, burst) = (self.impairment.loss.probability(), self.impairment.burst);
        match (burst > 1.0, self.losing) {
            (false, _) => loss,
            // A burst goes on, so that its mean length is as given.
            (true, true) => 1.0 - 1.0 / burst,
            // A burst begins, so often that the share of lost frames is as given.
            (true, false) => loss / (burst * (1.0 - loss)),
        }
    }

    /// The fate of the next frame.
    pub fn next(&mut self) -> Fate {
        let loss = self.loss();
        let random = &mut self.random;
        let mut below = |probability: f64| random.random::<f64>() < probability;
        let Impairment { reorder, duplicate, corrupt, jitter, .. } = &self.impairment;
        let lost = below(loss);
        let duplicated = below(duplicate.probability());
        let held = below(reorder.probability());
        let corrupted = below(corrupt.probability());
        let jitter = (random.random::<f64>() * *jitter as f64) as Picoseconds;
        let overtakers = 1 + random.random::<u32>() % OVERTAKERS_MAX;
        let bit = random.random::<u64>();
        self.losing = lost;
        Fate {
            lost,
            duplicated,
            overtakers: held.then_some(overtakers),
            corrupt: corrupted.then_some(bit),
            jitter,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames that are lost, and the bursts that they are lost in.
    fn losses(text: &str, frames: u32) -> (u32, u32) {
        let mut chance = Chance::new(&text.parse().unwrap(), 0);
        let (mut lost, mut bursts, mut before) = (0, 0, false);
        for _ in 0..frames {
            let now = chance.next().lost;
            lost += u32::from(now);
            bursts += u32::from(now && !before);
            before = now;
        }
        (lost, bursts)
    }

    #[test]
    fn bursts_are_as_long_and_losses_as_many_as_asked_for() {
        let (lost, bursts) = losses("loss=2%,burst=5,seed=3", 1_000_000);
        assert!((19_000..21_000).contains(&lost), "{lost}");
        assert!((4.8..5.2).contains(&(f64::from(lost) / f64::from(bursts))), "{lost} in {bursts}");
        let (lost, bursts) = losses("loss=50%,seed=3", 100_000);
        // By themselves, half of all losses follow one.
        assert!(
            (1.95..2.05).contains(&(f64::from(lost) / f64::from(bursts))),
            "{lost} in {bursts}"
        );
    }

    #[test]
    fn directions_and_seeds_differ_and_losses_stay_where_they_are() {
        let fates = |text: &str, direction: u64| {
            let mut chance = Chance::new(&text.parse().unwrap(), direction);
            (0..200).map(|_| chance.next().lost).collect::<Vec<_>>()
        };
        let first = fates("loss=50%,seed=1", 0);
        assert_eq!(first, fates("loss=50%,seed=1,reorder=50%,jitter=1ms,corrupt=50%", 0));
        assert_ne!(first, fates("loss=50%,seed=1", 1));
        assert_ne!(first, fates("loss=50%,seed=2", 0));
    }
}
