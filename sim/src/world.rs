//! RNICs, hosts and link on one clock.

use crate::bar::BarAnswer;
use crate::conduct::{Fault, Misconduct, Violation};
use crate::config_space::Effect;
use crate::link::{Frame, Link};
use crate::root_complex::RootComplex;
use crate::{time, Error, HostMemory, Inputs, Options, Pins, Stages};
use ironwarp_capture::Capture;
use ironwarp_network::Report;
use ironwarp_root_complex::{BeatPort, Mishap};
use std::path::{Path, PathBuf};

/// What has happened so far; for progress bars and reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Core clocks.
    pub clock: u64,
    /// Octets that RNIC n's DMA has written to host memory.
    pub octets_written: [u64; 2],
    /// Octets that RNIC n's DMA has read from host memory.
    pub octets_read: [u64; 2],
    /// Frames that end n of the link has sent; a test's own end is end 1.
    pub frames_sent: [u64; 2],
}

/// An RNIC and its host.
struct Node {
    device: Box<dyn Pins>,
    /// The device is reset in the next clock.
    reset: bool,
    root: RootComplex,
    port: BeatPort,
    stages: Stages,
    /// The register that is being read, and the clock in which that began.
    reading: Option<(u32, u64)>,
}

/// The world.
pub struct Simulation {
    options: Options,
    nodes: Vec<Node>,
    link: Link,
    clock: u64,
    /// The clock before which a beat was last offered anywhere.
    active: u64,
}

impl Simulation {
    /// A world of Verilated RNICs, set up as firmware would: BAR address, largest payload and
    /// read request. Bus mastering, memory space and MSI-X are off.
    ///
    /// # Errors
    /// Options that mean nothing, or a capture that cannot be written.
    pub fn new(options: Options) -> Result<Self, Error> {
        Self::with_devices(options, |_| Box::new(crate::Rnic::new()))
    }

    /// A world of other devices than the RTL: `power_on(n)` makes RNIC n.
    ///
    /// # Errors
    /// Options that mean nothing, or a capture that cannot be written.
    pub fn with_devices(
        options: Options,
        mut power_on: impl FnMut(usize) -> Box<dyn Pins>,
    ) -> Result<Self, Error> {
        options.check()?;
        let names: &[&str] = if options.nics == 1 { &["nic0", "peer"] } else { &["nic0", "nic1"] };
        let capture = match &options.capture {
            Some(path) => Some(Capture::create(path, names)?),
            None => None,
        };
        let seed = |stream: u64| options.seed.wrapping_mul(4).wrapping_add(stream);
        let link = Link::new(&options.link, options.nics, options.seed, capture);
        let nodes = (0..options.nics).map(|nic| Node {
            device: power_on(nic),
            reset: false,
            root: RootComplex::new(nic, &options.root_complex, seed(1 + nic as u64)),
            port: BeatPort::new(),
            stages: Stages::new(),
            reading: None,
        });
        let nodes = nodes.collect();
        Ok(Self { nodes, link, options, clock: 0, active: 0 })
    }

    fn node(&self, nic: usize) -> Result<&Node, Error> {
        self.nodes.get(nic).ok_or(Error::NoSuchNic(nic))
    }

    fn node_mut(&mut self, nic: usize) -> Result<&mut Node, Error> {
        self.nodes.get_mut(nic).ok_or(Error::NoSuchNic(nic))
    }

