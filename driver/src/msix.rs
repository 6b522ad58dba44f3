//! MSI-X by hand, for backends where no kernel does it (PCI Express base specification, MSI-X
//! capability): the table's entries point to the interrupt window, with the vector as data.

use crate::error::Error;
use crate::pci::PciFunction;
use ironwarp_abi::registers::MSIX_TABLE;

const STATUS_COMMAND: u16 = 0x04;
const STATUS_HAS_CAPABILITIES: u32 = 1 << 20;
const CAPABILITIES_POINTER: u16 = 0x34;
const MSIX_CAPABILITY: u32 = 0x11;
/// In the capability's first word: the function may send the interrupts.
const MSIX_ENABLE: u32 = 1 << 31;
/// In the capability's first word: every vector is masked.
const MSIX_MASK_ALL: u32 = 1 << 30;
/// Capabilities are aligned words in the first 256 octets: a longer list is a loop.
const CAPABILITIES_MAX: usize = 48;

/// Where interrupt messages are written: the window of a PC's first local interrupt controller.
pub const INTERRUPT_ADDRESS: u32 = 0xfee0_0000;
const ENTRY_BYTES: u32 = 16;

/// Fills the first `vectors` entries of the table, each with its number as data, and enables it.
///
/// # Errors
/// [`Error::Capability`] if the function has no MSI-X or too few vectors; [`Error::Bus`].
pub fn enable(function: &dyn PciFunction, vectors: u16) -> Result<(), Error> {
    let capability = find(function)?;
    let control = function.config_read32(capability)?;
    let size = (control >> 16 & 0x7ff) + 1;
    // The table must be where the contract says: in BAR 0.
    let table = function.config_read32(capability + 4)?;
    if size < u32::from(vectors) || table != MSIX_TABLE {
        return Err(Error::Capability("interrupt vectors in BAR 0's MSI-X table"));
    }
    for vector in 0..u32::from(vectors) {
        let entry = MSIX_TABLE + ENTRY_BYTES * vector;
        function.bar_write32(entry, INTERRUPT_ADDRESS)?;
        function.bar_write32(entry + 4, 0)?;
        function.bar_write32(entry + 8, vector)?;
        function.bar_write32(entry + 12, 0)?;
    }
    function.config_write32(capability, control & !MSIX_MASK_ALL | MSIX_ENABLE)
}

fn find(function: &dyn PciFunction) -> Result<u16, Error> {
    let none = Error::Capability("MSI-X capabilities");
    if function.config_read32(STATUS_COMMAND)? & STATUS_HAS_CAPABILITIES == 0 {
        return Err(none);
    }
    let mut at = function.config_read32(CAPABILITIES_POINTER)? & 0xfc;
    for _ in 0..CAPABILITIES_MAX {
        if at == 0 {
            break;
        }
        let header = function.config_read32(at as u16)?;
        if header & 0xff == MSIX_CAPABILITY {
            return Ok(at as u16);
        }
        at = header >> 8 & 0xfc;
    }
    Err(none)
}
