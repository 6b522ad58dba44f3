//! What a port of a Verilated module is.

/// Who drives a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The user of the module drives it.
    In,
    /// The module drives it.
    Out,
}

/// A port of a Verilated module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name in the Verilog, such as `sink$valid`.
    pub name: &'static str,
    /// Its width in bits, at least 1.
    pub width: u32,
    /// Who drives it.
    pub direction: Direction,
}

impl Port {
    /// How many 32-bit words hold its value.
    pub const fn words(&self) -> usize {
        self.width.div_ceil(32) as usize
    }

    /// The bytes that Verilator stores it in: 1, 2, 4, 8, or whole words from 65 bits up.
    pub const fn bytes(&self) -> usize {
        match self.width {
            0..=8 => 1,
            9..=16 => 2,
            17..=32 => 4,
            33..=64 => 8,
            _ => 4 * self.words(),
        }
    }
}
