//! The device with the objects that were started on it.

use crate::completion::CompletionQueueRecord;
use crate::connection::Flow;
use crate::device::Device;
use crate::error::Error;
use crate::flow_table::FlowTable;
use crate::numbered::Numbered;
use crate::queue_pair::QueuePairRecord;
use crate::raw::RawQueue;
use crate::state::QpEvent;
use crate::window::Query;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::registers::QP_CONTROL;
use std::time::Duration;

/// How long frames that wait at the end have to leave, in device time.
const LAST_WORDS: Duration = Duration::from_millis(20);
/// Longer than the largest frame takes from the device to the other end of its link.
const LINE: Duration = Duration::from_micros(20);

/// Queue pairs, completion queues, flow table and raw queue of a device.
pub(crate) struct Hardware {
    /// Registers.
    pub device: Device,
    /// Queue pairs for connections.
    pub queue_pairs: Numbered<QueuePairRecord>,
    /// Completion queues of the application.
    pub completion_queues: Numbered<CompletionQueueRecord>,
    /// The connections that the device owns.
    pub flows: FlowTable,
    /// Ethernet frames.
    pub raw: RawQueue,
}

impl Hardware {
    /// A queue pair by number.
    pub fn qp(&mut self, number: u32) -> Result<&mut QueuePairRecord, Error> {
        self.queue_pairs.get_mut(number)
    }

    /// A completion queue by number.
    pub fn cq(&mut self, number: u32) -> Result<&mut CompletionQueueRecord, Error> {
        self.completion_queues.get_mut(number)
    }

    /// A queue pair, and the device to act on it with.
    pub fn qp_and_device(&mut self, number: u32) -> Result<(&mut QueuePairRecord, &Device), Error> {
        Ok((self.queue_pairs.get_mut(number)?, &self.device))
    }

    /// Takes what the device has written to the completion queues.
    pub fn collect(&mut self) -> Result<(), Error> {
        for queue in self.completion_queues.values_mut() {
            queue.collect(&self.device, &mut self.queue_pairs)?;
        }
        Ok(())
    }

    /// Hands a connection to the hardware: context, start, and the entry of its flow if it comes in
    /// frames. What was posted before is announced. If it fails, the queue pair is stopped.
    pub fn arm(
        &mut self,
        qp: u32,
        flow: Option<Flow>,
        context: &QueuePairContext,
    ) -> Result<(), Error> {
        self.qp(qp)?.expect(QpEvent::Armed)?;
        if let Err(error) = self.try_arm(qp, flow, context) {
            self.flows.remove(&self.device, qp)?;
            self.stop(qp)?;
            return Err(error);
        }
        self.qp(qp)?.apply(QpEvent::Armed)
    }

    fn try_arm(
        &mut self,
        qp: u32,
        flow: Option<Flow>,
        context: &QueuePairContext,
    ) -> Result<(), Error> {
        let record = self.queue_pairs.get_mut(qp)?;
        let (pd, send_cq, receive_cq) = (record.pd, record.send_cq, record.receive_cq);
        for cq in [send_cq, receive_cq] {
            self.completion_queues.get(cq)?.check()?;
        }
        let [send, receive] = record.rings();
        let context = QueuePairContext {
            pd,
            send_cq,
            receive_cq,
            send_queue: send.bus_address(),
            send_queue_log2: send.log2(),
            receive_queue: receive.bus_address(),
            receive_queue_log2: receive.log2(),
            ..*context
        };
        record.begin();
        self.device.commit(qp, &context)?;
        record.live(self.device.start(qp, record.receives())?);
        // The flow becomes valid last: a segment that finds it finds a queue pair at work.
        flow.map_or(Ok(()), |flow| self.flows.insert(&self.device, qp, &flow))
    }

    /// Stops a queue pair and answers where its stream stood. Its completions so far are collected.
    pub fn halt(&mut self, qp: u32) -> Result<Query, Error> {
        self.stop(qp)?;
        self.device.query(qp)
    }

    /// Stops a queue pair and collects its last completions. When this returns the device touches
    /// neither its rings nor the buffers of its work requests, and none of its frames leaves.
    pub fn stop(&mut self, qp: u32) -> Result<(), Error> {
        self.device.control(QP_CONTROL, qp, false)?;
        self.device.fence()?;
        // All entries of before the fence are in memory.
        self.collect()?;
        self.qp(qp)?.end();
        Ok(())
    }

    /// Makes a queue pair that has ended usable again.
    pub fn reset(&mut self, qp: u32) -> Result<(), Error> {
        self.qp(qp)?.expect(QpEvent::Reset)?;
        if self.qp(qp)?.is_running() {
            self.stop(qp)?;
        }
        self.qp(qp)?.reset()
    }

    /// Takes a queue pair out; its number and its rings are free.
    pub fn remove_queue_pair(&mut self, qp: u32) -> Result<(), Error> {
        // Of one that never ran, the device knows nothing.
        if self.qp(qp)?.is_running() {
            self.flows.remove(&self.device, qp)?;
            self.stop(qp)?;
        }
        let record = self.queue_pairs.remove(qp)?;
        let queues = [record.send_cq, record.receive_cq];
        for (queue, entries) in queues.into_iter().zip(record.entries_due()) {
            let queue = self.cq(queue)?;
            queue.release(entries);
            queue.forget(qp);
        }
        Ok(())
    }

    /// Flushes what a stopped queue pair has left, into its completion queues.
    pub fn flush(&mut self, qp: u32) -> Result<(), Error> {
        let record = self.qp(qp)?;
        let (send_cq, receive_cq) = (record.send_cq, record.receive_cq);
        let [sends, receives] = record.flush();
        for (queue, completions) in [(send_cq, sends), (receive_cq, receives)] {
            let queue = self.cq(queue)?;
            completions.into_iter().for_each(|completion| queue.push(completion));
        }
        Ok(())
    }

    /// Stops a completion queue for good. When this returns the device writes no more entries.
    pub fn remove_completion_queue(&mut self, number: u32) -> Result<(), Error> {
        self.completion_queues.get(number)?.entries.disable(&self.device)?;
        self.device.fence()?;
        self.completion_queues.remove(number).map(drop)
    }

    /// Stops everything that is left: the device is to be let go, with all memory that it has.
    pub fn shut_down(&mut self) -> Result<(), Error> {
        for qp in self.queue_pairs.numbers() {
            self.device.control(QP_CONTROL, qp, false)?;
        }
        for queue in self.completion_queues.values() {
            queue.entries.disable(&self.device)?;
        }
        self.raw.disable(&self.device)?;
        self.device.fence()
    }

    /// Lets frames that wait leave, such as the last acknowledgement of a connection that was
    /// closed a moment ago. Frames that arrive meanwhile are nobody's.
    pub fn say_last_words(&mut self) -> Result<(), Error> {
        let function = self.device.function().clone();
        let start = function.now();
        while !self.raw.is_idle() && function.now().saturating_sub(start) < LAST_WORDS {
            self.raw.poll(&self.device)?;
            function.wait(LAST_WORDS / 100)?;
        }
        // What the device has sent crosses its line.
        function.wait(LINE)?;
        Ok(())
    }

    /// Asks for an interrupt with the next entry of any completion queue.
    pub fn arm_all(&mut self) -> Result<(), Error> {
        self.raw.arm(&self.device)?;
        for queue in self.completion_queues.values() {
            queue.entries.arm(&self.device)?;
        }
        Ok(())
    }
}
