//! Fields of registers by their names.
use crate::memory::is_name;
use ironwarp_abi::registers::{Bits, Register};

/// A register's number in its page.
pub(super) const fn word(register: &Register) -> u64 {
    (register.address / 4) as u64
}

const fn bits(register: &Register, name: &str) -> Bits {
    let mut place = 0;
    while !is_name(register.fields[place].name, name) {
        place += 1;
        assert!(place < register.fields.len(), "the register has no such field");
    }
    register.fields[place]
}

/// Where a register's field begins.
pub(super) const fn low(register: &Register, name: &str) -> u32 {
    bits(register, name).low
}

/// A register's word out of its fields.
pub(super) const fn compose(register: &Register, values: &[(&str, usize)]) -> u64 {
    let (mut word, mut place) = (0, 0);
    while place < values.len() {
        let bits = bits(register, values[place].0);
        let value = values[place].1 as u64;
        assert!(value >> (bits.high - bits.low + 1) == 0, "the value fits into its field");
        word |= value << bits.low;
        place += 1;
    }
    word
}
