//! The same transfer, between devices of all kinds, on hosts and links that make it hard: PCIe
//! that delays, splits, reorders and pauses; a long cable.

use ironwarp::transfer::{self, Plan};
use ironwarp_machine::DeviceKind::{self, Model, Sim};
use ironwarp_sim::{Options, RootComplexOptions, Split};
use std::time::Duration;

/// Every pair of kinds, the sender first.
const PAIRS: [[DeviceKind; 2]; 4] = [[Sim, Sim], [Sim, Model], [Model, Sim], [Model, Model]];

fn octets(seed: u64, count: usize) -> Vec<u8> {
    (0..count as u64).map(|n| (n.wrapping_mul(0x9e37_79b9 + seed) >> 7) as u8).collect()
}

/// Moves a file with markers and CRCs on and off.
fn moves(what: &str, plan: &Plan) {
    let seed = plan.simulation.seed;
    for (markers, crc) in [(false, true), (true, true), (true, false)] {
        let plan = Plan { markers, crc, ..plan.clone() };
        let file = octets(seed, 70_001);
        let outcome = transfer::run(&file, &plan, |_| ());
        let [from, to] = plan.devices;
        let options = format!("MTU {}, markers {markers}, CRC {crc}", plan.mtu);
        let told = format!("{what}, {from} to {to}, {options}, SEED={seed}");
        let outcome = outcome.unwrap_or_else(|error| panic!("{told}: {error}"));
        assert_eq!(outcome.digest_sent, outcome.digest_received, "{told}");
        assert_eq!(outcome.bytes, file.len(), "{told}");
    }
}

/// The pairs in which a host's PCIe is simulated.
fn with_pcie() -> impl Iterator<Item = [DeviceKind; 2]> {
    PAIRS.into_iter().filter(|pair| pair.contains(&Sim))
}

/// The seeds of a random test: the one in `SEED`, or the first `count`.
fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is a number")],
        Err(_) => (0..count).collect(),
    }
}

#[test]
fn completions_split_and_out_of_order() {
    for seed in seeds(4) {
        let root_complex = RootComplexOptions {
            reorder: true,
            split: Split::Random,
            read_jitter_ns: 3000,
            ..RootComplexOptions::default()
        };
        let simulation = Options { seed, root_complex, ..Options::default() };
        for devices in with_pcie() {
            let simulation = simulation.clone();
            moves("reordered", &Plan { devices, simulation, ..Plan::default() });
        }
    }
}

#[test]
fn every_payload_and_request_size() {
    for (max_payload, max_read) in [(128, 128), (128, 512), (256, 256), (512, 4096), (512, 128)] {
        let root_complex =
            RootComplexOptions { max_payload, max_read, ..RootComplexOptions::default() };
        let what = format!("payload {max_payload} read {max_read}");
        for devices in with_pcie() {
            let simulation = Options { root_complex: root_complex.clone(), ..Options::default() };
            moves(&what, &Plan { devices, simulation, mtu: 9000, ..Plan::default() });
        }
    }
}

#[test]
fn a_bus_that_pushes_back_and_pauses() {
    for seed in seeds(3) {
        let root_complex = RootComplexOptions {
            back_pressure: 0.15,
            bubbles: 0.2,
            split: Split::Smallest,
            reorder: true,
            write_latency_ns: 900,
            bar_address: 0x20_0000_0000,
            ..RootComplexOptions::default()
        };
        let simulation = Options { seed, root_complex, ..Options::default() };
        for devices in with_pcie() {
            let simulation = simulation.clone();
            moves("pushing back", &Plan { devices, simulation, ..Plan::default() });
        }
    }
}

#[test]
fn a_long_cable() {
    for devices in PAIRS {
        for mtu in [576, 9000] {
            let propagation = Duration::from_micros(26);
            moves("a long cable", &Plan { devices, mtu, propagation, ..Plan::default() });
        }
    }
}
