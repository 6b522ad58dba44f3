//! The values of a block's ports at one moment.

use verilator_sys::{Direction, Port};

/// Every port's value, as little-endian 32-bit words.
#[derive(Clone, Debug)]
pub struct Pins {
    ports: &'static [Port],
    values: Vec<Vec<u32>>,
    /// The clocks, in the registry's order.
    clocks: Vec<usize>,
    /// For every port, its clock as an index into `clocks`: the one that is listed last before it.
    domains: Vec<usize>,
    /// The clock, as an index into `clocks`, whose edge it is about.
    pub(super) rising: usize,
}

impl Pins {
    /// All zero. `order` has the indices of the ports as the registry lists them.
    pub(super) fn new(ports: &'static [Port], order: &[usize]) -> Self {
        let values = ports.iter().map(|port| vec![0; port.words()]).collect();
        let (mut clocks, mut domains) = (Vec::new(), vec![0; ports.len()]);
        for &port in order {
            if is_clock(&ports[port]) {
                clocks.push(port);
            }
            domains[port] = clocks.len().saturating_sub(1);
        }
        Self { ports, values, clocks, domains, rising: 0 }
    }

    /// How many clocks the block has.
    pub(super) fn clocks(&self) -> usize {
        self.clocks.len()
    }

    /// Sets a clock's level; a block without clocks has none.
    pub(super) fn set_clock(&mut self, clock: usize, high: bool) {
        if let Some(&port) = self.clocks.get(clock) {
            self.set(port, &[high.into()]);
        }
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

    /// Whether it is the edge of the clock of the port called `name`.
    pub fn on_edge(&self, name: &str) -> bool {
        self.find(name).is_some_and(|port| self.domains[port] == self.rising)
    }

    /// The record that moves over the stream called `name` at this clock edge, if one does.
    ///
    /// # Panics
    /// As [`Pins::words`].
    pub fn moves(&self, name: &str) -> Option<&[u32]> {
        let set = |wire: &str| self.bit(&format!("{name}${wire}"));
        let moves = set("valid") && set("ready") && self.on_edge(&format!("{name}$valid"));
        moves.then(|| self.words(&format!("{name}$beat")))
    }

    /// The ports that the test drives, clocks too.
    pub(super) fn driven(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.ports.len()).filter(|&i| self.ports[i].direction == Direction::In)
    }

    /// The ports that a stimulus may change before this clock edge: the inputs that belong to its
    /// clock, not the clocks.
    pub fn inputs(&self) -> impl Iterator<Item = usize> + '_ {
        self.driven().filter(|&i| !is_clock(&self.ports[i]) && self.domains[i] == self.rising)
    }

    /// The ports that the block drives.
    pub fn outputs(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.ports.len()).filter(|&i| self.ports[i].direction == Direction::Out)
    }
}

/// Clocks are known by their names.
fn is_clock(port: &Port) -> bool {
    port.name == "clock" || port.name.ends_with("_clock")
}

/// A value for a person, high digits first.
pub(super) fn hex(words: &[u32]) -> String {
    let digits: String = words.iter().rev().map(|word| format!("{word:08x}")).collect();
    let short = digits.trim_start_matches('0');
    format!("0x{}", if short.is_empty() { "0" } else { short })
}
