//! A PCI function for tests: registers, records, fences, raw queue, and just enough of the rest to
//! see what the driver hands over. It is a stand-in, not a model: no FPDU ever leaves it.

mod engine;
mod records;

use crate::backend::Interrupts;
use crate::connection::Flow;
use crate::error::Error;
use crate::iova::{IovaTable, Placement};
use crate::os::{EventFd, Region};
use crate::pci::{Mapping, PciFunction};
use crate::sync::{Condvar, Mutex, MutexGuard};
use engine::{Cq, Qp};
use ironwarp_abi::configuration::{Configuration, REFERENCE};
use ironwarp_abi::context::{
    CompletionQueueContext, FlowContext, MemoryRegionContext, NextHopContext, QueuePairContext,
};
use ironwarp_abi::limits::{OUTSTANDING_BITS, SGE_MAX, VECTOR_COUNT};
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers as reg;
use ironwarp_abi::{pci, status};
use records::Records;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

type Inbox = Arc<std::sync::Mutex<VecDeque<Vec<u8>>>>;
/// Looks at every frame that leaves, with the number of valid flow entries; false loses it.
type Filter = Box<dyn FnMut(&[u8], usize) -> bool + Send>;

/// How fences go.
#[derive(Default)]
struct Fences {
    delay: Duration,
    /// The numbers of those that are under way, and when they are done.
    due: VecDeque<(Duration, u16)>,
    /// What is written to memory at the last moment.
    late: Option<(u64, Vec<u8>)>,
}

#[derive(Default)]
struct Inner {
    registers: BTreeMap<u32, u32>,
    config: BTreeMap<u16, u32>,
    records: Records,
    qps: Vec<Qp>,
    cqs: Vec<Cq>,
    fences: Fences,
    filter: Option<Filter>,
    /// Registers that read something else than they should.
    overrides: BTreeMap<u32, u32>,
    /// A register that cannot be written.
    unwritable: Option<u32>,
    /// Segments of owned connections, as they came.
    owned: Vec<Vec<u8>>,
    /// Bus mastering or interrupts that were off when they were needed, and the like.
    complaints: Vec<String>,
}

/// The stand-in.
pub(crate) struct Fake {
    configuration: Configuration,
    inner: Mutex<Inner>,
    iova: IovaTable,
    inbox: Inbox,
    outbox: Inbox,
    clock: Arc<AtomicU64>,
    interrupts: Interrupts,
    /// Its time does not pass with the waits of its driver.
    by_itself: AtomicBool,
    /// A fence was asked for.
    asked: Condvar,
}

impl Fake {
    /// One whose frames go nowhere.
    pub fn alone() -> Arc<Self> {
        Self::pair().0
    }

    /// The same, of other sizes.
    pub fn with_configuration(configuration: Configuration) -> Arc<Self> {
        Self::make(configuration, [Inbox::default(), Inbox::default()], Arc::default())
    }

    /// From now on another thread lets its time pass, as a card's does; or no longer.
    #[cfg(loom)]
    pub fn set_by_itself(&self, by_itself: bool) {
        self.by_itself.store(by_itself, Ordering::Relaxed);
    }

    /// Waits until a fence is asked for, and is done with it.
    #[cfg(loom)]
    pub fn pass_fence(&self) {
        let mut inner = self.lock();
        while inner.fences.due.is_empty() {
            inner = self.asked.wait(inner).unwrap();
        }
        let due = inner.fences.due[0].0;
        self.clock.store(due.as_micros() as u64, Ordering::Relaxed);
        self.pump(&mut inner);
    }

    /// Two with a perfect cable between them and one clock.
    pub fn pair() -> (Arc<Self>, Arc<Self>) {
        let clock = Arc::new(AtomicU64::new(1_000_000));
        let (left, right) = (Inbox::default(), Inbox::default());
        let there = Self::make(REFERENCE, [left.clone(), right.clone()], clock.clone());
        (there, Self::make(REFERENCE, [right, left], clock))
    }

