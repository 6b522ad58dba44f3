//! What goes wrong on a network, as the command line says it.

use crate::quantity::{self, Share, Wrong};
use crate::Picoseconds;
use std::fmt;
use std::str::FromStr;

/// Frames that wait for a line of some rate at most, unless another limit is given: as many as
/// Linux lets wait for an interface.
const QUEUE: u32 = 1000;
/// The longest bursts, in frames.
const BURST_MAX: f64 = 1e6;
/// The text of nothing at all.
const NONE: &str = "none";

/// What a network does to the frames of each direction. Written and read as
/// `loss=1%,burst=3,delay=5ms`; what is not named does not happen.
#[derive(Clone, Debug, PartialEq)]
pub struct Impairment {
    /// `loss`: frames that never arrive.
    pub loss: Share,
    /// `burst`: how many frames in a row are lost, in the mean, at least 1. 1 is losses that know
    /// nothing of each other; more is Gilbert's channel, in which the lengths of bursts are
    /// distributed geometrically. The share of lost frames is the same.
    pub burst: f64,
    /// `reorder`: frames that are held back until 1 to 10 later ones have overtaken them, not
    /// counting those that are held back themselves.
    pub reorder: Share,
    /// `duplicate`: frames that arrive twice, one behind the other.
    pub duplicate: Share,
    /// `corrupt`: frames of which one bit changes where no frame check sequence tells. It is a bit
    /// of the IPv4 packet, so that a checksum of it or of what it carries must find it; frames
    /// that carry something else stay as they are.
    pub corrupt: Share,
    /// `delay`: what every frame takes, one way.
    pub delay: Picoseconds,
    /// `jitter`: what a frame takes besides, 0 to this. The order stays.
    pub jitter: Picoseconds,
    /// `rate`: bits a second of a line that all frames must cross, Ethernet's preambles, frame
    /// check sequences and gaps included.
    pub rate: Option<u64>,
    /// `queue`: frames that may wait for that line; one more is dropped.
    pub queue: u32,
    /// `seed`: what chance follows from. Without one, it is for the world to choose.
    pub seed: Option<u64>,
}

/// A perfect network: nothing happens.
impl Default for Impairment {
    fn default() -> Self {
        Self {
            loss: Share::NONE,
            burst: 1.0,
            reorder: Share::NONE,
            duplicate: Share::NONE,
            corrupt: Share::NONE,
            delay: 0,
            jitter: 0,
            rate: None,
            queue: QUEUE,
            seed: None,
        }
    }
}

/// Why a text says no impairment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImpairmentError {
    /// It has not the form.
    #[error("'{0}' is not KEY=VALUE, as loss=1% is")]
    Form(String),
    /// There is no such key.
    #[error("there is no impairment '{0}': there are {keys}", keys = KEYS.join(", "))]
    Key(String),
    /// A key is there twice.
    #[error("{0} is given twice")]
    Twice(&'static str),
    /// A value means nothing.
    #[error("{key}={value}: {why}")]
    Value {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What would mean something.
        why: &'static str,
    },
}

const KEYS: [&str; 10] = [
    "loss",
    "burst",
    "reorder",
    "duplicate",
    "corrupt",
    "delay",
    "jitter",
    "rate",
    "queue",
    "seed",
];

impl Impairment {
    /// Nothing goes wrong, whatever the seed.
    pub fn is_none(&self) -> bool {
        *self == Self { seed: self.seed, ..Self::default() }
    }

    /// Frames can get lost, by chance or for want of room, or arrive damaged.
    pub fn loses(&self) -> bool {
        self.rate.is_some() || [self.loss, self.corrupt].iter().any(|share| *share > Share::NONE)
    }

    /// With this seed, unless it has one.
    pub fn or_seed(&self, seed: u64) -> Self {
        Self { seed: self.seed.or(Some(seed)), ..self.clone() }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Wrong> {
        match key {
            "loss" => self.loss = Share::parse(value)?,
            "burst" => self.burst = burst(value)?,
            "reorder" => self.reorder = Share::parse(value)?,
            "duplicate" => self.duplicate = Share::parse(value)?,
            "corrupt" => self.corrupt = Share::parse(value)?,
            "delay" => self.delay = quantity::parse_time(value)?,
            "jitter" => self.jitter = quantity::parse_time(value)?,
            "rate" => self.rate = Some(quantity::parse_rate(value)?),
            "queue" => self.queue = frames(value)?,
            _ => self.seed = Some(value.parse().map_err(|_| "a seed is a number below 2^64")?),
        }
        Ok(())
    }

    /// What does not go together: the key to blame, and why.
    fn contradiction(&self, given: &[&str]) -> Option<(&'static str, Wrong)> {
        let loss = self.loss.probability();
        // Between two bursts there is at least one frame.
        if self.burst > 1.0 && loss > self.burst / (self.burst + 1.0) {
            return Some(("burst", "so large a share of losses leaves nothing between two bursts"));
        }
        if given.contains(&"burst") && loss == 0.0 {
            return Some(("burst", "bursts of what? There is no loss"));
        }
        let waits = given.contains(&"queue") && self.rate.is_none();
        waits.then_some(("queue", "no frame waits where there is no rate"))
    }
}

fn burst(text: &str) -> Result<f64, Wrong> {
    let burst = quantity::number(text).filter(|burst| (1.0..=BURST_MAX).contains(burst));
    burst.ok_or("a burst is 1 to 1000000 frames long in the mean")
}

fn frames(text: &str) -> Result<u32, Wrong> {
    let frames = text.parse().ok().filter(|frames| *frames > 0);
    frames.ok_or("a queue has room for 1 to 4294967295 frames")
}

impl FromStr for Impairment {
    type Err = ImpairmentError;

