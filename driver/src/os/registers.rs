//! Registers of a device that the process has mapped.

use memmap2::{MmapOptions, MmapRaw};
use std::os::fd::{AsRawFd, RawFd};

/// A part of a device's memory space. Every access is one load or store of 32 bits, in the order
/// of the program.
pub(crate) struct Registers(MmapRaw);

impl Registers {
    /// Maps `octets` of a device's file, from `offset` on.
    ///
    /// # Errors
    /// The file cannot be mapped there.
    pub fn map(file: &impl AsRawFd, offset: u64, octets: usize) -> std::io::Result<Self> {
        let file: RawFd = file.as_raw_fd();
        Ok(Self(MmapOptions::new().offset(offset).len(octets).map_raw(file)?))
    }

    /// Where an aligned register is, if it is there.
    fn place(&self, offset: u32) -> Option<*mut u32> {
        let at = offset as usize;
        let inside = at % 4 == 0 && at.checked_add(4)? <= self.0.len();
        inside.then(|| self.0.as_mut_ptr().wrapping_add(at).cast())
    }

    /// Reads a little-endian register; none if there is no such one.
    pub fn read(&self, offset: u32) -> Option<u32> {
        let place = self.place(offset)?;
        // SAFETY: `place` is aligned and inside the mapping, which stays until `self` is dropped
        // and to which nobody has references; a device may change it at any time, which a volatile
        // access allows for.
        Some(u32::from_le(unsafe { place.read_volatile() }))
    }

    /// Writes a little-endian register; none if there is no such one.
    pub fn write(&self, offset: u32, value: u32) -> Option<()> {
        let place = self.place(offset)?;
        // SAFETY: as in `read`.
        unsafe { place.write_volatile(value.to_le()) };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_read_and_written_inside_alone() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(8192).unwrap();
        let registers = Registers::map(&file, 4096, 4096).unwrap();
        registers.write(4092, 0x0102_0304).unwrap();
        assert_eq!(registers.read(4092), Some(0x0102_0304));
        let mut octets = [0; 4];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut octets, 8188).unwrap();
        assert_eq!(octets, [4, 3, 2, 1], "little-endian, at the end of the second page");
        for outside in [4096, 4094, 4093, u32::MAX] {
            assert_eq!((registers.read(outside), registers.write(outside, 0)), (None, None));
        }
    }
}