    /// One core clock for everything.
    pub fn step(&mut self) {
        let clock = self.clock;
        for (nic, node) in self.nodes.iter_mut().enumerate() {
            let (pcie_in, pcie_out_ready) = node.port.drive(&mut node.root, clock);
            let (mac_in, mac_out_ready) = self.link.drive(nic, clock);
            let config = node.root.config();
            let outputs = node.device.clock(&Inputs {
                clock,
                reset: std::mem::take(&mut node.reset),
                pcie_in,
                pcie_out_ready,
                mac_in,
                mac_out_ready,
                max_payload: config.max_payload(),
                max_read: config.max_read(),
                requester: node.root.requester(),
                bus_master_enable: config.bus_master(),
                msix_enable: config.msix_enabled(),
                msix_function_mask: config.msix_function_masked(),
                completion_timeout_disable: config.completion_timeout_disabled(),
            });
            node.port.clocked(&mut node.root, outputs.pcie_in_ready, outputs.pcie_out);
            if let Err(wrong) = self.link.clocked(nic, clock, outputs.mac_out, mac_out_ready) {
                node.root.report(wrong);
            }
            if mac_in.is_some() && !outputs.mac_in_ready {
                node.root.report(Misconduct::MacRefused);
            }
            let offered = [pcie_in, mac_in, outputs.pcie_out, outputs.mac_out];
            if offered.iter().any(Option::is_some) {
                self.active = clock + 1;
            }
            if outputs.trace != 0 {
                node.stages.note(clock, outputs.trace);
            }
        }
        self.link.clock_peer(clock);
        self.clock += 1;
    }

    /// So many core clocks.
    pub fn run(&mut self, clocks: u64) {
        for _ in 0..clocks {
            self.step();
        }
    }

    /// Core clocks since the world began.
    pub fn clock(&self) -> u64 {
        self.clock
    }

    /// Nanoseconds since the world began, rounded down.
    pub fn nanoseconds(&self) -> u64 {
        time::nanoseconds(self.clock)
    }

    /// How many RNICs there are.
    pub fn nics(&self) -> usize {
        self.nodes.len()
    }

    /// The options that the world was made with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Gives RNIC `nic` its host memory; before, every DMA access is unmapped. A reset keeps it.
    ///
    /// # Errors
    /// [`Error::NoSuchNic`].
    pub fn attach_memory(&mut self, nic: usize, memory: Box<dyn HostMemory>) -> Result<(), Error> {
        self.node_mut(nic)?.root.attach(memory);
        Ok(())
    }

    fn bar(&mut self, nic: usize, address: u32) -> Result<&mut RootComplex, Error> {
        let root = &mut self.node_mut(nic)?.root;
        if address % 4 != 0 || address >= root.options().configuration.bar_bytes() {
            return Err(Error::BarAddress(address));
        }
        if !root.config().memory_space() {
            return Err(Error::BarRefused { nic, address, why: "memory space is disabled" });
        }
        Ok(root)
    }

    /// Reads a register of BAR 0. Time passes until the answer is there.
    ///
    /// # Errors
    /// No such RNIC or register, memory space off, refused by the device, or no answer in time.
    pub fn bar_read32(&mut self, nic: usize, address: u32) -> Result<u32, Error> {
        self.begin_bar_read(nic, address)?;
        loop {
            self.step();
            if let Some(answer) = self.bar_answer(nic) {
                return answer;
            }
        }
    }

    /// Begins to read a register of BAR 0; [`Simulation::bar_answer`] has the outcome. A read that
    /// was begun before and not ended is given up.
    ///
    /// # Errors
    /// No such RNIC or register, or memory space off.
    pub fn begin_bar_read(&mut self, nic: usize, address: u32) -> Result<(), Error> {
        let clock = self.clock;
        let given_up = self.node_mut(nic)?.reading.take().is_some();
        let root = self.bar(nic, address)?;
        if given_up {
            root.bar_give_up();
        }
        root.bar_read(address);
        self.node_mut(nic)?.reading = Some((address, clock));
        Ok(())
    }

    /// Takes the outcome of the read that was begun, once it is there: the value, refused by the
    /// device, or no answer in time.
    pub fn bar_answer(&mut self, nic: usize) -> Option<Result<u32, Error>> {
        let clocks = self.options.root_complex.bar_timeout_clocks;
        let node = self.nodes.get_mut(nic)?;
        let (address, began) = node.reading?;
        let answer = match node.root.bar_answer() {
            Some(BarAnswer::Value(value)) => Ok(value),
            Some(BarAnswer::Refused(why)) => Err(Error::BarRefused { nic, address, why }),
            None if self.clock - began < clocks => return None,
            None => {
                node.root.bar_give_up();
                Err(Error::BarTimeout { nic, address, clocks })
            }
        };
        node.reading = None;
        Some(answer)
    }

