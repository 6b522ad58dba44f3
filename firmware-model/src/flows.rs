//! The flow table: which queue pair owns a TCP connection.
//!
//! An entry belongs to the queue pair of its number; the entries of a bucket are a list. The host
//! keeps the lists, so they may be anything.

use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::context::{flow_hash, FlowBucketContext, FlowContext};
use ironwarp_abi::limits::FLOW_KEY_BITS;

/// The secret of the hash.
pub(crate) type FlowKey = [u32; FLOW_KEY_BITS / 32];

/// The two ends of a TCP connection, as this station sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub remote_ip: u32,
    pub local_ip: u32,
    pub remote_port: u16,
    pub local_port: u16,
}

/// Buckets and entries.
#[derive(Debug)]
pub(crate) struct Flows {
    pub buckets: Vec<FlowBucketContext>,
    /// By the number of the queue pair.
    pub entries: Vec<FlowContext>,
    pub key: FlowKey,
    bucket_bits: usize,
}

impl Flows {
    /// An empty table, with the key that is zero.
    pub fn new(configuration: &Configuration) -> Self {
        Self {
            buckets: vec![FlowBucketContext::default(); configuration.bucket_count()],
            entries: vec![FlowContext::default(); configuration.qp_count()],
            key: FlowKey::default(),
            bucket_bits: configuration.bucket_bits,
        }
    }

    /// The queue pair that owns a connection: the first valid entry with these ends in the list of
    /// their bucket. A list has at most as many entries as there are queue pairs; what is behind
    /// so many, in one that runs in a circle, is not looked at.
    pub fn owner(&self, ends: &Ends) -> Option<u32> {
        let Ends { remote_ip, remote_port, local_port, .. } = *ends;
        let bucket = flow_hash(self.key, self.bucket_bits, remote_ip, remote_port, local_port);
        let mut qp = self.buckets.get(bucket)?.first;
        for _ in 0..self.entries.len() {
            let entry = self.entries.get(qp as usize).filter(|_| qp != 0)?;
            if entry.valid && of(entry) == *ends {
                return Some(qp);
            }
            qp = entry.next;
        }
        None
    }
}

fn of(entry: &FlowContext) -> Ends {
    let FlowContext { remote_ip, local_ip, remote_port, local_port, .. } = *entry;
    Ends { remote_ip, local_ip, remote_port, local_port }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::configuration::BOARD;

    const KEY: FlowKey = [0x6d5a_56da, 0x255b_0ec2, 0x4167_253d];

    fn ends(port: u16) -> Ends {
        Ends { remote_ip: 0x0a00_0002, local_ip: 0x0a00_0001, remote_port: port, local_port: 50 }
    }

    fn entry(ends: Ends, next: u32) -> FlowContext {
        let Ends { remote_ip, local_ip, remote_port, local_port } = ends;
        FlowContext { remote_ip, local_ip, remote_port, local_port, next, valid: true }
    }

    fn bucket(ends: Ends) -> usize {
        flow_hash(KEY, BOARD.bucket_bits, ends.remote_ip, ends.remote_port, ends.local_port)
    }

    /// Connections of one bucket, as many as there are queue pairs for.
    fn of_one_bucket() -> Vec<Ends> {
        let all = (0..u16::MAX).map(ends);
        all.filter(|ends| bucket(*ends) == bucket(self::ends(0))).take(15).collect()
    }

    /// A list with all of them, the first queue pair at its end.
    fn full(connections: &[Ends]) -> Flows {
        let mut flows = Flows { key: KEY, ..Flows::new(&BOARD) };
        for (qp, ends) in (1..).zip(connections) {
            let head = &mut flows.buckets[bucket(*ends)].first;
            flows.entries[qp as usize] = entry(*ends, *head);
            *head = qp;
        }
        flows
    }

    #[test]
    fn every_queue_pair_has_its_place_though_all_share_one_bucket() {
        let connections = of_one_bucket();
        let flows = full(&connections);
        for (qp, ends) in (1..).zip(&connections) {
            assert_eq!(flows.owner(ends), Some(qp));
            assert_eq!(flows.owner(&Ends { local_ip: 1, ..*ends }), None);
        }
        let other = Flows { key: [0x1234_5679, 0x9abc_def0, 0x0f1e_2d3c], ..flows };
        assert_eq!(other.owner(&connections[0]), None, "under another key");
    }

    #[test]
    fn an_entry_that_is_not_valid_hides_none_behind_it() {
        let connections = of_one_bucket();
        let mut flows = full(&connections);
        flows.entries[8].valid = false;
        assert_eq!(flows.owner(&connections[7]), None);
        assert_eq!(flows.owner(&connections[6]), Some(7), "behind it");
    }

    #[test]
    fn a_look_up_in_a_circle_ends() {
        let connections = of_one_bucket();
        let mut flows = full(&connections);
        flows.entries[1].next = 15;
        assert_eq!(flows.owner(&connections[0]), Some(1));
        assert_eq!(flows.owner(&ends(u16::MAX)), None);
        flows.entries[8].next = 8;
        assert_eq!(flows.owner(&connections[0]), None, "cut off");
        assert_eq!(flows.owner(&connections[7]), Some(8));
    }

    #[test]
    fn a_list_ends_with_zero_and_the_entry_of_that_number_is_in_none() {
        let mut flows = full(&[]);
        flows.entries[0] = entry(ends(7), 0);
        assert_eq!(flows.owner(&ends(7)), None);
    }
}
