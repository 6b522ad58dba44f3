//! Contexts: what the driver tells the device of an object before it is used.
//!
//! A record is written word by word into the context window
//! ([`CONTEXT_WINDOW`](crate::registers::CONTEXT_WINDOW)); [`COMMIT`](crate::registers::COMMIT)
//! then takes it whole for one object of one [`table`]. Queue pairs and completion queues use what
//! was committed from their next start on, and refuse a commit from their start to their stop;
//! memory regions, flow entries, buckets and next hops use it at once, and never half of it.

use crate::limits::{FLOW_KEY_BITS, KEY_BITS};
use crate::record;

record! {
    /// A queue pair and its TCP connection, as handed over in a quiet moment of the stream.
    QueuePairContext, 20 words {
        /// Put MPA markers into the stream that is sent (RFC 5044 s. 4.3); the first marker is at
        /// `send_next`.
        send_markers: bool = [0:0; 1],
        /// Expect markers in the stream that is received; the first one is at `receive_next`.
        receive_markers: bool = [0:1; 1],
        /// Compute and check the CRC (RFC 5044 s. 4.4).
        crc: bool = [0:2; 1],
        /// Send nothing before one valid FPDU has arrived (RFC 5044 s. 7.1.2 rule 4: Responder).
        await_first_fpdu: bool = [0:3; 1],
        /// Both ends permit selective acknowledgements (RFC 2018 s. 2).
        sack: bool = [0:4; 1],
        /// The peer's window scale (RFC 7323 s. 2): its window fields are shifted left by this.
        send_window_shift: u8 = [0:8; 4],
        /// Our window scale: our window is shifted right by this before it is sent.
        receive_window_shift: u8 = [0:12; 4],
        /// The protection domain.
        pd: u16 = [0:16; 16],
        /// The largest ULPDU to send, in octets (RFC 5044 s. 4.5). Less than 128, the least that
        /// MPA allows, counts as that; more than the device's largest frame holds as what it holds.
        mulpdu: u16 = [1:0; 16],
        /// log2 of the send queue's entries: at most `QUEUE_BITS_MAX`.
        send_queue_log2: u8 = [1:16; 4],
        /// How often in a row the retransmission timer may expire without progress: each time what
        /// was lost leaves again, and the expiry behind them ends the queue pair with
        /// `PEER_SILENT`. Zero: nothing is ever sent again, and no timer runs.
        retries: u8 = [1:20; 4],
        /// log2 of the receive queue's entries, likewise.
        receive_queue_log2: u8 = [1:24; 4],
        /// log2 of the reassembly ring's size in units of 4 KiB: n stands for 2^(12 + n) octets.
        /// Zero: there is none, and a segment behind a gap is dropped.
        reassembly_log2: u8 = [1:28; 4],
        /// The completion queue of the send queue.
        send_cq: u32 = [2:0; 24],
        /// IRD: Read Requests of the peer that may be held at a time, answered or not, until the
        /// Read Response has left (RFC 5040 s. 5.2). More than `READS_MAX` counts as that many.
        read_in: u8 = [2:24; 8],
        /// The completion queue of the receive queue, and of the queue pair's events.
        receive_cq: u32 = [3:0; 24],
        /// ORD: RDMA Reads that may be outstanding at a time; the send queue waits at the next one.
        /// Zero: an RDMA Read is a bad opcode. More than `READS_MAX` counts as that many.
        read_out: u8 = [3:24; 8],
        /// Our IPv4 address; the first octet is in the highest byte.
        local_ip: u32 = [4:0; 32],
        /// The peer's IPv4 address.
        remote_ip: u32 = [5:0; 32],
        /// Our TCP port.
        local_port: u16 = [6:0; 16],
        /// The peer's TCP port.
        remote_port: u16 = [6:16; 16],
        /// Our MAC address; the first octet is in the highest byte.
        local_mac: u64 = [7:0; 48],
        /// The MAC address of the next hop.
        remote_mac: u64 = [8:16; 48],
        /// Bus address of the send queue; aligned to its size or a page, whichever is smaller.
        send_queue: u64 = [10:0; 64],
        /// Bus address of the receive queue, aligned alike.
        receive_queue: u64 = [12:0; 64],
        /// Sequence number of the first octet to send (SND.NXT = SND.UNA).
        send_next: u32 = [14:0; 32],
        /// The peer's window in octets, from `send_next`.
        send_window: u32 = [15:0; 32],
        /// Sequence number of the first octet expected (RCV.NXT).
        receive_next: u32 = [16:0; 32],
        /// The window to advertise when nothing waits, in octets. More than the stream ring and the
        /// reassembly ring hold, whichever is larger, is a promise that the device cannot always
        /// keep: see the configurations.
        receive_window: u32 = [17:0; 32],
        /// Bus address of the reassembly ring, where the device keeps what has arrived and cannot
        /// be placed yet; aligned to a page of 4 KiB.
        reassembly: u64 = [18:0; 64],
    }
}

