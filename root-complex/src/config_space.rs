//! PCI configuration space of the function: what the hard block of an FPGA would be.
//!
//! Type 0 header, one 64-bit BAR, the PCI Express capability and MSI-X. Sections are those of the
//! PCI Express base specification 5.0.

use ironwarp_abi::{limits, pci, registers};

/// Bytes of configuration space. Extended capabilities, of which there are none, begin at 256.
pub const BYTES: usize = 4096;

const COMMAND: usize = 0x04;
const BAR_LOW: usize = 0x10;
const BAR_HIGH: usize = 0x14;
const PCIE: usize = 0x40;
const DEVICE_CONTROL: usize = PCIE + 0x08;
const DEVICE_CAPABILITIES_2: usize = PCIE + 0x24;
const DEVICE_CONTROL_2: usize = PCIE + 0x28;
const MSIX: usize = 0x80;
const MSIX_CONTROL: usize = MSIX + 2;

/// Command register: the BAR answers.
const MEMORY_SPACE: u16 = 1 << 1;
/// Command register: the function may send requests.
const BUS_MASTER: u16 = 1 << 2;
/// Device control: 8-bit tags.
const EXTENDED_TAGS: u16 = 1 << 8;
/// Device control: start a function-level reset; reads zero.
const FUNCTION_LEVEL_RESET: u16 = 1 << 15;
/// Device capabilities 2: software can turn the completion timeout off. Device control 2: it has.
const COMPLETION_TIMEOUT_DISABLE: u16 = 1 << 4;
/// MSI-X control.
const MSIX_ENABLE: u16 = 1 << 15;
const MSIX_FUNCTION_MASK: u16 = 1 << 14;
/// The largest payload size that the function has, encoded.
const MAX_PAYLOAD_SUPPORTED: u16 = 2;

const _: () = assert!(128 << MAX_PAYLOAD_SUPPORTED == limits::WRITE_PAYLOAD_BYTES_MAX);

/// A configuration access crosses the end of configuration space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("configuration space has no {length} bytes at {offset:#x}")]
pub struct ConfigAddress {
    /// The access's offset.
    pub offset: u16,
    /// Its length in bytes.
    pub length: usize,
}

/// What a write asks for beyond a new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Reset the function (s. 6.6.2).
    Reset,
}

/// The space: bytes, and which of their bits software can write.
#[derive(Clone, Debug)]
pub struct ConfigSpace {
    bytes: Vec<u8>,
    writable: Vec<u8>,
    bar_bytes: u32,
}

impl ConfigSpace {
    /// The space as it is after power-on. BAR 0 has `bar_bytes`, a power of two.
    pub fn new(bar_bytes: u32) -> Self {
        let mut space = Self { bytes: vec![0; BYTES], writable: vec![0; BYTES], bar_bytes };
        space.header();
        space.pcie_capability();
        space.msix_capability();
        space
    }

    /// The type 0 header (s. 7.5.1).
    fn header(&mut self) {
        self.put16(0x00, pci::VENDOR_ID, 0);
        self.put16(0x02, pci::DEVICE_ID, 0);
        self.put16(COMMAND, 0, MEMORY_SPACE | BUS_MASTER | 1 << 6 | 1 << 8 | 1 << 10);
        self.put16(0x06, 1 << 4, 0); // there is a list of capabilities
        self.put32(0x08, pci::CLASS_CODE << 8 | u32::from(pci::REVISION), 0);
        self.put32(0x0c, 0, 0xff); // cache line size
        self.put32(BAR_LOW, 0b100, !(self.bar_bytes - 1)); // 64-bit, not prefetchable
        self.put32(BAR_HIGH, 0, u32::MAX);
        self.put16(0x2c, pci::VENDOR_ID, 0);
        self.put16(0x2e, pci::DEVICE_ID, 0);
        self.put32(0x34, PCIE as u32, 0);
        self.put32(0x3c, 0, 0xff); // interrupt line; there is no interrupt pin
    }

    /// The PCI Express capability, version 2 (s. 7.5.3).
    fn pcie_capability(&mut self) {
        self.put16(PCIE, 0x10 | (MSIX as u16) << 8, 0);
        self.put16(PCIE + 2, 2, 0);
        let role_based_errors = 1 << 15;
        let function_level_reset = 1 << 28;
        let extended_tags = 1 << 5;
        let capabilities = role_based_errors | function_level_reset | extended_tags;
        self.put32(PCIE + 4, capabilities | u32::from(MAX_PAYLOAD_SUPPORTED), 0);
        // Largest read request 512, extended tags, 128 octets of payload.
        self.put16(DEVICE_CONTROL, 2 << 12 | EXTENDED_TAGS, 0x7fff);
        let (gen3, lanes) = (3, 4 << 4);
        self.put32(PCIE + 0x0c, lanes | gen3, 0);
        self.put16(PCIE + 0x12, lanes as u16 | gen3 as u16, 0);
        self.put16(DEVICE_CAPABILITIES_2, COMPLETION_TIMEOUT_DISABLE, 0);
        self.put16(DEVICE_CONTROL_2, 0, COMPLETION_TIMEOUT_DISABLE);
        self.put32(PCIE + 0x2c, 0b111 << 1, 0); // link speeds
    }

