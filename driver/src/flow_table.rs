//! The device's flow table: which connections it finds in arriving segments.
//!
//! A flow's entry has its queue pair's number. Buckets are heads of lists, so every connection has
//! its place, however many fall into one bucket.

use crate::connection::Flow;
use crate::device::Device;
use crate::error::Error;
use ironwarp_abi::context::{flow_hash, FlowBucketContext, FlowContext};
use ironwarp_abi::limits::FLOW_KEY_BITS;
use ironwarp_abi::registers::{FLOW_KEY_0, FLOW_KEY_1, FLOW_KEY_2};
use rand::rngs::StdRng;
use rand::Rng;
use std::collections::BTreeMap;

type Key = [u32; FLOW_KEY_BITS / u32::BITS as usize];

/// The flow table as it was written.
pub(crate) struct FlowTable {
    /// The hash's secret: a peer that may choose its ports cannot choose its bucket.
    key: Key,
    bucket_bits: usize,
    /// Entries by queue pair.
    entries: BTreeMap<u32, FlowContext>,
    /// The first entry of each bucket that has one.
    buckets: BTreeMap<u32, u32>,
}

impl FlowTable {
    /// The empty table of a device that was just opened.
    pub fn new(device: &Device, mut random: StdRng) -> Result<Self, Error> {
        let key: Key = random.random();
        for (register, word) in [FLOW_KEY_0, FLOW_KEY_1, FLOW_KEY_2].into_iter().zip(key) {
            device.write(register, word)?;
        }
        let bucket_bits = device.capabilities().configuration.bucket_bits;
        Ok(Self { key, bucket_bits, entries: BTreeMap::new(), buckets: BTreeMap::new() })
    }

    /// How many flows there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn bucket(&self, flow: &FlowContext) -> u32 {
        let FlowContext { remote_ip, remote_port, local_port, .. } = *flow;
        let bucket = flow_hash(self.key, self.bucket_bits, remote_ip, remote_port, local_port);
        // Numbers of buckets have at most 24 bits.
        u32::try_from(bucket).unwrap_or(u32::MAX)
    }

    /// Segments of a flow go to queue pair `qp` from now on, which has no other. The entry is
    /// whole before the list shows it.
    pub fn insert(&mut self, device: &Device, qp: u32, flow: &Flow) -> Result<(), Error> {
        let mut entry = FlowContext {
            remote_ip: flow.remote_ip.into(),
            local_ip: flow.local_ip.into(),
            local_port: flow.local_port,
            remote_port: flow.remote_port,
            next: 0,
            valid: true,
        };
        let bucket = self.bucket(&entry);
        entry.next = self.buckets.get(&bucket).copied().unwrap_or(0);
        device.commit(qp, &entry)?;
        device.commit(bucket, &FlowBucketContext { first: qp })?;
        self.entries.insert(qp, entry);
        self.buckets.insert(bucket, qp);
        Ok(())
    }

    /// Segments of queue pair `qp`'s flow, if it has one, go to the raw queue from now on.
    pub fn remove(&mut self, device: &Device, qp: u32) -> Result<(), Error> {
        let Some(entry) = self.entries.get(&qp).copied() else { return Ok(()) };
        let bucket = self.bucket(&entry);
        if self.buckets.get(&bucket) == Some(&qp) {
            device.commit(bucket, &FlowBucketContext { first: entry.next })?;
            match entry.next {
                0 => self.buckets.remove(&bucket),
                next => self.buckets.insert(bucket, next),
            };
        } else if let Some((number, before)) = self.entries.iter().find(|(_, it)| it.next == qp) {
            let (number, before) = (*number, FlowContext { next: entry.next, ..*before });
            device.commit(number, &before)?;
            self.entries.insert(number, before);
        }
        // A look-up that stands here goes on: it must find what follows.
        device.commit(qp, &FlowContext { next: entry.next, ..Default::default() })?;
        self.entries.remove(&qp);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;
    use ironwarp_abi::configuration::BOARD;
    use rand::seq::SliceRandom;
    use rand::SeedableRng;

    fn flow(remote_port: u16) -> Flow {
        Flow {
            local_ip: [10, 0, 0, 2].into(),
            remote_ip: [10, 0, 0, 1].into(),
            local_port: 7174,
            remote_port,
        }
    }

    /// Whatever falls into one bucket, all are found, and still are while others go.
    #[test]
    fn lists_are_kept_in_any_order() {
        for seed in 0..20 {
            let fake = Fake::with_configuration(BOARD);
            let device = Device::open(fake.clone(), [2, 0, 0, 0, 0, 1], 156).unwrap();
            let mut random = StdRng::seed_from_u64(seed);
            let mut table = FlowTable::new(&device, StdRng::seed_from_u64(seed)).unwrap();
            // Of buckets there are few, so that their lists are long.
            table.bucket_bits = seed as usize % 3;
            fake.set_bucket_bits(table.bucket_bits);
            let port = |qp: u32| 0x5050 + 0x0101 * u16::try_from(qp).unwrap();
            let mut there = Vec::new();
            for step in 0..200 {
                let mut numbers: Vec<u32> = device.capabilities().queue_pairs().collect();
                numbers.shuffle(&mut random);
                let qp = numbers[0];
                match there.iter().position(|other| *other == qp) {
                    Some(at) => {
                        there.swap_remove(at);
                        table.remove(&device, qp).unwrap();
                    }
                    None => {
                        there.push(qp);
                        table.insert(&device, qp, &flow(port(qp))).unwrap();
                    }
                }
                for qp in device.capabilities().queue_pairs() {
                    let expected = there.contains(&qp).then_some(qp);
                    let found = fake.find_flow(&flow(port(qp)));
                    assert_eq!(found, expected, "seed {seed}, step {step}, {there:?}");
                }
                assert_eq!(table.len(), there.len());
            }
        }
    }

    #[test]
    fn the_key_is_drawn_at_random() {
        let key = |seed| {
            let fake = Fake::alone();
            let device = Device::open(fake.clone(), [2, 0, 0, 0, 0, 1], 156).unwrap();
            FlowTable::new(&device, StdRng::seed_from_u64(seed)).unwrap();
            [FLOW_KEY_0, FLOW_KEY_1, FLOW_KEY_2].map(|register| fake.get(register))
        };
        assert_ne!(key(1), key(2));
        assert!(key(1).iter().all(|word| *word != 0), "all of it");
    }
}
