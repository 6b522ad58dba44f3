//! What a device says of its sizes.

use crate::error::Error;
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::limits::{NUMBER_BITS, SGE_MAX};
use ironwarp_abi::registers::{
    Register, CAPABILITIES, DOORBELL_PAGE_BITS, REPAIRS_MINOR, SIZES, VERSION,
};
use std::ops::RangeInclusive;

/// log2 of the areas that BAR 0 has.
const AREAS_BITS: usize = 2;
/// log2 of the most queue pairs or completion queues: their pages have 32-bit offsets in BAR 0.
const PAGES_BITS_MAX: usize = 31 - AREAS_BITS - DOORBELL_PAGE_BITS;

/// The sizes of an opened device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// The counts of its objects.
    pub configuration: Configuration,
    /// Sent but unacknowledged work requests that it tracks per queue pair.
    pub outstanding: usize,
    /// Interrupt vectors.
    pub vectors: u16,
    /// It sends again what is lost, and keeps what comes early in host memory.
    pub repairs: bool,
}

impl Capabilities {
    /// From what [`VERSION`], [`CAPABILITIES`] and [`SIZES`] read; refuses what this driver cannot
    /// work with.
    pub fn parse(version: u32, capabilities: u32, sizes: u32) -> Result<Self, Error> {
        let size = |name| SIZES.get(sizes, name);
        let bits = |what, register: Register, word, name, range: RangeInclusive<usize>| {
            let bits = register.get(word, name) as usize;
            range.contains(&bits).then_some(bits).ok_or(Error::Capability(what))
        };
        let count = |what, name, range| bits(what, CAPABILITIES, capabilities, name, range);
        let configuration = Configuration {
            qp_bits: count("queue pairs", "qp", 1..=PAGES_BITS_MAX)?,
            // One for raw frames, one for fences, and one for the application.
            cq_bits: count("completion queues", "cq", 2..=PAGES_BITS_MAX)?,
            mr_bits: count("memory regions", "mr", 1..=NUMBER_BITS)?,
            bucket_bits: count("flow buckets", "buckets", 0..=NUMBER_BITS)?,
            // Room for the smallest MTU, and a window that a context can say.
            stream_ring_bits: bits(
                "octets of a stream ring",
                SIZES,
                sizes,
                "stream_ring",
                11..=30,
            )?,
        };
        if size("vectors") == 0 {
            return Err(Error::Capability("interrupt vectors"));
        }
        if (size("elements") as usize) < SGE_MAX {
            return Err(Error::Capability("scatter/gather elements"));
        }
        // Eight bits always fit.
        let vectors = u16::try_from(size("vectors")).unwrap_or(u16::MAX);
        let outstanding = 1 << size("outstanding");
        let repairs = VERSION.get(version, "minor") >= REPAIRS_MINOR;
        Ok(Self { configuration, outstanding, vectors, repairs })
    }

    /// The numbers of the queue pairs for connections.
    pub fn queue_pairs(&self) -> std::ops::Range<u32> {
        1..1 << self.configuration.qp_bits
    }

    /// The number of the completion queue that is told of fences: the last one.
    pub fn fence_queue(&self) -> u32 {
        (1 << self.configuration.cq_bits) - 1
    }

    /// The numbers of the completion queues for applications: the first is the raw queue's.
    pub fn completion_queues(&self) -> std::ops::Range<u32> {
        1..self.fence_queue()
    }

    /// The interrupt vector of a completion queue. The driver's own queues have the first, the
    /// others share the rest.
    pub fn vector(&self, cq: u32) -> u16 {
        let others = u32::from(self.vectors) - 1;
        match self.completion_queues().contains(&cq) && others > 0 {
            // Less than the number of vectors.
            true => u16::try_from(1 + (cq - 1) % others).unwrap_or(0),
            false => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::configuration;
    use ironwarp_abi::registers::ABI_VERSION;

    fn words(configuration: &Configuration) -> (u32, u32) {
        let put_all = |register: Register, fields: &[(&str, usize)]| {
            fields.iter().fold(0, |word, (name, value)| register.put(word, name, *value as u32))
        };
        let counts = [
            ("qp", configuration.qp_bits),
            ("cq", configuration.cq_bits),
            ("mr", configuration.mr_bits),
            ("buckets", configuration.bucket_bits),
        ];
        let sizes = [
            ("outstanding", 7),
            ("stream_ring", configuration.stream_ring_bits),
            ("vectors", 16),
            ("elements", 1),
        ];
        (put_all(CAPABILITIES, &counts), put_all(SIZES, &sizes))
    }

    #[test]
    fn every_configuration_that_is_built_is_read() {
        for (name, configuration) in configuration::ALL {
            let (counts, sizes) = words(configuration);
            let capabilities = Capabilities::parse(ABI_VERSION, counts, sizes).unwrap();
            assert_eq!(capabilities.configuration, *configuration, "{name}");
            assert_eq!((capabilities.outstanding, capabilities.vectors), (128, 16));
        }
    }

    #[test]
    fn what_the_driver_cannot_work_with_is_refused() {
        let (counts, sizes) = words(&configuration::REFERENCE);
        for (name, bad) in [("qp", 0), ("qp", 18), ("cq", 1), ("cq", 31), ("mr", 0), ("mr", 25)] {
            let refused =
                Capabilities::parse(ABI_VERSION, CAPABILITIES.put(counts, name, bad), sizes);
            assert!(matches!(refused, Err(Error::Capability(_))), "{bad} bits of {name}");
        }
        for (name, bad) in [("vectors", 0), ("elements", 0), ("stream_ring", 10)] {
            let refused = Capabilities::parse(ABI_VERSION, counts, SIZES.put(sizes, name, bad));
            assert!(matches!(refused, Err(Error::Capability(_))), "{name} is {bad}");
        }
        let largest = CAPABILITIES.put(counts, "qp", PAGES_BITS_MAX as u32);
        let configuration = Capabilities::parse(ABI_VERSION, largest, sizes).unwrap().configuration;
        assert_eq!(configuration.bar_bytes(), 1 << 31, "the last that 32 bits can say");
    }

    #[test]
    fn vectors_are_shared_by_more_queues_than_there_are() {
        let (counts, sizes) = words(&configuration::REFERENCE);
        let capabilities = Capabilities::parse(ABI_VERSION, counts, sizes).unwrap();
        assert_eq!(capabilities.completion_queues(), 1..63);
        let vectors = [0, 1, 15, 16, 62, 63].map(|cq| capabilities.vector(cq));
        assert_eq!(vectors, [0, 1, 15, 1, 2, 0]);
        let one = Capabilities::parse(ABI_VERSION, counts, SIZES.put(sizes, "vectors", 1)).unwrap();
        assert_eq!([0, 1, 62].map(|cq| one.vector(cq)), [0; 3]);
    }
}