    fn make(
        configuration: Configuration,
        [inbox, outbox]: [Inbox; 2],
        clock: Arc<AtomicU64>,
    ) -> Arc<Self> {
        let events = (0..VECTOR_COUNT).map(|_| Arc::new(EventFd::new().unwrap())).collect();
        let fake = Self {
            configuration,
            inner: Mutex::default(),
            iova: IovaTable::new(Placement::High),
            inbox,
            outbox,
            clock,
            interrupts: Interrupts::new(events).unwrap(),
            by_itself: AtomicBool::new(false),
            asked: Condvar::default(),
        };
        fake.power_on();
        Arc::new(fake)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn power_on(&self) {
        let mut inner = self.lock();
        let (filter, overrides) = (inner.filter.take(), std::mem::take(&mut inner.overrides));
        let qps = vec![Qp::default(); self.configuration.qp_count()];
        let cqs = vec![Cq::default(); self.configuration.cq_count()];
        let records = Records::new(self.configuration);
        *inner = Inner { filter, overrides, qps, cqs, records, ..Inner::default() };
        let ids = u32::from(pci::DEVICE_ID) << 16 | u32::from(pci::VENDOR_ID);
        inner.config = BTreeMap::from([
            (0x00, ids),
            (0x04, 1 << 20),
            (0x08, pci::CLASS_CODE << 8 | u32::from(pci::REVISION)),
            (0x34, 0x40),
            (0x40, 0x50 << 8 | 0x05),
            (0x50, (VECTOR_COUNT as u32 - 1) << 16 | 0x11),
            (0x54, reg::MSIX_TABLE),
        ]);
        let Configuration { qp_bits, cq_bits, mr_bits, bucket_bits, stream_ring_bits } =
            self.configuration;
        let capabilities = qp_bits | cq_bits << 8 | mr_bits << 16 | bucket_bits << 24;
        let sizes =
            OUTSTANDING_BITS << 4 | stream_ring_bits << 8 | VECTOR_COUNT << 16 | SGE_MAX << 24;
        inner.registers = BTreeMap::from([
            (reg::DEVICE.address, reg::DEVICE_MAGIC),
            (reg::VERSION.address, reg::ABI_VERSION),
            (reg::CAPABILITIES.address, capabilities as u32),
            (reg::SIZES.address, sizes as u32),
        ]);
    }

    /// Makes a register read this value, whatever happens.
    pub fn set(&self, register: reg::Register, value: u32) {
        self.lock().overrides.insert(register.address, value);
    }

    /// What was last written to a register.
    pub fn get(&self, register: reg::Register) -> u32 {
        self.lock().registers.get(&register.address).copied().unwrap_or(0)
    }

    /// Changes configuration space.
    pub fn set_config(&self, offset: u16, value: u32) {
        self.lock().config.insert(offset, value);
    }

    /// The bus fails when this register is written.
    pub fn fail_writes_to(&self, register: reg::Register) {
        self.lock().unwritable = Some(register.address);
    }

    /// All registers can be written again.
    pub fn fail_no_writes(&self) {
        self.lock().unwritable = None;
    }

    /// Fences that are asked for from now on are done after so long.
    pub fn delay_fences(&self, delay: Duration) {
        self.lock().fences.delay = delay;
    }

    /// These octets are written to memory at the last moment before a fence is done.
    pub fn write_before_fence(&self, bus_address: u64, octets: &[u8]) {
        self.lock().fences.late = Some((bus_address, octets.into()));
    }

    /// The device can reach this address.
    pub fn is_mapped(&self, bus_address: u64) -> bool {
        self.iova.read(bus_address, &mut [0]).is_ok()
    }

    /// Looks at every frame that leaves from now on; false loses it.
    pub fn filter(&self, mut filter: impl FnMut(&[u8]) -> bool + Send + 'static) {
        self.lock().filter = Some(Box::new(move |frame, _| filter(frame)));
    }

    /// Looks at every frame that leaves from now on, with the number of valid flow entries.
    pub fn watch(&self, mut watch: impl FnMut(&[u8], usize) + Send + 'static) {
        let filter = move |frame: &[u8], flows| {
            watch(frame, flows);
            true
        };
        self.lock().filter = Some(Box::new(filter));
    }

    /// A frame out of nowhere, as if the peer had sent it.
    pub fn inject(&self, frame: Vec<u8>) {
        self.inbox.lock().unwrap().push_back(frame);
    }

    /// A memory region record as it was committed.
    pub fn memory_region(&self, number: usize) -> MemoryRegionContext {
        self.lock().records.region(number)
    }

    /// A completion queue's record as it was committed.
    pub fn completion_queue(&self, cq: u32) -> CompletionQueueContext {
        self.lock().records.completion_queue(cq)
    }

    /// The next hop that was committed for a queue pair, if one was.
    pub fn next_hop(&self, qp: u32) -> Option<u64> {
        self.lock().records.next_hop(qp).map(|NextHopContext { remote_mac }| remote_mac)
    }

    /// The context that a queue pair was started with, if it is active.
    pub fn queue_pair(&self, qp: u32) -> Option<QueuePairContext> {
        let qp = self.lock().qps[qp as usize];
        qp.active.then_some(qp.context)
    }

    /// A doorbell's last value.
    pub fn doorbell(&self, qp: u32, which: u32) -> u32 {
        let address = self.configuration.qp_doorbell(qp, which);
        self.lock().registers.get(&address).copied().unwrap_or(0)
    }

    /// The flow table has only so many buckets.
    pub fn set_bucket_bits(&self, bits: usize) {
        self.lock().records.configuration.bucket_bits = bits;
    }

    /// The valid flow entries.
    pub fn flows(&self) -> Vec<FlowContext> {
        self.lock().records.valid_flows()
    }

    /// The queue pair that a look-up of a flow gives.
    pub fn find_flow(&self, flow: &Flow) -> Option<u32> {
        let inner = self.lock();
        inner.records.find_flow(inner.flow_key(), flow)
    }

    /// Segments of owned connections, as they came.
    pub fn take_owned(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.lock().owned)
    }

