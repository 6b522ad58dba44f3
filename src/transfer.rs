//! Moves octets from one RNIC's host to another's: announce, advertise, write, done.
//!
//! ```text
//! sender                                   receiver
//!   | -- Send: announce(octets) -------------> |   the first message, whose stages are timed
//!   | <- Send: advertise(STag, offset) ------- |
//!   | == RDMA Writes of the file ============> |
//!   | -- Send: done(SHA-256) ----------------> |   the receiver looks at its memory
//! ```

use crate::board::RunningBoard;
use crate::pair::Pair;
use ironwarp_driver::{
    Access, Event, MemoryRegion, Region, RemoteBuffer, StartupOptions, WorkRequest,
};
use ironwarp_machine::{DeviceKind, Network, World, WorldOptions};
use sha2::{Digest, Sha256};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The TCP port of the receiver.
const PORT: u16 = 4791;
/// Octets of one RDMA Write.
const WRITE_BYTES: usize = 1 << 20;
/// RDMA Writes that are posted ahead.
const WRITES_AHEAD: u64 = 16;
/// Room for one control message at each end.
const MESSAGE_BYTES: usize = 64;
/// Every control message begins with this.
const MAGIC: &[u8; 8] = b"IronWARP";
/// In this time the last frames of the connection's startup come to rest.
const REST: Duration = Duration::from_nanos(12_800);

const ANNOUNCE: u64 = 1 << 32;
const ADVERTISE: u64 = 2 << 32;
const DONE: u64 = 3 << 32;

