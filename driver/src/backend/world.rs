//! One or two devices, and what is between them.

use super::cable::{Cable, Conduct};
use super::function::Function;
use super::kernel::{KernelLine, Sockets};
use super::line::{Advance, Line};
use super::network::{Network, NetworkLine, Uplink};
#[cfg(feature = "sim")]
use super::rtl;
use super::serial::{Card, SerialNetwork, SerialPort, SerialSlot};
use super::sleep::Sleep;
use super::slot::Slot;
use super::socket::Socket;
use super::DeviceKind;
use crate::error::Error;
use crate::iova::{IovaTable, Placement};
use crate::os::EventFd;
use ironwarp_abi::configuration::{Configuration, REFERENCE};
use ironwarp_abi::limits::VECTOR_COUNT;
use ironwarp_capture::Capture;
#[cfg(feature = "sim")]
use ironwarp_sim::{time, Simulation};
use std::collections::VecDeque;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a register read of a model takes in a world with a time of its own, about as long as on
/// PCI Express.
const READ: Duration = Duration::from_micros(1);

/// How a world is set up.
pub struct WorldOptions {
    /// From one end of the link to the other.
    pub propagation: Duration,
    /// Write every frame of the link to this pcapng file.
    pub capture: Option<PathBuf>,
    /// How many objects models have. An RNIC in RTL is compiled for its own.
    pub configuration: Configuration,
    /// Where the bus addresses of host memory are.
    pub placement: Placement,
    /// A bus without an IOMMU: the application's pages are scattered on it, by this seed.
    pub scatter: Option<u64>,
    /// Makes a link between models do other than carry every frame as it is. The link of RNICs in
    /// RTL has impairments instead, among the options of the simulation.
    pub conduct: Option<Conduct>,
    /// The seed, the hosts and the link's impairments of RNICs in RTL. The number of RNICs, the
    /// link's propagation time and the capture follow from the rest.
    #[cfg(feature = "sim")]
    pub simulation: ironwarp_sim::Options,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            propagation: Duration::from_nanos(100),
            capture: None,
            configuration: REFERENCE,
            placement: Placement::default(),
            scatter: None,
            conduct: None,
            #[cfg(feature = "sim")]
            simulation: ironwarp_sim::Options::default(),
        }
    }
}

impl WorldOptions {
    fn setup(&self) -> Setup {
        let Self { placement, scatter, configuration, .. } = *self;
        Setup { placement, scatter, configuration }
    }

    /// A simulation of so many RNICs, which captures the frames of its link or not.
    #[cfg(feature = "sim")]
    fn simulation(&self, rnics: usize, captures: bool) -> Result<Simulation, Error> {
        let mut options = self.simulation.clone();
        let propagation = u64::try_from(self.propagation.as_nanos()).unwrap_or(u64::MAX);
        options.link.propagation_clocks = time::clocks(propagation);
        options.capture = self.capture.clone().filter(|_| captures);
        options.nics = rnics;
        Simulation::new(options).map_err(rtl::bus)
    }
}

/// What hosts and models are made of.
#[derive(Clone, Copy)]
struct Setup {
    placement: Placement,
    scatter: Option<u64>,
    configuration: Configuration,
}

/// What the functions of a device need without asking it.
struct Host {
    kind: DeviceKind,
    /// Of a model.
    configuration: Configuration,
    memory: IovaTable,
    interrupts: Vec<Arc<EventFd>>,
}

impl Host {
    fn new(kind: DeviceKind, setup: Setup) -> Result<Self, Error> {
        let interrupts = (0..VECTOR_COUNT).map(|_| EventFd::new().map(Arc::new));
        let interrupts = interrupts.collect::<Result<_, _>>()?;
        let Setup { placement, scatter, configuration } = setup;
        let memory = IovaTable::with_scatter(placement, scatter);
        Ok(Self { kind, configuration, memory, interrupts })
    }

    /// A model with this host's memory, whose registers take so long to read.
    fn model(&self, read_time: Duration) -> Socket {
        Socket::new(self.configuration, self.memory.clone(), read_time)
    }
}

