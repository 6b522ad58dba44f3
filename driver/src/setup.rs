//! How a device is opened: checked, and set up.

use crate::capabilities::Capabilities;
use crate::device::Device;
use crate::error::Error;
use crate::fence::FenceQueue;
use crate::pci::PciFunction;
use ironwarp_abi::pci;
use ironwarp_abi::registers::{self as reg, Register};
use std::sync::Arc;

const CONFIG_IDS: u16 = 0x00;
const CONFIG_COMMAND: u16 = 0x04;
const CONFIG_CLASS: u16 = 0x08;
/// Memory space and bus mastering.
const COMMAND_ENABLE: u32 = 1 << 1 | 1 << 2;

impl Device {
    /// Resets the device, checks that it is one that this driver knows, and sets it up.
    pub fn open(
        function: Arc<dyn PciFunction>,
        mac: [u8; 6],
        clocks_per_microsecond: u16,
    ) -> Result<Self, Error> {
        let ids = u32::from(pci::DEVICE_ID) << 16 | u32::from(pci::VENDOR_ID);
        expect(&*function, "the vendor and device id", CONFIG_IDS, ids, u32::MAX)?;
        expect(&*function, "the class code", CONFIG_CLASS, pci::CLASS_CODE << 8, !0xff)?;
        function.reset()?;
        // The status half of the word is cleared by writing ones: zeros leave it alone.
        let command = function.config_read32(CONFIG_COMMAND)? & 0xffff | COMMAND_ENABLE;
        function.config_write32(CONFIG_COMMAND, command)?;
        let capabilities = check_contract(&*function)?;
        let vectors = capabilities.vectors;
        let device = Self::new(function, capabilities);
        device.write(reg::TIME_BASE, u32::from(clocks_per_microsecond))?;
        let [m0, m1, m2, m3, m4, m5] = mac;
        device.write(reg::MAC_HIGH, u32::from_be_bytes([0, 0, m0, m1]))?;
        device.write(reg::MAC_LOW, u32::from_be_bytes([m2, m3, m4, m5]))?;
        device.function().enable_interrupts(vectors)?;
        device.fence_by(FenceQueue::start(&device)?);
        Ok(device)
    }
}

fn expect(
    function: &dyn PciFunction,
    what: &'static str,
    offset: u16,
    expected: u32,
    mask: u32,
) -> Result<(), Error> {
    let found = function.config_read32(offset)? & mask;
    match found == expected {
        true => Ok(()),
        false => Err(Error::NotOurDevice { what, found, expected }),
    }
}

fn check_contract(function: &dyn PciFunction) -> Result<Capabilities, Error> {
    let read = |register: Register| function.bar_read32(register.address);
    let (found, expected) = (read(reg::DEVICE)?, reg::DEVICE_MAGIC);
    if found != expected {
        return Err(Error::NotOurDevice { what: "the device register", found, expected });
    }
    let version = read(reg::VERSION)?;
    let [major, known] = [version, reg::ABI_VERSION].map(|it| reg::VERSION.get(it, "major"));
    if major != known {
        return Err(Error::Version { major, known });
    }
    Capabilities::parse(version, read(reg::CAPABILITIES)?, read(reg::SIZES)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;
    use ironwarp_abi::configuration;

    fn open(fake: Arc<Fake>) -> Result<Device, Error> {
        Device::open(fake, [0x02, 0x49, 0x57, 0x01, 0x02, 0x03], 156)
    }

    #[test]
    fn a_device_is_set_up() {
        let fake = Fake::alone();
        let device = open(fake.clone()).unwrap();
        assert_eq!(device.capabilities().configuration, configuration::REFERENCE);
        assert_eq!(fake.get(reg::TIME_BASE), 156);
        assert_eq!((fake.get(reg::MAC_HIGH), fake.get(reg::MAC_LOW)), (0x0249, 0x5701_0203));
        assert_eq!(fake.config_read32(CONFIG_COMMAND).unwrap() & 6, 6);
        let entry = reg::MSIX_TABLE + 16 * 3;
        let words = [0, 4, 8, 12].map(|offset| fake.bar_read32(entry + offset).unwrap());
        assert_eq!(words, [crate::msix::INTERRUPT_ADDRESS, 0, 3, 0]);
        assert_eq!(fake.config_read32(0x50).unwrap() >> 30, 0b10, "enabled, not masked");
    }

    #[test]
    fn other_devices_and_other_contracts_are_refused() {
        type Change = fn(&Fake);
        let refused = |change: Change| {
            let fake = Fake::alone();
            change(&fake);
            open(fake).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(refused(|fake| fake.set_config(0, 0x10d3_8086)).contains("vendor"));
        assert!(refused(|fake| fake.set_config(8, 0x0200_0000)).contains("class"));
        assert!(refused(|fake| fake.set(reg::DEVICE, 0)).contains("device register"));
        assert!(refused(|fake| fake.set(reg::VERSION, 1 << 16 | 1)).contains("version 1"));
        assert_eq!(refused(|fake| fake.set(reg::VERSION, reg::ABI_VERSION + 7)), "");
        assert_eq!(refused(|fake| fake.set(reg::VERSION, 2 << 16)), "");
        assert!(refused(|fake| fake.set(reg::CAPABILITIES, 0x080a_0600)).contains("queue pairs"));
        assert!(refused(|fake| fake.set(reg::SIZES, 0x0110_0074)).contains("stream ring"));
    }
}
