//! The flow table as the host keeps it: a list of queue pairs for each bucket.

use super::window::commit;
use ironwarp_abi::context::{flow_hash, table, FlowBucketContext, FlowContext};
use ironwarp_abi::registers::{FLOW_KEY_0, FLOW_KEY_1, FLOW_KEY_2};
use std::collections::BTreeMap;

/// Writes of the host to BAR 0, in order: address and value.
pub type Writes = Vec<(u32, u32)>;

/// The lists of all buckets, and the key that chooses a flow's bucket.
pub struct Flows {
    key: [u32; 3],
    bucket_bits: usize,
    lists: BTreeMap<usize, Vec<u32>>,
    entries: BTreeMap<u32, FlowContext>,
}

impl Flows {
    /// Empty lists.
    pub fn new(key: [u32; 3], bucket_bits: usize) -> Self {
        Self { key, bucket_bits, lists: BTreeMap::new(), entries: BTreeMap::new() }
    }

    /// The device learns the key.
    pub fn key(&self) -> Writes {
        let registers = [FLOW_KEY_0, FLOW_KEY_1, FLOW_KEY_2];
        registers.iter().zip(self.key).map(|(register, key)| (register.address, key)).collect()
    }

    fn bucket(&self, flow: &FlowContext) -> usize {
        let FlowContext { remote_ip, remote_port, local_port, .. } = *flow;
        flow_hash(self.key, self.bucket_bits, remote_ip, remote_port, local_port)
    }

    /// The entry of a queue pair as it is now.
    fn entry(&self, qp: u32) -> Writes {
        let flow = self.entries.get(&qp).copied().unwrap_or_default();
        commit(table::FLOW, qp, &flow.to_words())
    }

    /// The flow of a queue pair is found from now on: it comes to the head of its list, and takes
    /// the place of one that the queue pair had before.
    pub fn add(&mut self, qp: u32, flow: FlowContext) -> Writes {
        let mut writes = self.remove(qp);
        let bucket = self.bucket(&flow);
        let list = self.lists.entry(bucket).or_default();
        let next = list.first().copied().unwrap_or(0);
        list.insert(0, qp);
        self.entries.insert(qp, FlowContext { next, valid: true, ..flow });
        writes.extend(self.entry(qp));
        writes.extend(head(bucket, qp));
        writes
    }

    /// The flow of a queue pair leaves its list: first its neighbour's entry or the bucket leads
    /// past it, then its own is cleared. A list that is searched meanwhile goes on.
    pub fn remove(&mut self, qp: u32) -> Writes {
        let Some(flow) = self.entries.get(&qp).copied() else { return vec![] };
        let bucket = self.bucket(&flow);
        let list = self.lists.entry(bucket).or_default();
        let Some(at) = list.iter().position(|it| *it == qp) else { return vec![] };
        list.remove(at);
        let mut writes = match at.checked_sub(1).map(|before| list[before]) {
            None => head(bucket, flow.next),
            Some(before) => {
                self.entries.entry(before).and_modify(|entry| entry.next = flow.next);
                self.entry(before)
            }
        };
        self.entries.remove(&qp);
        writes.extend(self.entry(qp));
        writes
    }

    /// The flow of a queue pair stays in its list, and is found or not.
    pub fn set_valid(&mut self, qp: u32, valid: bool) -> Writes {
        let Some(flow) = self.entries.get_mut(&qp) else { return vec![] };
        flow.valid = valid;
        self.entry(qp)
    }

    /// The queue pair has an entry.
    pub fn has(&self, qp: u32) -> bool {
        self.entries.contains_key(&qp)
    }
}

fn head(bucket: usize, first: u32) -> Writes {
    commit(table::FLOW_BUCKET, bucket as u32, &FlowBucketContext { first }.to_words())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::registers::{COMMIT, CONTEXT_WINDOW};

    /// The lists that come of the writes, as the device walks them.
    #[derive(Default)]
    struct Table {
        window: BTreeMap<u32, u32>,
        entries: BTreeMap<u32, FlowContext>,
        first: u32,
    }

    impl Table {
        fn take(&mut self, writes: Writes) {
            for (address, value) in writes {
                if address != COMMIT.address {
                    self.window.insert(address, value);
                    continue;
                }
                let window = std::mem::take(&mut self.window);
                let word = |n: u32| window.get(&(CONTEXT_WINDOW + 4 * n)).copied().unwrap_or(0);
                let (table, index) = ((value >> 24) as u8, value & 0xff_ffff);
                match table {
                    table::FLOW => {
                        let flow = FlowContext::from_words(&[0, 1, 2, 3].map(word));
                        self.entries.insert(index, flow);
                    }
                    _ => self.first = word(0),
                }
            }
        }

        fn list(&self) -> Vec<(u32, bool)> {
            let mut found = Vec::new();
            let mut at = self.first;
            while at != 0 {
                let entry = self.entries[&at];
                found.push((at, entry.valid));
                at = entry.next;
            }
            found
        }
    }

    /// Without a key all flows are in one bucket.
    #[test]
    fn lists_stay_whole() {
        let mut flows = Flows::new([0; 3], 8);
        let mut table = Table::default();
        for qp in [1, 2, 3, 4] {
            table.take(flows.add(qp, FlowContext::default()));
        }
        assert_eq!(table.list(), [(4, true), (3, true), (2, true), (1, true)]);
        table.take(flows.set_valid(3, false));
        table.take(flows.remove(2));
        assert_eq!(table.list(), [(4, true), (3, false), (1, true)]);
        table.take(flows.remove(4));
        table.take(flows.add(1, FlowContext::default()));
        assert_eq!(table.list(), [(1, true), (3, false)]);
        assert!(flows.has(3) && !flows.has(4));
        table.take(flows.remove(1));
        table.take(flows.remove(3));
        assert_eq!(table.list(), []);
    }
}