    /// The MSI-X capability (s. 7.7.2).
    fn msix_capability(&mut self) {
        self.put16(MSIX, 0x11, 0); // the last of the list
        let size = limits::VECTOR_COUNT as u16 - 1;
        self.put16(MSIX_CONTROL, size, MSIX_ENABLE | MSIX_FUNCTION_MASK);
        self.put32(MSIX + 4, registers::MSIX_TABLE | pci::BAR as u32, 0);
        self.put32(MSIX + 8, registers::MSIX_PENDING | pci::BAR as u32, 0);
    }

    fn put16(&mut self, at: usize, value: u16, writable: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
        self.writable[at..at + 2].copy_from_slice(&writable.to_le_bytes());
    }

    fn put32(&mut self, at: usize, value: u32, writable: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        self.writable[at..at + 4].copy_from_slice(&writable.to_le_bytes());
    }

    fn get16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    fn get32(&self, at: usize) -> u32 {
        u32::from(self.get16(at)) | u32::from(self.get16(at + 2)) << 16
    }

    /// Sets up what firmware sets up: the BAR's address and the limits of TLPs, as powers of two
    /// above 128.
    pub fn set_up(&mut self, bar_address: u64, max_payload: u8, max_read: u8) {
        self.bytes[BAR_LOW..BAR_LOW + 8].copy_from_slice(&(bar_address | 0b100).to_le_bytes());
        let control = u16::from(max_payload) << 5 | u16::from(max_read) << 12 | EXTENDED_TAGS;
        self.bytes[DEVICE_CONTROL..DEVICE_CONTROL + 2].copy_from_slice(&control.to_le_bytes());
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// [`ConfigAddress`] if they are not all inside.
    pub fn read(&self, offset: u16, bytes: &mut [u8]) -> Result<(), ConfigAddress> {
        let range = Self::range(offset, bytes.len())?;
        bytes.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    /// Writes bytes; read-only bits keep their value.
    ///
    /// # Errors
    /// As [`ConfigSpace::read`].
    pub fn write(&mut self, offset: u16, bytes: &[u8]) -> Result<Effect, ConfigAddress> {
        let range = Self::range(offset, bytes.len())?;
        let mut effect = Effect::None;
        for (at, &new) in range.zip(bytes) {
            let writable = self.writable[at];
            self.bytes[at] = self.bytes[at] & !writable | new & writable;
            if at == DEVICE_CONTROL + 1 && new & (FUNCTION_LEVEL_RESET >> 8) as u8 != 0 {
                effect = Effect::Reset;
            }
        }
        Ok(effect)
    }

    fn range(offset: u16, length: usize) -> Result<std::ops::Range<usize>, ConfigAddress> {
        let start = usize::from(offset);
        match start.checked_add(length) {
            Some(end) if end <= BYTES => Ok(start..end),
            _ => Err(ConfigAddress { offset, length }),
        }
    }

    /// The BAR answers (s. 7.5.1.1.3).
    pub fn memory_space(&self) -> bool {
        self.get16(COMMAND) & MEMORY_SPACE != 0
    }

    /// The function may send requests (s. 7.5.1.1.3).
    pub fn bus_master(&self) -> bool {
        self.get16(COMMAND) & BUS_MASTER != 0
    }

    /// Bus address of BAR 0.
    pub fn bar_address(&self) -> u64 {
        let low = self.get32(BAR_LOW) & !(self.bar_bytes - 1);
        u64::from(self.get32(BAR_HIGH)) << 32 | u64::from(low)
    }

    /// Max_Payload_Size, encoded: 128 << n octets. Values that the function does not have act as
    /// the largest that it has.
    pub fn max_payload(&self) -> u8 {
        (self.get16(DEVICE_CONTROL) >> 5 & 7).min(MAX_PAYLOAD_SUPPORTED) as u8
    }

    /// Max_Read_Request_Size, encoded: 128 << n octets. Reserved values act as 4096.
    pub fn max_read(&self) -> u8 {
        (self.get16(DEVICE_CONTROL) >> 12 & 7).min(5) as u8
    }

    /// Tags may have 8 bits.
    pub fn extended_tags(&self) -> bool {
        self.get16(DEVICE_CONTROL) & EXTENDED_TAGS != 0
    }

    /// Reads of the function wait for ever (s. 7.5.3.16).
    pub fn completion_timeout_disabled(&self) -> bool {
        self.get16(DEVICE_CONTROL_2) & COMPLETION_TIMEOUT_DISABLE != 0
    }

    /// What the end of a serial line is told of all this: settings as in `ironwarp_abi::serial`.
    pub fn serial_settings(&self) -> u8 {
        let (master, messages) = (u8::from(self.bus_master()), u8::from(self.sends_messages()));
        self.max_payload() | master << 3 | self.max_read() << 4 | messages << 7
    }

    /// MSI-X is on.
    pub fn msix_enabled(&self) -> bool {
        self.get16(MSIX_CONTROL) & MSIX_ENABLE != 0
    }

    /// MSI-X is on, and not all vectors are masked together: messages may be sent.
    pub fn sends_messages(&self) -> bool {
        self.msix_enabled() && !self.msix_function_masked()
    }

    /// All vectors are masked together.
    pub fn msix_function_masked(&self) -> bool {
        self.get16(MSIX_CONTROL) & MSIX_FUNCTION_MASK != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAR_BYTES: u32 = ironwarp_abi::configuration::BOARD.bar_bytes();

    fn read32(space: &ConfigSpace, offset: usize) -> u32 {
        let mut bytes = [0; 4];
        space.read(offset as u16, &mut bytes).unwrap();
        u32::from_le_bytes(bytes)
    }

    fn write32(space: &mut ConfigSpace, offset: usize, value: u32) -> Effect {
        space.write(offset as u16, &value.to_le_bytes()).unwrap()
    }

    /// Software finds a BAR's size by writing ones (s. 7.5.1.2.1).
    #[test]
    fn the_bar_tells_its_size() {
        let mut space = ConfigSpace::new(BAR_BYTES);
        write32(&mut space, BAR_LOW, u32::MAX);
        write32(&mut space, BAR_HIGH, u32::MAX);
        let size = u64::from(read32(&space, BAR_HIGH)) << 32 | u64::from(read32(&space, BAR_LOW));
        assert_eq!(!(size & !0xf) + 1, u64::from(BAR_BYTES));
        assert_eq!(size & 0xf, 0b100, "64-bit memory, not prefetchable");
        write32(&mut space, BAR_LOW, 0x8000_0000);
        write32(&mut space, BAR_HIGH, 0x12);
        assert_eq!(space.bar_address(), 0x12_8000_0000);
    }

    /// The list of capabilities has PCI Express and MSI-X, and ends.
    #[test]
    fn the_capabilities_are_found() {
        let space = ConfigSpace::new(BAR_BYTES);
        let mut found = Vec::new();
        let mut at = read32(&space, 0x34) as usize & 0xff;
        while at != 0 {
            let capability = read32(&space, at);
            found.push(capability & 0xff);
            at = capability as usize >> 8 & 0xff;
        }
        assert_eq!(found, [0x10, 0x11]);
        assert_eq!(read32(&space, MSIX) >> 16 & 0x7ff, limits::VECTOR_COUNT as u32 - 1);
        assert_eq!(read32(&space, MSIX + 4), registers::MSIX_TABLE);
        assert_eq!(read32(&space, MSIX + 8), registers::MSIX_PENDING);
    }

    /// Identity is read-only; control bits are not; a byte write touches its byte alone.
    #[test]
    fn only_writable_bits_change() {
        let mut space = ConfigSpace::new(BAR_BYTES);
        let identity = read32(&space, 0);
        write32(&mut space, 0, 0);
        assert_eq!(read32(&space, 0), identity);
        space.write(COMMAND as u16, &[0x06]).unwrap();
        assert!(space.memory_space() && space.bus_master());
        space.write(MSIX_CONTROL as u16 + 1, &[0xff]).unwrap();
        assert!(space.msix_enabled() && space.msix_function_masked());
        assert_eq!(read32(&space, MSIX) >> 16 & 0x7ff, limits::VECTOR_COUNT as u32 - 1);
    }

    /// Device control drives the sizes; the reset bit acts and reads zero (s. 7.5.3.4).
    #[test]
    fn device_control_acts() {
        let mut space = ConfigSpace::new(BAR_BYTES);
        assert_eq!((space.max_payload(), space.max_read()), (0, 2));
        let effect = write32(&mut space, DEVICE_CONTROL, 7 << 5 | 5 << 12);
        assert_eq!(effect, Effect::None);
        assert_eq!((space.max_payload(), space.max_read()), (2, 5));
        assert!(!space.extended_tags());
        assert_eq!(write32(&mut space, DEVICE_CONTROL, 1 << 15), Effect::Reset);
        assert_eq!(read32(&space, DEVICE_CONTROL) & 1 << 15, 0);
    }

    /// Accesses that leave the space are refused.
    #[test]
    fn the_space_ends() {
        let mut space = ConfigSpace::new(BAR_BYTES);
        assert!(space.read(4092, &mut [0; 4]).is_ok());
        assert!(space.read(4093, &mut [0; 4]).is_err());
        assert!(space.write(u16::MAX, &[0; 4]).is_err());
    }
}
