//! Both ends move 64 KiB at a time to each other at once, with the driver's defaults: a window that
//! promises no more than the chip holds lets both go on for ever, whatever their hosts refuse.

use ironwarp_abi::registers::COUNT_FRAMES_NO_ROOM;
use ironwarp_driver::{
    Access, CompletionQueue, Context, Event, MemoryRegion, Operation, Options, ProtectionDomain,
    QueuePair, QueuePairOptions, Region, StartupOptions, WorkRequest,
};
use ironwarp_machine::{DeviceKind, Machine, World, WorldOptions};
use ironwarp_sim::RootComplexOptions;
use std::collections::VecDeque;
use std::time::Duration;

const SIZE: usize = 65_536;
/// Messages each way in the whole form.
const WHOLE: u64 = 2000;
/// Work requests of each end that may be under way.
const UNDER_WAY: usize = 4;
/// Simulated time in which something must happen.
const STILL_MAX: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Write,
    Send,
    Read,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    kind: Kind,
    mtu: usize,
    /// The share of clocks that the hosts refuse.
    refused: f64,
    count: u64,
}

/// One station of two.
struct End {
    context: Context,
    _domain: ProtectionDomain,
    queue: CompletionQueue,
    pair: QueuePair,
    source: MemoryRegion,
    sink: MemoryRegion,
    posted: u64,
    done: u64,
    /// Receive work requests that are posted.
    receives: VecDeque<u64>,
    arrived: u64,
}

type Failure = Box<dyn std::error::Error>;

impl End {
    fn open(machine: &mut Machine, number: u8, mtu: usize) -> Result<Self, Failure> {
        let options = Options { seed: Some(number.into()), mtu, ..Options::station(number + 1) };
        let context = Context::open(machine.open(&format!("sim:{number}"))?, options)?;
        let (domain, queue) = (context.protection_domain()?, context.completion_queue(256)?);
        let pair = domain.queue_pair(&QueuePairOptions::new(&queue))?;
        let octets: Vec<u8> =
            (0..SIZE).map(|n| (n as u8 ^ (n >> 8) as u8).wrapping_add(number)).collect();
        let source = domain.register(&Region::from_slice(&octets)?, Access::REMOTE_READ)?;
        let sink = domain.register(&Region::new(SIZE)?, Access::REMOTE_WRITE)?;
        let (posted, done, receives, arrived) = (0, 0, VecDeque::new(), 0);
        let _domain = domain;
        Ok(Self { context, _domain, queue, pair, source, sink, posted, done, receives, arrived })
    }

    /// Buffers for messages that come.
    fn receive(&mut self, count: u64) -> Result<(), Failure> {
        while self.receives.len() < 2 * UNDER_WAY
            && self.arrived + (self.receives.len() as u64) < count
        {
            let number = self.arrived + self.receives.len() as u64;
            self.pair.post_receive(number, self.sink.whole())?;
            self.receives.push_back(number);
        }
        Ok(())
    }

    fn post(&mut self, case: &Case, peer: &Self) -> Result<(), Failure> {
        while self.posted < case.count && self.posted < self.done + UNDER_WAY as u64 {
            let (number, source) = (self.posted, self.source.whole());
            // A Send needs a buffer on the other side.
            if matches!(case.kind, Kind::Send) && number >= peer.arrived + UNDER_WAY as u64 {
                break;
            }
            self.pair.post_send(match case.kind {
                Kind::Write => WorkRequest::write(number, source, peer.sink.remote(0)),
                Kind::Send => WorkRequest::send(number, source),
                Kind::Read => WorkRequest::read(number, self.sink.whole(), peer.source.remote(0)),
            })?;
            self.posted += 1;
        }
        Ok(())
    }

    fn complete(&mut self) -> Result<(), Failure> {
        for completion in self.queue.poll(64)? {
            if !completion.status.is_success() {
                return Err(format!("{completion:?}").into());
            }
            match completion.operation {
                Operation::Receive => {
                    self.receives.pop_front();
                    self.arrived += 1;
                }
                _ => self.done += 1,
            }
        }
        Ok(())
    }

