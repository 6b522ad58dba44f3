//! The device with the objects that were started on it.

use crate::completion_queue::CompletionQueueRecord;
use crate::connection::Flow;
use crate::device::Device;
use crate::error::Error;
use crate::flow_table::FlowTable;
use crate::locked::Locked;
use crate::numbered::Numbered;
use crate::queue_pair::QueuePairRecord;
use crate::raw::RawQueue;
use crate::state::QpEvent;
use crate::window::Query;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::registers::QP_CONTROL;
use std::sync::Arc;
use std::time::Duration;

/// How long frames that wait at the end have to leave, in device time.
const LAST_WORDS: Duration = Duration::from_millis(20);
/// Longer than the largest frame takes from the device to the other end of its link.
const LINE: Duration = Duration::from_micros(20);

/// Queue pairs, completion queues, flow table and raw queue of a device.
pub(crate) struct Hardware {
    /// Registers.
    pub device: Arc<Device>,
    /// Queue pairs for connections.
    pub queue_pairs: Numbered<Arc<Locked<QueuePairRecord>>>,
    /// Completion queues of the application.
    pub completion_queues: Numbered<Arc<Locked<CompletionQueueRecord>>>,
    /// The connections that the device owns.
    pub flows: FlowTable,
    /// Ethernet frames.
    pub raw: RawQueue,
}

impl Hardware {
    /// A queue pair by number.
    pub fn qp(&self, number: u32) -> Result<&Arc<Locked<QueuePairRecord>>, Error> {
        self.queue_pairs.get(number)
    }

    /// A completion queue by number.
    pub fn cq(&self, number: u32) -> Result<&Arc<Locked<CompletionQueueRecord>>, Error> {
        self.completion_queues.get(number)
    }

    /// Takes what the device has written to the completion queues.
    pub fn collect(&self) -> Result<(), Error> {
        self.completion_queues.values().try_for_each(|queue| queue.collect())
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
        Ok(())
    }

    fn try_arm(
        &mut self,
        qp: u32,
        flow: Option<Flow>,
        context: &QueuePairContext,
    ) -> Result<(), Error> {
        let record = self.qp(qp)?.clone();
        let queues = record.with(|record, _| {
            record.begin();
            [record.send_cq, record.receive_cq]
        });
        // Behind the begin, so that a queue that overflows meanwhile ends this one as well.
        for queue in queues {
            self.cq(queue)?.with(|queue, _| queue.check())?;
        }
        record.with(|record, device| {
            device.commit(qp, &record.context(device, context)?)?;
            record.live(device.start(qp, record.receives())?);
            // The flow becomes valid last: a segment that finds it finds a queue pair at work.
            if let Some(flow) = flow {
                self.flows.insert(device, qp, &flow)?;
            }
            record.speak_first(device)?;
            record.apply(QpEvent::Armed)
        })
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
        self.qp(qp)?.with(|qp, _| qp.end());
        Ok(())
    }

    /// Makes a queue pair that has ended usable again.
    pub fn reset(&mut self, qp: u32) -> Result<(), Error> {
        self.qp(qp)?.expect(QpEvent::Reset)?;
        if self.is_running(qp)? {
            self.stop(qp)?;
        }
        self.qp(qp)?.with(|qp, _| qp.reset())
    }

    fn is_running(&self, qp: u32) -> Result<bool, Error> {
        Ok(self.qp(qp)?.with(|qp, _| qp.is_running()))
    }

    /// Adds a queue pair under a number that is vacant, if its completion queues have room for all
    /// that it can complete.
    pub fn add_queue_pair(
        &mut self,
        number: u32,
        record: QueuePairRecord,
    ) -> Result<Arc<Locked<QueuePairRecord>>, Error> {
        let (queues, due) = ([record.send_cq, record.receive_cq], record.entries_due());
        for queue in queues {
            self.cq(queue)?.with(|queue, _| queue.check())?;
        }
        let [send, receive] = [self.cq(queues[0])?, self.cq(queues[1])?];
        send.with(|queue, _| queue.promise(due[0]))?;
        if let Err(error) = receive.with(|queue, _| queue.promise(due[1])) {
            send.with(|queue, _| queue.release(due[0]));
            return Err(error);
        }
        let record = Locked::new(&self.device, record);
        for queue in [send, receive] {
            queue.with(|queue, _| queue.attach(number, &record));
        }
        self.queue_pairs.insert(number, record.clone());
        Ok(record)
    }

    /// Takes a queue pair out; its number and its rings are free.
    pub fn remove_queue_pair(&mut self, qp: u32) -> Result<(), Error> {
        // Of one that never ran, the device knows nothing.
        if self.is_running(qp)? {
            self.flows.remove(&self.device, qp)?;
            self.stop(qp)?;
        }
        let record = self.queue_pairs.remove(qp)?;
        let (queues, due) =
            record.with(|record, _| ([record.send_cq, record.receive_cq], record.entries_due()));
        for (queue, entries) in queues.into_iter().zip(due) {
            self.cq(queue)?.with(|queue, _| {
                queue.release(entries);
                queue.detach(qp);
            });
        }
        Ok(())
    }

    /// Flushes what a stopped queue pair has left, into its completion queues.
    pub fn flush(&mut self, qp: u32) -> Result<(), Error> {
        let (queues, flushed) =
            self.qp(qp)?.with(|record, _| ([record.send_cq, record.receive_cq], record.flush()));
        for (queue, completions) in queues.into_iter().zip(flushed) {
            self.cq(queue)?.extend(completions);
        }
        Ok(())
    }

    /// Stops a completion queue for good. When this returns the device writes no more entries.
    pub fn remove_completion_queue(&mut self, number: u32) -> Result<(), Error> {
        self.cq(number)?.with(|queue, device| queue.entries.disable(device))?;
        self.device.fence()?;
        self.completion_queues.remove(number).map(drop)
    }

    /// Stops everything that is left: the device is to be let go, with all memory that it has.
    pub fn shut_down(&mut self) -> Result<(), Error> {
        for qp in self.queue_pairs.numbers() {
            self.device.control(QP_CONTROL, qp, false)?;
        }
        for queue in self.completion_queues.values() {
            queue.with(|queue, device| queue.entries.disable(device))?;
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
            queue.arm()?;
        }
        Ok(())
    }
}
