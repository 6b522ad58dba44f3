//! What arrives too early, in a ring in host memory, at its place in the stream.

use crate::host::Host;
use crate::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::status;
use std::ops::Range;

/// The unit of the ring's size.
const UNIT_LOG2: u8 = 12;
/// Runs of octets that are kept apart from each other: a peer chooses how many there are.
const RUNS_MAX: usize = 32;

/// The ring, and which octets of the stream lie in it. Stream offsets count from the start.
#[derive(Debug)]
pub(super) struct Reassembly {
    ring: u64,
    bytes: u64,
    /// Runs that neither overlap nor touch, the one that was added to last in front.
    runs: Vec<Range<u64>>,
}

impl Reassembly {
    /// The ring of a context, if it has one.
    pub fn new(context: &QueuePairContext) -> Option<Self> {
        let log2 = context.reassembly_log2;
        let bytes = 1 << (UNIT_LOG2 + log2);
        (log2 != 0).then(|| Self { ring: context.reassembly, bytes, runs: Vec::new() })
    }

    /// Octets of the ring.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Nothing lies in the ring.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The runs, the newest first.
    pub fn runs(&self) -> &[Range<u64>] {
        &self.runs
    }

    /// Where the first octet behind this one is that lies in the ring.
    pub fn first_from(&self, offset: u64) -> Option<u64> {
        self.runs.iter().map(|run| run.start.max(offset)).filter(|start| *start >= offset).min()
    }

    /// How many octets lie in the ring from here on without a gap.
    pub fn available(&self, offset: u64) -> u64 {
        let run = self.runs.iter().find(|run| run.contains(&offset));
        run.map_or(0, |run| run.end - offset)
    }

    /// Keeps octets of the stream that begin at an offset and end before `limit`. What is known is
    /// not written again: a bad segment changes no good octet. False if there is no room for any
    /// of them.
    pub fn keep(&mut self, offset: u64, octets: &[u8], limit: u64, host: &mut dyn Host) -> bool {
        let end = (offset + octets.len() as u64).min(limit);
        if offset >= end {
            return false;
        }
        let touches = |run: &Range<u64>| run.start <= end && offset <= run.end;
        let (mut known, apart): (Vec<_>, Vec<_>) = self.runs.iter().cloned().partition(touches);
        if known.is_empty() && apart.len() >= RUNS_MAX {
            return false;
        }
        known.sort_by_key(|run| run.start);
        let mut next = offset;
        for run in known.iter().chain([&(end..end)]) {
            let gap = next..run.start.min(end).max(next);
            let part = (gap.start - offset) as usize..(gap.end - offset) as usize;
            self.write(gap.start, octets.get(part).unwrap_or_default(), host);
            next = next.max(run.end);
        }
        let start = known.first().map_or(offset, |run| run.start.min(offset));
        let end = known.last().map_or(end, |run| run.end.max(end));
        self.runs = std::iter::once(start..end).chain(apart).collect();
        true
    }

    /// Reads octets that lie in the ring.
    ///
    /// # Errors
    /// The bus refuses.
    pub fn read(&self, offset: u64, into: &mut [u8], host: &mut dyn Host) -> Result<(), Status> {
        let (first, second) = into.split_at_mut(self.before_wrap(offset, into.len()));
        let second_at = offset + first.len() as u64;
        for (at, part) in [(offset, first), (second_at, second)] {
            if !part.is_empty() {
                host.read(self.address(at), part).map_err(|_| status::DMA_FAULT)?;
            }
        }
        Ok(())
    }

    /// The stream has everything before an offset.
    pub fn release(&mut self, offset: u64) {
        self.runs.retain_mut(|run| {
            run.start = run.start.max(offset);
            !run.is_empty()
        });
    }

    fn write(&self, offset: u64, octets: &[u8], host: &mut dyn Host) {
        let (first, second) = octets.split_at(self.before_wrap(offset, octets.len()));
        for (at, part) in [(offset, first), (offset + first.len() as u64, second)] {
            if !part.is_empty() {
                host.write(self.address(at), part);
            }
        }
    }

    fn address(&self, offset: u64) -> u64 {
        self.ring.wrapping_add(offset % self.bytes)
    }

    /// How many of so many octets lie before the ring's end.
    fn before_wrap(&self, offset: u64, octets: usize) -> usize {
        octets.min((self.bytes - offset % self.bytes) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Fault;
    use proptest::prelude::*;

    const RING: u64 = 0x10_0000;
    const BYTES: usize = 8192;

    /// A ring whose every octet may be written once before it is read.
    struct Memory(Vec<Option<u8>>);

    impl Host for Memory {
        fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
            for (at, octet) in ((address - RING) as usize..).zip(into) {
                *octet = self.0[at].take().expect("it was written");
            }
            Ok(())
        }

        fn write(&mut self, address: u64, octets: &[u8]) {
            for (at, octet) in ((address - RING) as usize..).zip(octets) {
                assert_eq!(self.0[at].replace(*octet), None, "a good octet is overwritten");
            }
        }
    }

    fn reassembly() -> (Reassembly, Memory) {
        let context =
            QueuePairContext { reassembly_log2: 1, reassembly: RING, ..Default::default() };
        (Reassembly::new(&context).unwrap(), Memory(vec![None; BYTES]))
    }

    fn octet(offset: u64) -> u8 {
        (offset % 251) as u8
    }

    proptest! {
        /// Pieces in any order, more than once: each octet is written once, and read as it was.
        #[test]
        fn pieces_become_the_stream(
            pieces in prop::collection::vec((0u64..9000, 1u64..1500), 1..200),
        ) {
            let (mut ring, mut memory) = reassembly();
            let mut received = 0u64;
            for (ahead, length) in pieces {
                let offset = received + ahead;
                let octets: Vec<_> = (offset..offset + length).map(octet).collect();
                let limit = received + BYTES as u64;
                let before = ring.runs().to_vec();
                let kept = ring.keep(offset, &octets, limit, &mut memory);
                prop_assert_eq!(kept, offset < limit);
                if kept {
                    prop_assert!(ring.runs()[0].contains(&offset), "the newest is in front");
                } else {
                    prop_assert_eq!(ring.runs(), &before[..]);
                }
                let available = ring.available(received);
                let mut read = vec![0; available as usize];
                ring.read(received, &mut read, &mut memory).unwrap();
                let expected: Vec<_> = (received..received + available).map(octet).collect();
                prop_assert_eq!(read, expected);
                received += available;
                ring.release(received);
                prop_assert!(ring.first_from(received).is_none_or(|first| first > received));
            }
        }
    }

    #[test]
    fn a_peer_of_crumbs_gets_so_many_runs() {
        let (mut ring, mut memory) = reassembly();
        for i in 0..RUNS_MAX as u64 {
            assert!(ring.keep(2 * i + 1, &[1], 8192, &mut memory));
        }
        assert!(!ring.keep(1001, &[1], 8192, &mut memory));
        assert!(ring.keep(2, &[1], 8192, &mut memory), "what touches a run is one with it");
        assert_eq!(ring.runs()[0], 1..4);
        assert!(ring.keep(1001, &[1], 8192, &mut memory));
    }

    #[test]
    fn a_context_may_have_no_ring() {
        assert!(Reassembly::new(&QueuePairContext::default()).is_none());
        let context = QueuePairContext { reassembly_log2: 15, ..Default::default() };
        assert_eq!(Reassembly::new(&context).map(|ring| ring.bytes()), Some(1 << 27));
    }
}
