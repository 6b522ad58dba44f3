//! The device: checked, set up, and its registers by name.

use crate::error::Error;
use crate::os::write_barrier;
use crate::pci::PciFunction;
use ironwarp_abi::limits::{CQ_BITS, FLOW_BITS, MR_BITS, QP_BITS, SGE_MAX, VECTOR_COUNT};
use ironwarp_abi::registers::{self as reg, Register};
use ironwarp_abi::{limits, pci};
use std::sync::Arc;

const CONFIG_IDS: u16 = 0x00;
const CONFIG_COMMAND: u16 = 0x04;
const CONFIG_CLASS: u16 = 0x08;
/// Memory space and bus mastering.
const COMMAND_ENABLE: u32 = 1 << 1 | 1 << 2;

/// Core clocks of the reference design that make a microsecond.
pub const CLOCKS_PER_MICROSECOND: u16 = (limits::CORE_CLOCK_HZ / 1_000_000) as u16;

/// An opened device.
pub(crate) struct Device {
    function: Arc<dyn PciFunction>,
}

impl Device {
    /// Resets the device, checks that it is one that this driver knows, and sets it up.
    pub fn open(
        function: Arc<dyn PciFunction>,
        mac: [u8; 6],
        clocks_per_microsecond: u16,
    ) -> Result<Self, Error> {
        let device = Self { function };
        let ids = u32::from(pci::DEVICE_ID) << 16 | u32::from(pci::VENDOR_ID);
        device.expect("the vendor and device id", CONFIG_IDS, ids, u32::MAX)?;
        device.expect("the class code", CONFIG_CLASS, pci::CLASS_CODE << 8, !0xff)?;
        device.function.reset()?;
        // The status half of the word is cleared by writing ones: zeros leave it alone.
        let command = device.function.config_read32(CONFIG_COMMAND)? & 0xffff | COMMAND_ENABLE;
        device.function.config_write32(CONFIG_COMMAND, command)?;
        device.check_contract()?;
        device.write(reg::TIME_BASE, u32::from(clocks_per_microsecond))?;
        let [m0, m1, m2, m3, m4, m5] = mac;
        device.write(reg::MAC_HIGH, u32::from_be_bytes([0, 0, m0, m1]))?;
        device.write(reg::MAC_LOW, u32::from_be_bytes([m2, m3, m4, m5]))?;
        device.function.enable_interrupts(VECTOR_COUNT as u16)?;
        Ok(device)
    }

    fn expect(
        &self,
        what: &'static str,
        offset: u16,
        expected: u32,
        mask: u32,
    ) -> Result<(), Error> {
        let found = self.function.config_read32(offset)? & mask;
        match found == expected {
            true => Ok(()),
            false => Err(Error::NotOurDevice { what, found, expected }),
        }
    }

    fn check_contract(&self) -> Result<(), Error> {
        let found = self.read(reg::DEVICE)?;
        if found != reg::DEVICE_MAGIC {
            let expected = reg::DEVICE_MAGIC;
            return Err(Error::NotOurDevice { what: "the device register", found, expected });
        }
        let (major, known) = (self.read(reg::VERSION)? >> 16, reg::ABI_VERSION >> 16);
        if major != known {
            return Err(Error::Version { major, known });
        }
        let capabilities = self.read(reg::CAPABILITIES)?;
        for (what, field, needed) in [
            ("queue pairs", "qp", QP_BITS),
            ("completion queues", "cq", CQ_BITS),
            ("flow table entries", "flow", FLOW_BITS),
            ("interrupt vectors", "vectors", VECTOR_COUNT),
            ("scatter/gather elements", "sge", SGE_MAX),
        ] {
            if get(reg::CAPABILITIES, capabilities, field) < needed as u32 {
                return Err(Error::Capability(what));
            }
        }
        // An STag is split into index and key by this number, so it must be the same.
        match get(reg::CAPABILITIES, capabilities, "mr") as usize == MR_BITS {
            true => Ok(()),
            false => Err(Error::Capability("(or more) memory regions")),
        }
    }

    /// The PCI function.
    pub fn function(&self) -> &Arc<dyn PciFunction> {
        &self.function
    }

    /// Reads a register.
    pub fn read(&self, register: Register) -> Result<u32, Error> {
        self.function.bar_read32(register.address)
    }

