//! A file through links that lose frames, between devices of all kinds: every octet arrives.

use ironwarp::transfer::{self, Plan};
use ironwarp_machine::DeviceKind::{self, Model, Sim};
use ironwarp_sim::{Impairments, LinkOptions, Options};

/// Every pair of kinds, the sender first.
const PAIRS: [[DeviceKind; 2]; 4] = [[Sim, Sim], [Sim, Model], [Model, Sim], [Model, Model]];

fn octets(seed: u64, count: usize) -> Vec<u8> {
    (0..count as u64).map(|n| (n.wrapping_mul(0x9e37_79b9 + seed) >> 7) as u8).collect()
}

#[test]
fn what_a_link_loses_is_sent_again() {
    for seed in 0..4 {
        for devices in PAIRS {
            if !devices.contains(&Sim) {
                continue;
            }
            let link = LinkOptions {
                impairments: Impairments { drop: 0.01, ..Impairments::NONE },
                ..LinkOptions::default()
            };
            let simulation = Options { seed, link, ..Options::default() };
            let plan = Plan { devices, simulation, ..Plan::default() };
            let file = octets(seed, 1_000_001);
            let outcome = transfer::run(&file, &plan, |_| ());
            let [from, to] = devices;
            let outcome = outcome.unwrap_or_else(|error| panic!("{from} to {to}, {seed}: {error}"));
            assert_eq!(outcome.digest_sent, outcome.digest_received, "{from} to {to}, {seed}");
            println!("{from} to {to}, {seed}: {outcome:?}");
        }
    }
}
