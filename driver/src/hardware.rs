//! The device with the objects that were started on it.

use crate::completion::CompletionQueueRecord;
use crate::connection::Flow;
use crate::device::{Device, Query};
use crate::error::Error;
use crate::queue_pair::QueuePairRecord;
use crate::raw::RawQueue;
use crate::state::QpEvent;
use ironwarp_abi::context::{flow_hash, FlowContext, QueuePairContext};
use ironwarp_abi::limits::{FLOW_COUNT, FLOW_PROBES};
use ironwarp_abi::registers::{FLOW_CONTEXTS, QP_ACTIVE, QP_CONTEXTS, QP_CONTROL};

/// The word of a flow entry that holds the valid bit, the last one.
const FLOW_VALID_WORD: usize = FlowContext::WORDS - 1;

/// Queue pairs, completion queues, flow table and raw queue of a device.
pub(crate) struct Hardware {
    /// Registers.
    pub device: Device,
    /// Queue pairs by number; 0 is the raw queue's and not in here.
    pub queue_pairs: Vec<Option<QueuePairRecord>>,
    /// Completion queues by number; 0 is the raw queue's and not in here.
    pub completion_queues: Vec<Option<CompletionQueueRecord>>,
    /// The flow table as it was written.
    pub flows: [Option<Flow>; FLOW_COUNT],
    /// Ethernet frames.
    pub raw: RawQueue,
}

impl Hardware {
    /// A queue pair by number.
    pub fn qp(&mut self, number: u8) -> Result<&mut QueuePairRecord, Error> {
        let slot = self.queue_pairs.get_mut(usize::from(number));
        slot.and_then(Option::as_mut).ok_or(Error::Gone("queue pair"))
    }

    /// A completion queue by number.
    pub fn cq(&mut self, number: u8) -> Result<&mut CompletionQueueRecord, Error> {
        let slot = self.completion_queues.get_mut(usize::from(number));
        slot.and_then(Option::as_mut).ok_or(Error::Gone("completion queue"))
    }

    /// A queue pair, and the device to act on it with.
    pub fn qp_and_device(&mut self, number: u8) -> Result<(&mut QueuePairRecord, &Device), Error> {
        let slot = self.queue_pairs.get_mut(usize::from(number));
        let qp = slot.and_then(Option::as_mut).ok_or(Error::Gone("queue pair"))?;
        Ok((qp, &self.device))
    }

    /// Takes what the device has written to the completion queues.
    pub fn collect(&mut self) -> Result<(), Error> {
        for queue in self.completion_queues.iter_mut().flatten() {
            queue.collect(&self.device, &mut self.queue_pairs)?;
        }
        Ok(())
    }

    /// A free place for a flow where the device will look for it.
    fn place_for(&self, flow: &Flow) -> Result<usize, Error> {
        let hash = flow_hash(flow.remote_ip.into(), flow.remote_port, flow.local_port);
        let places = (hash..hash + FLOW_PROBES).map(|place| place % FLOW_COUNT);
        let mut free = places.filter(|place| self.flows[*place].is_none());
        free.next().ok_or(Error::Exhausted("flow table entry near the connection's hash"))
    }

    /// Hands a connection to the hardware: context, start, and the entry of its flow if it comes in
    /// frames. What was posted before is announced.
    pub fn arm(
        &mut self,
        qp: u8,
        flow: Option<Flow>,
        context: &QueuePairContext,
    ) -> Result<(), Error> {
        let place = flow.map(|flow| self.place_for(&flow)).transpose()?;
        let mut record = *context;
        let [send, receive] = self.qp(qp)?.rings();
        (record.send_queue, record.send_queue_log2) = (send.bus_address(), send.log2());
        (record.receive_queue, record.receive_queue_log2) = (receive.bus_address(), receive.log2());
        record.pd = self.qp(qp)?.pd;
        (record.send_cq, record.receive_cq) = (self.qp(qp)?.send_cq, self.qp(qp)?.receive_cq);
        self.qp(qp)?.apply(QpEvent::Armed)?;
        self.device.write_context(QP_CONTEXTS, qp.into(), 0, &record.to_words())?;
        self.device.control(QP_CONTROL, qp, true)?;
        let (queue_pair, device) = self.qp_and_device(qp)?;
        queue_pair.ring_receive(device)?;
        // The flow becomes valid last: a segment that finds it finds a queue pair at work.
        if let (Some(flow), Some(place)) = (flow, place) {
            self.write_flow(qp, flow, place)?;
        }
        // Posted writes: this read returns when they have taken effect.
        self.device.read(QP_ACTIVE).map(|_| ())
    }

    fn write_flow(&mut self, qp: u8, flow: Flow, place: usize) -> Result<(), Error> {
        let entry = FlowContext {
            remote_ip: flow.remote_ip.into(),
            local_ip: flow.local_ip.into(),
            local_port: flow.local_port,
            remote_port: flow.remote_port,
            qp,
            valid: true,
        };
        self.device.write_context(FLOW_CONTEXTS, place, 0, &entry.to_words())?;
        self.flows[place] = Some(flow);
        Ok(())
    }

    /// Segments of a flow go to the raw queue from now on.
    pub fn remove_flow(&mut self, flow: &Flow) -> Result<(), Error> {
        for place in 0..FLOW_COUNT {
            if self.flows[place].as_ref() == Some(flow) {
                self.device.write_context(FLOW_CONTEXTS, place, FLOW_VALID_WORD, &[0])?;
                self.flows[place] = None;
            }
        }
        Ok(())
    }

    /// Stops a queue pair and answers where its stream stood. Its completions so far are collected.
    pub fn halt(&mut self, qp: u8) -> Result<Query, Error> {
        let query = self.device.query(qp)?;
        self.stop(qp)?;
        Ok(query)
    }

    /// Stops a queue pair and collects its last completions.
    pub fn stop(&mut self, qp: u8) -> Result<(), Error> {
        self.device.control(QP_CONTROL, qp, false)?;
        // Completion entries written before this read's answer are in memory after it.
        self.device.read(QP_ACTIVE)?;
        self.collect()
    }

    /// Flushes what a stopped queue pair has left, into its completion queues.
    pub fn flush(&mut self, qp: u8) -> Result<(), Error> {
        let record = self.qp(qp)?;
        let (send_cq, receive_cq) = (record.send_cq, record.receive_cq);
        let [sends, receives] = record.flush();
        for (queue, completions) in [(send_cq, sends), (receive_cq, receives)] {
            let queue = self.cq(queue)?;
            completions.into_iter().for_each(|completion| queue.push(completion));
        }
        Ok(())
    }

    /// Stops a completion queue for good.
    pub fn remove_completion_queue(&mut self, number: u8) -> Result<(), Error> {
        let slot = self.completion_queues.get_mut(usize::from(number));
        let slot = slot.ok_or(Error::Gone("completion queue"))?;
        slot.as_ref().ok_or(Error::Gone("completion queue"))?.stop(&self.device)?;
        *slot = None;
        Ok(())
    }

    /// Asks for an interrupt with the next entry of any completion queue.
    pub fn arm_all(&mut self) -> Result<(), Error> {
        self.raw.arm(&self.device)?;
        for queue in self.completion_queues.iter().flatten() {
            queue.arm(&self.device)?;
        }
        Ok(())
    }
}
