//! After a reset the device is as after power-on, whatever it was doing.

use ironwarp_testbench::differential::{reset, rnic, Make};

/// Seeds that are run when nothing else is asked for: the first ones.
const SEEDS: u64 = 60;

/// `RESET_SEED` runs one seed, `RESET_SEEDS` so many from zero on.
fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    match (number("RESET_SEED"), number("RESET_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEEDS),
    }
}

#[test]
fn a_reset_in_the_middle_of_anything_makes_a_fresh_device() {
    let make: &Make = &rnic;
    let (mut clocks, mut cuts) = (0, [0; 4]);
    for seed in seeds() {
        let reset = reset(seed, make);
        if let Some(difference) = &reset.difference {
            panic!("{difference}");
        }
        clocks += reset.clocks;
        let cut = [reset.cut.pcie_in, reset.cut.pcie_out, reset.cut.mac_in, reset.cut.mac_out];
        cuts.iter_mut().zip(cut).for_each(|(count, cut)| *count += usize::from(cut));
    }
    let [pcie_in, pcie_out, mac_in, mac_out] = cuts;
    println!("{clocks} clocks are the same after {} resets", seeds().count());
    println!("cut: pcie_in {pcie_in}, pcie_out {pcie_out}, mac_in {mac_in}, mac_out {mac_out}");
    if seeds().count() >= SEEDS as usize {
        assert!(cuts.iter().all(|cuts| *cuts > 0), "no reset has cut a packet: {cuts:?}");
    }
}
