//! A PCI function for tests: registers, raw queue, and just enough of the rest to see what the
//! driver hands over. It is a stand-in, not a model: no FPDU ever leaves it.

use crate::connection::Flow;
use crate::error::Error;
use crate::iova::{IovaTable, Placement};
use crate::os::{EventFd, Region};
use crate::pci::{Mapping, PciFunction};
use ironwarp_abi::context::{
    CompletionQueueContext, FlowContext, MemoryRegionContext, QueuePairContext,
};
use ironwarp_abi::limits::{self, MR_BITS, MR_COUNT};
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::registers as reg;
use ironwarp_abi::{pci, status};
use smoltcp::wire::{EthernetFrame, EthernetProtocol, Ipv4Packet, TcpPacket};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

const STRIDE: u32 = reg::CONTEXT_STRIDE;

type Inbox = Arc<Mutex<VecDeque<Vec<u8>>>>;
/// Looks at every frame that leaves, with the number of valid flow entries; false loses it.
type Filter = Box<dyn FnMut(&[u8], usize) -> bool + Send>;

#[derive(Clone, Copy, Default)]
struct Queue {
    posted: u16,
    done: u16,
}

#[derive(Clone, Copy, Default)]
struct Qp {
    active: bool,
    context: QueuePairContext,
    queues: [Queue; 2],
    receive_next: u32,
}

#[derive(Clone, Copy, Default)]
struct Cq {
    context: CompletionQueueContext,
    written: u16,
    armed: bool,
}

#[derive(Default)]
struct Inner {
    registers: BTreeMap<u32, u32>,
    config: BTreeMap<u16, u32>,
    qps: [Qp; 16],
    cqs: [Cq; 16],
    filter: Option<Filter>,
    /// Registers that read something else than they should.
    overrides: BTreeMap<u32, u32>,
    /// Segments of owned connections, as they came.
    owned: Vec<Vec<u8>>,
    /// Bus mastering or interrupts that were off when they were needed, and the like.
    complaints: Vec<String>,
}

/// The stand-in.
pub(crate) struct Fake {
    inner: Mutex<Inner>,
    iova: IovaTable,
    inbox: Inbox,
    outbox: Inbox,
    clock: Arc<AtomicU64>,
    interrupts: Vec<Arc<EventFd>>,
}

impl Fake {
    /// One whose frames go nowhere.
    pub fn alone() -> Arc<Self> {
        Self::pair().0
    }

