//! Two stations on one link, each with its driver, in one thread.

use crate::transfer::Error;
use ironwarp_abi::serial::BOARD_CLOCKS_PER_MICROSECOND;
use ironwarp_driver::{
    Completion, CompletionQueue, Context, Event, Options, ProtectionDomain, QueuePair,
    QueuePairOptions, Repair, Status,
};
use ironwarp_machine::{DeviceKind, World};
use std::sync::Arc;
use std::time::Duration;

/// How the devices' time passes while a transfer is waited for.
#[derive(Clone, Copy)]
struct Pace {
    /// What may pass without any event before the transfer is given up.
    patience: Duration,
    /// What passes at most before progress is looked at again.
    slice: Duration,
}

/// In a world with a time of its own.
const OWN_TIME: Pace =
    Pace { patience: Duration::from_millis(50), slice: Duration::from_micros(50) };
/// Beside a board in simulation, which takes thousands of times as long as the board would.
const REAL_TIME: Pace =
    Pace { patience: Duration::from_secs(60), slice: Duration::from_millis(100) };

/// One end: an opened device with a protection domain, a completion queue and a queue pair.
pub struct End {
    pub context: Context,
    pub domain: ProtectionDomain,
    pub queue: CompletionQueue,
    pub pair: QueuePair,
    /// Events that nobody has asked for yet.
    events: Vec<Event>,
    completions: Vec<Completion>,
}

impl End {
    fn open(world: &Arc<World>, end: usize, options: Options) -> Result<Self, Error> {
        let context = Context::open(world.function(end)?, options)?;
        let domain = context.protection_domain()?;
        let queue = context.completion_queue(256)?;
        let pair = domain.queue_pair(&QueuePairOptions::new(&queue))?;
        Ok(Self { context, domain, queue, pair, events: vec![], completions: vec![] })
    }

    fn poll(&mut self) -> Result<bool, Error> {
        let events = self.context.poll()?;
        let completions = self.queue.poll(64)?;
        for completion in &completions {
            // What is still posted when the connection closes is flushed: no failure.
            if !completion.status.is_success() && completion.status != Status::FLUSHED {
                return Err(Error::Request(completion.status.to_string()));
            }
        }
        let any = !events.is_empty() || !completions.is_empty();
        self.events.extend(events);
        self.completions.extend(completions);
        Ok(any)
    }

    /// Takes the first event that `wanted` accepts.
    pub fn take_event<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> Option<T> {
        let found = self.events.iter().enumerate().find_map(|(n, event)| Some((n, wanted(event)?)));
        let (n, value) = found?;
        self.events.remove(n);
        Some(value)
    }

    /// Takes the completion of the work request `id`.
    pub fn take_completion(&mut self, id: u64) -> Option<Completion> {
        let n = self.completions.iter().position(|completion| completion.id == id)?;
        Some(self.completions.remove(n))
    }

    fn failure(&self) -> Option<Error> {
        self.events.iter().find_map(|event| match event {
            Event::Error { reason, .. } => Some(Error::Connection(reason.to_string())),
            Event::Rejected { .. } => Some(Error::Connection("the peer refused".into())),
            _ => None,
        })
    }
}

/// Both ends.
pub struct Pair {
    world: Arc<World>,
    pace: Pace,
    /// The sender of the file, and the receiver.
    pub ends: [End; 2],
}

impl Pair {
    /// Opens the devices of a world with two.
    pub fn open(world: Arc<World>, mtu: usize, seed: u64) -> Result<Self, Error> {
        let board = world.kinds().contains(&DeviceKind::Board);
        let pace = if board { REAL_TIME } else { OWN_TIME };
        let open = |end: u8| {
            let seed = Some(seed.wrapping_mul(2).wrapping_add(u64::from(end)));
            // Devices answer at once, and a simulation's milliseconds are long.
            let repair = Repair { timeout_min: Duration::from_micros(200), ..Repair::default() };
            let mut options = Options { mtu, seed, repair, ..Options::station(end + 1) };
            if world.kinds()[usize::from(end)] == DeviceKind::Board {
                options.clocks_per_microsecond = BOARD_CLOCKS_PER_MICROSECOND;
            }
            options.silence = options.silence.max(pace.patience);
            End::open(&world, usize::from(end), options)
        };
        let ends = [open(0)?, open(1)?];
        // What the drivers have written to their devices must arrive before the first frame does.
        world.pass(pace.slice);
        Ok(Self { world, pace, ends })
    }

    /// The world that both ends share.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Lets time pass until `done` gives something.
    pub fn until<T>(
        &mut self,
        mut done: impl FnMut(&mut Self) -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let mut quiet_since = self.ends[0].context.now();
        let mut moved = 0;
        loop {
            let mut any = false;
            for end in &mut self.ends {
                any |= end.poll()?;
            }
            if let Some(value) = done(self)? {
                return Ok(value);
            }
            if let Some(error) = self.ends.iter().find_map(End::failure) {
                return Err(error);
            }
            let written: u64 = (0..2).map(|end| self.world.octets_written(end)).sum();
            let now = self.ends[0].context.now();
            if any || written != moved {
                (quiet_since, moved) = (now, written);
            } else if now.saturating_sub(quiet_since) > self.pace.patience {
                return Err(Error::Stalled);
            }
            self.ends[1].context.arm()?;
            self.ends[0].context.wait(self.pace.slice)?;
        }
    }
}