    /// Writes a register of BAR 0. Posted: the write is under way when this returns and takes
    /// effect as the clock is stepped; no later access passes it.
    ///
    /// # Errors
    /// No such RNIC or register, or memory space off.
    pub fn bar_write32(&mut self, nic: usize, address: u32, value: u32) -> Result<(), Error> {
        self.bar(nic, address)?.bar_write(address, value);
        Ok(())
    }

    /// Reads configuration space.
    ///
    /// # Errors
    /// No such RNIC, or bytes outside the space.
    pub fn config_read(&self, nic: usize, offset: u16, bytes: &mut [u8]) -> Result<(), Error> {
        Ok(self.node(nic)?.root.config().read(offset, bytes)?)
    }

    /// Writes configuration space. A function-level reset does what [`Simulation::reset`] does.
    ///
    /// # Errors
    /// As [`Simulation::config_read`].
    pub fn config_write(&mut self, nic: usize, offset: u16, bytes: &[u8]) -> Result<(), Error> {
        let root = &mut self.node_mut(nic)?.root;
        match root.config_write(|config| config.write(offset, bytes))? {
            Effect::None => Ok(()),
            Effect::Reset => self.reset(nic),
        }
    }

    /// Resets an RNIC in the next clock: nothing of it is under way any more, configuration space
    /// is as when the world began. Host memory stays attached.
    ///
    /// # Errors
    /// [`Error::NoSuchNic`].
    pub fn reset(&mut self, nic: usize) -> Result<(), Error> {
        let node = self.nodes.get_mut(nic).ok_or(Error::NoSuchNic(nic))?;
        node.reset = true;
        node.root.reset();
        node.port.reset();
        node.reading = None;
        node.stages = Stages::new();
        self.link.reset(nic);
        Ok(())
    }

    /// Steps until RNIC `nic` has interrupted, at most `limit` clocks; takes the oldest
    /// interrupt's vector, which is the message's data.
    ///
    /// # Errors
    /// [`Error::NoSuchNic`].
    pub fn run_until_interrupt(&mut self, nic: usize, limit: u64) -> Result<Option<u32>, Error> {
        let end = self.clock.saturating_add(limit);
        loop {
            let taken = self.node_mut(nic)?.root.interrupts().pop_front();
            if taken.is_some() || self.clock >= end {
                return Ok(taken);
            }
            self.step();
        }
    }

    /// The same for whichever RNIC interrupts first: its number and the vector.
    pub fn run_until_any_interrupt(&mut self, limit: u64) -> Option<(usize, u32)> {
        let end = self.clock.saturating_add(limit);
        loop {
            for (nic, node) in self.nodes.iter_mut().enumerate() {
                if let Some(vector) = node.root.interrupts().pop_front() {
                    return Some((nic, vector));
                }
            }
            if self.clock >= end {
                return None;
            }
            self.step();
        }
    }

    /// Steps until something has happened that concerns somebody outside, at most to `clock`: an
    /// interrupt, the outcome of a BAR read, or a frame at the test's end of the link. False if
    /// nothing has.
    pub fn run_until_event(&mut self, clock: u64) -> bool {
        loop {
            if self.has_event() {
                return true;
            }
            if self.clock >= clock {
                return false;
            }
            self.step();
        }
    }

    fn has_event(&mut self) -> bool {
        let clocks = self.options.root_complex.bar_timeout_clocks;
        let late = |began| self.clock - began >= clocks;
        let nodes = self.nodes.iter_mut();
        self.link.has_arrived()
            || nodes.into_iter().any(|Node { root, reading, .. }| {
                let read = reading.is_some_and(|(_, began)| root.has_bar_answer() || late(began));
                read || !root.interrupts().is_empty()
            })
    }

    /// For how many clocks nothing has been under way outside the devices: no beat was offered,
    /// nothing is on the link, and no root complex has anything to do.
    pub fn quiet_clocks(&self) -> u64 {
        match self.link.idle() && self.nodes.iter().all(|node| node.root.idle() && node.port.idle())
        {
            true => self.clock - self.active,
            false => 0,
        }
    }

    /// Takes the vectors of all interrupts that RNIC `nic` has sent, oldest first.
    ///
    /// # Errors
    /// [`Error::NoSuchNic`].
    pub fn take_interrupts(&mut self, nic: usize) -> Result<Vec<u32>, Error> {
        Ok(self.node_mut(nic)?.root.interrupts().drain(..).collect())
    }