    fn no_room(&self) -> Result<u32, Failure> {
        Ok(self.context.function().bar_read32(COUNT_FRAMES_NO_ROOM.address)?)
    }

    /// The sink holds what the peer has sent, or what this end has read.
    fn check(&self, peer: &Self) -> Result<(), Failure> {
        let (mut sink, mut source) = (vec![0; SIZE], vec![1; SIZE]);
        self.sink.region().read(0, &mut sink)?;
        peer.source.region().read(0, &mut source)?;
        match sink == source {
            true => Ok(()),
            false => Err("the sink holds something else".into()),
        }
    }
}

fn open(case: &Case) -> Result<[End; 2], Failure> {
    let mut options = WorldOptions::default();
    options.simulation.root_complex =
        RootComplexOptions { back_pressure: case.refused, ..RootComplexOptions::default() };
    let world = World::pair([DeviceKind::Sim; 2], options)?;
    let mut machine = Machine::with_world(world);
    Ok([End::open(&mut machine, 0, case.mtu)?, End::open(&mut machine, 1, case.mtu)?])
}

fn moves(case: &Case) -> Result<Duration, Failure> {
    let mut ends = open(case)?;
    let options = StartupOptions { peer_to_peer: true, ..Default::default() };
    ends[1].context.listen(7000)?;
    ends[0].context.connect(&ends[0].pair, "10.0.0.2:7000".parse()?, &options)?;
    let mut established = 0;
    let mut quiet = (Duration::ZERO, 0);
    while ends.iter().any(|end| end.done < case.count) {
        for (number, end) in ends.iter_mut().enumerate() {
            for event in end.context.poll()? {
                match event {
                    Event::ConnectRequest { request, .. } => {
                        end.context.accept(request, &end.pair, &options)?;
                    }
                    Event::Established { .. } => established += 1,
                    other => return Err(format!("end {number}: {other:?}").into()),
                }
            }
            end.complete()?;
        }
        if established == 2 {
            let [first, second] = &mut ends;
            if matches!(case.kind, Kind::Send) {
                first.receive(case.count)?;
                second.receive(case.count)?;
            }
            first.post(case, second)?;
            second.post(case, first)?;
        }
        let now = ends[0].context.now();
        let sum = established + ends.iter().map(|end| end.done + end.arrived).sum::<u64>();
        if sum != quiet.1 {
            quiet = (now, sum);
        } else if now - quiet.0 > STILL_MAX {
            let done = ends.each_ref().map(|end| (end.posted, end.done, end.arrived));
            let why = format!("nothing since {:?}: posted, done, arrived {done:?}", quiet.0);
            return Err(why.into());
        }
        ends[1].context.arm()?;
        ends[0].context.wait(Duration::from_micros(50))?;
    }
    ends[0].context.wait(Duration::from_micros(50))?;
    for end in &ends {
        if end.no_room()? != 0 {
            return Err("frames without room".into());
        }
    }
    ends[0].check(&ends[1])?;
    ends[1].check(&ends[0])?;
    Ok(ends[0].context.now())
}

fn all(count: impl Fn(Kind) -> u64) {
    for kind in [Kind::Write, Kind::Send, Kind::Read] {
        for mtu in [1500, 9000] {
            for refused in [0.0, 0.12] {
                let case = Case { kind, mtu, refused, count: count(kind) };
                let took = moves(&case).unwrap_or_else(|why| panic!("{case:?}: {why}"));
                println!("{case:?}: {took:?}");
            }
        }
    }
}

/// As many as it takes to find that a window promises too much.
#[test]
fn both_ways_a_few() {
    all(|kind| if matches!(kind, Kind::Write) { 40 } else { 16 });
}

/// Takes an hour.
#[test]
#[ignore]
fn both_ways_thousands() {
    all(|_| WHOLE);
}