    fn from_str(text: &str) -> Result<Self, ImpairmentError> {
        let mut impairment = Self::default();
        if text == NONE {
            return Ok(impairment);
        }
        let mut given: Vec<(&'static str, &str)> = Vec::new();
        for item in text.split(',') {
            let form = || ImpairmentError::Form(item.into());
            let (key, value) = item.split_once('=').ok_or_else(form)?;
            let known = KEYS.into_iter().find(|known| *known == key);
            let key = known.ok_or_else(|| ImpairmentError::Key(key.into()))?;
            if given.iter().any(|(other, _)| *other == key) {
                return Err(ImpairmentError::Twice(key));
            }
            given.push((key, value));
            let wrong = |why| ImpairmentError::Value { key, value: value.into(), why };
            impairment.set(key, value).map_err(wrong)?;
        }
        let keys: Vec<&str> = given.iter().map(|(key, _)| *key).collect();
        let Some((key, why)) = impairment.contradiction(&keys) else { return Ok(impairment) };
        let value = given.iter().find(|(other, _)| *other == key).map_or("", |(_, value)| *value);
        Err(ImpairmentError::Value { key, value: value.into(), why })
    }
}

/// As it is parsed: what differs from a perfect network.
impl fmt::Display for Impairment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let perfect = Self::default();
        let share = |share: Share| (share > Share::NONE).then(|| share.to_string());
        let time = |time| (time > 0).then(|| quantity::time(time));
        let values = [
            share(self.loss),
            (self.burst != perfect.burst).then(|| self.burst.to_string()),
            share(self.reorder),
            share(self.duplicate),
            share(self.corrupt),
            time(self.delay),
            time(self.jitter),
            self.rate.map(quantity::rate),
            (self.queue != perfect.queue).then(|| self.queue.to_string()),
            self.seed.map(|seed| seed.to_string()),
        ];
        let items = KEYS.iter().zip(values);
        let items = items.filter_map(|(key, value)| Some(format!("{key}={}", value?)));
        let items: Vec<String> = items.collect();
        f.write_str(if items.is_empty() { NONE } else { "" })?;
        f.write_str(&items.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_given_back() {
        for text in [
            "none",
            "loss=1%",
            "loss=1%,burst=3,reorder=1%,duplicate=0.1%,corrupt=0.1%,delay=5ms,jitter=1ms,\
             rate=1gbit,queue=100,seed=7",
            "loss=100%",
            "delay=1500ns,seed=18446744073709551615",
        ] {
            assert_eq!(text.parse::<Impairment>().unwrap().to_string(), text);
        }
        let otherwise: Impairment = "queue=1000,delay=0.005s,rate=1000mbit".parse().unwrap();
        assert_eq!(otherwise.to_string(), "delay=5ms,rate=1gbit");
        assert!("none".parse::<Impairment>().unwrap().is_none());
        assert!(!otherwise.is_none());
    }

    #[test]
    fn what_means_nothing_is_named() {
        let says = |text: &str, part: &str| {
            let error = text.parse::<Impairment>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        };
        says("", "'' is not KEY=VALUE");
        says("loss", "'loss' is not KEY=VALUE");
        says("loss=1%,", "'' is not KEY=VALUE");
        says("lost=1%", "no impairment 'lost': there are loss, burst, reorder");
        says("loss=1%,loss=2%", "loss is given twice");
        says("loss=1", "loss=1: a share is");
        says("reorder=-1%", "reorder=-1%: a share is");
        says("duplicate=", "duplicate=: a share is");
        says("corrupt=101%", "corrupt=101%: a share is");
        says("delay=5", "delay=5: a time");
        says("jitter=1h", "jitter=1h: a time");
        says("rate=10", "rate=10: a rate");
        says("rate=1gbit,queue=0", "queue=0: a queue");
        says("queue=10", "queue=10: no frame waits");
        says("loss=1%,burst=0.5", "burst=0.5: a burst");
        says("burst=3", "burst=3: bursts of what?");
        says("loss=90%,burst=3", "burst=3: so large a share");
        says("seed=-1", "seed=-1: a seed");
    }
}
