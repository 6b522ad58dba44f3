//! The clocks, and how fast they must be: the one place where this is stated.

/// The core clock of the board: everything from the serial line to the crossing to Ethernet.
pub const CORE_MHZ: f64 = 62.5;
/// Gigabit Ethernet, an octet a clock.
pub const LINE_MHZ: f64 = 125.0;
/// The oscillator on the board.
pub const OSCILLATOR_MHZ: f64 = 100.0;

/// What names of clocks say of their speed; the first that fits counts.
const WORDS: &[(&str, f64)] = &[
    ("100", OSCILLATOR_MHZ),
    ("receive_clock", LINE_MHZ),
    ("transmit_clock", LINE_MHZ),
    ("gmii", LINE_MHZ),
];

/// How fast the clock called `name` must be, in MHz: the core's speed if the name says nothing.
pub fn required_mhz(name: &str) -> f64 {
    let fits = WORDS.iter().find(|(word, _)| name.contains(word));
    fits.map_or(CORE_MHZ, |(_, mhz)| *mhz)
}

/// The engines, which `docs/architecture.md` names, and the functional units that are compared with
/// public cores: each is placed and routed by itself, and must reach its clocks.
pub const ENGINES: &[&str] = &[
    "pcie",
    "control",
    "transmit",
    "receive",
    "completion_writer",
    "gate",
    "page_walker",
    "mac",
    "serial_bridge",
    "crc32c",
    "checksums",
    "header_sums",
    "fpdu_framer",
];
