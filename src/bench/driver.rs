//! What the driver costs by itself: posting and polling, the device's own work apart.
//!
//! Two models in this process are connected. In turns, receives and sends are posted while their
//! doorbells are held back; then the models move the messages; then completions are polled, which
//! lie in the rings by then. Only posting and polling is timed.

use super::meter::{Calls, KernelCount, Meter};
use super::{system, Error};
use clap::Args;
use ironwarp_driver::{
    Access, Buffer, Completion, CompletionQueue, Context, Event, MemoryRegion, Options,
    ProtectionDomain, QueuePair, QueuePairOptions, Region, StartupOptions, WorkRequest,
};
use ironwarp_machine::{DeviceKind, World, WorldOptions};
use serde::Serialize;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Messages of a round, and the larger batch.
const ROUND: usize = 64;
/// Octets of a message.
const MESSAGE_BYTES: usize = 16;
const PORT: u16 = 7000;
/// Device time in which the models can do something.
const SLICE: Duration = Duration::from_micros(100);
/// Device time in which the messages of a round certainly arrive and are acknowledged.
const SETTLE: Duration = Duration::from_millis(10);

/// How often it is measured.
#[derive(Args, Clone, Debug)]
pub struct Driver {
    /// Rounds of 64 messages for each size of batches; the median counts
    #[arg(long, value_name = "N", default_value_t = 2000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print one JSON object for each row
    #[arg(long)]
    json: bool,
}

/// What one thing costs in batches of one size.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Row {
    /// What is done.
    pub what: &'static str,
    /// How many at a time.
    pub batch: usize,
    /// Nanoseconds for each message, in the median round.
    pub nanoseconds: f64,
    /// Doorbells for each message.
    pub doorbells: f64,
    /// System calls for each message: what the kernel has counted, and calls of the PCI function
    /// that are no doorbells.
    pub system_calls: f64,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, batch, nanoseconds, doorbells, system_calls } = self;
        let nanoseconds = format!("{nanoseconds:.1}");
        write!(f, "{what:<18} {batch:5} {nanoseconds:>11} {doorbells:9.4} {system_calls:12.4}")
    }
}

const HEAD: &str = "a message          batch nanoseconds doorbells system calls";

/// One side.
struct End {
    meter: Arc<Meter>,
    // Dropped in this order.
    pair: QueuePair,
    queue: CompletionQueue,
    memory: MemoryRegion,
    _domain: ProtectionDomain,
    context: Context,
}

impl End {
    fn open(world: &Arc<World>, end: usize) -> Result<Self, Error> {
        let meter = Meter::new(world.function(end)?);
        let number = if end == 0 { 1 } else { 2 };
        let options = Options { seed: Some(1), ..Options::station(number) };
        let context = Context::open(meter.clone(), options)?;
        let domain = context.protection_domain()?;
        let queue = context.completion_queue(2 * ROUND + 2)?;
        let pair = domain.queue_pair(&QueuePairOptions {
            send_entries: ROUND,
            receive_entries: ROUND,
            ..QueuePairOptions::new(&queue)
        })?;
        let memory = domain.register(&Region::new(MESSAGE_BYTES)?, Access::LOCAL)?;
        Ok(Self { meter, pair, queue, memory, _domain: domain, context })
    }
}

/// What the rounds so far have cost.
#[derive(Default)]
struct Cost {
    nanoseconds: Vec<f64>,
    calls: Calls,
    kernel: u64,
}

impl Cost {
    fn row(mut self, what: &'static str, batch: usize) -> Row {
        let messages = (self.nanoseconds.len() * ROUND) as f64;
        self.nanoseconds.sort_by(f64::total_cmp);
        Row {
            what,
            batch,
            nanoseconds: self.nanoseconds[self.nanoseconds.len() / 2],
            doorbells: self.calls.writes as f64 / messages,
            system_calls: (self.calls.others + self.kernel) as f64 / messages,
        }
    }
}