    /// What the driver did wrong.
    pub fn complaints(&self) -> Vec<String> {
        self.lock().complaints.clone()
    }

    /// Something happens to a queue pair.
    pub fn event(&self, qp: u32, status: u8, sequence: u32) {
        let entry = CompletionEntry { kind: kind::EVENT, status, sequence, ..Default::default() };
        self.tell(qp, entry, 0);
    }

    /// An entry of a queue pair's, as it is but for number and phase, and of a life so many before.
    pub fn tell(&self, qp: u32, entry: CompletionEntry, lives_ago: u8) {
        let mut inner = self.lock();
        let Qp { context, generation, .. } = inner.qps[qp as usize];
        let generation = generation.wrapping_sub(lives_ago);
        let cq = if entry.kind == kind::SEND { context.send_cq } else { context.receive_cq };
        self.write_entry(&mut inner, cq, CompletionEntry { qp, generation, ..entry });
    }

    /// A completion queue has lost an entry of a queue pair.
    pub fn overflow(&self, cq: u32, qp: u32) {
        let mut inner = self.lock();
        let (kind, status) = (kind::OVERFLOW, status::CQ_OVERFLOW);
        let generation = inner.qps[qp as usize].generation;
        let entry = CompletionEntry { qp, kind, status, generation, ..Default::default() };
        self.write_entry(&mut inner, cq, entry);
    }

    /// A message arrives in a queue pair's oldest receive.
    pub fn deliver(&self, qp: u32, length: u32) {
        let request = {
            let queue = &mut self.lock().qps[qp as usize].queues[1];
            assert_ne!(queue.done, queue.posted, "no receive was announced");
            queue.done = queue.done.wrapping_add(1);
            queue.done.wrapping_sub(1)
        };
        let entry = CompletionEntry { kind: kind::RECEIVE, request, length, ..Default::default() };
        self.tell(qp, entry, 0);
    }

    /// Tells of the fences that are done by now.
    fn settle_fences(&self, inner: &mut Inner) {
        let now = self.now();
        while let Some((_, number)) = inner.fences.due.front().filter(|(due, _)| *due <= now) {
            let request = *number;
            inner.fences.due.pop_front();
            if let Some((address, octets)) = inner.fences.late.take() {
                if self.iova.write(address, &octets).is_err() {
                    inner.complaints.push(format!("unmapped before the fence: {address:#x}"));
                }
            }
            let cq = inner.registers.get(&reg::FENCE_QUEUE.address).copied().unwrap_or(0);
            let entry = CompletionEntry { kind: kind::FENCE, request, ..Default::default() };
            self.write_entry(inner, cq, entry);
        }
    }

