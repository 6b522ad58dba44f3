//! A model in its slot: configuration space, memory and interrupts around the device.

use crate::slot::{silent, Slot};
use ironwarp_abi::configuration::Configuration;
use ironwarp_driver::iova::IovaTable;
use ironwarp_driver::msix::INTERRUPT_ADDRESS;
use ironwarp_driver::Error;
use ironwarp_model::{AttachError, ByteStream, Device, Fault, Host, Options};
use ironwarp_root_complex::config_space::{ConfigAddress, ConfigSpace, Effect};
use std::time::Duration;

/// Host memory and interrupts, as the device reaches them.
struct Bus {
    memory: IovaTable,
    /// The vectors of the interrupts that were sent and not yet taken.
    interrupts: Vec<u32>,
    written: u64,
}

impl Host for Bus {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.memory.read(address, into).map_err(|_| Fault)
    }

    fn write(&mut self, address: u64, octets: &[u8]) {
        match octets {
            [a, b, c, d] if address == u64::from(INTERRUPT_ADDRESS) => {
                self.interrupts.push(u32::from_le_bytes([*a, *b, *c, *d]));
            }
            _ => match self.memory.write(address, octets) {
                Ok(()) => self.written += octets.len() as u64,
                Err(_) => {
                    tracing::warn!(address, octets = octets.len(), "the device writes to no memory")
                }
            },
        }
    }
}

/// A device and its bus.
pub(crate) struct Socket {
    device: Device,
    config: ConfigSpace,
    bus: Bus,
    /// What a register read takes.
    read_time: Duration,
    /// The register that is being read, and when its value is there.
    reading: Option<(u32, Duration)>,
}

impl Socket {
    /// After power-on, with the host's memory, and the time that a register read takes.
    pub fn new(configuration: Configuration, memory: IovaTable, read_time: Duration) -> Self {
        let options = Options { configuration, ..Options::default() };
        let (device, config) = (Device::new(options), ConfigSpace::new(configuration.bar_bytes()));
        let bus = Bus { memory, interrupts: Vec::new(), written: 0 };
        let mut socket = Self { device, config, bus, read_time, reading: None };
        socket.allow();
        socket
    }

    /// Tells the device what configuration space allows it.
    fn allow(&mut self) {
        let Self { device, config, bus, .. } = self;
        device.allow(config.bus_master(), config.sends_messages(), bus);
    }

    fn has_memory_space(&self) -> Result<(), Error> {
        self.config.memory_space().then_some(()).ok_or_else(silent)
    }
}

/// There is no such place in configuration space.
fn outside(address: ConfigAddress) -> Error {
    Error::Bus(address.to_string())
}

impl Slot for Socket {
    fn config_read(&mut self, offset: u16) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.config.read(offset, &mut bytes).map_err(outside)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn config_write(&mut self, offset: u16, value: u32) -> Result<(), Error> {
        match self.config.write(offset, &value.to_le_bytes()).map_err(outside)? {
            Effect::None => self.allow(),
            Effect::Reset => self.reset()?,
        }
        Ok(())
    }

    fn begin_bar_read(&mut self, offset: u32, now: Duration) -> Result<Duration, Error> {
        self.has_memory_space()?;
        let there = now.saturating_add(self.read_time);
        self.reading = Some((offset, there));
        Ok(there)
    }

    fn bar_answer(&mut self, now: Duration) -> Option<Result<u32, Error>> {
        let (offset, _) = self.reading.filter(|(_, there)| *there <= now)?;
        self.reading = None;
        Some(Ok(self.device.bar_read32(offset)))
    }

    fn bar_write(&mut self, offset: u32, value: u32) -> Result<(), Error> {
        self.has_memory_space()?;
        self.device.bar_write32(offset, value, &mut self.bus);
        Ok(())
    }

    fn reset(&mut self) -> Result<(), Error> {
        let configuration = self.device.configuration();
        self.device = Device::new(Options { configuration, ..Options::default() });
        self.config = ConfigSpace::new(configuration.bar_bytes());
        self.reading = None;
        self.allow();
        Ok(())
    }

    fn take_interrupts(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.bus.interrupts)
    }

    fn octets_written(&self) -> u64 {
        self.bus.written
    }

    fn poll(&mut self, now: Duration, frames: &mut Vec<Vec<u8>>) -> bool {
        let more = self.device.poll(now, &mut self.bus);
        frames.extend(self.device.take_frames());
        more
    }

    fn next_timer(&self) -> Option<Duration> {
        self.device.next_timer()
    }

    fn attach_stream(&mut self, qp: u32, stream: Box<dyn ByteStream>) -> Result<(), Error> {
        self.device.attach_stream(qp, stream).map_err(|error| match error {
            AttachError::Active(_) => Error::Bus(error.to_string()),
            AttachError::NoStreams(_) => Error::OutOfRange {
                what: "the queue pair",
                value: qp.into(),
                range: "one that can have a connection",
            },
        })
    }

    fn detach_stream(&mut self, qp: u32) -> bool {
        self.device.detach_stream(qp).is_some()
    }

    fn receive(&mut self, frame: &[u8]) {
        self.device.receive_frame(frame, &mut self.bus);
    }
}