record! {
    /// A completion queue: a ring of completion entries in host memory.
    CompletionQueueContext, 3 words {
        /// Bus address of the ring; aligned to its size or a page, whichever is smaller.
        ring: u64 = [0:0; 64],
        /// log2 of the ring's places. One of them is kept for the entry of kind `OVERFLOW`.
        log2: u8 = [2:0; 4],
        /// The interrupt vector.
        vector: u8 = [2:8; 8],
    }
}

record! {
    /// A memory region: a run of bus addresses that STags name. While `valid` is clear the rest
    /// means nothing.
    MemoryRegionContext, 8 words {
        /// The tagged offset of the region's first octet (the application's address, or zero).
        base: u64 = [0:0; 64],
        /// Octets.
        length: u64 = [2:0; 64],
        /// Bus address of the region's first octet.
        bus_address: u64 = [4:0; 64],
        /// The STag, all 32 bits of it: see [`stag`]. Its index's low part is the region's number.
        stag: u32 = [6:0; 32],
        /// The protection domain.
        pd: u16 = [7:0; 16],
        /// The device may read for this side's own work requests.
        local_read: bool = [7:16; 1],
        /// The device may write for this side's own receive work requests and RDMA Reads.
        local_write: bool = [7:17; 1],
        /// The peer may read (RDMA Read).
        remote_read: bool = [7:18; 1],
        /// The peer may write (RDMA Write).
        remote_write: bool = [7:19; 1],
        /// The record may be used.
        valid: bool = [7:31; 1],
    }
}

record! {
    /// The flow of a queue pair's TCP connection, which the hardware owns; its number is the queue
    /// pair's. Flows of one bucket are a list.
    FlowContext, 4 words {
        /// The peer's IPv4 address.
        remote_ip: u32 = [0:0; 32],
        /// Our IPv4 address.
        local_ip: u32 = [1:0; 32],
        /// Our TCP port.
        local_port: u16 = [2:0; 16],
        /// The peer's TCP port.
        remote_port: u16 = [2:16; 16],
        /// The queue pair whose flow is the next of the list; zero ends it.
        next: u32 = [3:0; 24],
        /// The entry may be used; if not, the list goes on all the same.
        valid: bool = [3:31; 1],
    }
}

record! {
    /// A bucket of the flow table; its number is the [`flow_hash`].
    FlowBucketContext, 1 words {
        /// The queue pair whose flow is the first of the list; zero: the list is empty.
        first: u32 = [0:0; 24],
    }
}

record! {
    /// Where a queue pair's frames go from now on, be it at work or not. A start does not change
    /// it; a queue pair's own context does.
    NextHopContext, 2 words {
        /// The MAC address of the next hop; the first octet is in the highest byte.
        remote_mac: u64 = [0:0; 48],
    }
}

/// The tables that [`COMMIT`](crate::registers::COMMIT) knows.
pub mod table {
    crate::codes::codes! {
        /// [`QueuePairContext`](super::QueuePairContext).
        1 QUEUE_PAIR,
        /// [`CompletionQueueContext`](super::CompletionQueueContext).
        2 COMPLETION_QUEUE,
        /// [`MemoryRegionContext`](super::MemoryRegionContext).
        3 MEMORY_REGION,
        /// [`FlowContext`](super::FlowContext).
        4 FLOW,
        /// [`FlowBucketContext`](super::FlowBucketContext).
        5 FLOW_BUCKET,
        /// [`NextHopContext`](super::NextHopContext).
        6 NEXT_HOP,
    }
}

/// The STag of an index of 24 bits and the consumer's key of 8, as verbs have it. Of the index, the
/// low `mr_bits` are the region's number; the rest is for the driver to draw at random. The device
/// compares all 32 bits with the region's record.
pub const fn stag(index: u32, key: u8) -> u32 {
    index << KEY_BITS | key as u32
}

/// The number of the region that an STag names, in a device of `2^mr_bits` regions.
pub const fn region_of(stag: u32, mr_bits: usize) -> usize {
    (stag >> KEY_BITS) as usize & ((1 << mr_bits) - 1)
}

/// The bucket of a flow, of `2^bucket_bits`: the Toeplitz hash, as for receive-side scaling, of the
/// peer's address, its port and ours, 64 bits in this order. Bit n of the bucket is the parity of
/// those bits of them that are set in the 64 bits of `key` from bit n on. Who does not know the key
/// cannot aim at a bucket.
pub const fn flow_hash(
    key: [u32; FLOW_KEY_BITS / 32],
    bucket_bits: usize,
    remote_ip: u32,
    remote_port: u16,
    local_port: u16,
) -> usize {
    let key = key[0] as u128 | (key[1] as u128) << 32 | (key[2] as u128) << 64;
    let flow = (remote_ip as u64) << 32 | (remote_port as u64) << 16 | local_port as u64;
    let (mut bucket, mut bit) = (0, 0);
    while bit < bucket_bits {
        let parity = (flow & (key >> bit) as u64).count_ones() & 1;
        bucket |= (parity as usize) << bit;
        bit += 1;
    }
    bucket
}

const _: () = assert!(QueuePairContext::WORDS <= crate::registers::CONTEXT_WINDOW_WORDS);