    fn ask_fence(&self, inner: &mut Inner, value: u32) {
        let begin = inner.fences.due.back().map_or(Duration::ZERO, |last| last.0).max(self.now());
        let due = begin.saturating_add(inner.fences.delay);
        inner.fences.due.push_back((due, u16::try_from(value).unwrap()));
        self.asked.notify_all();
        self.settle_fences(inner);
    }

    fn write_register(&self, inner: &mut Inner, address: u32, value: u32) {
        let words = reg::CONTEXT_WINDOW_WORDS as u32;
        let window = reg::CONTEXT_WINDOW..reg::CONTEXT_WINDOW + 4 * words;
        match address {
            x if window.contains(&x) => inner.records.write((x - window.start) / 4, value),
            x if x == reg::COMMIT.address => self.commit(inner, value),
            x if x == reg::QP_CONTROL.address => self.control_queue_pair(inner, value),
            x if x == reg::CQ_CONTROL.address => self.control_completion_queue(inner, value),
            x if x == reg::FENCE.address => self.ask_fence(inner, value),
            x if x >> self.configuration.area_bits() != 0 => self.ring(inner, address, value),
            _ => {}
        }
    }
}

impl PciFunction for Fake {
    fn config_read32(&self, offset: u16) -> Result<u32, Error> {
        Ok(self.lock().config.get(&offset).copied().unwrap_or(0))
    }

    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error> {
        let mut inner = self.lock();
        // The upper half of the command's word is the status: it cannot be written with zeros.
        let kept = if offset == 0x04 { inner.config[&offset] & 0xffff_0000 } else { 0 };
        inner.config.insert(offset, value | kept);
        Ok(())
    }

    fn bar_read32(&self, offset: u32) -> Result<u32, Error> {
        let mut inner = self.lock();
        self.pump(&mut inner);
        if let Some(value) = inner.overrides.get(&offset) {
            return Ok(*value);
        }
        let read = |address| inner.registers.get(&address).copied().unwrap_or(0);
        let qp = inner.qps[read(reg::QUERY_QP.address) as usize];
        Ok(match offset {
            x if x == reg::QUERY_STATE.address => {
                let flags = u32::from(qp.active) << 8 | u32::from(qp.started) << 9;
                flags | u32::from(qp.generation)
            }
            x if x == reg::QUERY_SEND_NEXT.address => qp.context.send_next,
            x if x == reg::QUERY_SEND_UNACKNOWLEDGED.address => qp.context.send_next,
            x if x == reg::QUERY_RECEIVE_NEXT.address => qp.receive_next,
            _ => read(offset),
        })
    }

    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error> {
        let mut inner = self.lock();
        self.pump(&mut inner);
        if inner.unwritable == Some(offset) {
            return Err(Error::Bus("the stand-in was told to fail".into()));
        }
        if offset >= self.configuration.bar_bytes() || offset % 4 != 0 {
            inner.complaints.push(format!("a write to {offset:#x}"));
        }
        inner.registers.insert(offset, value);
        self.write_register(&mut inner, offset, value);
        Ok(())
    }

    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error> {
        self.iova.map(&Region::new(bytes)?)
    }

    fn map_memory(&self, region: &Region) -> Result<Mapping, Error> {
        self.iova.map(region)
    }

    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error> {
        crate::msix::enable(self, vectors)
    }

    fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        self.interrupts.of(vector)
    }

    fn interrupts(&self) -> u64 {
        self.interrupts.heard()
    }

    fn wait(&self, known: u64, limit: Duration) -> Result<u64, Error> {
        if self.by_itself.load(Ordering::Relaxed) {
            return self.interrupts.wait(known, limit);
        }
        self.pump(&mut self.lock());
        let heard = self.interrupts.wait(known, Duration::ZERO)?;
        if heard != known {
            return Ok(heard);
        }
        let mut inner = self.lock();
        let due = inner.fences.due.front().map_or(Duration::MAX, |(due, _)| *due);
        let step = limit.min(due.saturating_sub(self.now()));
        self.clock.fetch_add(step.as_micros() as u64, Ordering::Relaxed);
        self.pump(&mut inner);
        drop(inner);
        self.interrupts.wait(known, Duration::ZERO)
    }

    fn now(&self) -> Duration {
        Duration::from_micros(self.clock.load(Ordering::Relaxed))
    }

    fn reset(&self) -> Result<(), Error> {
        self.power_on();
        Ok(())
    }
}
