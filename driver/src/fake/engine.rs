//! The stand-in's queues: what is posted is done at once, and frames find their owners.

use super::{Fake, Inner};
use crate::connection::Flow;
use ironwarp_abi::context::{table, CompletionQueueContext, QueuePairContext};
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;
use smoltcp::wire::{EthernetFrame, EthernetProtocol, Ipv4Packet, TcpPacket};

#[derive(Clone, Copy, Default)]
pub(super) struct Queue {
    pub posted: u16,
    pub done: u16,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Qp {
    pub active: bool,
    pub started: bool,
    pub generation: u8,
    pub context: QueuePairContext,
    pub queues: [Queue; 2],
    pub receive_next: u32,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Cq {
    started: bool,
    context: CompletionQueueContext,
    written: u16,
    consumed: u16,
    armed: bool,
}

impl Inner {
    pub fn flow_key(&self) -> [u32; 3] {
        [reg::FLOW_KEY_0, reg::FLOW_KEY_1, reg::FLOW_KEY_2]
            .map(|register| self.registers.get(&register.address).copied().unwrap_or(0))
    }
}

impl Fake {
    pub(super) fn commit(&self, inner: &mut Inner, value: u32) {
        let (index, of) = (value & 0xff_ffff, (value >> 24 & 0xf) as u8);
        let at_work = match of {
            table::QUEUE_PAIR => inner.qps.get(index as usize).is_some_and(|qp| qp.started),
            table::COMPLETION_QUEUE => inner.cqs.get(index as usize).is_some_and(|cq| cq.started),
            _ => false,
        };
        if at_work {
            inner.complaints.push(format!("a record for {index} of table {of}, which is at work"));
        }
        if let Err(complaint) = inner.records.commit(of, index) {
            inner.complaints.push(complaint);
        }
    }

    pub(super) fn control_completion_queue(&self, inner: &mut Inner, value: u32) {
        let (index, started) = (value & 0xff_ffff, value >> 24 & 1 == 1);
        let context = inner.records.completion_queue(index);
        inner.cqs[index as usize] = Cq { context, started, ..Cq::default() };
    }

    pub(super) fn control_queue_pair(&self, inner: &mut Inner, value: u32) {
        let index = value & 0xff_ffff;
        if value >> 24 & 1 == 0 {
            let qp = &mut inner.qps[index as usize];
            (qp.active, qp.started) = (false, false);
            return;
        }
        if inner.config[&4] & 0b110 != 0b110 {
            inner.complaints.push("started without bus mastering".into());
        }
        let context = inner.records.queue_pair(index);
        let receive_next = context.receive_next;
        let generation = inner.qps[index as usize].generation.wrapping_add(1);
        let (active, started) = (true, true);
        inner.qps[index as usize] =
            Qp { active, started, generation, context, receive_next, ..Qp::default() };
    }

    pub(super) fn ring(&self, inner: &mut Inner, address: u32, value: u32) {
        let bits = self.configuration.area_bits();
        let (area, page) = (address >> bits, address & ((1 << bits) - 1));
        let (number, which) = (page >> reg::DOORBELL_PAGE_BITS, page & 0xfff);
        match (area, which) {
            (reg::AREA_QP, reg::DOORBELL_SEND) => {
                inner.qps[number as usize].queues[0].posted = value as u16;
                self.send(inner, number);
            }
            (reg::AREA_QP, reg::DOORBELL_RECEIVE) => {
                inner.qps[number as usize].queues[1].posted = value as u16;
            }
            (reg::AREA_CQ, reg::DOORBELL_CONSUMED) => {
                inner.cqs[number as usize].consumed = value as u16;
            }
            (reg::AREA_CQ, reg::DOORBELL_ARM) => {
                let cq = &mut inner.cqs[number as usize];
                match cq.consumed != cq.written {
                    true => self.interrupts.of(cq.context.vector.into()).unwrap().signal(),
                    false => cq.armed = true,
                }
            }
            _ => inner.complaints.push(format!("no doorbell is at {address:#x}")),
        }
    }

    pub(super) fn write_entry(&self, inner: &mut Inner, cq: u32, mut entry: CompletionEntry) {
        let queue = &mut inner.cqs[cq as usize];
        if !queue.started {
            return;
        }
        let size = 1u16 << queue.context.log2;
        if queue.written.wrapping_sub(queue.consumed) >= size {
            inner.complaints.push(format!("completion queue {cq} has no place for {entry:?}"));
            return;
        }
        entry.phase = queue.written >> queue.context.log2 & 1 == 0;
        let slot = u64::from(queue.written % size);
        queue.written = queue.written.wrapping_add(1);
        self.iova.write(queue.context.ring + 32 * slot, &entry.to_bytes()).unwrap();
        if std::mem::take(&mut queue.armed) {
            self.interrupts.of(queue.context.vector.into()).unwrap().signal();
        }
    }

    /// Sends on queue pair 0 leave; all others are done at once.
    fn send(&self, inner: &mut Inner, number: u32) {
        while {
            let qp = inner.qps[number as usize];
            qp.active && qp.queues[0].done != qp.queues[0].posted
        } {
            let qp = inner.qps[number as usize];
            let request = qp.queues[0].done;
            inner.qps[number as usize].queues[0].done = request.wrapping_add(1);
            let mut bytes = [0; SendRequest::BYTES];
            let slot = u64::from(request) & ((1 << qp.context.send_queue_log2) - 1);
            self.iova.read(qp.context.send_queue + 64 * slot, &mut bytes).unwrap();
            let wqe = SendRequest::from_bytes(&bytes);
            if number == 0 {
                self.send_raw(inner, &wqe, qp.context.pd);
            }
            if wqe.signaled {
                let (kind, generation, length) = (kind::SEND, qp.generation, wqe.length);
                let entry = CompletionEntry {
                    qp: number,
                    kind,
                    request,
                    generation,
                    length,
                    ..Default::default()
                };
                self.write_entry(inner, qp.context.send_cq, entry);
            }
        }
    }

    fn send_raw(&self, inner: &mut Inner, wqe: &SendRequest, pd: u16) {
        assert_eq!(wqe.opcode, opcode::RAW_FRAME);
        let (stag, offset) = (wqe.local_stag, wqe.local_offset);
        let at = inner.records.translate(stag, offset, wqe.length, pd).unwrap();
        let mut frame = vec![0; wqe.length as usize];
        self.iova.read(at, &mut frame).unwrap();
        let flows = inner.records.valid_flows().len();
        if inner.filter.as_mut().is_none_or(|filter| filter(&frame, flows)) {
            self.outbox.lock().unwrap().push_back(frame);
        }
    }

    /// Frames that have arrived go to their connections, or to the raw queue; fences are done.
    pub(super) fn pump(&self, inner: &mut Inner) {
        self.settle_fences(inner);
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
        let at = inner.records.translate(stag, offset, wqe.length, qp.context.pd).unwrap();
        self.iova.write(at, frame).unwrap();
        let (kind, generation, length) = (kind::RECEIVE, qp.generation, frame.len() as u32);
        let entry = CompletionEntry { kind, request, generation, length, ..Default::default() };
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
        let found = inner.records.find_flow(inner.flow_key(), &flow);
        let Some(number) = found else { return false };
        if tcp.syn() || !inner.qps[number as usize].active {
            return false;
        }
        inner.owned.push(frame.to_vec());
        let qp = &mut inner.qps[number as usize];
        let (sequence, payload) = (tcp.seq_number().0 as u32, tcp.payload().len() as u32);
        if sequence == qp.receive_next {
            qp.receive_next = sequence.wrapping_add(payload);
            let status = match (tcp.rst(), tcp.fin()) {
                (true, _) => Some(status::PEER_RESET),
                (_, true) => Some(status::PEER_CLOSED),
                _ => None,
            };
            let (cq, sequence, generation) =
                (qp.context.receive_cq, qp.receive_next, qp.generation);
            if let Some(status) = status {
                let (qp, kind) = (number, kind::EVENT);
                let entry = CompletionEntry {
                    qp,
                    kind,
                    status,
                    sequence,
                    generation,
                    ..Default::default()
                };
                self.write_entry(inner, cq, entry);
            }
        }
        true
    }
}
