//! Everything behind a context's lock: hardware, memory table and connections.

use crate::completion::{Completion, CompletionQueueRecord};
use crate::connection::{Connections, Event, RequestId, StartupOptions};
use crate::device::Device;
use crate::error::Error;
use crate::hardware::Hardware;
use crate::memory::{Access, Buffer, MemoryTable, Registration};
use crate::options::Options;
use crate::os::Region;
use crate::pci::PciFunction;
use crate::queue_pair::{Parts, QueuePairRecord, WorkRequest};
use crate::raw::RawQueue;
use crate::ring::WorkRing;
use crate::state::QpState;
use crate::usage::Usage;
use crate::verbs::QueuePairOptions;
use ironwarp_abi::limits::{CQ_COUNT, FLOW_COUNT, QP_COUNT};
use rand::rngs::StdRng;
use rand::SeedableRng;
use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

/// An opened device with all that was made on it.
pub(crate) struct Station {
    hardware: Hardware,
    memory: MemoryTable,
    connections: Connections,
    domains: u16,
    /// Number 0 is the raw queue's. Oldest first: a number rests as long as it can, so that nothing
    /// late is taken for new.
    free_queue_pairs: VecDeque<u8>,
    free_completion_queues: VecDeque<u8>,
}

impl Station {
    pub fn open(function: Arc<dyn PciFunction>, options: Options) -> Result<Self, Error> {
        options.check(function.kernel_streams().is_some())?;
        let mut random = match options.seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => StdRng::from_os_rng(),
        };
        let device = Device::open(function, options.mac, options.clocks_per_microsecond)?;
        let mut memory = MemoryTable::new(StdRng::from_rng(&mut random));
        let raw = RawQueue::start(&device, &mut memory, options.mtu)?;
        let hardware = Hardware {
            device,
            queue_pairs: (0..QP_COUNT).map(|_| None).collect(),
            completion_queues: (0..CQ_COUNT).map(|_| None).collect(),
            flows: [None; FLOW_COUNT],
            raw,
        };
        let connections = Connections::new(&hardware, &options, StdRng::from_rng(&mut random));
        Ok(Self {
            hardware,
            memory,
            connections,
            domains: 0,
            free_queue_pairs: (1..QP_COUNT as u8).collect(),
            free_completion_queues: (1..CQ_COUNT as u8).collect(),
        })
    }

    pub fn poll(&mut self) -> Result<Vec<Event>, Error> {
        self.hardware.collect()?;
        let now = self.hardware.device.function().now();
        self.connections.poll(&mut self.hardware, now)?;
        Ok(self.connections.take_events())
    }

    pub fn arm(&mut self) -> Result<(), Error> {
        self.hardware.arm_all()
    }

    pub fn usage(&self) -> Usage {
        let Hardware { queue_pairs, completion_queues, flows, .. } = &self.hardware;
        let tcp = self.connections.tcp_usage();
        Usage {
            queue_pairs: queue_pairs.iter().flatten().count(),
            completion_queues: completion_queues.iter().flatten().count(),
            memory_regions: self.memory.in_use(),
            flows: flows.iter().flatten().count(),
            connections: tcp.connections,
            sockets: tcp.sockets,
        }
    }

    /// How long nothing happens by itself.
    pub fn time_to_wait(&mut self, limit: Duration) -> Duration {
        let mut queues = self.hardware.completion_queues.iter().flatten();
        if queues.any(CompletionQueueRecord::has_backlog) {
            return Duration::ZERO;
        }
        let now = self.hardware.device.function().now();
        self.connections.next_timer(now).map_or(limit, |timer| limit.min(timer))
    }

    pub fn new_domain(&mut self) -> Result<u16, Error> {
        // Number 0 is the driver's own.
        self.domains = self.domains.checked_add(1).ok_or(Error::Exhausted("protection domain"))?;
        Ok(self.domains)
    }

    pub fn register(
        &mut self,
        pd: u16,
        region: &Region,
        base: u64,
        access: Access,
    ) -> Result<u32, Error> {
        let what = Registration { pd, base, access };
        self.memory.register(&self.hardware.device, region, what)
    }

    pub fn deregister(&mut self, index: usize) -> Result<(), Error> {
        debug_assert_ne!(index, self.hardware.raw.region_index());
        self.memory.deregister(&self.hardware.device, index)
    }

    pub fn new_completion_queue(&mut self, entries: usize) -> Result<u8, Error> {
        let number =
            *self.free_completion_queues.front().ok_or(Error::Exhausted("completion queue"))?;
        let queue = CompletionQueueRecord::start(&self.hardware.device, number, entries)?;
        self.hardware.completion_queues[usize::from(number)] = Some(queue);
        self.free_completion_queues.pop_front();
        Ok(number)
    }

    pub fn drop_completion_queue(&mut self, number: u8) {
        match self.hardware.remove_completion_queue(number) {
            Ok(()) => self.free_completion_queues.push_back(number),
            // The number and the ring stay in use: the device may still write there.
            Err(error) => tracing::error!(%error, number, "a completion queue did not stop"),
        }
    }

    pub fn poll_completions(&mut self, number: u8, limit: usize) -> Result<Vec<Completion>, Error> {
        self.hardware.collect()?;
        Ok(self.hardware.cq(number)?.take(limit))
    }

    pub fn arm_completions(&mut self, number: u8) -> Result<(), Error> {
        let slot = self.hardware.completion_queues.get(usize::from(number));
        let queue = slot.and_then(Option::as_ref).ok_or(Error::Gone("completion queue"))?;
        queue.arm(&self.hardware.device)
    }

    pub fn new_queue_pair(&mut self, pd: u16, options: &QueuePairOptions<'_>) -> Result<u8, Error> {
        let number = *self.free_queue_pairs.front().ok_or(Error::Exhausted("queue pair"))?;
        let function = &**self.hardware.device.function();
        let record = QueuePairRecord::new(Parts {
            number,
            pd,
            send_cq: options.send_cq.number(),
            receive_cq: options.receive_cq.number(),
            send: WorkRing::new(function, options.send_entries)?,
            receive: WorkRing::new(function, options.receive_entries)?,
        });
        let [sends, receives] = record.entries_due();
        self.hardware.cq(record.send_cq)?.promise(sends)?;
        if let Err(error) = self.hardware.cq(record.receive_cq)?.promise(receives) {
            self.hardware.cq(record.send_cq)?.release(sends);
            return Err(error);
        }
        self.hardware.queue_pairs[usize::from(number)] = Some(record);
        self.free_queue_pairs.pop_front();
        Ok(number)
    }

    pub fn drop_queue_pair(&mut self, number: u8) {
        if let Err(error) = self.try_drop_queue_pair(number) {
            // The number and the rings stay in use: the device may still read there.
            tracing::error!(%error, number, "a queue pair did not stop");
        }
    }

    fn try_drop_queue_pair(&mut self, number: u8) -> Result<(), Error> {
        self.connections.abandon(&mut self.hardware, number)?;
        self.hardware.stop(number)?;
        let record = self.hardware.qp(number)?;
        let queues = [record.send_cq, record.receive_cq];
        let entries = record.entries_due();
        for (queue, entries) in queues.into_iter().zip(entries) {
            let queue = self.hardware.cq(queue)?;
            queue.release(entries);
            queue.forget(number);
        }
        self.hardware.queue_pairs[usize::from(number)] = None;
        self.free_queue_pairs.push_back(number);
        Ok(())
    }

    pub fn reset_queue_pair(&mut self, number: u8) -> Result<(), Error> {
        self.hardware.qp(number)?.reset()
    }

    pub fn qp_state(&mut self, number: u8) -> Result<QpState, Error> {
        Ok(self.hardware.qp(number)?.state())
    }

    pub fn post_send(&mut self, number: u8, request: WorkRequest) -> Result<(), Error> {
        let (qp, device) = self.hardware.qp_and_device(number)?;
        qp.post_send(device, request)
    }

    pub fn post_receive(&mut self, number: u8, id: u64, buffer: Buffer) -> Result<(), Error> {
        let (qp, device) = self.hardware.qp_and_device(number)?;
        qp.post_receive(device, id, buffer)
    }

    pub fn listen(&mut self, port: u16) -> Result<(), Error> {
        self.connections.listen(port)
    }

    pub fn unlisten(&mut self, port: u16) -> Result<(), Error> {
        self.connections.unlisten(port)
    }

    pub fn connect(
        &mut self,
        qp: u8,
        peer: SocketAddrV4,
        options: &StartupOptions,
    ) -> Result<(), Error> {
        let now = self.hardware.device.function().now();
        self.connections.connect(&mut self.hardware, qp, peer, options, now)
    }

    pub fn accept(
        &mut self,
        request: RequestId,
        qp: u8,
        options: &StartupOptions,
    ) -> Result<(), Error> {
        self.connections.accept(&mut self.hardware, request, qp, options)
    }

    pub fn reject(&mut self, request: RequestId, private_data: &[u8]) -> Result<(), Error> {
        self.connections.reject(request, private_data)
    }

    pub fn disconnect(&mut self, qp: u8) -> Result<(), Error> {
        let now = self.hardware.device.function().now();
        self.connections.disconnect(&mut self.hardware, qp, now)
    }
}
