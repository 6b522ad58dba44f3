//! How the device shows itself in PCI configuration space.

/// Vendor of the open-hardware community's test devices (Red Hat's range for QEMU and others).
pub const VENDOR_ID: u16 = 0x1b36;
/// Device: ours, in a range that no assigned device of the vendor uses.
pub const DEVICE_ID: u16 = 0x4957;
/// Class: network controller, other.
pub const CLASS_CODE: u32 = 0x02_80_00;
/// Revision of the device.
pub const REVISION: u8 = 1;
/// The BAR that holds everything: 64-bit, not prefetchable.
pub const BAR: usize = 0;