/// One or two devices, and the link between them or to the caller.
///
/// Time passes when a driver reads a register or waits, and then for everyone.
pub struct World {
    hosts: Vec<Host>,
    inner: Mutex<Inner>,
    /// Ends the sleep of those who wait.
    waker: EventFd,
    /// In place of a link, for the one device.
    sockets: Option<Sockets>,
    #[cfg(feature = "sim")]
    simulation: Option<rtl::Shared>,
}

struct Inner {
    /// The devices, by the ends of the line that they are at.
    slots: Vec<Box<dyn Slot>>,
    line: Box<dyn Line>,
    /// An interrupt was sent, and nobody has waited for it yet.
    interrupted: bool,
    /// Frames that arrived at the end that has no device.
    outside: VecDeque<Vec<u8>>,
    /// How many threads sleep.
    sleepers: usize,
}

/// What came of running a world.
enum Run<T> {
    Done(T),
    TimeUp,
    Asleep(Sleep),
}

impl World {
    /// Two devices at the two ends of a link.
    ///
    /// # Errors
    /// [`Error::Bus`] for what a simulation does not accept; [`Error::Capture`];
    /// [`Error::System`] if there are no eventfds.
    pub fn pair(kinds: [DeviceKind; 2], options: WorldOptions) -> Result<Arc<Self>, Error> {
        Self::new(&kinds, options)
    }

    /// One device, with the caller at the other end of the link: [`World::send`] and
    /// [`World::received`].
    ///
    /// # Errors
    /// As [`World::pair`].
    pub fn single(kind: DeviceKind, options: WorldOptions) -> Result<Arc<Self>, Error> {
        Self::new(&[kind], options)
    }

    fn new(kinds: &[DeviceKind], options: WorldOptions) -> Result<Arc<Self>, Error> {
        if kinds.contains(&DeviceKind::Board) {
            return Err(no_board());
        }
        let setup = options.setup();
        match kinds.iter().filter(|kind| **kind == DeviceKind::Sim).count() {
            0 => {
                let names: &[_] =
                    if kinds.len() == 1 { &["nic0", "peer"] } else { &["nic0", "nic1"] };
                let capture = options.capture.map(|path| Capture::create(&path, names));
                let capture = capture.transpose()?;
                let cable = Cable::new(options.propagation, options.conduct, capture);
                Self::of_models(kinds.len(), setup, READ, Box::new(cable)).map(Arc::new)
            }
            #[cfg(feature = "sim")]
            rnics => {
                let simulation = rtl::Shared::new(options.simulation(rnics, true)?);
                let open_end = kinds.iter().position(|kind| *kind != DeviceKind::Sim).unwrap_or(1);
                let line = Box::new(rtl::SimulatedLink::new(&simulation, open_end));
                Self::around(simulation, kinds, setup, line)
            }
            #[cfg(not(feature = "sim"))]
            _ => Err(no_simulation()),
        }
    }

