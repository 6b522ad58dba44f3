//! The raw queue: whole Ethernet frames on queue pair 0, from and to a pool of buffers.

use crate::completion_queue::EntryQueue;
use crate::device::Device;
use crate::error::Error;
use crate::memory::{Access, MemoryTable, Registration};
use crate::os::Region;
use crate::ring::WorkRing;
use crate::status::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::limits::RAW_QP;
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, ReceiveRequest, SendRequest};
use ironwarp_abi::registers::{DOORBELL_RECEIVE, DOORBELL_SEND, QP_CONTROL};
use std::collections::VecDeque;

/// Buffers in each direction, a power of two.
const SLOTS: usize = 32;
/// What both queues can complete, and the end of a generation.
const ENTRIES: usize = 2 * SLOTS + 1;
/// Ethernet header, and the two VLAN tags that a frame may carry.
const HEADER_BYTES_MAX: usize = 14 + 8;
/// Frames that wait for a buffer; more are dropped, as a full link would.
const WAITING_MAX: usize = 256;
/// The shortest frame, without frame check sequence; the MAC pads no less.
const FRAME_BYTES_MIN: usize = 14;
/// Protection domain 0 is the driver's own.
const DOMAIN: u16 = 0;
const QP: u32 = RAW_QP as u32;
const CQ: u32 = 0;

/// Queue pair 0, completion queue 0 and the frame buffers.
pub(crate) struct RawQueue {
    send: WorkRing,
    receive: WorkRing,
    queue: EntryQueue,
    generation: u8,
    /// Receive buffers, then send buffers; a request's number says which one it has.
    pool: Region,
    stag: u32,
    frame_bytes: usize,
    sent: u16,
    waiting: VecDeque<Vec<u8>>,
    broken: bool,
}

impl RawQueue {
    /// Starts the raw queue for IP packets of `mtu` octets.
    pub fn start(device: &Device, memory: &mut MemoryTable, mtu: usize) -> Result<Self, Error> {
        let frame_bytes = (mtu + HEADER_BYTES_MAX).next_multiple_of(64);
        let pool = Region::new(2 * SLOTS * frame_bytes)?;
        let what = Registration { pd: DOMAIN, base: 0, access: Access::LOCAL, key: None };
        let stag = memory.register(device, &pool, what)?;
        let mut raw = Self {
            send: WorkRing::new(device, SLOTS)?,
            receive: WorkRing::new(device, SLOTS)?,
            queue: EntryQueue::start(device, CQ, ENTRIES)?,
            generation: 0,
            pool,
            stag,
            frame_bytes,
            sent: 0,
            waiting: VecDeque::new(),
            broken: false,
        };
        // Its rings go with it, whatever the device has of them.
        raw.start_queue_pair(device).inspect_err(|_| device.give_up())?;
        Ok(raw)
    }

    fn start_queue_pair(&mut self, device: &Device) -> Result<(), Error> {
        let context = QueuePairContext {
            pd: DOMAIN,
            send_cq: CQ,
            receive_cq: CQ,
            send_queue_log2: self.send.log2(),
            receive_queue_log2: self.receive.log2(),
            send_queue: self.send.bus_address(),
            receive_queue: self.receive.bus_address(),
            ..Default::default()
        };
        device.commit(QP, &context)?;
        self.generation = device.start(QP, 0)?;
        for _ in 0..SLOTS {
            self.post_receive()?;
        }
        device.ring_queue_pair(QP, DOORBELL_RECEIVE, self.receive.posted())
    }

    /// The frames that have arrived, oldest first; and sends what waits for a buffer.
    pub fn poll(&mut self, device: &Device) -> Result<Vec<Vec<u8>>, Error> {
        let mut frames = Vec::new();
        let mut taken = false;
        while let Some(entry) = self.queue.pop()? {
            taken = true;
            self.complete(&entry, &mut frames)?;
        }
        if taken {
            self.queue.tell_consumed(device)?;
            device.ring_queue_pair(QP, DOORBELL_RECEIVE, self.receive.posted())?;
        }
        if self.broken {
            self.restart(device)?;
        }
        self.send_waiting(device)?;
        Ok(frames)
    }

