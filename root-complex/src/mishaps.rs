//! What goes wrong with completions on purpose: what no root complex should do to a device, and
//! what broken links, switches and attackers do. Sections are those of the PCI Express base
//! specification.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// What may become of a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It does not come.
    Lost,
    /// It comes twice.
    Twice,
    /// It comes later by [`MishapOptions::late_ns`].
    Late,
    /// It has a double word more than is left of its read.
    Longer,
    /// It is for another requester.
    Foreign,
    /// It says that its data is poisoned (s. 2.7.2.2).
    Poisoned,
    /// In its place comes an Unsupported Request. The rest of the read comes nevertheless.
    Unsupported,
    /// Likewise, a Completer Abort.
    Aborted,
    /// Its Byte Count is wrong by 64 octets.
    Miscounted,
}

impl Mishap {
    /// All kinds, in the order of [`MishapOptions::chances`].
    pub const ALL: [Self; 9] = [
        Self::Lost,
        Self::Twice,
        Self::Late,
        Self::Longer,
        Self::Foreign,
        Self::Poisoned,
        Self::Unsupported,
        Self::Aborted,
        Self::Miscounted,
    ];
}

/// How often completions go wrong. By default never.
#[derive(Clone, Debug)]
pub struct MishapOptions {
    /// The chance of each [`Mishap::ALL`], 0 to 1, for every completion; together at most 1.
    pub chances: [f64; Mishap::ALL.len()],
    /// How late a late completion is, in nanoseconds.
    pub late_ns: u64,
    /// Only completions of octets at these bus addresses go wrong.
    pub at: RangeInclusive<u64>,
    /// At most so many go wrong.
    pub most: u64,
}

impl Default for MishapOptions {
    fn default() -> Self {
        Self { chances: [0.0; 9], late_ns: 10_000, at: 0..=u64::MAX, most: u64::MAX }
    }
}

impl MishapOptions {
    /// One kind of mishap.
    pub fn only(mishap: Mishap, chance: f64) -> Self {
        let mut chances = [0.0; Mishap::ALL.len()];
        chances[mishap as usize] = chance;
        Self { chances, ..Self::default() }
    }
}

/// Lets completions go wrong.
#[derive(Debug, Default)]
pub struct Mishaps {
    /// How often each of [`Mishap::ALL`] has happened.
    counts: [u64; Mishap::ALL.len()],
    /// Packets that go again or late, and from which clock on.
    held: VecDeque<(u64, Vec<u8>)>,
}

impl Mishaps {
    /// How often each of [`Mishap::ALL`] has happened so far.
    pub fn counts(&self) -> [u64; Mishap::ALL.len()] {
        self.counts
    }

    /// No packet is held back.
    pub fn idle(&self) -> bool {
        self.held.is_empty()
    }

    /// Forgets what is held back: it was for a device that is gone.
    pub fn clear(&mut self) {
        self.held.clear();
    }

    /// Appends a packet that was held back until now.
    pub fn due(&mut self, clock: u64, octets: &mut Vec<u8>) -> bool {
        let found = self.held.iter().position(|&(due, _)| due <= clock);
        let packet = found.and_then(|found| self.held.remove(found));
        packet.as_ref().inspect(|(_, packet)| octets.extend(packet)).is_some()
    }

    /// Decides about a completion of octets from a bus address on, a packet in wire order that is
    /// about to leave; `later` is the clock in which a late one leaves. Nothing is left of one that
    /// does not leave now.
    pub fn befall(
        &mut self,
        options: &MishapOptions,
        address: u64,
        (clock, later): (u64, u64),
        random: &mut ChaCha8Rng,
        packet: &mut Vec<u8>,
    ) {
        let usual = options.chances.iter().all(|&chance| chance <= 0.0);
        if usual
            || !options.at.contains(&address)
            || self.counts.iter().sum::<u64>() >= options.most
        {
            return;
        }
        let mut left = random.random::<f64>();
        let strikes = |&mishap: &Mishap| {
            left -= options.chances[mishap as usize];
            left < 0.0
        };
        let Some(mishap) = Mishap::ALL.into_iter().find(strikes) else { return };
        if packet[0] != WITH_DATA {
            return;
        }
        self.counts[mishap as usize] += 1;
        match mishap {
            Mishap::Lost => packet.clear(),
            Mishap::Twice => self.held.push_back((clock, packet.clone())),
            Mishap::Late => self.held.push_back((later, std::mem::take(packet))),
            Mishap::Longer => {
                let has = u16::from_be_bytes([packet[2] & 3, packet[3]]);
                // The Byte Count counts from the first octet that was asked for (s. 2.3.1.1).
                let left =
                    u16::from_be_bytes([packet[6] & 0xf, packet[7]]) + u16::from(packet[11] & 3);
                let dwords = left.div_ceil(4).max(has) + 1;
                let [high, low] = dwords.to_be_bytes();
                (packet[2], packet[3]) = (packet[2] & !3 | high & 3, low);
                packet.extend(vec![0xbb; 4 * usize::from(dwords - has)]);
            }
            Mishap::Foreign => packet[8] ^= 1,
            Mishap::Poisoned => packet[2] |= POISON,
            Mishap::Unsupported => refuse(packet, UNSUPPORTED),
            Mishap::Aborted => refuse(packet, ABORT),
            Mishap::Miscounted => {
                let count = u16::from_be_bytes([packet[6], packet[7]]) + 64;
                packet[6..8].copy_from_slice(&count.to_be_bytes());
            }
        }
    }
}

