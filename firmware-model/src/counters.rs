//! The `COUNT_` registers. The model has no MAC: its frames come whole, and those counts stay zero.

use ironwarp_abi::registers::{Register, COUNT_FRAMES_SENT, COUNT_RETRANSMIT_TIMEOUTS};

const FIRST: u32 = COUNT_FRAMES_SENT.address;
const COUNT: usize = ((COUNT_RETRANSMIT_TIMEOUTS.address - FIRST) / 4 + 1) as usize;

/// One number for each register, in the order of their addresses.
#[derive(Debug, Default)]
pub(crate) struct Counters([u32; COUNT]);

impl Counters {
    /// Counts one more.
    pub fn count(&mut self, register: Register) {
        if let Some(value) = slot(register.address).and_then(|slot| self.0.get_mut(slot)) {
            *value = value.wrapping_add(1);
        }
    }

    /// The register at an address, if it is one of the counters.
    pub fn read(&self, address: u32) -> Option<u32> {
        self.0.get(slot(address)?).copied()
    }
}

fn slot(address: u32) -> Option<usize> {
    Some(address.checked_sub(FIRST)? as usize / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::registers::ALL;

    #[test]
    fn every_counter_has_a_place_of_its_own() {
        let mut counters = Counters::default();
        let names = ALL.iter().filter(|register| register.name.starts_with("COUNT_"));
        for register in names.clone() {
            assert_eq!(counters.read(register.address), Some(0));
            counters.count(*register);
        }
        assert_eq!((names.count(), counters.0), (COUNT, [1; COUNT]));
    }
}