/// What a transfer can fail of.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver or its device.
    #[error(transparent)]
    Driver(#[from] ironwarp_driver::Error),
    /// The simulated machine.
    #[error(transparent)]
    Machine(#[from] ironwarp_machine::Error),
    /// The simulation.
    #[error(transparent)]
    Simulation(#[from] ironwarp_sim::Error),
    /// The connection did not come to be, or ended.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// A work request ended with an error.
    #[error("a work request failed: {0}")]
    Request(String),
    /// A device broke a rule of PCI Express or of the Ethernet MAC.
    #[error("a device misbehaved: {0}")]
    Misconduct(String),
    /// The board is at the wrong end, or beside the wrong device.
    #[error("a board sends to a model: --device board --peer model")]
    Board,
    /// Nothing happened for a long time.
    #[error("nothing moves any more")]
    Stalled,
    /// A message of the other end is not what was agreed.
    #[error("the other end sent a message that is not {0}")]
    Message(&'static str),
}

/// How to move it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the sender and the receiver are.
    pub devices: [DeviceKind; 2],
    /// The largest IP packet of the link.
    pub mtu: usize,
    /// Both ends ask for MPA markers.
    pub markers: bool,
    /// Both ends ask for CRCs.
    pub crc: bool,
    /// From one end of the link to the other.
    pub propagation: Duration,
    /// The seed, and what is around a device in RTL.
    pub simulation: ironwarp_sim::Options,
    /// Write the frames here.
    pub capture: Option<PathBuf>,
    /// Write the sender's waveform here, and the receiver's beside it, of those that are in RTL.
    pub wave: Option<PathBuf>,
}

impl Default for Plan {
    fn default() -> Self {
        let world = WorldOptions::default();
        Self {
            devices: [DeviceKind::Sim; 2],
            mtu: 1500,
            markers: false,
            crc: true,
            propagation: world.propagation,
            simulation: world.simulation,
            capture: None,
            wave: None,
        }
    }
}

/// A world to move a file in, and the board that runs beside it, if one does.
struct Setting {
    world: Arc<World>,
    board: Option<(RunningBoard, TempDir)>,
}

impl Plan {
    /// A board in simulation and a model, joined by sockets in a folder of their own.
    fn beside_board(&self) -> Result<Setting, Error> {
        if self.devices != [DeviceKind::Board, DeviceKind::Model] {
            return Err(Error::Board);
        }
        let folder = tempfile::tempdir().map_err(|source| ironwarp_driver::Error::System {
            what: "a folder for sockets",
            source,
        })?;
        let [local, remote] = ["board", "model"].map(|name| folder.path().join(name));
        let near = Network::Dgram { local: local.clone(), remote: remote.clone() };
        let far = Network::Dgram { local: remote, remote: local };
        let board = RunningBoard::start(&near)?;
        let options = WorldOptions { capture: self.capture.clone(), ..WorldOptions::default() };
        let world = World::beside_board(board.port(), &far, options)?;
        Ok(Setting { world, board: Some((board, folder)) })
    }

    fn world(&self) -> Result<Setting, Error> {
        if self.devices.contains(&DeviceKind::Board) {
            return self.beside_board();
        }
        let options = WorldOptions {
            propagation: self.propagation,
            simulation: self.simulation.clone(),
            capture: self.capture.clone(),
            ..WorldOptions::default()
        };
        let world = World::pair(self.devices, options)?;
        if let (Some(path), Some(mut simulation)) = (&self.wave, world.simulation()) {
            for (end, path) in [path.clone(), beside(path)].iter().enumerate() {
                if let Some(nic) = self.rnic(end) {
                    simulation.open_waveform(nic, path)?;
                }
            }
        }
        Ok(Setting { world, board: None })
    }

    /// The number of the RNIC in RTL at an end, if there is one.
    fn rnic(&self, end: usize) -> Option<usize> {
        let rtl = |kind: &DeviceKind| *kind == DeviceKind::Sim;
        let before = self.devices[..end].iter().filter(|kind| rtl(kind)).count();
        rtl(&self.devices[end]).then_some(before)
    }
}

/// Clocks from one station of the first message to the next.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Stage {
    /// The station that is reached.
    pub name: String,
    /// Core clocks since the station before.
    pub clocks: u64,
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Octets moved.
    pub bytes: usize,
    /// SHA-256 of what was sent.
    pub digest_sent: [u8; 32],
    /// SHA-256 of the receiver's memory.
    pub digest_received: [u8; 32],
    /// Simulated time from the first Write's doorbell to the completion of the last message.
    pub time: Duration,
    /// The same in core clocks, if any device has such.
    pub clocks: Option<u64>,
    /// Frames of a board whose frame check sequence the other end of its link has checked.
    pub checked_frames: Option<u64>,
    /// The first message, at the stations of the devices in RTL.
    pub stages: Vec<Stage>,
}

/// Moves `file`. `progress` is told the octets that have reached the receiver's memory.
///
/// # Errors
/// What the devices or the driver report, and a capture or waveform that cannot be written.
pub fn run(file: &[u8], plan: &Plan, mut progress: impl FnMut(u64)) -> Result<Outcome, Error> {
    let Setting { world, board } = plan.world()?;
    let mut pair = Pair::open(world, plan.mtu, plan.simulation.seed)?;
    let outcome = Transfer::prepare(&pair, file)?.run(&mut pair, plan, &mut progress)?;
    pair.world().finish()?;
    if let Some((board, _folder)) = board {
        let conduct = board.finish()?;
        if let Some(fault) = conduct.faults.first() {
            return Err(Error::Misconduct(fault.to_string()));
        }
        return Ok(Outcome { checked_frames: Some(conduct.frames), ..outcome });
    }
    let Some(simulation) = pair.world().simulation() else { return Ok(outcome) };
    let faults = simulation.faults().first().map(|fault| format!("{fault:?}"));
    match simulation.violations().first().map(|violation| format!("{violation:?}")).or(faults) {
        Some(what) => Err(Error::Misconduct(what)),
        None => Ok(outcome),
    }
}

/// The receiver's waveform: `name.receiver.extension`.
pub fn beside(path: &Path) -> PathBuf {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_extension(format!("receiver.{extension}"))
}

/// The memory of both ends.
struct Transfer {
    file: MemoryRegion,
    sink: MemoryRegion,
    /// Each end's control messages: one to send, one to receive.
    outbox: [MemoryRegion; 2],
    inbox: [MemoryRegion; 2],
}

impl Transfer {
    fn prepare(pair: &Pair, file: &[u8]) -> Result<Self, Error> {
        let [sender, receiver] = &pair.ends;
        let message = |end: usize, access| -> Result<MemoryRegion, Error> {
            Ok(pair.ends[end].domain.register(&Region::new(MESSAGE_BYTES)?, access)?)
        };
        let (out, into) = (Access::LOCAL_READ, Access::LOCAL);
        Ok(Self {
            file: sender.domain.register(&Region::from_slice(file)?, out)?,
            sink: receiver.domain.register(&Region::new(file.len())?, Access::REMOTE_WRITE)?,
            outbox: [message(0, out)?, message(1, out)?],
            inbox: [message(0, into)?, message(1, into)?],
        })
    }

    fn run(
        &self,
        pair: &mut Pair,
        plan: &Plan,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Outcome, Error> {
        self.connect(pair, plan)?;
        let length = self.file.region().len();

        pair.world().pass(REST);
        if let Some(mut simulation) = pair.world().simulation() {
            for nic in 0..simulation.nics() {
                simulation.watch(nic)?;
            }
        }
        let announcement = (length as u64).to_be_bytes();
        let announced = self.message(pair, 0, ANNOUNCE, &announcement)?;
        let stages = stages(pair, plan)?;
        if announced != announcement {
            return Err(Error::Message("an announcement"));
        }

        let own = self.sink.remote(0);
        let advert = [&own.stag.to_be_bytes()[..], &own.offset.to_be_bytes()].concat();
        let remote = remote_buffer(&self.message(pair, 1, ADVERTISE, &advert)?)?;

        let (start, start_clock) = (pair.world().now(), clock(pair));
        self.write(pair, remote, progress)?;
        let digest_sent: [u8; 32] = Sha256::digest(self.file.region().to_vec(0, length)?).into();
        let told = self.message(pair, 0, DONE, &digest_sent)?;
        let time = pair.world().now() - start;
        let clocks = clock(pair).zip(start_clock).map(|(end, start)| end - start);
        progress(length as u64);
        if told != digest_sent {
            return Err(Error::Message("the digest"));
        }
        let digest_received = Sha256::digest(self.sink.region().to_vec(0, length)?).into();
        self.disconnect(pair)?;
        let checked_frames = None;
        let bytes = length;
        Ok(Outcome { bytes, digest_sent, digest_received, time, clocks, checked_frames, stages })
    }

    fn connect(&self, pair: &mut Pair, plan: &Plan) -> Result<(), Error> {
        let startup = StartupOptions { markers: plan.markers, crc: plan.crc, ..Default::default() };
        pair.ends[1].context.listen(PORT)?;
        let [sender, _] = &pair.ends;
        let peer = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), PORT);
        sender.context.connect(&sender.pair, peer, &startup)?;
        let mut open = [false; 2];
        for end in [0, 1] {
            self.post_receive(pair, end)?;
        }
        pair.until(|pair| {
            let request = pair.ends[1].take_event(|event| match event {
                Event::ConnectRequest { request, .. } => Some(*request),
                _ => None,
            });
            if let Some(request) = request {
                let receiver = &pair.ends[1];
                receiver.context.accept(request, &receiver.pair, &startup)?;
            }
            for (end, open) in pair.ends.iter_mut().zip(&mut open) {
                *open |= end
                    .take_event(|event| matches!(event, Event::Established { .. }).then_some(()))
                    .is_some();
            }
            Ok((open == [true; 2]).then_some(()))
        })
    }

    fn post_receive(&self, pair: &Pair, end: usize) -> Result<(), Error> {
        Ok(pair.ends[end].pair.post_receive(0, self.inbox[end].whole())?)
    }

    /// Sends one control message from `end` and gives the content that the other end received.
    fn message(
        &self,
        pair: &mut Pair,
        end: usize,
        id: u64,
        octets: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let octets = [MAGIC, octets].concat();
        self.outbox[end].region().write(0, &octets)?;
        let buffer = self.outbox[end].buffer(0, octets.len())?;
        pair.ends[end].pair.post_send(WorkRequest::send(id, buffer))?;
        let other = 1 - end;
        let arrived = pair.until(|pair| Ok(pair.ends[other].take_completion(0)))?;
        let received = self.inbox[other].region().to_vec(0, arrived.length as usize)?;
        self.post_receive(pair, other)?;
        let content = received.strip_prefix(MAGIC).ok_or(Error::Message("a control message"))?;
        Ok(content.to_vec())
    }

    /// Writes the file, a bounded number of Writes ahead.
    fn write(
        &self,
        pair: &mut Pair,
        remote: RemoteBuffer,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Error> {
        let length = self.file.region().len();
        let before = pair.world().octets_written(1);
        let count = length.div_ceil(WRITE_BYTES) as u64;
        let (mut posted, mut completed) = (0, 0);
        pair.until(|pair| {
            while pair.ends[0].take_completion(completed).is_some() {
                completed += 1;
            }
            while posted < count && posted < completed + WRITES_AHEAD {
                let at = posted as usize * WRITE_BYTES;
                let buffer = self.file.buffer(at, WRITE_BYTES.min(length - at))?;
                let target = RemoteBuffer { offset: remote.offset + at as u64, ..remote };
                let request = WorkRequest::write(posted, buffer, target);
                pair.ends[0].pair.post_send(request)?;
                posted += 1;
            }
            progress(pair.world().octets_written(1) - before);
            // What is posted flows on its own; the last message goes right behind it.
            Ok((posted == count).then_some(()))
        })
    }

    fn disconnect(&self, pair: &mut Pair) -> Result<(), Error> {
        pair.until(|pair| Ok(pair.ends[0].take_completion(DONE)))?;
        pair.ends[0].context.disconnect(&pair.ends[0].pair)?;
        let mut closed = [false; 2];
        pair.until(|pair| {
            for (end, closed) in pair.ends.iter_mut().zip(&mut closed) {
                *closed |= end
                    .take_event(|event| matches!(event, Event::Disconnected { .. }).then_some(()))
                    .is_some();
            }
            Ok((closed == [true; 2]).then_some(()))
        })
    }
}

fn remote_buffer(advert: &[u8]) -> Result<RemoteBuffer, Error> {
    let malformed = || Error::Message("an advertisement");
    let (stag, offset) = advert.split_first_chunk::<4>().ok_or_else(malformed)?;
    let offset: [u8; 8] = offset.try_into().map_err(|_| malformed())?;
    Ok(RemoteBuffer { stag: u32::from_be_bytes(*stag), offset: u64::from_be_bytes(offset) })
}

/// The core clocks so far, if any device has such.
fn clock(pair: &Pair) -> Option<u64> {
    pair.world().simulation().map(|simulation| simulation.clock())
}

/// The stations of the devices in RTL in the order of time, with the clocks between them.
fn stages(pair: &Pair, plan: &Plan) -> Result<Vec<Stage>, Error> {
    use ironwarp_abi::trace::{ALL, FRAME_ARRIVED};
    let Some(simulation) = pair.world().simulation() else { return Ok(Vec::new()) };
    let ends = [0, 1].map(|end| plan.rnic(end).map(|nic| simulation.stages(nic)).transpose());
    let [sender, receiver] = ends;
    let (sender, receiver) = (sender?, receiver?);
    let mut passed: Vec<(u64, &str)> = ALL
        .iter()
        .filter_map(|&(bit, name, _)| {
            let stages = if bit < FRAME_ARRIVED { sender } else { receiver };
            Some((stages?.first(bit)?, name))
        })
        .collect();
    passed.sort_by_key(|(clock, _)| *clock);
    let first = passed.first().map_or(0, |(clock, _)| *clock);
    let before = std::iter::once(first).chain(passed.iter().map(|(clock, _)| *clock));
    let stage = |((clock, name), before): (&(u64, &str), u64)| Stage {
        name: name.to_lowercase().replace('_', " "),
        clocks: clock - before,
    };
    Ok(passed.iter().zip(before).map(stage).collect())
}