    /// One device with its link plugged into a real network. Its time is the computer's: waiting
    /// sleeps if there is nothing to do, and ends early if a signal comes. A model is as quick as
    /// the computer; an RNIC in RTL is simulated as long as it has something to do, however long a
    /// clock takes, and frames come to it at the link's rate. The capture has both directions, and
    /// real times. With [`Network::Tcp`], the function has
    /// [`kernel_streams`](crate::pci::PciFunction::kernel_streams).
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::System`] if the network cannot be had; else as [`World::pair`].
    pub fn on_network(
        kind: DeviceKind,
        network: &Network,
        options: WorldOptions,
    ) -> Result<Arc<Self>, Error> {
        let uplink = || Uplink::open(network, options.capture.as_deref());
        match kind {
            _ if *network == Network::Tcp => Self::on_sockets(kind, options),
            DeviceKind::Model => {
                let line = Box::new(NetworkLine::new(uplink()?));
                Self::of_models(1, options.setup(), Duration::ZERO, line).map(Arc::new)
            }
            #[cfg(feature = "sim")]
            DeviceKind::Sim => {
                let simulation = rtl::Shared::new(options.simulation(1, false)?);
                let line = Box::new(super::network::NetworkedRtl::new(&simulation, uplink()?));
                Self::around(simulation, &[kind], options.setup(), line)
            }
            #[cfg(not(feature = "sim"))]
            DeviceKind::Sim => Err(no_simulation()),
            DeviceKind::Board => Err(network.refused("a board's link is its own")),
        }
    }

    /// A board behind a serial line, whose link is its own. Its time is the computer's. Of the
    /// options, only the placement of memory means anything to it.
    ///
    /// # Errors
    /// [`Error::File`] if the line cannot be had; [`Error::Bus`] if no board answers on it.
    pub fn on_serial(port: &SerialPort, options: WorldOptions) -> Result<Arc<Self>, Error> {
        let host = Host::new(DeviceKind::Board, options.setup())?;
        let card = Card::open(port, host.memory.clone())?;
        let line = Box::new(SerialNetwork::new(card.clone(), None));
        Self::of(vec![host], vec![Box::new(SerialSlot(card))], line)
    }

    /// A board at end 0, and at end 1 a model that is plugged into a network, which should be the
    /// one that the board's link is plugged into. The capture is of the model's end.
    ///
    /// # Errors
    /// As [`World::on_serial`] and [`World::on_network`].
    pub fn beside_board(
        port: &SerialPort,
        network: &Network,
        options: WorldOptions,
    ) -> Result<Arc<Self>, Error> {
        let uplink = Uplink::open(network, options.capture.as_deref())?;
        let board = Host::new(DeviceKind::Board, options.setup())?;
        let model = Host::new(DeviceKind::Model, options.setup())?;
        let card = Card::open(port, board.memory.clone())?;
        let socket = Box::new(model.model(Duration::ZERO));
        let line = Box::new(SerialNetwork::new(card.clone(), Some(uplink)));
        Self::of(vec![board, model], vec![Box::new(SerialSlot(card)), socket], line)
    }

    fn of(
        hosts: Vec<Host>,
        slots: Vec<Box<dyn Slot>>,
        line: Box<dyn Line>,
    ) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self {
            hosts,
            inner: Inner::new(slots, line),
            waker: EventFd::new()?,
            sockets: None,
            #[cfg(feature = "sim")]
            simulation: None,
        }))
    }

    fn on_sockets(kind: DeviceKind, options: WorldOptions) -> Result<Arc<Self>, Error> {
        if kind != DeviceKind::Model {
            return Err(Network::Tcp.refused("this device has a TCP of its own"));
        }
        if options.capture.is_some() {
            return Err(Network::Tcp.refused("it has no frames to capture"));
        }
        let sockets = Sockets::default();
        let line = Box::new(KernelLine::new(sockets.clone()));
        let mut world = Self::of_models(1, options.setup(), Duration::ZERO, line)?;
        world.sockets = Some(sockets);
        Ok(Arc::new(world))
    }

    fn of_models(
        count: usize,
        setup: Setup,
        read_time: Duration,
        line: Box<dyn Line>,
    ) -> Result<Self, Error> {
        let host = |_| Host::new(DeviceKind::Model, setup);
        let hosts = (0..count).map(host).collect::<Result<Vec<_>, _>>()?;
        let socket = |host: &Host| Box::new(host.model(read_time)) as _;
        let slots = hosts.iter().map(socket).collect();
        Ok(Self {
            hosts,
            inner: Inner::new(slots, line),
            waker: EventFd::new()?,
            sockets: None,
            #[cfg(feature = "sim")]
            simulation: None,
        })
    }

    /// RNICs in RTL, in a simulation that was made elsewhere.
    ///
    /// # Errors
    /// [`Error::System`] if there are no eventfds.
    #[cfg(feature = "sim")]
    pub fn with_simulation(simulation: Simulation) -> Result<Arc<Self>, Error> {
        let kinds = vec![DeviceKind::Sim; simulation.nics()];
        let simulation = rtl::Shared::new(simulation);
        let line = Box::new(rtl::SimulatedLink::new(&simulation, 1));
        let setup = WorldOptions::default().setup();
        Self::around(simulation, &kinds, setup, line)
    }

    /// The RNICs of a simulation at the ends that are for them, and models at the others.
    #[cfg(feature = "sim")]
    fn around(
        simulation: rtl::Shared,
        kinds: &[DeviceKind],
        setup: Setup,
        line: Box<dyn Line>,
    ) -> Result<Arc<Self>, Error> {
        let hosts = kinds.iter().map(|kind| Host::new(*kind, setup));
        let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
        let mut rnics = 0..;
        let slot = |host: &Host| -> Result<Box<dyn Slot>, Error> {
            match host.kind {
                DeviceKind::Model => Ok(Box::new(host.model(READ))),
                DeviceKind::Board => Err(no_board()),
                DeviceKind::Sim => {
                    let number = rnics.next().unwrap_or_default();
                    let memory = host.memory.clone();
                    Ok(Box::new(rtl::Rnic::new(&simulation, number, memory)?))
                }
            }
        };
        let slots = hosts.iter().map(slot).collect::<Result<_, _>>()?;
        let (inner, waker) = (Inner::new(slots, line), EventFd::new()?);
        Ok(Arc::new(Self { hosts, inner, waker, sockets: None, simulation: Some(simulation) }))
    }

    /// The kinds of the devices, by end.
    pub fn kinds(&self) -> Vec<DeviceKind> {
        self.hosts.iter().map(|host| host.kind).collect()
    }

    /// The device at an end, 0 or 1, as a PCI function.
    ///
    /// # Errors
    /// [`Error::Bus`] if there is none.
    pub fn function(self: &Arc<Self>, end: usize) -> Result<Arc<Function>, Error> {
        let host = self.hosts.get(end);
        let host = host.ok_or_else(|| Error::Bus(format!("there is no device at end {end}")))?;
        let (memory, interrupts) = (host.memory.clone(), host.interrupts.clone());
        Ok(Arc::new(Function::new(self.clone(), end, memory, interrupts)))
    }

    /// The simulation of the RNICs in RTL, if there are any, for what a driver has no part in:
    /// waveforms, stages, the devices' conduct. They are numbered by their ends; of one RNIC and a
    /// model, the RNIC is number 0. The drivers stand still while the simulation is locked.
    #[cfg(feature = "sim")]
    pub fn simulation(&self) -> Option<MutexGuard<'_, Simulation>> {
        self.simulation.as_ref().map(rtl::Shared::lock)
    }

    /// A frame from the end that has no device.
    pub fn send(&self, frame: Vec<u8>) {
        self.lock().line.send(self.hosts.len(), frame);
    }

    /// The frames that arrived at the end that has no device.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.lock().outside.drain(..).collect()
    }

    /// The time, since some moment before the world began.
    pub fn now(&self) -> Duration {
        self.lock().line.now()
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.run(time, |_| None::<()>);
    }

    /// Lets a device on a network come to rest: what its driver has written to it arrives, and it
    /// is ready for frames. Until then, it receives none.
    pub fn settle(&self) {
        self.lock().line.settle();
    }

    /// Lets time pass until a device interrupts. True for an interrupt.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let interrupt = |inner: &mut Inner| std::mem::take(&mut inner.interrupted).then_some(());
        self.run(limit, interrupt).is_some()
    }

    /// Ends the sleeps of others as an interrupt does.
    pub(super) fn rouse(&self) {
        let mut inner = self.lock();
        if inner.sleepers > 0 {
            inner.interrupted = true;
            self.waker.signal();
        }
    }

    /// Lets time pass until `done` gives something, at most for `limit`, or until a signal ends a
    /// sleep.
    fn run<T>(&self, limit: Duration, mut done: impl FnMut(&mut Inner) -> Option<T>) -> Option<T> {
        let mut inner = self.lock();
        let until = inner.line.now().saturating_add(limit);
        loop {
            let sleep = match inner.run(&self.hosts, until, &mut done) {
                Run::Done(value) => return Some(value),
                Run::TimeUp => return None,
                Run::Asleep(sleep) => sleep,
            };
            inner.sleepers += 1;
            drop(inner);
            let goes_on = sleep.sleep(&self.waker);
            inner = self.lock();
            inner.sleepers -= 1;
            if inner.sleepers == 0 {
                self.waker.take();
            }
            if !goes_on {
                return None;
            }
        }
    }

    pub(super) fn bar_read(&self, end: usize, offset: u32) -> Result<u32, Error> {
        let mut inner = self.lock();
        let now = inner.line.now();
        let until = inner.slots[end].begin_bar_read(offset, now)?;
        loop {
            let answer = inner.run(&self.hosts, until, &mut |inner: &mut Inner| {
                let now = inner.line.now();
                inner.slots[end].bar_answer(now)
            });
            match answer {
                Run::Done(answer) => return answer,
                Run::TimeUp => return Err(Error::Bus("a register does not answer".into())),
                // Nobody else reads or writes meanwhile: an answer is to the one question.
                Run::Asleep(sleep) => sleep.doze(),
            };
        }
    }

    /// Does something with the device at an end that is there.
    pub(super) fn with<T>(&self, end: usize, act: impl FnOnce(&mut dyn Slot) -> T) -> T {
        let mut inner = self.lock();
        let result = act(&mut *inner.slots[end]);
        inner.take_interrupts(&self.hosts);
        if inner.sleepers > 0 {
            self.waker.signal();
        }
        result
    }

    /// The sockets, if the device leaves TCP to the kernel.
    pub(super) fn sockets(&self) -> Option<&Sockets> {
        self.sockets.as_ref()
    }

    pub(super) fn attach(&self, end: usize, qp: u32, stream: TcpStream) -> Result<(), Error> {
        let gone = || Error::Bus("the device has a TCP of its own".into());
        let stream = self.sockets.as_ref().ok_or_else(gone)?.attach(qp, stream);
        self.with(end, |slot| slot.attach_stream(qp, stream))
    }

    pub(super) fn detach(&self, end: usize, qp: u32) -> Option<TcpStream> {
        let gone = self.with(end, |slot| slot.detach_stream(qp));
        self.sockets.as_ref().filter(|_| gone)?.detach(qp)
    }

    /// Octets that the device at an end has written to its host's memory.
    pub fn octets_written(&self, end: usize) -> u64 {
        self.lock().slots.get(end).map_or(0, |slot| slot.octets_written())
    }

    /// Writes out the capture and the waveforms; errors that they met come out here.
    ///
    /// # Errors
    /// The first of them.
    pub fn finish(&self) -> Result<(), Error> {
        self.lock().line.finish()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves a world between two calls, which is as good as any.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_board() -> Error {
    Error::Bus("a board is behind a serial line, not in this process".into())
}

#[cfg(not(feature = "sim"))]
fn no_simulation() -> Error {
    Error::Bus("this build has no simulation".into())
}

impl Inner {
    fn new(slots: Vec<Box<dyn Slot>>, line: Box<dyn Line>) -> Mutex<Self> {
        let outside = VecDeque::new();
        Mutex::new(Self { slots, line, interrupted: false, outside, sleepers: 0 })
    }

    /// Lets everything happen until `done` gives something, but not beyond a moment.
    fn run<T>(
        &mut self,
        hosts: &[Host],
        until: Duration,
        done: &mut impl FnMut(&mut Self) -> Option<T>,
    ) -> Run<T> {
        loop {
            let more = self.work();
            self.take_interrupts(hosts);
            if let Some(value) = done(self) {
                return Run::Done(value);
            }
            if more && self.line.now() < until {
                continue;
            }
            match self.line.advance(until) {
                Advance::Something => {}
                Advance::Nothing => return done(self).map_or(Run::TimeUp, Run::Done),
                Advance::Asleep(sleep) => return Run::Asleep(sleep),
            }
            while let Some((end, frame)) = self.line.arrived() {
                match self.slots.get_mut(end) {
                    Some(slot) => slot.receive(&frame),
                    None => self.outside.push_back(frame),
                }
            }
        }
    }

    /// Some of what the devices can do in no time. True if there is more.
    fn work(&mut self) -> bool {
        let now = self.line.now();
        let mut more = false;
        for (end, slot) in self.slots.iter_mut().enumerate() {
            let mut frames = Vec::new();
            more |= slot.poll(now, &mut frames);
            frames.into_iter().for_each(|frame| self.line.send(end, frame));
        }
        more
    }

    fn take_interrupts(&mut self, hosts: &[Host]) {
        for (slot, host) in self.slots.iter_mut().zip(hosts) {
            for vector in slot.take_interrupts() {
                self.interrupted = true;
                // A vector that the driver did not write into the table interrupts nobody.
                if let Some(event) = host.interrupts.get(vector as usize) {
                    event.signal();
                }
            }
        }
    }
}
