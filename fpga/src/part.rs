//! The FPGA.

/// The part on the ECPIX-5 85F.
pub const PART: &str = "LFE5UM5G-85F-8BG554";

/// The same for nextpnr-ecp5.
pub const PART_ARGUMENTS: &[&str] = &["--um5g-85k", "--package", "CABGA554", "--speed", "8"];

/// Places for logic: 4-input look-up tables, each of which may be half a carry cell or an eighth of
/// a distributed RAM instead.
pub const LUTS: u64 = 83_640;
/// Flip-flops.
pub const FLIP_FLOPS: u64 = 83_640;
/// Block RAMs of 18 Kbit.
pub const BLOCK_RAMS: u64 = 208;
/// Multipliers of 18 by 18 bits.
pub const MULTIPLIERS: u64 = 156;
