//! Two devices on a link, each with its driver.
#![allow(dead_code, reason = "not every test that shares this file needs all of it")]

use ironwarp_driver::pci::PciFunction;
use ironwarp_driver::{
    Access, Agreement, Completion, CompletionQueue, Context, Event, MemoryRegion, Operation,
    Options, ProtectionDomain, QueuePair, QueuePairOptions, Region, StartupOptions, Status,
};
use ironwarp_machine::Machine;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

pub const PORT: u16 = 7000;
pub const BYTES: usize = 300_000;

/// One end of a link, opened.
pub struct End {
    pub context: Context,
    pub cq: CompletionQueue,
    pub qp: QueuePair,
    pub memory: MemoryRegion,
    pub domain: ProtectionDomain,
    pub events: Vec<Event>,
    pub completions: Vec<Completion>,
}

impl End {
    pub fn new(function: Arc<dyn PciFunction>, number: u8, mtu: usize) -> Self {
        let seed = Some(u64::from(number));
        let options = Options { seed, mtu, ..Options::station(number) };
        let context = Context::open(function, options).unwrap();
        let domain = context.protection_domain().unwrap();
        let cq = context.completion_queue(256).unwrap();
        let qp = domain.queue_pair(&QueuePairOptions::new(&cq)).unwrap();
        let memory = Region::new(BYTES).unwrap();
        let memory = domain.register(&memory, Access::REMOTE_WRITE).unwrap();
        Self { context, cq, qp, memory, domain, events: Vec::new(), completions: Vec::new() }
    }

    pub fn poll(&mut self) {
        self.events.extend(self.context.poll().unwrap());
        self.completions.extend(self.cq.poll(100).unwrap());
    }

    pub fn octets(&self, at: usize, length: usize) -> Vec<u8> {
        self.memory.region().to_vec(at, length).unwrap()
    }

    /// The next completions, which must be successes: operation, name and length.
    pub fn done(&mut self) -> Vec<(Operation, u64, u32)> {
        self.poll();
        let done = std::mem::take(&mut self.completions);
        assert!(done.iter().all(|one| one.status == Status::SUCCESS), "{done:?}");
        done.iter().map(|one| (one.operation, one.id, one.length)).collect()
    }
}

/// Both ends, driven by one thread.
pub struct Pair {
    pub a: End,
    pub b: End,
}

impl Pair {
    /// Two models of a machine.
    pub fn new(machine: &mut Machine, mtu: usize) -> Self {
        Self::on([0, 1].map(|end| machine.open(&format!("model:{end}")).unwrap()), mtu)
    }

    /// The two functions of a link.
    pub fn on([a, b]: [Arc<dyn PciFunction>; 2], mtu: usize) -> Self {
        Self { a: End::new(a, 1, mtu), b: End::new(b, 2, mtu) }
    }

    /// Runs both ends until `done`, or for 30 seconds of device time.
    pub fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        let start = self.a.context.now();
        while !done(self) {
            assert!(self.a.context.now() < start + Duration::from_secs(30), "nothing happens");
            self.a.poll();
            self.b.poll();
            self.b.context.arm().unwrap();
            self.a.context.wait(Duration::from_micros(200)).unwrap();
        }
    }

    pub fn connect(&mut self, request: &StartupOptions, reply: &StartupOptions) -> [Agreement; 2] {
        self.b.context.listen(PORT).unwrap();
        let peer = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), PORT);
        self.a.context.connect(&self.a.qp, peer, request).unwrap();
        self.run_until(|pair| !pair.b.events.is_empty());
        let request = match self.b.events.remove(0) {
            Event::ConnectRequest { request, port: PORT, .. } => request,
            other => panic!("a connection request should come, not {other:?}"),
        };
        self.b.context.accept(request, &self.b.qp, reply).unwrap();
        self.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
        [&mut self.a, &mut self.b].map(|end| match end.events.remove(0) {
            Event::Established { agreement, .. } => agreement,
            other => panic!("the connection should be open, not {other:?}"),
        })
    }
}