    /// Every rule that a device has broken, by RNIC and clock (the first thousand of each RNIC).
    /// A world that works has none.
    pub fn violations(&self) -> Vec<Violation> {
        self.nodes.iter().flat_map(|node| node.root.violations()).cloned().collect()
    }

    /// How often each of [`Mishap::ALL`](ironwarp_root_complex::Mishap::ALL) has befallen a
    /// completion for RNIC `nic`.
    ///
    /// # Errors
    /// [`Error::NoSuchNic`].
    pub fn mishaps(&self, nic: usize) -> Result<[u64; Mishap::ALL.len()], Error> {
        Ok(self.node(nic)?.root.mishaps())
    }

    /// DMA accesses that no memory answered, by RNIC and clock (the first thousand of each).
    pub fn faults(&self) -> Vec<Fault> {
        self.nodes.iter().flat_map(|node| node.root.faults()).copied().collect()
    }

    /// What has happened so far.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress {
            clock: self.clock,
            frames_sent: self.link.frames_sent(),
            ..Progress::default()
        };
        for (nic, node) in self.nodes.iter().enumerate() {
            let moved = node.root.moved();
            progress.octets_written[nic] = moved.written;
            progress.octets_read[nic] = moved.read;
        }
        progress
    }

    /// Queues a frame, 14 octets to 16,000, at the test's end of the link (worlds of one RNIC).
    ///
    /// # Errors
    /// [`Error::NoPeer`], [`Error::FrameLength`].
    pub fn send_frame(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.link.send_frame(octets)
    }

    /// Takes the frames that reached the test's end of the link.
    pub fn take_frames(&mut self) -> Vec<Frame> {
        self.link.take_frames()
    }

    /// Frames that were queued with [`Simulation::send_frame`] and have not left.
    pub fn unsent_frames(&self) -> usize {
        self.link.unsent()
    }

    /// What the network between the ends did, if the link has any impairment.
    pub fn network(&self) -> Option<Report> {
        self.link.report()
    }

    /// No frame is being sent or on its way.
    pub fn link_idle(&self) -> bool {
        self.link.idle()
    }

    /// Begins to watch the stations of RNIC `nic` anew.
    ///
    /// # Errors
    /// [`Error::NoSuchNic`].
    pub fn watch(&mut self, nic: usize) -> Result<(), Error> {
        self.node_mut(nic)?.stages = Stages::new();
        Ok(())
    }

    /// The stations passed since [`Simulation::watch`] or the last reset.
    ///
    /// # Errors
    /// [`Error::NoSuchNic`].
    pub fn stages(&self, nic: usize) -> Result<&Stages, Error> {
        Ok(&self.node(nic)?.stages)
    }

    /// Writes a waveform of RNIC `nic` from now on, `.vcd` or `.fst`.
    ///
    /// # Errors
    /// [`Error::NoSuchNic`], a device that has none, or a file that cannot be written.
    pub fn open_waveform(&mut self, nic: usize, path: &Path) -> Result<(), Error> {
        self.node_mut(nic)?.device.open_waveform(path)
    }

    /// Writes a waveform of every RNIC from now on. With two, `-nic0` and `-nic1` go before the
    /// extension. Gives the names of the files.
    ///
    /// # Errors
    /// As [`Simulation::open_waveform`].
    pub fn open_waveforms(&mut self, path: &Path) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for nic in 0..self.nics() {
            let mut file = path.to_owned();
            if self.nics() > 1 {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let extension = path.extension().unwrap_or_default().to_string_lossy();
                file.set_file_name(format!("{stem}-nic{nic}.{extension}"));
            }
            self.open_waveform(nic, &file)?;
            files.push(file);
        }
        Ok(files)
    }

    /// Finishes the waveforms and writes out the capture; errors that they met come out here.
    ///
    /// # Errors
    /// The first of them.
    pub fn finish(&mut self) -> Result<(), Error> {
        for node in &mut self.nodes {
            node.device.close_waveform()?;
        }
        self.link.finish()
    }
}
