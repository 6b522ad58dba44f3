//! Threads and tasks that share a context, each with a queue pair and a completion queue of its
//! own, on two behavioural models.

use ironwarp_driver::{
    Access, Completion, CompletionQueue, Context, Event, MemoryRegion, Operation, Options,
    ProtectionDomain, QueuePair, QueuePairOptions, Region, StartupOptions, Status, WorkRequest,
};
use ironwarp_machine::{DeviceKind, World, WorldOptions};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

const PORT: u16 = 7000;
/// Messages under way at a time.
const SLOTS: u64 = 16;
const MESSAGE_BYTES: usize = 3000;
const SLICE: Duration = Duration::from_micros(50);

/// One side of a connection.
struct Half {
    qp: QueuePair,
    cq: CompletionQueue,
    memory: MemoryRegion,
}

impl Half {
    fn new(context: &Context, domain: &ProtectionDomain) -> Self {
        let cq = context.completion_queue(100).unwrap();
        let qp = domain.queue_pair(&QueuePairOptions {
            send_entries: SLOTS as usize,
            receive_entries: SLOTS as usize,
            ..QueuePairOptions::new(&cq)
        });
        let memory = Region::new(SLOTS as usize * MESSAGE_BYTES).unwrap();
        let memory = domain.register(&memory, Access::LOCAL).unwrap();
        Self { qp: qp.unwrap(), cq, memory }
    }
}

/// A connection, and how many of its receives were posted.
struct Lane {
    number: u64,
    from: Half,
    to: Half,
    credits: AtomicU64,
}

fn at(message: u64) -> usize {
    (message % SLOTS) as usize * MESSAGE_BYTES
}

impl Lane {
    /// What a message says: its length and its octets are its own.
    fn message(&self, message: u64) -> Vec<u8> {
        let seed = (self.number << 32 | message).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let length = seed as usize % (MESSAGE_BYTES + 1);
        (0..length as u64).map(|n| (seed ^ seed >> 8 ^ n ^ n >> 7) as u8).collect()
    }

    /// Writes the next messages to memory, as many as the other side has room for, of at most so
    /// many, and posts them.
    fn post(&self, posted: u64, most: u64) -> u64 {
        let count = most.min(self.credits.load(Ordering::Acquire) - posted);
        let requests: Vec<_> = (posted..posted + count)
            .map(|n| {
                let octets = self.message(n);
                self.from.memory.region().write(at(n), &octets).unwrap();
                WorkRequest::send(n, self.from.memory.buffer(at(n), octets.len()).unwrap())
            })
            .collect();
        assert_eq!(self.from.qp.post_send_batch(&requests).unwrap() as u64, count);
        count
    }

    /// Posts receives for so many messages from one on.
    fn make_room(&self, first: u64, count: u64) {
        let buffer = |n| (n, self.to.memory.buffer(at(n), MESSAGE_BYTES).unwrap());
        let buffers: Vec<_> = (first..first + count).map(buffer).collect();
        assert_eq!(self.to.qp.post_receive_batch(&buffers).unwrap() as u64, count);
        self.credits.fetch_add(count, Ordering::Release);
    }

    fn check_sent(&self, done: &[Completion], first: u64) {
        for (completion, n) in done.iter().zip(first..) {
            let length = self.message(n).len() as u32;
            assert_eq!((completion.id, completion.length), (n, length));
            assert_eq!(
                (completion.operation, completion.status),
                (Operation::Send, Status::SUCCESS)
            );
            assert_eq!(completion.qp, self.from.qp.number());
        }
    }

    fn check_received(&self, done: &[Completion], first: u64) {
        for (completion, n) in done.iter().zip(first..) {
            let octets = self.message(n);
            assert_eq!((completion.id, completion.length), (n, octets.len() as u32));
            let how = (completion.operation, completion.status);
            assert_eq!(how, (Operation::Receive, Status::SUCCESS));
            assert_eq!(self.to.memory.region().to_vec(at(n), octets.len()).unwrap(), octets);
        }
    }

    fn send(&self, messages: u64) {
        let (mut posted, mut done) = (0, 0);
        let mut out = [Completion::NONE; 5];
        while done < messages {
            posted += self.post(posted, (messages - posted).min(SLOTS - (posted - done)));
            let taken = self.from.cq.poll_into(&mut out).unwrap();
            self.check_sent(&out[..taken], done);
            done += taken as u64;
            std::thread::yield_now();
        }
    }

    fn receive(&self, messages: u64) {
        let mut done = 0;
        let mut out = [Completion::NONE; 5];
        while done < messages {
            let taken = self.to.cq.poll_into(&mut out).unwrap();
            self.check_received(&out[..taken], done);
            done += taken as u64;
            self.make_room(done + SLOTS - taken as u64, taken as u64);
            std::thread::yield_now();
        }
    }
}

