//! The Verilated RNIC, and the link that it is part of.

use crate::line::{Advance, Line};
use crate::slot::Slot;
use ironwarp_driver::iova::IovaTable;
use ironwarp_driver::Error;
use ironwarp_sim::{time, Simulation};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A simulation that its link and its RNICs share.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Simulation>>);

impl Shared {
    pub fn new(simulation: Simulation) -> Self {
        Self(Arc::new(Mutex::new(simulation)))
    }

    pub fn lock(&self) -> MutexGuard<'_, Simulation> {
        // A panic elsewhere leaves a world between two clocks, which is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn bus(error: ironwarp_sim::Error) -> Error {
    Error::Bus(error.to_string())
}

/// RNIC `number` of a simulation.
pub(crate) struct Rnic {
    simulation: Shared,
    number: usize,
}

impl Rnic {
    /// The RNIC, with its host's memory.
    pub fn new(simulation: &Shared, number: usize, memory: IovaTable) -> Result<Self, Error> {
        simulation.lock().attach_memory(number, Box::new(memory)).map_err(bus)?;
        Ok(Self { simulation: simulation.clone(), number })
    }
}

impl Slot for Rnic {
    fn config_read(&mut self, offset: u16) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.simulation.lock().config_read(self.number, offset, &mut bytes).map_err(bus)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn config_write(&mut self, offset: u16, value: u32) -> Result<(), Error> {
        let bytes = value.to_le_bytes();
        self.simulation.lock().config_write(self.number, offset, &bytes).map_err(bus)
    }

    fn begin_bar_read(&mut self, offset: u32, _: Duration) -> Result<Duration, Error> {
        self.simulation.lock().begin_bar_read(self.number, offset).map_err(bus)?;
        // The simulation gives up by itself.
        Ok(Duration::MAX)
    }

    fn bar_answer(&mut self, _: Duration) -> Option<Result<u32, Error>> {
        let answer = self.simulation.lock().bar_answer(self.number)?;
        Some(answer.map_err(bus))
    }

    fn bar_write(&mut self, offset: u32, value: u32) -> Result<(), Error> {
        self.simulation.lock().bar_write32(self.number, offset, value).map_err(bus)
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.simulation.lock().reset(self.number).map_err(bus)
    }

    fn take_interrupts(&mut self) -> Vec<u32> {
        self.simulation.lock().take_interrupts(self.number).unwrap_or_default()
    }

    fn octets_written(&self) -> u64 {
        let written = self.simulation.lock().progress().octets_written;
        written.get(self.number).copied().unwrap_or(0)
    }
}

/// The simulation's link, clock by clock.
pub(crate) struct SimulatedLink {
    simulation: Shared,
    /// The end that is not an RNIC of the simulation.
    open_end: usize,
    arrived: VecDeque<Vec<u8>>,
}

impl SimulatedLink {
    /// The link of a simulation; with one RNIC, what is not that is the world's end `open_end`.
    pub fn new(simulation: &Shared, open_end: usize) -> Self {
        Self { simulation: simulation.clone(), open_end, arrived: VecDeque::new() }
    }
}

impl Line for SimulatedLink {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.simulation.lock().nanoseconds())
    }

    fn send(&mut self, _: usize, frame: Vec<u8>) {
        if let Err(error) = self.simulation.lock().send_frame(&frame) {
            tracing::warn!(%error, "a frame does not leave");
        }
    }

    fn advance(&mut self, until: Duration) -> Advance {
        let nanoseconds = u64::try_from(until.as_nanos()).unwrap_or(u64::MAX);
        let mut simulation = self.simulation.lock();
        let happened = simulation.run_until_event(time::clocks(nanoseconds));
        self.arrived.extend(simulation.take_frames().into_iter().map(|frame| frame.octets));
        match happened {
            true => Advance::Something,
            false => Advance::Nothing,
        }
    }

    fn arrived(&mut self) -> Option<(usize, Vec<u8>)> {
        self.arrived.pop_front().map(|frame| (self.open_end, frame))
    }

    fn finish(&mut self) -> Result<(), crate::error::Error> {
        Ok(self.simulation.lock().finish().map_err(bus)?)
    }
}