    /// Writes a register.
    pub fn write(&self, register: Register, value: u32) -> Result<(), Error> {
        self.function.bar_write32(register.address, value)
    }

    /// Starts or stops an object by its control register.
    pub fn control(&self, register: Register, index: u8, enable: bool) -> Result<(), Error> {
        let fields = [("index", u32::from(index)), ("enable", u32::from(enable))];
        self.write(register, fields.iter().fold(0, |word, (name, v)| put(register, word, name, *v)))
    }

    /// Writes words of a context, in order, from word `first` on.
    pub fn write_context(
        &self,
        table: u32,
        index: usize,
        first: usize,
        words: &[u32],
    ) -> Result<(), Error> {
        let start = table + reg::CONTEXT_STRIDE * index as u32 + 4 * first as u32;
        for (offset, word) in (start..).step_by(4).zip(words) {
            self.function.bar_write32(offset, *word)?;
        }
        Ok(())
    }

    /// Rings a doorbell: what was written to memory before is visible to the device first.
    pub fn ring(&self, pages: u32, index: u8, offset: u32, value: u16) -> Result<(), Error> {
        write_barrier();
        let address = pages + reg::DOORBELL_PAGE * u32::from(index) + offset;
        self.function.bar_write32(address, u32::from(value))
    }

    /// What a queue pair's TCP connection has come to.
    pub fn query(&self, qp: u8) -> Result<Query, Error> {
        self.write(reg::QUERY_QP, u32::from(qp))?;
        // Any register read lets the 16 clocks pass that the query takes.
        let active = self.read(reg::QP_ACTIVE)?;
        Ok(Query {
            active: active >> qp & 1 == 1,
            send_next: self.read(reg::QUERY_SEND_NEXT)?,
            send_unacknowledged: self.read(reg::QUERY_SEND_UNACKNOWLEDGED)?,
            receive_next: self.read(reg::QUERY_RECEIVE_NEXT)?,
        })
    }
}

/// The state of a queue pair's TCP connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// The queue pair is neither stopped nor in error.
    pub active: bool,
    /// SND.NXT.
    pub send_next: u32,
    /// SND.UNA.
    pub send_unacknowledged: u32,
    /// RCV.NXT.
    pub receive_next: u32,
}

fn bits(register: Register, name: &str) -> (u32, u32) {
    let field = register.fields.iter().find(|field| field.name == name);
    field.map_or((0, 0), |field| (field.low, u32::MAX >> (31 - (field.high - field.low))))
}

fn get(register: Register, word: u32, name: &str) -> u32 {
    let (low, mask) = bits(register, name);
    word >> low & mask
}

fn put(register: Register, word: u32, name: &str, value: u32) -> u32 {
    let (low, mask) = bits(register, name);
    word & !(mask << low) | (value & mask) << low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    fn open(fake: Arc<Fake>) -> Result<Device, Error> {
        Device::open(fake, [0x02, 0x49, 0x57, 0x01, 0x02, 0x03], 156)
    }

    #[test]
    fn a_device_is_set_up() {
        let fake = Fake::alone();
        open(fake.clone()).unwrap();
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
        assert!(refused(|fake| fake.set(reg::VERSION, 2 << 16)).contains("version 2"));
        assert_eq!(refused(|fake| fake.set(reg::VERSION, reg::ABI_VERSION + 7)), "");
        let fewer = |fake: &Fake| fake.set(reg::CAPABILITIES, 0x0110_6843);
        assert!(refused(fewer).contains("queue pairs"));
        let more = |fake: &Fake| fake.set(reg::CAPABILITIES, 0x0110_6944);
        assert!(refused(more).contains("memory regions"));
    }

    #[test]
    fn fields_are_found_by_name() {
        assert_eq!(put(reg::QP_CONTROL, 0, "enable", 1), 0x100);
        assert_eq!(put(reg::QP_CONTROL, 0x100, "index", 0x123), 0x123 & 0xff | 0x100);
        assert_eq!(get(reg::CAPABILITIES, 0x0110_8644, "mr"), 6);
        assert_eq!(get(reg::CAPABILITIES, 0x0110_6844, "vectors"), 0x10);
        for register in reg::ALL {
            for field in register.fields {
                assert_ne!(bits(*register, field.name).1, 0, "{} {}", register.name, field.name);
            }
        }
    }
}
