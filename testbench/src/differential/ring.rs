//! Reads the completion entries that a device has written.

use super::arena::Arena;
use super::layout::cq_ring;
use super::script::CompletionQueue;
use ironwarp_abi::queue::CompletionEntry;

/// An entry as it lies in memory.
pub type Octets = [u8; CompletionEntry::BYTES];

/// The new entries of a completion queue, oldest first. An entry is new if its phase bit is that
/// of the pass.
pub fn entries(memory: &Arena, cq: u32, queue: &CompletionQueue) -> Vec<Octets> {
    let Some(log2) = queue.log2 else { return vec![] };
    let mut found = Vec::new();
    let mut position = queue.written;
    while found.len() < 1 << log2 {
        let mut octets = [0; CompletionEntry::BYTES];
        let slot = u64::from(position % (1 << log2));
        let address = cq_ring(cq) + slot * octets.len() as u64;
        let read = memory.get(address, &mut octets).is_ok();
        if !read || CompletionEntry::from_bytes(&octets).phase != (position >> log2 & 1 == 0) {
            break;
        }
        position = position.wrapping_add(1);
        found.push(octets);
    }
    found
}

/// The new entries of all completion queues.
pub fn all(memory: &Arena, queues: &[CompletionQueue]) -> Vec<Vec<Octets>> {
    (0..).zip(queues).map(|(cq, queue)| entries(memory, cq, queue)).collect()
}
