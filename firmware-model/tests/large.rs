//! The large configuration: numbers beyond eight bits, lists of flows, a queue pair for everyone.

mod common;

use common::*;
use ironwarp_abi::configuration::LARGE;
use ironwarp_abi::context::{flow_hash, table, FlowBucketContext, FlowContext, QueuePairContext};
use ironwarp_abi::queue::SendRequest;
use ironwarp_abi::registers as reg;
use ironwarp_model::Options;
use std::collections::HashMap;

/// Where the send rings lie, one request each.
const RINGS: u64 = 0x6_0000;

/// A thousand connections at once, each with a flow and a ring of its own.
#[test]
fn the_large_device_moves_data_on_a_thousand_queue_pairs() {
    let options = Options { configuration: LARGE, ..Options::default() };
    let mut stations = [0, 1].map(|me| Station::with(me, options.clone()));
    let count = LARGE.qp_count() as u32;
    assert_eq!(count, 1024);
    for (me, station) in stations.iter_mut().enumerate() {
        let mut heads = HashMap::new();
        station.fill(SOURCE, &pattern(16 * count as usize, 9));
        for qp in 1..count {
            let mut pair = context(me, PLAIN);
            let port = |port: u16| port + qp as u16;
            (pair.local_port, pair.remote_port) = (port(pair.local_port), port(pair.remote_port));
            (pair.send_queue, pair.send_queue_log2) = (MEMORY + RINGS + 64 * u64::from(qp), 0);
            connect(station, &mut heads, qp, &pair);
            let at = 16 * u64::from(qp);
            let request = SendRequest { signaled: qp % 4 == 0, ..write_request(16, at, at) };
            station.fill(RINGS + 64 * u64::from(qp), &request.to_bytes());
            station.ring_qp(qp, reg::DOORBELL_SEND, 1);
        }
    }
    run(&mut stations);
    for station in &mut stations {
        let bytes = 16 * count as usize;
        assert_eq!(station.octets(SINK + 16, bytes - 16), pattern(bytes, 9)[16..]);
        let mut done: Vec<_> = station.completions().iter().map(|entry| entry.qp).collect();
        done.sort_unstable();
        assert_eq!(done, (4..count).step_by(4).collect::<Vec<_>>());
        assert_eq!(station.state(count - 1).generation, FIRST);
    }
}

/// Starts a queue pair and puts its flow at the head of its bucket's list.
fn connect(
    station: &mut Station,
    heads: &mut HashMap<usize, u32>,
    qp: u32,
    pair: &QueuePairContext,
) {
    let QueuePairContext { remote_ip, local_ip, local_port, remote_port, .. } = *pair;
    let bucket = flow_hash(FLOW_KEY, LARGE.bucket_bits, remote_ip, remote_port, local_port);
    let next = heads.insert(bucket, qp).unwrap_or_default();
    station.start_pair(qp, pair);
    let flow = FlowContext { remote_ip, local_ip, local_port, remote_port, next, valid: true };
    station.commit(table::FLOW, qp, &flow.to_words());
    station.commit(table::FLOW_BUCKET, bucket as u32, &FlowBucketContext { first: qp }.to_words());
}
