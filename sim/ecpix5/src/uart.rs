//! The other end of the serial line: eight data bits, no parity, one stop bit.

use std::collections::VecDeque;

/// A UART with a bit of so many clocks.
#[derive(Debug)]
pub struct UartPartner {
    clocks_per_bit: u32,
    outgoing: VecDeque<u8>,
    /// Bits on their way out, the next in bit 0, and how many are left.
    sending: u16,
    bits: u32,
    /// Clocks that the bit on the line still lasts.
    rest: u32,
    /// Bits that have come, the last in bit 9, and clocks since the start bit began.
    arriving: u16,
    age: Option<u32>,
    received: VecDeque<u8>,
    broken: u64,
}

impl UartPartner {
    /// An idle line.
    pub fn new(clocks_per_bit: u32) -> Self {
        Self {
            clocks_per_bit,
            outgoing: VecDeque::new(),
            sending: 0,
            bits: 0,
            rest: 0,
            arriving: 0,
            age: None,
            received: VecDeque::new(),
            broken: 0,
        }
    }

    /// Octets to send.
    pub fn outgoing(&mut self) -> &mut VecDeque<u8> {
        &mut self.outgoing
    }

    /// Octets that have come.
    pub fn received(&mut self) -> &mut VecDeque<u8> {
        &mut self.received
    }

    /// Octets without a stop bit that have come.
    pub fn broken(&self) -> u64 {
        self.broken
    }

    /// Nothing is on its way out or in.
    pub fn idle(&self) -> bool {
        self.outgoing.is_empty() && self.bits == 0 && self.age.is_none()
    }

    /// The level to drive in the next clock; set when idle.
    pub fn drive(&mut self) -> bool {
        if self.bits == 0 {
            let Some(octet) = self.outgoing.pop_front() else { return true };
            (self.sending, self.bits) = (u16::from(octet) << 1 | 0x200, 10);
            self.rest = self.clocks_per_bit;
        }
        let level = self.sending & 1 == 1;
        self.rest -= 1;
        if self.rest == 0 {
            self.sending >>= 1;
            self.bits -= 1;
            self.rest = self.clocks_per_bit;
        }
        level
    }

    /// The level of the other line in the clock.
    pub fn sample(&mut self, level: bool) {
        let age = match self.age {
            None if level => return,
            None => 0,
            Some(age) => age + 1,
        };
        self.age = Some(age);
        if age % self.clocks_per_bit != self.clocks_per_bit / 2 {
            return;
        }
        self.arriving = self.arriving >> 1 | u16::from(level) << 9;
        if age / self.clocks_per_bit == 9 {
            self.age = None;
            match self.arriving & 0x201 {
                0x200 => self.received.push_back((self.arriving >> 1) as u8),
                _ => self.broken += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_partners_understand_each_other() {
        for clocks in [2, 3, 8, 42] {
            let (mut left, mut right) = (UartPartner::new(clocks), UartPartner::new(clocks));
            let octets: Vec<u8> = (0..=255).collect();
            left.outgoing().extend(&octets);
            while !left.idle() || !right.idle() {
                right.sample(left.drive());
            }
            assert_eq!(right.received().make_contiguous(), octets);
            assert_eq!(right.broken(), 0);
        }
    }
}