/// Does something with the doorbells held back, and adds what it costs.
fn measure(
    cost: &mut Cost,
    meter: &Meter,
    kernel: &KernelCount,
    act: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    meter.hold();
    let (calls, looks) = (meter.calls(), kernel.look().map_err(system("counting"))?);
    let start = Instant::now();
    act()?;
    let took = start.elapsed();
    let looked = kernel.look().map_err(system("counting"))?;
    let now = meter.calls();
    cost.nanoseconds.push(took.as_nanos() as f64 / ROUND as f64);
    cost.calls.writes += now.writes - calls.writes;
    cost.calls.others += now.others - calls.others;
    // The first look is not of the measured.
    cost.kernel += looked.saturating_sub(looks + 1);
    Ok(meter.deliver()?)
}

/// Two connected models.
struct Ends {
    world: Arc<World>,
    sender: End,
    receiver: End,
    kernel: KernelCount,
}

impl Ends {
    fn connect() -> Result<Self, Error> {
        let world = World::pair([DeviceKind::Model; 2], WorldOptions::default())?;
        let [sender, receiver] = [End::open(&world, 0)?, End::open(&world, 1)?];
        let kernel = KernelCount::new().map_err(system("the kernel's count of system calls"))?;
        let peer = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), PORT);
        let options = StartupOptions::default();
        receiver.context.listen(PORT)?;
        sender.context.connect(&sender.pair, peer, &options)?;
        let mut open = 0;
        while open < 2 {
            for context in [&sender.context, &receiver.context] {
                for event in context.poll()? {
                    match event {
                        Event::ConnectRequest { request, .. } => {
                            receiver.context.accept(request, &receiver.pair, &options)?;
                        }
                        Event::Established { .. } => open += 1,
                        other => return Err(Error::Connection(format!("{other:?}"))),
                    }
                }
            }
            sender.context.wait(SLICE)?;
        }
        Ok(Self { world, sender, receiver, kernel })
    }

    /// Polls an end when all its completions are there, and adds what that costs.
    fn poll(&self, end: &End, batch: usize, cost: &mut Cost) -> Result<(), Error> {
        let mut completions = [Completion::NONE; ROUND];
        measure(cost, &end.meter, &self.kernel, || {
            for out in completions.chunks_mut(batch) {
                if end.queue.poll_into(out)? < out.len() {
                    return Err(Error::Connection("a completion is not there".into()));
                }
            }
            Ok(())
        })?;
        match completions.iter().find(|completion| !completion.status.is_success()) {
            Some(failed) => Err(Error::Connection(failed.status.to_string())),
            None => Ok(()),
        }
    }

    /// The rows of one size of batches.
    fn rows(&self, batch: usize, rounds: u32) -> Result<Vec<Row>, Error> {
        let mut costs: [Cost; 4] = Default::default();
        let [receives, sends, sent, received] = &mut costs;
        let buffers = [(0, self.receiver.memory.whole()); ROUND];
        let requests = [WorkRequest::send(0, self.sender.memory.whole()); ROUND];
        for _ in 0..rounds {
            measure(receives, &self.receiver.meter, &self.kernel, || {
                post(&buffers, batch, |some: &[(u64, Buffer)]| {
                    self.receiver.pair.post_receive_batch(some)
                })
            })?;
            measure(sends, &self.sender.meter, &self.kernel, || {
                post(&requests, batch, |some| self.sender.pair.post_send_batch(some))
            })?;
            self.world.pass(SETTLE);
            self.poll(&self.sender, batch, sent)?;
            self.poll(&self.receiver, batch, received)?;
        }
        let names = ["receive posted", "send posted", "send polled", "receive polled"];
        Ok(names.into_iter().zip(costs).map(|(name, cost)| cost.row(name, batch)).collect())
    }
}

/// Posts all in batches.
fn post<T>(
    all: &[T],
    batch: usize,
    some: impl Fn(&[T]) -> Result<usize, ironwarp_driver::Error>,
) -> Result<(), Error> {
    for requests in all.chunks(batch) {
        if some(requests)? < requests.len() {
            return Err(ironwarp_driver::Error::QueueFull.into());
        }
    }
    Ok(())
}

/// Measures and prints the rows.
pub fn run(bench: &Driver) -> Result<(), Error> {
    let ends = Ends::connect()?;
    if !bench.json {
        println!("{HEAD}");
    }
    for batch in [1, ROUND] {
        for row in ends.rows(batch, bench.rounds)? {
            match bench.json {
                true => println!("{}", serde_json::json!(row)),
                false => println!("{row}"),
            }
        }
    }
    Ok(())
}
