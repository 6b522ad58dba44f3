//! How much of a device and of its stack is in use.

/// What is in use of an opened device. Numbers that only grow while connections come and go tell
/// of a leak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Queue pairs, without the raw queue.
    pub queue_pairs: usize,
    /// Completion queues, without the raw queue's.
    pub completion_queues: usize,
    /// Memory regions, with the one of the raw queue.
    pub memory_regions: usize,
    /// Connections that the hardware finds in arriving segments.
    pub flows: usize,
    /// TCP connections, whoever has them, until their addresses may be used again.
    pub connections: usize,
    /// Sockets of the stack that do more than listen: half open ones among them.
    pub sockets: usize,
}
