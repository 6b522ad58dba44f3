//! A model in its slot: configuration space, memory and interrupts around the device.

use super::config::ConfigSpace;
use crate::iova::IovaTable;
use crate::msix::INTERRUPT_ADDRESS;
use crate::os::EventFd;
use ironwarp_abi::limits::VECTOR_COUNT;
use ironwarp_model::{Device, Fault, Host, Options};
use std::sync::Arc;
use std::time::Duration;

/// Host memory and interrupts, as the device reaches them.
pub(super) struct Bus {
    pub config: ConfigSpace,
    pub iova: IovaTable,
    pub interrupts: Vec<Arc<EventFd>>,
    /// Bit n: vector n came while the function could not send interrupts.
    held: u32,
    /// An interrupt was sent since this was last cleared.
    pub interrupted: bool,
}

impl Bus {
    fn interrupt(&mut self, vector: u32) {
        if !self.config.sends_interrupts() {
            self.held |= 1u32.checked_shl(vector).unwrap_or(0);
            return;
        }
        // A vector that the driver did not write into the table interrupts nobody.
        if let Some(event) = self.interrupts.get(vector as usize) {
            event.signal();
            self.interrupted = true;
        }
    }

    /// Writes configuration space. Interrupts that this sets free are sent.
    pub fn config_write(&mut self, offset: u16, value: u32) {
        self.config.write(offset, value);
        if self.config.sends_interrupts() {
            let held = std::mem::take(&mut self.held);
            let vectors = (0..VECTOR_COUNT as u32).filter(|vector| held >> vector & 1 != 0);
            vectors.for_each(|vector| self.interrupt(vector));
        }
    }
}

impl Host for Bus {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        match self.config.is_bus_master() {
            true => self.iova.read(address, into).map_err(|_| Fault),
            false => Err(Fault),
        }
    }

    fn write(&mut self, address: u64, octets: &[u8]) {
        if !self.config.is_bus_master() {
            return;
        }
        match octets {
            [a, b, c, d] if address == u64::from(INTERRUPT_ADDRESS) => {
                self.interrupt(u32::from_le_bytes([*a, *b, *c, *d]));
            }
            _ if self.iova.write(address, octets).is_err() => {
                tracing::warn!(address, octets = octets.len(), "the device writes to no memory");
            }
            _ => {}
        }
    }
}

/// A device and its bus.
pub(super) struct Socket {
    pub device: Device,
    pub bus: Bus,
}

impl Socket {
    /// After power-on.
    pub fn new(iova: IovaTable, interrupts: Vec<Arc<EventFd>>) -> Self {
        let config = ConfigSpace::new();
        let bus = Bus { config, iova, interrupts, held: 0, interrupted: false };
        Self { device: Device::new(Options::default()), bus }
    }

    /// As after power-on again; memory stays mapped.
    pub fn reset(&mut self) {
        self.device = Device::new(Options::default());
        (self.bus.config, self.bus.held) = (ConfigSpace::new(), 0);
    }

    /// Does what there is to do; answers the frames that leave, and if there would be more.
    pub fn poll(&mut self, now: Duration) -> (impl Iterator<Item = Vec<u8>>, bool) {
        let more = self.device.poll(now, &mut self.bus);
        (self.device.take_frames().into_iter(), more)
    }
}
