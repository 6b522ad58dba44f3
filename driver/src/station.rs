//! Everything behind a context's lock: hardware, memory table and connections.

use crate::completion_queue::CompletionQueueRecord;
use crate::connection::{Connections, Event, RequestId, StartupOptions};
use crate::device::Device;
use crate::domains::Domains;
use crate::error::Error;
use crate::flow_table::FlowTable;
use crate::hardware::Hardware;
use crate::locked::Locked;
use crate::memory::{MemoryTable, Registration};
use crate::numbered::Numbered;
use crate::options::{Options, Repair};
use crate::os::Region;
use crate::pci::PciFunction;
use crate::queue_pair::{Parts, QueuePairRecord};
use crate::raw::RawQueue;
use crate::ring::WorkRing;
use crate::usage::Usage;
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::registers::RETRANSMIT_MIN;
use rand::rngs::StdRng;
use rand::SeedableRng;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// An opened device with all that was made on it.
pub(crate) struct Station {
    hardware: Hardware,
    memory: MemoryTable,
    connections: Connections,
    domains: Domains,
}

impl Station {
    pub fn open(function: Arc<dyn PciFunction>, mut options: Options) -> Result<Self, Error> {
        options.check(function.kernel_streams().is_some())?;
        let mut random = match options.seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => StdRng::from_os_rng(),
        };
        let device = Device::open(function, options.mac, options.clocks_per_microsecond)?;
        let device = Arc::new(device);
        let capabilities = *device.capabilities();
        options.check_device(&capabilities.configuration)?;
        match capabilities.repairs {
            true => device.write(RETRANSMIT_MIN, options.repair.microseconds())?,
            false => options.repair = Repair::NONE,
        }
        let mut memory = MemoryTable::new(&device, StdRng::from_rng(&mut random));
        let flows = FlowTable::new(&device, StdRng::from_rng(&mut random))?;
        let raw = RawQueue::start(&device, &mut memory, options.mtu)?;
        let hardware = Hardware {
            device,
            queue_pairs: Numbered::new("queue pair", capabilities.queue_pairs()),
            completion_queues: Numbered::new("completion queue", capabilities.completion_queues()),
            flows,
            raw,
        };
        let connections = Connections::new(&hardware, &options, StdRng::from_rng(&mut random));
        Ok(Self { hardware, memory, connections, domains: Domains::new() })
    }

    /// The tasks that are to be woken behind the station's lock.
    pub fn take_woken(&self) -> Vec<Waker> {
        self.hardware.device.take_woken()
    }

    pub fn configuration(&self) -> &Configuration {
        &self.hardware.device.capabilities().configuration
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
            queue_pairs: queue_pairs.len(),
            completion_queues: completion_queues.len(),
            memory_regions: self.memory.in_use(),
            flows: flows.len(),
            connections: tcp.connections,
            sockets: tcp.sockets,
        }
    }

    /// How long nothing happens by itself.
    pub fn time_to_wait(&mut self, limit: Duration) -> Duration {
        let Hardware { queue_pairs, completion_queues, .. } = &self.hardware;
        // Whoever polls a completion queue takes its events out, and then no interrupt tells of
        // them any more.
        if completion_queues.values().any(|queue| queue.with(|queue, _| queue.has_backlog()))
            || queue_pairs.values().any(|qp| qp.with(|qp, _| qp.has_news()))
        {
            return Duration::ZERO;
        }
        let now = self.hardware.device.function().now();
        self.connections.next_timer(now).map_or(limit, |timer| limit.min(timer))
    }

    pub fn new_domain(&mut self) -> Result<u16, Error> {
        self.domains.add()
    }

    pub fn drop_domain(&mut self, number: u16) {
        if let Err(error) = self.domains.leave(number) {
            tracing::warn!(%error, number, "a protection domain is lost");
        }
    }

    pub fn register(&mut self, region: &Region, what: Registration) -> Result<u32, Error> {
        let before = self.memory.in_use();
        let stag = self.memory.register(&self.hardware.device, region, what);
        // A region that failed and that the device did not let go is there as well.
        if self.memory.in_use() > before {
            self.domains.join(what.pd)?;
        }
        stag
    }

    pub fn deregister(&mut self, stag: u32) -> Result<(), Error> {
        let domain = self.memory.deregister(&self.hardware.device, stag)?;
        self.domains.leave(domain)
    }

    pub fn new_completion_queue(
        &mut self,
        entries: usize,
    ) -> Result<(u32, Arc<Locked<CompletionQueueRecord>>), Error> {
        let number = self.hardware.completion_queues.vacant()?;
        let queue = CompletionQueueRecord::start(&self.hardware.device, number, entries)?;
        let queue = Locked::new(&self.hardware.device, queue);
        self.hardware.completion_queues.insert(number, queue.clone());
        Ok((number, queue))
    }

    pub fn drop_completion_queue(&mut self, number: u32) {
        if let Err(error) = self.hardware.remove_completion_queue(number) {
            // The number and the ring stay in use: the device may still write there.
            tracing::warn!(%error, number, "a completion queue did not stop: it is lost");
        }
    }

    /// A queue pair that completes sends and receives into these queues, with room for so many.
    pub fn new_queue_pair(
        &mut self,
        pd: u16,
        [send_cq, receive_cq]: [u32; 2],
        [send, receive]: [usize; 2],
    ) -> Result<(u32, Arc<Locked<QueuePairRecord>>), Error> {
        let number = self.hardware.queue_pairs.vacant()?;
        let device = &self.hardware.device;
        let record = QueuePairRecord::new(Parts {
            number,
            pd,
            send_cq,
            receive_cq,
            send: WorkRing::new(device, send)?,
            receive: WorkRing::new(device, receive)?,
            outstanding: device.capabilities().outstanding,
        });
        let record = self.hardware.add_queue_pair(number, record)?;
        self.domains.join(pd)?;
        Ok((number, record))
    }

    pub fn drop_queue_pair(&mut self, number: u32) {
        if let Err(error) = self.try_drop_queue_pair(number) {
            // The number and the rings stay in use: the device may still read there.
            tracing::warn!(%error, number, "a queue pair did not stop: it is lost");
        }
    }

    fn try_drop_queue_pair(&mut self, number: u32) -> Result<(), Error> {
        self.connections.abandon(&mut self.hardware, number)?;
        let domain = self.hardware.qp(number)?.with(|qp, _| qp.pd);
        self.hardware.remove_queue_pair(number)?;
        self.domains.leave(domain)
    }

    pub fn reset_queue_pair(&mut self, number: u32) -> Result<(), Error> {
        self.hardware.reset(number)
    }

    pub fn listen(&mut self, port: u16) -> Result<(), Error> {
        self.connections.listen(port)
    }

    pub fn unlisten(&mut self, port: u16) -> Result<(), Error> {
        self.connections.unlisten(port)
    }

    pub fn connect(
        &mut self,
        qp: u32,
        peer: SocketAddrV4,
        options: &StartupOptions,
    ) -> Result<(), Error> {
        let now = self.hardware.device.function().now();
        self.connections.connect(&mut self.hardware, qp, peer, options, now)
    }

    pub fn accept(
        &mut self,
        request: RequestId,
        qp: u32,
        options: &StartupOptions,
    ) -> Result<(), Error> {
        self.connections.accept(&mut self.hardware, request, qp, options)
    }

    pub fn reject(&mut self, request: RequestId, private_data: &[u8]) -> Result<(), Error> {
        self.connections.reject(request, private_data)
    }

    pub fn disconnect(&mut self, qp: u32) -> Result<(), Error> {
        let now = self.hardware.device.function().now();
        self.connections.disconnect(&mut self.hardware, qp, now)
    }
}

/// All objects of the application are gone by now. The device lets go of the driver's own memory,
/// and of what it did not let go before, ahead of the unmapping.
impl Drop for Station {
    fn drop(&mut self) {
        let ended = self.connections.say_last_words(&mut self.hardware);
        let ended = ended.and_then(|()| self.hardware.say_last_words());
        if let Err(error) = ended.and_then(|()| self.hardware.shut_down()) {
            tracing::warn!(%error, "the device did not stop");
            self.hardware.device.give_up();
        }
    }
}
