//! Contexts: what the driver writes into the device's tables before it starts an object.
//!
//! Every context is an array of 32-bit words at a fixed stride in BAR 0; each word takes effect
//! when it is written. A memory region or a flow entry becomes valid with its last word, so it is
//! written in order and invalidated by clearing that word first. Queue pairs and completion queues
//! take their context when `QP_CONTROL` or `CQ_CONTROL` starts them.

use crate::record;

record! {
    /// A queue pair and its TCP connection, as handed over in a quiet moment of the stream.
    QueuePairContext, 17 words {
        /// Put MPA markers into the stream that is sent (RFC 5044 s. 4.3); the first marker is at
        /// `send_next`.
        send_markers: bool = [0:0; 1],
        /// Expect markers in the stream that is received; the first one is at `receive_next`.
        receive_markers: bool = [0:1; 1],
        /// Compute and check the CRC (RFC 5044 s. 4.4).
        crc: bool = [0:2; 1],
        /// Send nothing before one valid FPDU has arrived (RFC 5044 s. 7.1.2 rule 4: Responder).
        await_first_fpdu: bool = [0:3; 1],
        /// The peer's window scale (RFC 7323 s. 2): its window fields are shifted left by this.
        send_window_shift: u8 = [0:8; 4],
        /// Our window scale: our window is shifted right by this before it is sent.
        receive_window_shift: u8 = [0:12; 4],
        /// The protection domain.
        pd: u16 = [0:16; 16],
        /// The largest ULPDU to send, in octets (RFC 5044 s. 4.5).
        mulpdu: u16 = [1:0; 16],
        /// The completion queue of the send queue.
        send_cq: u8 = [1:16; 8],
        /// The completion queue of the receive queue, and of the queue pair's events.
        receive_cq: u8 = [1:24; 8],
        /// log2 of the send queue's entries.
        send_queue_log2: u8 = [2:0; 4],
        /// log2 of the receive queue's entries.
        receive_queue_log2: u8 = [2:8; 4],
        /// IRD: Read Requests of the peer that may be held at a time, answered or not, until the
        /// Read Response has left (RFC 5040 s. 5.2). More than `READS_MAX` counts as that many.
        read_in: u8 = [2:16; 4],
        /// ORD: RDMA Reads that may be outstanding at a time; the send queue waits at the next one.
        /// Zero: an RDMA Read is a bad opcode. More than `READS_MAX` counts as that many.
        read_out: u8 = [2:24; 4],
        /// Our IPv4 address; the first octet is in the highest byte.
        local_ip: u32 = [3:0; 32],
        /// The peer's IPv4 address.
        remote_ip: u32 = [4:0; 32],
        /// Our TCP port.
        local_port: u16 = [5:0; 16],
        /// The peer's TCP port.
        remote_port: u16 = [5:16; 16],
        /// Our MAC address; the first octet is in the highest byte.
        local_mac: u64 = [6:0; 48],
        /// The MAC address of the next hop.
        remote_mac: u64 = [7:16; 48],
        /// Bus address of the send queue; aligned to its size or a page, whichever is smaller.
        send_queue: u64 = [9:0; 64],
        /// Bus address of the receive queue, aligned alike.
        receive_queue: u64 = [11:0; 64],
        /// Sequence number of the first octet to send (SND.NXT = SND.UNA).
        send_next: u32 = [13:0; 32],
        /// The peer's window in octets, from `send_next`.
        send_window: u32 = [14:0; 32],
        /// Sequence number of the first octet expected (RCV.NXT).
        receive_next: u32 = [15:0; 32],
        /// The window to advertise when nothing waits on chip, in octets.
        receive_window: u32 = [16:0; 32],
    }
}

record! {
    /// A completion queue: a ring of completion entries in host memory.
    CompletionQueueContext, 3 words {
        /// Bus address of the ring; aligned to its size or a page, whichever is smaller.
        ring: u64 = [0:0; 64],
        /// log2 of the ring's entries.
        log2: u8 = [2:0; 4],
        /// The interrupt vector.
        vector: u8 = [2:8; 8],
    }
}

record! {
    /// A memory region: a run of bus addresses that STags name.
    MemoryRegionContext, 8 words {
        /// The tagged offset of the region's first octet (the application's address, or zero).
        base: u64 = [0:0; 64],
        /// Octets.
        length: u32 = [2:0; 32],
        /// The key: the high bits of the STag.
        key: u32 = [3:0; 24],
        /// Bus address of the region's first octet.
        bus_address: u64 = [4:0; 64],
        /// The protection domain.
        pd: u16 = [6:0; 16],
        /// The device may read for this side's own work requests.
        local_read: bool = [6:16; 1],
        /// The device may write for this side's own receive work requests and RDMA Reads.
        local_write: bool = [6:17; 1],
        /// The peer may read (RDMA Read).
        remote_read: bool = [6:18; 1],
        /// The peer may write (RDMA Write).
        remote_write: bool = [6:19; 1],
        /// The record may be used.
        valid: bool = [7:0; 1],
    }
}

record! {
    /// A TCP connection that the hardware owns.
    FlowContext, 4 words {
        /// The peer's IPv4 address.
        remote_ip: u32 = [0:0; 32],
        /// Our IPv4 address.
        local_ip: u32 = [1:0; 32],
        /// Our TCP port.
        local_port: u16 = [2:0; 16],
        /// The peer's TCP port.
        remote_port: u16 = [2:16; 16],
        /// The queue pair.
        qp: u8 = [3:0; 8],
        /// The entry may be used.
        valid: bool = [3:31; 1],
    }
}

/// The numbers of the context tables on the device's internal bus: bits 19:16 of their address.
pub mod table {
    /// Queue pair contexts.
    pub const QUEUE_PAIR: u8 = (crate::registers::QP_CONTEXTS >> 16) as u8;
    /// Completion queue contexts.
    pub const COMPLETION_QUEUE: u8 = (crate::registers::CQ_CONTEXTS >> 16) as u8;
    /// Memory region records.
    pub const MEMORY_REGION: u8 = (crate::registers::MR_CONTEXTS >> 16) as u8;
    /// Flow table entries.
    pub const FLOW: u8 = (crate::registers::FLOW_CONTEXTS >> 16) as u8;
}

/// Where the look-up of a flow starts: entries `hash .. hash + FLOW_PROBES`, modulo the table.
pub const fn flow_hash(remote_ip: u32, remote_port: u16, local_port: u16) -> usize {
    let word = remote_ip ^ ((remote_port as u32) << 16 | local_port as u32);
    let half = word ^ word >> 16;
    let byte = half ^ half >> 8;
    byte as usize & (crate::limits::FLOW_COUNT - 1)
}
