//! Configuration space of a model: what the slot that it is plugged into would be.

use ironwarp_abi::limits::VECTOR_COUNT;
use ironwarp_abi::pci::{BAR, CLASS_CODE, DEVICE_ID, REVISION, VENDOR_ID};
use ironwarp_abi::registers::{MSIX_PENDING, MSIX_TABLE};

const WORDS: usize = 64;
const COMMAND: usize = 0x04;
const CLASS: usize = 0x08;
const BAR_0: usize = 0x10;
const CAPABILITIES: usize = 0x34;
const MSIX: usize = 0x40;

const MEMORY_SPACE: u32 = 1 << 1;
const BUS_MASTER: u32 = 1 << 2;
const INTERRUPTS_OFF: u32 = 1 << 10;
const HAS_CAPABILITIES: u32 = 1 << 20;
const BAR_IS_64_BIT: u32 = 0b100;
const MSIX_CAPABILITY: u32 = 0x11;
const MSIX_ENABLE: u32 = 1 << 31;
const MSIX_MASK_ALL: u32 = 1 << 30;

/// A type 0 header and the MSI-X capability. Behind them, everything reads as zero.
pub(super) struct ConfigSpace([u32; WORDS]);

impl ConfigSpace {
    /// As after power-on: nothing is enabled.
    pub fn new() -> Self {
        let mut words = [0; WORDS];
        words[0] = u32::from(DEVICE_ID) << 16 | u32::from(VENDOR_ID);
        words[COMMAND / 4] = HAS_CAPABILITIES;
        words[CLASS / 4] = CLASS_CODE << 8 | u32::from(REVISION);
        words[BAR_0 / 4] = BAR_IS_64_BIT;
        words[CAPABILITIES / 4] = MSIX as u32;
        words[MSIX / 4] = (VECTOR_COUNT as u32 - 1) << 16 | MSIX_CAPABILITY;
        words[MSIX / 4 + 1] = MSIX_TABLE | BAR as u32;
        words[MSIX / 4 + 2] = MSIX_PENDING | BAR as u32;
        Self(words)
    }

    /// An aligned word.
    pub fn read(&self, offset: u16) -> u32 {
        self.0.get(usize::from(offset) / 4).copied().unwrap_or(0)
    }

    /// Writes an aligned word; what software cannot change stays. The model is reached without its
    /// BAR's address, so that is not kept.
    pub fn write(&mut self, offset: u16, value: u32) {
        let writable = match usize::from(offset) {
            COMMAND => MEMORY_SPACE | BUS_MASTER | INTERRUPTS_OFF,
            MSIX => MSIX_ENABLE | MSIX_MASK_ALL,
            _ => 0,
        };
        if let Some(word) = self.0.get_mut(usize::from(offset) / 4) {
            *word = *word & !writable | value & writable;
        }
    }

    /// BAR 0 answers.
    pub fn has_memory_space(&self) -> bool {
        self.0[COMMAND / 4] & MEMORY_SPACE != 0
    }

    /// The function may read and write memory.
    pub fn is_bus_master(&self) -> bool {
        self.0[COMMAND / 4] & BUS_MASTER != 0
    }

    /// The function may send interrupts.
    pub fn sends_interrupts(&self) -> bool {
        self.0[MSIX / 4] & (MSIX_ENABLE | MSIX_MASK_ALL) == MSIX_ENABLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_software_may_change_changes() {
        let mut space = ConfigSpace::new();
        let before = space.0;
        assert!(!space.has_memory_space() && !space.is_bus_master() && !space.sends_interrupts());
        for offset in (0..4096).step_by(4) {
            space.write(offset, u32::MAX);
        }
        assert!(space.has_memory_space() && space.is_bus_master());
        assert!(!space.sends_interrupts(), "all are masked");
        space.write(MSIX as u16, MSIX_ENABLE);
        assert!(space.sends_interrupts());
        space.write(COMMAND as u16, 0);
        space.write(MSIX as u16, 0);
        assert_eq!(space.0, before);
        assert_eq!(space.read(4092), 0);
    }
}
