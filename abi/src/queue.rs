//! Entries of the rings in host memory.

use crate::record;

/// What a send work request asks for.
pub mod opcode {
    crate::codes::codes! {
        /// RDMA Write to `remote_stag`, `remote_offset` (RFC 5040 s. 5.1).
        1 WRITE,
        /// Send to the peer's receive queue (RFC 5040 s. 5.3).
        2 SEND,
        /// Send with Solicited Event.
        3 SEND_SOLICITED,
        /// RDMA Read of `remote_stag`, `remote_offset` into the local buffer (RFC 5040 s. 5.2).
        4 READ,
        /// A whole Ethernet frame without frame check sequence; queue pair 0 only, and the only
        /// one there.
        8 RAW_FRAME,
    }
}

record! {
    /// A work request of a send queue. Everything outside a field is zero and is checked.
    SendRequest, 16 words {
        /// What to do: one of [`opcode`].
        opcode: u8 = [0:0; 8],
        /// Write a completion entry when the request has succeeded.
        signaled: bool = [0:8; 1],
        /// Octets of the message.
        length: u32 = [1:0; 32],
        /// Where the message lies, or the data sink of an RDMA Read: an offset in the terms of
        /// `local_stag`.
        local_offset: u64 = [2:0; 64],
        /// The memory region of the local buffer; ignored if `length` is zero.
        local_stag: u32 = [4:0; 32],
        /// RDMA Write and RDMA Read: the peer's STag; else zero.
        remote_stag: u32 = [5:0; 32],
        /// RDMA Write and RDMA Read: the tagged offset at the peer; else zero.
        remote_offset: u64 = [6:0; 64],
    }
}

record! {
    /// A work request of a receive queue. Everything outside a field is zero and is checked.
    ReceiveRequest, 16 words {
        /// Octets of the buffer.
        length: u32 = [1:0; 32],
        /// Where the buffer lies: an offset in the terms of `local_stag`.
        local_offset: u64 = [2:0; 64],
        /// The memory region of the buffer; ignored if `length` is zero.
        local_stag: u32 = [4:0; 32],
    }
}

/// What a completion entry tells of.
pub mod kind {
    crate::codes::codes! {
        /// A send work request is done: its buffer can be used again, or holds what was read. Send
        /// work requests complete in the order in which they were posted.
        1 SEND,
        /// A message has arrived in a receive work request's buffer.
        2 RECEIVE,
        /// The queue pair has ended, and `status` says why; `request` says nothing. No entry of the
        /// same generation of the queue pair follows, in whatever queue.
        3 EVENT,
        /// The completion queue has overflowed with an entry of this queue pair, which has ended
        /// for that. The queue's last place is kept for this entry, and none follows until the
        /// queue is started again; a queue pair that had one to write there has ended, too.
        4 OVERFLOW,
        /// The fence `request` is done ([`FENCE`](crate::registers::FENCE)); `qp` and `generation`
        /// are zero.
        5 FENCE,
    }
}

record! {
    /// An entry of a completion queue. The device writes it in one piece.
    CompletionEntry, 8 words {
        /// The queue pair.
        qp: u32 = [0:0; 24],
        /// One of [`kind`].
        kind: u8 = [0:24; 8],
        /// The work request's number in its queue: it was the n-th posted, modulo 2^16.
        request: u16 = [1:0; 16],
        /// One of [`status`](crate::status).
        status: u8 = [1:16; 8],
        /// The queue pair's generation: its starts since the reset, modulo 2^8.
        generation: u8 = [1:24; 8],
        /// Octets of the message.
        length: u32 = [2:0; 32],
        /// Events of a TCP stream: the sequence number after the last octet taken; else zero.
        sequence: u32 = [3:0; 32],
        /// A received message asked for a solicited event (RFC 5040 s. 5.3).
        solicited: bool = [7:0; 1],
        /// Flips with every pass through the ring: 1 in the first pass.
        phase: bool = [7:31; 1],
    }
}
