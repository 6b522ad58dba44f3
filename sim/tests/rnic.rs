//! The Verilated RTL as a device of the world.

mod bench;

use bench::enable;
use ironwarp_abi::registers::{ABI_VERSION, DEVICE, DEVICE_MAGIC, TIME_BASE, VERSION};
use ironwarp_sim::{Options, Simulation};

fn world(options: Options) -> Simulation {
    let mut simulation = Simulation::new(options).unwrap();
    for nic in 0..simulation.nics() {
        enable(&mut simulation, nic);
    }
    simulation
}

/// Each RNIC says what it is, and registers of one are not those of the other.
#[test]
fn registers_answer() {
    for bar_address in [0xe000_0000, 0x20_0000_0000] {
        let mut options = Options::default();
        options.root_complex.bar_address = bar_address;
        let mut simulation = world(options);
        for nic in 0..2 {
            assert_eq!(simulation.bar_read32(nic, DEVICE.address).unwrap(), DEVICE_MAGIC);
            assert_eq!(simulation.bar_read32(nic, VERSION.address).unwrap(), ABI_VERSION);
        }
        simulation.bar_write32(0, TIME_BASE.address, 156).unwrap();
        simulation.bar_write32(1, TIME_BASE.address, 157).unwrap();
        assert_eq!(simulation.bar_read32(0, TIME_BASE.address).unwrap(), 156);
        assert_eq!(simulation.bar_read32(1, TIME_BASE.address).unwrap(), 157);
        assert_eq!(simulation.violations(), []);
    }
}

/// A reset makes one device as new; the other one keeps its state.
#[test]
fn a_reset_is_of_one_device() {
    let mut simulation = world(Options::default());
    simulation.bar_write32(0, TIME_BASE.address, 99).unwrap();
    simulation.bar_write32(1, TIME_BASE.address, 98).unwrap();
    assert_eq!(simulation.bar_read32(0, TIME_BASE.address).unwrap(), 99);
    assert_eq!(simulation.bar_read32(1, TIME_BASE.address).unwrap(), 98);
    simulation.reset(0).unwrap();
    enable(&mut simulation, 0);
    assert_ne!(simulation.bar_read32(0, TIME_BASE.address).unwrap(), 99);
    assert_eq!(simulation.bar_read32(1, TIME_BASE.address).unwrap(), 98);
}

/// Waveforms of both RNICs are written, in both formats; they go on over a reset.
#[test]
fn waveforms_are_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["wave.fst", "wave.vcd"] {
        let mut simulation = world(Options::default());
        let files = simulation.open_waveforms(&folder.path().join(name)).unwrap();
        simulation.run(20);
        simulation.reset(1).unwrap();
        simulation.run(20);
        simulation.finish().unwrap();
        assert_eq!(files.len(), 2);
        for file in files {
            assert!(std::fs::metadata(&file).unwrap().len() > 1000, "{}", file.display());
        }
    }
    let mut simulation = world(Options::default());
    assert!(simulation.open_waveforms(&folder.path().join("wave.txt")).is_err());
}
