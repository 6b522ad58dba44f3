//! What drives a block: chance, with a seed.

use super::pins::Pins;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The next values of some inputs, by port index. An input that is not named keeps its value.
pub type Choice = Vec<(usize, Vec<u32>)>;

/// Chooses a block's inputs before every clock edge.
pub trait Stimulus {
    /// `pins` holds all ports as they were at the last edge of the clock that is to rise, zero
    /// before the first.
    fn choose(&mut self, pins: &Pins, chance: &mut ChaCha8Rng) -> Choice;
}

/// Every input at random, legal or not: both sides must agree on nonsense, too.
#[derive(Debug, Default)]
pub struct Noise;

impl Stimulus for Noise {
    fn choose(&mut self, pins: &Pins, chance: &mut ChaCha8Rng) -> Choice {
        let mut choice = Vec::new();
        for port in pins.inputs() {
            if let Some(value) = value(pins, port, chance) {
                choice.push((port, value));
            }
        }
        choice
    }
}

/// Random inputs that keep the streams' rule: what is offered stays offered until it is taken.
///
/// How often a side offers or takes is drawn anew from time to time, so that bursts, stalls and
/// single steps all occur.
#[derive(Debug, Default)]
pub struct Traffic {
    /// The chance in 255 that a one-bit input is set.
    eager: Vec<u8>,
    /// Clocks until it is drawn anew.
    left: u32,
}

impl Stimulus for Traffic {
    fn choose(&mut self, pins: &Pins, chance: &mut ChaCha8Rng) -> Choice {
        if self.left == 0 {
            self.left = chance.random_range(20..200);
            self.eager = pins.ports().iter().map(|_| *pick(chance, &[20, 128, 240, 255])).collect();
        }
        self.left -= 1;
        let mut choice = Vec::new();
        for port in pins.inputs() {
            let name = pins.ports()[port].name;
            let stream = name.strip_suffix("$valid").or(name.strip_suffix("$beat"));
            if stream.is_some_and(|stream| waits(pins, stream)) {
                continue;
            }
            if pins.ports()[port].width == 1 {
                let set = chance.random_range(0..255) < self.eager[port];
                choice.push((port, vec![set.into()]));
            } else if let Some(value) = value(pins, port, chance) {
                choice.push((port, value));
            }
        }
        choice
    }
}

/// Whether a record was offered on `stream` at the last edge and not taken.
fn waits(pins: &Pins, stream: &str) -> bool {
    let set = |wire: &str| {
        pins.find(&format!("{stream}${wire}")).is_some_and(|port| pins.at(port) == [1])
    };
    set("valid") && !set("ready")
}

/// A new value for an input, or none to leave it: small numbers, all ones and single changed bits
/// reach corners that even chance does not.
fn value(pins: &Pins, port: usize, chance: &mut ChaCha8Rng) -> Option<Vec<u32>> {
    let words = pins.ports()[port].words();
    let random: Vec<u32> = (0..words).map(|_| chance.random()).collect();
    match chance.random_range(0..8) {
        0 | 1 => None,
        2 => Some(vec![chance.random_range(0..8)]),
        3 => Some(random.iter().map(|_| u32::MAX).collect()),
        4 => {
            let bit = chance.random_range(0..pins.ports()[port].width) as usize;
            let mut value = pins.at(port).to_vec();
            value[bit / 32] ^= 1 << (bit % 32);
            Some(value)
        }
        5 => Some(random.iter().map(|word| word & chance.random::<u32>()).collect()),
        _ => Some(random),
    }
}

fn pick<'a, T>(chance: &mut ChaCha8Rng, of: &'a [T]) -> &'a T {
    &of[chance.random_range(0..of.len())]
}
