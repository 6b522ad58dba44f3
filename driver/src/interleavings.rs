//! Threads that share a context, in every order in which they can meet.
//!
//! The crate `loom` runs each of these again and again, with another order of what the threads do
//! to what they share (`sync.rs`): all orders with so many switches between threads that could go
//! on. A thread that sleeps for good ends the test, as does one that locks in the wrong order. Here
//! no time is ever up, so whoever sleeps has to be woken.
//!
//! `./ironwarp test` runs it. `LOOM_LOG=1 LOOM_LOCATION=1` tell of the order that fails.

use crate::fake::Fake;
use crate::{
    Access, Buffer, Completion, CompletionQueue, Context, MemoryRegion, Options, ProtectionDomain,
    QueuePair, QueuePairOptions, Region, Status, WorkRequest,
};
use loom::thread::{Builder, JoinHandle};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// Switches from a thread that could go on to another one. Most races need one or two.
const SWITCHES: usize = 2;
/// Words of each thread's stack: the driver needs more than `loom` gives by itself.
const STACK: usize = 1 << 15;

/// The names of every send and of every receive, and the octets of the message in that.
const SEND: u64 = 6;
const RECEIVE: u64 = 7;
const LENGTH: u32 = 5;

/// A context on a device of its own.
struct Station {
    fake: Arc<Fake>,
    context: Context,
    domain: ProtectionDomain,
    memory: MemoryRegion,
}

/// A queue pair whose connection is open, with a receive, and its queue.
struct Lane {
    qp: QueuePair,
    cq: CompletionQueue,
}

impl Station {
    fn new() -> Self {
        let fake = Fake::alone();
        let options = Options { seed: Some(1), ..Options::station(1) };
        let context = Context::open(fake.clone(), options).unwrap();
        let domain = context.protection_domain().unwrap();
        let memory = domain.register(&Region::new(64).unwrap(), Access::LOCAL).unwrap();
        Self { fake, context, domain, memory }
    }

    fn lane(&self) -> Lane {
        let cq = self.context.completion_queue(15).unwrap();
        Lane { qp: self.queue_pair(&cq), cq }
    }

    fn queue_pair(&self, cq: &CompletionQueue) -> QueuePair {
        let few =
            QueuePairOptions { send_entries: 1, receive_entries: 1, ..QueuePairOptions::new(cq) };
        let qp = self.domain.queue_pair(&few).unwrap();
        qp.post_receive(RECEIVE, self.memory.whole()).unwrap();
        self.context.open_alone(&qp).unwrap();
        qp
    }
}

/// Sleeps until a completion is there, as an application does that polls.
fn wait_for_one(context: &Context, cq: &CompletionQueue) -> Completion {
    let mut out = [Completion::NONE];
    while cq.poll_into(&mut out).unwrap() == 0 {
        context.wait(Duration::MAX).unwrap();
        // As long as another thread's completion waits, nobody sleeps: it has its turn.
        loom::thread::yield_now();
    }
    out[0]
}

fn spawn(act: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    Builder::new().stack_size(STACK).spawn(act).unwrap()
}

/// Tries the orders of what `act` does behind its `loom::explore`.
fn interleave(act: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(SWITCHES);
    model.expect_explicit_explore = true;
    model.max_branches = 100_000;
    let (act, orders) = (Arc::new(act), Arc::new(AtomicUsize::new(0)));
    let count = orders.clone();
    model.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let act = act.clone();
        spawn(move || act()).join().unwrap();
    });
    println!("{} orders", orders.load(Ordering::Relaxed));
}

type Act = Box<dyn FnOnce() + Send>;

/// Lets threads meet, on a device that acts by itself and does what it does in this thread. What
/// comes before and behind has one order.
fn meet(fake: &Fake, acts: Vec<Act>, device: impl FnOnce(&Fake)) {
    fake.delay_fences(Duration::from_millis(1));
    fake.set_by_itself(true);
    loom::explore();
    let threads: Vec<_> = acts.into_iter().map(spawn).collect();
    device(fake);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    loom::stop_exploring();
    fake.set_by_itself(false);
    fake.delay_fences(Duration::ZERO);
}

/// Each thread that waits has its interrupt, whoever of them hears of it: for a completion, or for
/// a fence, with the context's lock.
#[test]
fn threads_wait_for_what_is_theirs() {
    interleave(|| {
        let station = Arc::new(Station::new());
        let lanes = [(); 2].map(|()| Arc::new(station.lane()));
        let region = station.domain.register(&Region::new(64).unwrap(), Access::LOCAL).unwrap();
        let wait = |lane: &Arc<Lane>| -> Act {
            let (station, lane) = (station.clone(), lane.clone());
            Box::new(move || {
                let done = wait_for_one(&station.context, &lane.cq);
                assert_eq!((done.id, done.length), (RECEIVE, LENGTH));
            })
        };
        let fence = Box::new(move || drop(region));
        meet(&station.fake, vec![wait(&lanes[0]), fence, wait(&lanes[1])], |fake| {
            lanes.iter().for_each(|lane| fake.deliver(lane.qp.number(), LENGTH));
            fake.pass_fence();
        });
    });
}

/// A task that awaits these completions, one after the other.
fn task<const N: usize>(lane: &Arc<Lane>, awaited: [(u64, Status); N]) -> Act {
    let lane = lane.clone();
    Box::new(move || {
        for what in awaited {
            let mut out = [Completion::NONE];
            assert_eq!(loom::future::block_on(lane.cq.completions(&mut out)).unwrap(), 1);
            assert_eq!((out[0].id, out[0].status), what);
        }
    })
}

/// A task is woken, whether the interrupt or another thread's poll finds its completion first.
#[test]
fn a_task_waits_while_another_thread_polls() {
    interleave(|| {
        let station = Arc::new(Station::new());
        let lane = Arc::new(station.lane());
        let its = station.clone();
        let poll = Box::new(move || assert_eq!(its.context.poll().unwrap(), []));
        let task = task(&lane, [(RECEIVE, Status::SUCCESS)]);
        meet(&station.fake, vec![task, poll], |fake| {
            fake.deliver(lane.qp.number(), LENGTH);
        });
    });
}

/// A task is woken when its connection ends, of which no interrupt tells.
#[test]
fn a_task_waits_while_its_connection_ends() {
    interleave(|| {
        let station = Arc::new(Station::new());
        let lane = Arc::new(station.lane());
        let (context, its) = (station.context.clone(), lane.clone());
        let end = Box::new(move || context.end_alone(&its.qp).unwrap());
        lane.qp.post_send(WorkRequest::send(SEND, Buffer::EMPTY)).unwrap();
        let task = task(&lane, [(SEND, Status::SUCCESS), (RECEIVE, Status::FLUSHED)]);
        meet(&station.fake, vec![task, end], Fake::pass_fence);
    });
}

/// A queue pair is posted to and its queue polled while another thread destroys a neighbour that
/// completes in the same queue.
#[test]
fn a_neighbour_is_destroyed_meanwhile() {
    interleave(|| {
        let station = Arc::new(Station::new());
        let lane = Arc::new(station.lane());
        let neighbour = station.queue_pair(&lane.cq);
        let (context, its) = (station.context.clone(), lane.clone());
        let user = Box::new(move || {
            its.qp.post_send(WorkRequest::send(SEND, Buffer::EMPTY)).unwrap();
            let done = wait_for_one(&context, &its.cq);
            assert_eq!((done.id, done.qp), (SEND, its.qp.number()));
        });
        let destroy = Box::new(move || drop(neighbour));
        meet(&station.fake, vec![destroy, user], Fake::pass_fence);
    });
}
