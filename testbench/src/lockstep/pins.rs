//! The values of a block's ports at one moment.

use verilator_sys::{Direction, Port};

/// Every port's value, as little-endian 32-bit words.
#[derive(Clone, Debug)]
pub struct Pins {
    ports: &'static [Port],
    values: Vec<Vec<u32>>,
}

impl Pins {
    /// All zero.
    pub(super) fn new(ports: &'static [Port]) -> Self {
        Self { ports, values: ports.iter().map(|port| vec![0; port.words()]).collect() }
    }

    /// The ports; indices are into this slice.
    pub fn ports(&self) -> &'static [Port] {
        self.ports
    }

    /// The index of the port called `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.ports.iter().position(|port| port.name == name)
    }

    /// A port's value.
    pub fn at(&self, port: usize) -> &[u32] {
        &self.values[port]
    }

    /// Sets an input, dropping bits beyond its width.
    pub(super) fn set(&mut self, port: usize, value: &[u32]) {
        let width = self.ports[port].width;
        for (i, word) in self.values[port].iter_mut().enumerate() {
            let bits = (width - 32 * i as u32).min(32);
            *word = value.get(i).copied().unwrap_or(0) & (u32::MAX >> (32 - bits));
        }
    }

    /// The value of the port called `name`.
    ///
    /// # Panics
    /// When there is no such port: the test is wrong.
    pub fn words(&self, name: &str) -> &[u32] {
        let port = self.find(name).unwrap_or_else(|| panic!("no port is called {name}"));
        &self.values[port]
    }

    /// The low 64 bits of the port called `name`.
    ///
    /// # Panics
    /// As [`Pins::words`].
    pub fn number(&self, name: &str) -> u64 {
        let words = self.words(name);
        u64::from(words[0]) | u64::from(words.get(1).copied().unwrap_or(0)) << 32
    }

    /// Whether the one-bit port called `name` is set.
    ///
    /// # Panics
    /// As [`Pins::words`].
    pub fn bit(&self, name: &str) -> bool {
        self.number(name) != 0
    }

    /// The record that moves over the stream called `name` at this clock edge, if one does.
    ///
    /// # Panics
    /// As [`Pins::words`].
    pub fn moves(&self, name: &str) -> Option<&[u32]> {
        let moves = self.bit(&format!("{name}$valid")) && self.bit(&format!("{name}$ready"));
        moves.then(|| self.words(&format!("{name}$beat")))
    }

    /// The ports that the test drives, but for the clock.
    pub fn inputs(&self) -> impl Iterator<Item = usize> + '_ {
        let driven = |port: &Port| port.direction == Direction::In && port.name != "clock";
        (0..self.ports.len()).filter(move |&i| driven(&self.ports[i]))
    }

    /// The ports that the block drives.
    pub fn outputs(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.ports.len()).filter(|&i| self.ports[i].direction == Direction::Out)
    }
}

/// A value for a person, high digits first.
pub(super) fn hex(words: &[u32]) -> String {
    let digits: String = words.iter().rev().map(|word| format!("{word:08x}")).collect();
    let short = digits.trim_start_matches('0');
    format!("0x{}", if short.is_empty() { "0" } else { short })
}