    /// Two with a perfect cable between them and one clock.
    pub fn pair() -> (Arc<Self>, Arc<Self>) {
        let clock = Arc::new(AtomicU64::new(1_000_000));
        let (left, right) = (Inbox::default(), Inbox::default());
        let make = |inbox: &Inbox, outbox: &Inbox| {
            let fake = Self {
                inner: Mutex::default(),
                iova: IovaTable::new(Placement::High),
                inbox: inbox.clone(),
                outbox: outbox.clone(),
                clock: clock.clone(),
                interrupts: (0..16).map(|_| Arc::new(EventFd::new().unwrap())).collect(),
            };
            fake.power_on();
            Arc::new(fake)
        };
        (make(&left, &right), make(&right, &left))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn power_on(&self) {
        let mut inner = self.lock();
        let (filter, overrides) = (inner.filter.take(), std::mem::take(&mut inner.overrides));
        *inner = Inner { filter, overrides, ..Inner::default() };
        let ids = u32::from(pci::DEVICE_ID) << 16 | u32::from(pci::VENDOR_ID);
        inner.config = BTreeMap::from([
            (0x00, ids),
            (0x04, 1 << 20),
            (0x08, pci::CLASS_CODE << 8 | u32::from(pci::REVISION)),
            (0x34, 0x40),
            (0x40, 0x50 << 8 | 0x05),
            (0x50, (limits::VECTOR_COUNT as u32 - 1) << 16 | 0x11),
            (0x54, reg::MSIX_TABLE),
        ]);
        let capabilities = limits::QP_BITS
            | limits::CQ_BITS << 4
            | limits::MR_BITS << 8
            | limits::FLOW_BITS << 12
            | limits::VECTOR_COUNT << 16
            | limits::SGE_MAX << 24;
        inner.registers = BTreeMap::from([
            (reg::DEVICE.address, reg::DEVICE_MAGIC),
            (reg::VERSION.address, reg::ABI_VERSION),
            (reg::CAPABILITIES.address, capabilities as u32),
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

    /// A memory region record as it was written.
    pub fn memory_region(&self, index: usize) -> MemoryRegionContext {
        let inner = self.lock();
        MemoryRegionContext::from_words(&context(&inner, reg::MR_CONTEXTS, index))
    }

    /// The context that a queue pair was started with, if it is active.
    pub fn queue_pair(&self, qp: u8) -> Option<QueuePairContext> {
        let qp = self.lock().qps[usize::from(qp)];
        qp.active.then_some(qp.context)
    }

    /// A doorbell's last value.
    pub fn doorbell(&self, qp: u8, which: u32) -> u32 {
        let address = reg::QP_DOORBELLS + reg::DOORBELL_PAGE * u32::from(qp) + which;
        self.lock().registers.get(&address).copied().unwrap_or(0)
    }

    /// The valid flow entries.
    pub fn flows(&self) -> Vec<FlowContext> {
        valid_flows(&self.lock())
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
    pub fn event(&self, qp: u8, status: u8, sequence: u32) {
        let mut inner = self.lock();
        let cq = inner.qps[usize::from(qp)].context.receive_cq;
        let entry =
            CompletionEntry { qp, kind: kind::EVENT, status, sequence, ..Default::default() };
        self.write_entry(&mut inner, cq, entry);
    }

    /// A message arrives in a queue pair's oldest receive.
    pub fn deliver(&self, qp: u8, length: u32) {
        let mut inner = self.lock();
        let record = &mut inner.qps[usize::from(qp)];
        let (cq, queue) = (record.context.receive_cq, &mut record.queues[1]);
        assert_ne!(queue.done, queue.posted, "no receive was announced");
        let request = queue.done;
        queue.done = queue.done.wrapping_add(1);
        let entry =
            CompletionEntry { qp, kind: kind::RECEIVE, request, length, ..Default::default() };
        self.write_entry(&mut inner, cq, entry);
    }

    fn write_entry(&self, inner: &mut Inner, cq: u8, mut entry: CompletionEntry) {
        let queue = &mut inner.cqs[usize::from(cq)];
        let size = 1u16 << queue.context.log2;
        entry.phase = queue.written >> queue.context.log2 & 1 == 0;
        let slot = u64::from(queue.written % size);
        queue.written = queue.written.wrapping_add(1);
        self.iova.write(queue.context.ring + 32 * slot, &entry.to_bytes()).unwrap();
        if std::mem::take(&mut queue.armed) {
            self.interrupts[usize::from(queue.context.vector)].signal();
        }
    }

    /// Where octets of a memory region are, as the gate would say.
    fn translate(inner: &Inner, stag: u32, offset: u64, length: u32, pd: u16) -> Option<u64> {
        let index = stag as usize % MR_COUNT;
        let region = MemoryRegionContext::from_words(&context(inner, reg::MR_CONTEXTS, index));
        let inside = offset.checked_sub(region.base)?;
        let fits = inside + u64::from(length) <= u64::from(region.length);
        let ours = region.valid && region.key == stag >> MR_BITS && region.pd == pd;
        (fits && ours).then_some(region.bus_address + inside)
    }

    /// Sends on queue pair 0 leave; all others are done at once.
    fn send(&self, inner: &mut Inner, number: u8) {
        while {
            let qp = inner.qps[usize::from(number)];
            qp.active && qp.queues[0].done != qp.queues[0].posted
        } {
            let qp = inner.qps[usize::from(number)];
            let request = qp.queues[0].done;
            inner.qps[usize::from(number)].queues[0].done = request.wrapping_add(1);
            let mut bytes = [0; SendRequest::BYTES];
            let slot = u64::from(request) & ((1 << qp.context.send_queue_log2) - 1);
            self.iova.read(qp.context.send_queue + 64 * slot, &mut bytes).unwrap();
            let wqe = SendRequest::from_bytes(&bytes);
            if number == 0 {
                assert_eq!(wqe.opcode, opcode::RAW_FRAME);
                let (stag, offset) = (wqe.local_stag, wqe.local_offset);
                let at = Self::translate(inner, stag, offset, wqe.length, qp.context.pd).unwrap();
                let mut frame = vec![0; wqe.length as usize];
                self.iova.read(at, &mut frame).unwrap();
                let flows = valid_flows(inner).len();
                let passes = inner.filter.as_mut().is_none_or(|filter| filter(&frame, flows));
                if passes {
                    self.outbox.lock().unwrap().push_back(frame);
                }
            }
            if wqe.signaled {
                let (qp_number, cq) = (number, qp.context.send_cq);
                let entry = CompletionEntry {
                    qp: qp_number,
                    kind: kind::SEND,
                    request,
                    length: wqe.length,
                    ..Default::default()
                };
                self.write_entry(inner, cq, entry);
            }
        }
    }

    /// Frames that have arrived go to their connections, or to the raw queue.
    fn pump(&self, inner: &mut Inner) {
        while let Some(frame) = self.inbox.lock().unwrap().pop_front() {
            if !self.take_owned_frame(inner, &frame) {
                self.receive_raw(inner, &frame);
            }
        }
    }

    fn receive_raw(&self, inner: &mut Inner, frame: &[u8]) {
        let qp = inner.qps[0];
        if !qp.active || qp.queues[1].done == qp.queues[1].posted {
            return;
        }
        let request = qp.queues[1].done;
        inner.qps[0].queues[1].done = request.wrapping_add(1);
        let mut bytes = [0; ReceiveRequest::BYTES];
        let slot = u64::from(request) & ((1 << qp.context.receive_queue_log2) - 1);
        self.iova.read(qp.context.receive_queue + 64 * slot, &mut bytes).unwrap();
        let wqe = ReceiveRequest::from_bytes(&bytes);
        assert!(frame.len() <= wqe.length as usize);
        let (stag, offset) = (wqe.local_stag, wqe.local_offset);
        let at = Self::translate(inner, stag, offset, wqe.length, qp.context.pd).unwrap();
        self.iova.write(at, frame).unwrap();
        let length = frame.len() as u32;
        let kind = kind::RECEIVE;
        let entry = CompletionEntry { kind, request, length, ..Default::default() };
        self.write_entry(inner, qp.context.receive_cq, entry);
    }

    /// The flow table, and what FIN and RST bring about.
    fn take_owned_frame(&self, inner: &mut Inner, frame: &[u8]) -> bool {
        let Ok(ethernet) = EthernetFrame::new_checked(frame) else { return false };
        if ethernet.ethertype() != EthernetProtocol::Ipv4 {
            return false;
        }
        let Ok(ip) = Ipv4Packet::new_checked(ethernet.payload()) else { return false };
        let Ok(tcp) = TcpPacket::new_checked(ip.payload()) else { return false };
        let flow = Flow {
            local_ip: ip.dst_addr(),
            remote_ip: ip.src_addr(),
            local_port: tcp.dst_port(),
            remote_port: tcp.src_port(),
        };
        let Some(number) = find_flow(inner, &flow) else { return false };
        if tcp.syn() || !inner.qps[usize::from(number)].active {
            return false;
        }
        inner.owned.push(frame.to_vec());
        let qp = &mut inner.qps[usize::from(number)];
        let (sequence, payload) = (tcp.seq_number().0 as u32, tcp.payload().len() as u32);
        if sequence == qp.receive_next {
            qp.receive_next = sequence.wrapping_add(payload);
            let status = match (tcp.rst(), tcp.fin()) {
                (true, _) => Some(status::PEER_RESET),
                (_, true) => Some(status::PEER_CLOSED),
                _ => None,
            };
            let (cq, sequence) = (qp.context.receive_cq, qp.receive_next);
            if let Some(status) = status {
                let (qp, kind) = (number, kind::EVENT);
                let entry = CompletionEntry { qp, kind, status, sequence, ..Default::default() };
                self.write_entry(inner, cq, entry);
            }
        }
        true
    }

    fn control(&self, inner: &mut Inner, address: u32, value: u32) {
        let (index, enable) = ((value & 0xff) as usize, value >> 8 & 1 == 1);
        if address == reg::CQ_CONTROL.address {
            let context =
                CompletionQueueContext::from_words(&context(inner, reg::CQ_CONTEXTS, index));
            inner.cqs[index] = Cq { context, written: 0, armed: false };
            return;
        }
        if !enable {
            inner.qps[index].active = false;
            return;
        }
        if inner.config[&4] & 0b110 != 0b110 {
            inner.complaints.push("started without bus mastering".into());
        }
        let context = QueuePairContext::from_words(&context(inner, reg::QP_CONTEXTS, index));
        let receive_next = context.receive_next;
        inner.qps[index] = Qp { active: true, context, receive_next, ..Qp::default() };
    }

    fn ring(&self, inner: &mut Inner, address: u32, value: u32) {
        if address >= reg::CQ_DOORBELLS {
            let number = ((address - reg::CQ_DOORBELLS) / reg::DOORBELL_PAGE) as usize;
            if address % reg::DOORBELL_PAGE == reg::DOORBELL_ARM {
                let consumed = inner.registers.get(&(address - reg::DOORBELL_ARM)).copied();
                let waits = consumed.unwrap_or(0) as u16 != inner.cqs[number].written;
                match waits {
                    true => {
                        self.interrupts[usize::from(inner.cqs[number].context.vector)].signal();
                    }
                    false => inner.cqs[number].armed = true,
                }
            }
            return;
        }
        let number = ((address - reg::QP_DOORBELLS) / reg::DOORBELL_PAGE) as u8;
        let which = usize::from(address % reg::DOORBELL_PAGE == reg::DOORBELL_RECEIVE);
        inner.qps[usize::from(number)].queues[which].posted = value as u16;
        if which == 0 {
            self.send(inner, number);
        }
    }
}

fn context<const N: usize>(inner: &Inner, table: u32, index: usize) -> [u32; N] {
    let start = table + STRIDE * index as u32;
    std::array::from_fn(|n| inner.registers.get(&(start + 4 * n as u32)).copied().unwrap_or(0))
}

fn valid_flows(inner: &Inner) -> Vec<FlowContext> {
    let entries = (0..limits::FLOW_COUNT)
        .map(|n| FlowContext::from_words(&context(inner, reg::FLOW_CONTEXTS, n)));
    entries.filter(|entry| entry.valid).collect()
}

fn find_flow(inner: &Inner, flow: &Flow) -> Option<u8> {
    let remote_ip: u32 = flow.remote_ip.into();
    let hash = ironwarp_abi::context::flow_hash(remote_ip, flow.remote_port, flow.local_port);
    let places = hash..hash + limits::FLOW_PROBES;
    places.into_iter().find_map(|place| {
        let words = context(inner, reg::FLOW_CONTEXTS, place % limits::FLOW_COUNT);
        let entry = FlowContext::from_words(&words);
        let same = entry.remote_ip == remote_ip
            && entry.local_ip == u32::from(flow.local_ip)
            && (entry.local_port, entry.remote_port) == (flow.local_port, flow.remote_port);
        (entry.valid && same).then_some(entry.qp)
    })
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
        let read = |address| inner.registers.get(&address).copied().unwrap_or(0);
        let qp = inner.qps[read(reg::QUERY_QP.address) as usize % 16];
        if let Some(value) = inner.overrides.get(&offset) {
            return Ok(*value);
        }
        Ok(match offset {
            x if x == reg::QP_ACTIVE.address => {
                inner.qps.iter().rev().fold(0, |bits, qp| bits << 1 | u32::from(qp.active))
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
        if offset >= reg::BAR_BYTES || offset % 4 != 0 {
            inner.complaints.push(format!("a write to {offset:#x}"));
        }
        inner.registers.insert(offset, value);
        match offset {
            x if x == reg::QP_CONTROL.address || x == reg::CQ_CONTROL.address => {
                self.control(&mut inner, offset, value);
            }
            reg::QP_DOORBELLS.. => self.ring(&mut inner, offset, value),
            _ => {}
        }
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
        let range = "0 to 15";
        let wrong = Error::OutOfRange { what: "the vector", value: vector.into(), range };
        self.interrupts.get(usize::from(vector)).cloned().ok_or(wrong)
    }

    fn wait(&self, limit: Duration) -> Result<bool, Error> {
        self.pump(&mut self.lock());
        let interrupted = self.interrupts.iter().any(|interrupt| interrupt.take());
        if !interrupted {
            self.clock.fetch_add(limit.as_micros() as u64, Ordering::Relaxed);
        }
        Ok(interrupted)
    }

    fn now(&self) -> Duration {
        Duration::from_micros(self.clock.load(Ordering::Relaxed))
    }

    fn reset(&self) -> Result<(), Error> {
        self.power_on();
        Ok(())
    }
}