    fn complete(
        &mut self,
        entry: &CompletionEntry,
        frames: &mut Vec<Vec<u8>>,
    ) -> Result<(), Error> {
        // An overflow is nobody's.
        if entry.kind != kind::OVERFLOW && entry.generation != self.generation {
            return Ok(());
        }
        if entry.status != Status::SUCCESS.0 {
            tracing::error!(status = %Status(entry.status), "the raw queue failed: restarted");
            self.broken = true;
            return Ok(());
        }
        match entry.kind {
            kind::RECEIVE => {
                let at = usize::from(entry.request) % SLOTS * self.frame_bytes;
                let length = (entry.length as usize).min(self.frame_bytes);
                frames.push(self.pool.to_vec(at, length)?);
                self.post_receive()
            }
            kind::SEND => {
                self.sent = entry.request.wrapping_add(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Every buffer again, with the rings begun anew. Frames in them are lost, as on any link.
    fn restart(&mut self, device: &Device) -> Result<(), Error> {
        device.control(QP_CONTROL, QP, false)?;
        // Its fence is the queue pair's, too: nothing is read or written when the rings are.
        self.queue.restart(device)?;
        self.send.clear();
        self.receive.clear();
        (self.sent, self.broken) = (0, false);
        self.start_queue_pair(device)
    }

    /// Tells queue pair and completion queue to stop; with the next fence they have.
    pub fn disable(&self, device: &Device) -> Result<(), Error> {
        device.control(QP_CONTROL, QP, false)?;
        self.queue.disable(device)
    }

    /// Writes the request for the next receive buffer; the doorbell is the caller's.
    fn post_receive(&mut self) -> Result<(), Error> {
        let slot = usize::from(self.receive.posted()) % SLOTS;
        let request = ReceiveRequest {
            length: self.frame_bytes as u32,
            local_offset: (slot * self.frame_bytes) as u64,
            local_stag: self.stag,
        };
        self.receive.push(&request.to_bytes()).map(|_| ())
    }

    /// Sends a frame, now or when a buffer is free.
    pub fn send(&mut self, device: &Device, frame: Vec<u8>) -> Result<(), Error> {
        if !(FRAME_BYTES_MIN..=self.frame_bytes).contains(&frame.len()) {
            let value = frame.len() as u64;
            let range = "at least 14 octets and at most the MTU and headers";
            return Err(Error::OutOfRange { what: "the length of a frame", value, range });
        }
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(frame);
        } else {
            tracing::warn!("a frame was dropped: too many wait to be sent");
        }
        self.send_waiting(device)
    }

    fn send_waiting(&mut self, device: &Device) -> Result<(), Error> {
        let before = self.send.posted();
        while usize::from(self.send.posted().wrapping_sub(self.sent)) < SLOTS {
            let Some(frame) = self.waiting.pop_front() else { break };
            let slot = SLOTS + usize::from(self.send.posted()) % SLOTS;
            let at = slot * self.frame_bytes;
            self.pool.write(at, &frame)?;
            let request = SendRequest {
                opcode: opcode::RAW_FRAME,
                signaled: true,
                length: frame.len() as u32,
                local_offset: at as u64,
                local_stag: self.stag,
                ..Default::default()
            };
            self.send.push(&request.to_bytes())?;
        }
        if self.send.posted() != before {
            device.ring_queue_pair(QP, DOORBELL_SEND, self.send.posted())?;
        }
        Ok(())
    }

    /// Everything that was to be sent has been sent.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.sent == self.send.posted()
    }

    /// Asks for an interrupt with the next frame.
    pub fn arm(&self, device: &Device) -> Result<(), Error> {
        self.queue.arm(device)
    }
}

const _: () = assert!(SLOTS.is_power_of_two());
