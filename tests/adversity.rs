//! The same transfer on hosts that make it hard: PCIe that delays, splits, reorders and pauses.

use ironwarp::transfer::{self, Plan};
use ironwarp_sim::{LinkOptions, Options, RootComplexOptions, Split};

fn octets(seed: u64, count: usize) -> Vec<u8> {
    (0..count as u64).map(|n| (n.wrapping_mul(0x9e37_79b9 + seed) >> 7) as u8).collect()
}

fn moves(what: &str, mtu: usize, world: Options) {
    let seed = world.seed;
    for (markers, crc) in [(false, true), (true, true), (true, false)] {
        let plan = Plan { mtu, markers, crc, world: world.clone(), wave: None };
        let file = octets(seed, 70_001);
        let outcome = transfer::run(&file, &plan, |_| ());
        let told = format!("{what}, MTU {mtu}, markers {markers}, CRC {crc}, SEED={seed}");
        let outcome = outcome.unwrap_or_else(|error| panic!("{told}: {error}"));
        assert_eq!(outcome.digest_sent, outcome.digest_received, "{told}");
    }
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
        moves("reordered", 1500, Options { seed, root_complex, ..Options::default() });
    }
}

#[test]
fn every_payload_and_request_size() {
    for (max_payload, max_read) in [(128, 128), (128, 512), (256, 256), (512, 4096), (512, 128)] {
        let root_complex =
            RootComplexOptions { max_payload, max_read, ..RootComplexOptions::default() };
        let what = format!("payload {max_payload} read {max_read}");
        moves(&what, 9000, Options { root_complex, ..Options::default() });
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
        moves("pushing back", 1500, Options { seed, root_complex, ..Options::default() });
    }
}

#[test]
fn a_long_cable() {
    let link = LinkOptions { propagation_clocks: 4000, ..LinkOptions::default() };
    moves("26 us of cable", 9000, Options { link, ..Options::default() });
}