/// Two stations with some connections.
struct Pair {
    contexts: [Context; 2],
    domains: [ProtectionDomain; 2],
    lanes: Vec<Lane>,
}

impl Pair {
    fn new(lanes: u64) -> Self {
        let world = World::pair([DeviceKind::Model; 2], WorldOptions::default()).unwrap();
        let contexts = [0, 1].map(|end| {
            let options = Options { seed: Some(end as u64), ..Options::station(end as u8 + 1) };
            Context::open(world.function(end).unwrap(), options).unwrap()
        });
        let domains = [0, 1].map(|end| contexts[end].protection_domain().unwrap());
        contexts[1].listen(PORT).unwrap();
        let mut pair = Self { contexts, domains, lanes: Vec::new() };
        (0..lanes).for_each(|number| pair.connect(number));
        pair
    }

    fn connect(&mut self, number: u64) {
        let [from, to] = [0, 1].map(|end| Half::new(&self.contexts[end], &self.domains[end]));
        let lane = Lane { number, from, to, credits: AtomicU64::new(0) };
        lane.make_room(0, SLOTS);
        let peer = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), PORT);
        let options = StartupOptions::default();
        self.contexts[0].connect(&lane.from.qp, peer, &options).unwrap();
        let mut open = 0;
        while open < 2 {
            for context in &self.contexts {
                for event in context.poll().unwrap() {
                    match event {
                        Event::ConnectRequest { request, .. } => {
                            context.accept(request, &lane.to.qp, &options).unwrap();
                        }
                        Event::Established { .. } => open += 1,
                        other => panic!("{other:?}"),
                    }
                }
            }
            self.contexts[0].wait(SLICE).unwrap();
        }
        self.lanes.push(lane);
    }

    /// Lets time pass and does everything that takes the contexts' locks, while others work.
    fn control(&self, at_work: &AtomicUsize) {
        while at_work.load(Ordering::Acquire) > 0 {
            for (context, domain) in self.contexts.iter().zip(&self.domains) {
                assert_eq!(context.poll().unwrap(), []);
                context.wait(SLICE).unwrap();
                drop(domain.register(&Region::new(64).unwrap(), Access::LOCAL).unwrap());
                drop(context.completion_queue(3).unwrap());
            }
        }
    }
}

/// One less at work when it is dropped, also by a panic: so a test that fails does not hang.
struct Working<'a>(&'a AtomicUsize);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

#[test]
fn threads_with_queues_of_their_own_move_every_octet() {
    const MESSAGES: u64 = 400;
    let pair = Pair::new(2);
    let at_work = AtomicUsize::new(2 * pair.lanes.len());
    std::thread::scope(|scope| {
        for lane in &pair.lanes {
            let at_work = &at_work;
            scope.spawn(move || {
                let _working = Working(at_work);
                lane.send(MESSAGES);
            });
            scope.spawn(move || {
                let _working = Working(at_work);
                lane.receive(MESSAGES);
            });
        }
        pair.control(&at_work);
    });
}

/// The least that runs a task.
fn block_on<T>(task: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = std::task::Context::from_waker(&waker);
    let mut task = pin!(task);
    loop {
        match task.as_mut().poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn tasks_are_woken_by_interrupts() {
    const MESSAGES: u64 = 200;
    let pair = Pair::new(2);
    let send = async |lane: &Lane| {
        let (mut posted, mut done) = (0, 0);
        let mut out = [Completion::NONE; 5];
        while done < MESSAGES {
            // Whoever takes a message has made room for the next one soon.
            posted += lane.post(posted, (MESSAGES - posted).min(SLOTS - (posted - done)));
            if posted == done {
                std::thread::yield_now();
                continue;
            }
            let taken = lane.from.cq.completions(&mut out).await.unwrap();
            lane.check_sent(&out[..taken], done);
            done += taken as u64;
        }
    };
    let receive = async |lane: &Lane| {
        let mut done = 0;
        let mut out = [Completion::NONE; 5];
        while done < MESSAGES {
            let taken = lane.to.cq.completions(&mut out).await.unwrap();
            assert!(taken > 0);
            lane.check_received(&out[..taken], done);
            done += taken as u64;
            lane.make_room(done + SLOTS - taken as u64, taken as u64);
        }
    };
    let at_work = AtomicUsize::new(2 * pair.lanes.len());
    std::thread::scope(|scope| {
        for lane in &pair.lanes {
            let at_work = &at_work;
            scope.spawn(move || {
                let _working = Working(at_work);
                block_on(send(lane));
            });
            scope.spawn(move || {
                let _working = Working(at_work);
                block_on(receive(lane));
            });
        }
        pair.control(&at_work);
    });
}
