//! One or two devices, and what is between them.

use crate::board::{BoardLine, BoardSlot, SharedBoard};
use crate::cable::Cable;
use crate::error::Error;
use crate::function::Function;
use crate::host::{Host, Setup};
use crate::kernel::{KernelLine, Sockets};
use crate::kind::DeviceKind;
use crate::line::Line;
use crate::network::{Network, NetworkLine, Uplink};
use crate::options::WorldOptions;
#[cfg(feature = "sim")]
use crate::rtl;
use crate::running::Running;
use crate::slot::Slot;
use ironwarp_capture::Capture;
use ironwarp_driver::backend::serial::{Board, SerialPort};
#[cfg(feature = "sim")]
use ironwarp_sim::Simulation;
use std::sync::Arc;
#[cfg(feature = "sim")]
use std::sync::MutexGuard;
use std::time::Duration;

/// What a register read of a model takes in a world with a time of its own, about as long as on
/// PCI Express.
const READ: Duration = Duration::from_micros(1);

/// One or two devices, and the link between them or to the caller.
///
/// Time passes when a driver reads a register or waits, and then for everyone.
pub struct World {
    running: Arc<Running>,
    #[cfg(feature = "sim")]
    simulation: Option<rtl::Shared>,
}

impl World {
    /// Two devices at the two ends of a link.
    ///
    /// # Errors
    /// [`Bus`](ironwarp_driver::Error::Bus) for what a simulation does not accept;
    /// [`System`](ironwarp_driver::Error::System) if there are no eventfds; [`Error::Capture`].
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
                Self::of_models(kinds.len(), setup, READ, Box::new(cable), None)
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
    /// [`kernel_streams`](ironwarp_driver::pci::PciFunction::kernel_streams).
    ///
    /// # Errors
    /// As [`Uplink::open`] if the network cannot be had, and as [`World::pair`].
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
                Self::of_models(1, options.setup(), Duration::ZERO, line, None)
            }
            #[cfg(feature = "sim")]
            DeviceKind::Sim => {
                let simulation = rtl::Shared::new(options.simulation(1, false)?);
                let line = Box::new(crate::network::NetworkedRtl::new(&simulation, uplink()?));
                Self::around(simulation, &[kind], options.setup(), line)
            }
            #[cfg(not(feature = "sim"))]
            DeviceKind::Sim => Err(no_simulation()),
            DeviceKind::Board => Err(network.refused("a board's link is its own")),
        }
    }

    /// A board at end 0, and at end 1 a model that is plugged into a network, which should be the
    /// one that the board's link is plugged into. The capture is of the model's end.
    ///
    /// # Errors
    /// As [`Serial::open`](ironwarp_driver::backend::Serial::open) and [`World::on_network`].
    pub fn beside_board(
        port: &SerialPort,
        network: &Network,
        options: WorldOptions,
    ) -> Result<Arc<Self>, Error> {
        let uplink = Uplink::open(network, options.capture.as_deref())?;
        let host = Host::new(DeviceKind::Board, options.setup())?;
        let beside = Host::new(DeviceKind::Model, options.setup())?;
        let board = SharedBoard::new(Board::open(port, host.memory.clone())?);
        let model = Box::new(beside.model(Duration::ZERO));
        let line = Box::new(BoardLine::new(&board, uplink));
        Self::of(vec![host, beside], vec![Box::new(BoardSlot(board)), model], line, None)
    }

    fn of(
        hosts: Vec<Host>,
        slots: Vec<Box<dyn Slot>>,
        line: Box<dyn Line>,
        sockets: Option<Sockets>,
    ) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self {
            running: Running::new(hosts, slots, line, sockets)?,
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
        Self::of_models(1, options.setup(), Duration::ZERO, line, Some(sockets))
    }

    fn of_models(
        count: usize,
        setup: Setup,
        read_time: Duration,
        line: Box<dyn Line>,
        sockets: Option<Sockets>,
    ) -> Result<Arc<Self>, Error> {
        let host = |_| Host::new(DeviceKind::Model, setup);
        let hosts = (0..count).map(host).collect::<Result<Vec<_>, _>>()?;
        let socket = |host: &Host| Box::new(host.model(read_time)) as _;
        let slots = hosts.iter().map(socket).collect();
        Self::of(hosts, slots, line, sockets)
    }

    /// RNICs in RTL, in a simulation that was made elsewhere.
    ///
    /// # Errors
    /// [`System`](ironwarp_driver::Error::System) if there are no eventfds.
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
        let running = Running::new(hosts, slots, line, None)?;
        Ok(Arc::new(Self { running, simulation: Some(simulation) }))
    }

    /// The kinds of the devices, by end.
    pub fn kinds(&self) -> Vec<DeviceKind> {
        self.running.hosts().iter().map(|host| host.kind).collect()
    }

    /// The device at an end, 0 or 1, as a PCI function.
    ///
    /// # Errors
    /// [`ironwarp_driver::Error::Bus`] if there is none.
    pub fn function(&self, end: usize) -> Result<Arc<Function>, Error> {
        match self.running.hosts().get(end) {
            Some(_) => Ok(Arc::new(Function::new(self.running.clone(), end))),
            None => Err(Error::bus(format!("there is no device at end {end}"))),
        }
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
        self.running.send(frame);
    }

    /// The frames that arrived at the end that has no device.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.running.received()
    }

    /// The time, since some moment before the world began.
    pub fn now(&self) -> Duration {
        self.running.now()
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.running.pass(time);
    }

    /// Lets a device on a network come to rest: what its driver has written to it arrives, and it
    /// is ready for frames. Until then, it receives none.
    pub fn settle(&self) {
        self.running.with_line(|line| line.settle());
    }

    /// Octets that the device at an end has written to its host's memory.
    pub fn octets_written(&self, end: usize) -> u64 {
        self.running.octets_written(end)
    }

    /// Writes out the capture and the waveforms; errors that they met come out here.
    ///
    /// # Errors
    /// The first of them.
    pub fn finish(&self) -> Result<(), Error> {
        self.running.with_line(|line| line.finish())
    }
}

fn no_board() -> Error {
    Error::bus("a board is behind a serial line, not in this process")
}

#[cfg(not(feature = "sim"))]
fn no_simulation() -> Error {
    Error::bus("this build has no simulation")
}
