//! A queue pair whose memory the device may not reach, beside one that goes on.
//!
//! What runs in the guest is this test's own program, which goes there with the device's driver.
//! Its peer is a model in the process of the test.

#[path = "../../machine/tests/forgetful/mod.rs"]
mod forgetful;

use crate::list::OUTSIDE;
use forgetful::Forgetful;
use ironwarp_abi::status::DMA_FAULT;
use ironwarp_driver::pci::PciFunction;
use ironwarp_driver::{
    Access, Completion, CompletionQueue, Context, Event, MemoryRegion, Options, ProtectionDomain,
    QueuePair, QueuePairOptions, Reason, Region, RemoteBuffer, StartupOptions, Status, WorkRequest,
};
use ironwarp_machine::{DeviceKind, Machine, World, WorldOptions};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names the card to the program in the guest.
const CARD: &str = "CARD";
/// What a step has to say to run it.
pub const STEP: &str = "test stray::in_the_guest --exact --ignored --nocapture";
/// What it says of the queue pair that the device had to end.
pub const ENDED: &str = "the stray one ended";

const PORT: u16 = 7000;
const OCTETS: usize = 5_000;
/// For what happens at once unless something is wrong.
const LIMIT: Duration = Duration::from_secs(60);

fn pattern(seed: u8) -> Vec<u8> {
    (0..OCTETS).map(|n| (n * 7 + n / 251) as u8 ^ seed).collect()
}

/// A driver with two queue pairs, the stray and the steady, and a region for each.
struct End {
    context: Context,
    cq: CompletionQueue,
    domain: ProtectionDomain,
    qps: [QueuePair; 2],
    memory: [MemoryRegion; 2],
    events: Vec<Event>,
    completions: Vec<Completion>,
}

impl End {
    fn new(function: Arc<dyn PciFunction>, number: u8) -> Self {
        let context = Context::open(function, Options::station(number)).expect("a device");
        let cq = context.completion_queue(256).expect("a queue");
        let domain = context.protection_domain().expect("a domain");
        let qps = [(); 2].map(|()| domain.queue_pair(&QueuePairOptions::new(&cq)).expect("one"));
        let memory = [(); 2].map(|()| {
            let region = Region::new(OCTETS).expect("memory");
            domain.register(&region, Access::REMOTE_WRITE).expect("a region")
        });
        Self { context, cq, domain, qps, memory, events: Vec::new(), completions: Vec::new() }
    }

    fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !done(self) {
            assert!(Instant::now() < deadline, "{:?}, {:?}", self.events, self.completions);
            self.events.extend(self.context.poll().expect("it answers"));
            self.completions.extend(self.cq.poll(16).expect("it answers"));
            self.context.wait(Duration::from_millis(10)).expect("it answers");
        }
    }

    /// The next thing that happens to a connection.
    fn event(&mut self) -> Event {
        self.run_until(|end| !end.events.is_empty());
        self.events.remove(0)
    }

    /// Writes octets to the peer by the steady queue pair; they have arrived.
    fn write(&mut self, octets: &[u8], target: RemoteBuffer) {
        self.memory[1].region().write(0, octets).expect("room");
        let write = WorkRequest::write(2, self.memory[1].whole(), target);
        self.qps[1].post_send(write).expect("it is open");
        self.run_until(|end| end.completions.iter().any(|done| done.id == 2));
        let done = self.completions.pop().expect("it is there");
        assert_eq!((done.id, done.status), (2, Status::SUCCESS));
    }
}

/// The end in the guest.
fn inside(card: &str) {
    let forgets = Arc::new(AtomicBool::new(false));
    let function = Machine::new().open(&format!("vfio:{card}")).expect("the card");
    let mut end = End::new(Arc::new(Forgetful { function, forgets: forgets.clone() }), 1);
    let peer = format!("{OUTSIDE}:{PORT}").parse().expect("an address");
    let mut targets = Vec::new();
    for n in [0, 1] {
        end.context.connect(&end.qps[n], peer, &StartupOptions::default()).expect("a peer");
        let Event::Established { startup, .. } = end.event() else { panic!("not established") };
        let stag = startup.private_data.try_into().map(u32::from_be_bytes).expect("an STag");
        targets.push(RemoteBuffer { stag, offset: 0 });
    }
    end.write(&pattern(1), targets[1]);

    let region = Region::from_slice(&pattern(3)).expect("memory");
    forgets.store(true, Ordering::Relaxed);
    let unmapped = end.domain.register(&region, Access::LOCAL_READ).expect("a region");
    forgets.store(false, Ordering::Relaxed);
    let stray = WorkRequest::write(3, unmapped.whole(), targets[0]);
    end.qps[0].post_send(stray).expect("it is open");
    let reason = Reason::QueuePair(Status(DMA_FAULT));
    let why = reason.to_string();
    assert_eq!(end.event(), Event::Error { qp: Some(end.qps[0].number()), reason });
    end.run_until(|end| !end.completions.is_empty());
    let done = end.completions.remove(0);
    assert_eq!((done.id, done.qp, done.status), (3, end.qps[0].number(), Status::FLUSHED));
    println!("{ENDED}: {why}");

    end.write(&pattern(2), targets[1]);
    end.context.disconnect(&end.qps[1]).expect("it is open");
    assert_eq!(end.event(), Event::Disconnected { qp: end.qps[1].number() });
}

/// The end outside, on its network, until both connections are over.
pub fn outside(network: &str) {
    let network = network.parse().expect("a network");
    let world = World::on_network(DeviceKind::Model, &network, WorldOptions::default());
    let mut end = End::new(world.expect("a socket").function(0).expect("the one"), 2);
    end.context.listen(PORT).expect("a free port");
    for n in [0, 1] {
        let Event::ConnectRequest { request, .. } = end.event() else { panic!("no request") };
        let stag = end.memory[n].stag().to_be_bytes();
        let reply = StartupOptions::with_private_data(&stag);
        end.context.accept(request, &end.qps[n], &reply).expect("it waits");
        let Event::Established { .. } = end.event() else { panic!("not established") };
    }
    let stray = Event::Error { qp: Some(end.qps[0].number()), reason: Reason::Reset };
    assert_eq!(end.event(), stray);
    assert_eq!(end.event(), Event::Disconnected { qp: end.qps[1].number() });
    let octets = |n: usize| end.memory[n].region().to_vec(0, OCTETS).expect("all");
    assert_eq!(octets(0), [0; OCTETS], "nothing of it has left");
    assert_eq!(octets(1), pattern(2));
}

#[test]
#[ignore = "runs in a guest: ./ironwarp test --guest puts it there"]
fn in_the_guest() {
    // Elsewhere there is no card for it.
    if let Ok(card) = std::env::var(CARD) {
        inside(&card);
    }
}