/// Octet 0 of a completion with data (s. 2.2.1).
const WITH_DATA: u8 = 0x4a;
/// Octet 0 of a completion without.
const WITHOUT_DATA: u8 = 0x0a;
/// EP in octet 2.
const POISON: u8 = 1 << 6;
/// The status of a completion in octet 6 (s. 2.2.9).
const UNSUPPORTED: u8 = 1 << 5;
const ABORT: u8 = 4 << 5;

/// Makes a completion one without data and success.
fn refuse(packet: &mut Vec<u8>, status: u8) {
    packet.truncate(12);
    packet[0] = WITHOUT_DATA;
    (packet[2], packet[3]) = (0, 0);
    packet[6] |= status;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlp::{Completion, Status, Tlp};
    use rand::SeedableRng;

    fn good() -> Vec<u8> {
        let mut octets = Vec::new();
        let completion = Completion {
            completer: 0,
            status: Status::Success,
            remaining: 68,
            requester: 0x0100,
            tag: 9,
            lower_address: 0x3c,
            payload: vec![1, 2, 3, 4],
        };
        Tlp::Completion(completion).emit(&mut octets);
        octets
    }

    fn after(mishap: Mishap) -> (Vec<u8>, Mishaps) {
        let (mut mishaps, mut packet) = (Mishaps::default(), good());
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let options = MishapOptions::only(mishap, 1.0);
        mishaps.befall(&options, 0, (5, 50), &mut random, &mut packet);
        assert_eq!(mishaps.counts()[mishap as usize], 1);
        (packet, mishaps)
    }

    /// What each does to a packet.
    #[test]
    fn every_mishap_does_what_it_says() {
        for mishap in Mishap::ALL {
            let (packet, mut mishaps) = after(mishap);
            let parsed = Tlp::parse(&packet);
            let is = |change: fn(&mut Completion)| {
                let Ok(Tlp::Completion(mut completion)) = Tlp::parse(&good()) else { panic!() };
                change(&mut completion);
                assert_eq!(parsed, Ok(Tlp::Completion(completion)), "{mishap:?}");
            };
            let mut held = Vec::new();
            assert_eq!(mishaps.due(5, &mut held), mishap == Mishap::Twice);
            assert_eq!(mishaps.due(50, &mut held), mishap == Mishap::Late);
            match mishap {
                Mishap::Lost => assert!(packet.is_empty() && mishaps.idle()),
                Mishap::Twice => assert_eq!((packet, held), (good(), good())),
                Mishap::Late => assert_eq!((packet, held), (vec![], good())),
                Mishap::Longer => is(|c| c.payload.extend([0xbb; 68])),
                Mishap::Foreign => is(|c| c.requester = 0),
                Mishap::Poisoned => assert_eq!(packet[2], POISON),
                Mishap::Unsupported => is(|c| {
                    (c.status, c.payload) = (Status::Unsupported, vec![]);
                }),
                Mishap::Aborted => is(|c| (c.status, c.payload) = (Status::Abort, vec![])),
                Mishap::Miscounted => is(|c| c.remaining += 64),
            }
        }
    }

    /// Only where and as often as they may.
    #[test]
    fn mishaps_keep_to_their_limits() {
        let mut mishaps = Mishaps::default();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let (at, most) = (100..=200, 3);
        let options = MishapOptions { at, most, ..MishapOptions::only(Mishap::Lost, 1.0) };
        let mut lost = Vec::new();
        for address in 95..300 {
            let mut packet = good();
            mishaps.befall(&options, address, (0, 0), &mut random, &mut packet);
            lost.extend(packet.is_empty().then_some(address));
        }
        assert_eq!(lost, [100, 101, 102]);
    }
}
