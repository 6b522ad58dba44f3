//! Fields of registers, by name.

use ironwarp_abi::registers::Register;

fn bits(register: Register, name: &str) -> (u32, u32) {
    let field = register.fields.iter().find(|field| field.name == name);
    field.map_or((0, 0), |field| (field.low, u32::MAX >> (31 - (field.high - field.low))))
}

/// A field of what a register reads.
pub(crate) fn get(register: Register, word: u32, name: &str) -> u32 {
    let (low, mask) = bits(register, name);
    word >> low & mask
}

/// What to write into a register, with one more field set.
pub(crate) fn put(register: Register, word: u32, name: &str, value: u32) -> u32 {
    let (low, mask) = bits(register, name);
    debug_assert!(value <= mask, "{name} of {} has no room for {value}", register.name);
    word & !(mask << low) | (value & mask) << low
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::registers::{self as reg, CAPABILITIES, QP_CONTROL};

    #[test]
    fn fields_are_found_by_name() {
        assert_eq!(put(QP_CONTROL, 0, "enable", 1), 1 << 24);
        assert_eq!(put(QP_CONTROL, 1 << 24, "index", 0x123), 1 << 24 | 0x123);
        assert_eq!(get(CAPABILITIES, 0x080a_0604, "mr"), 10);
        assert_eq!(get(CAPABILITIES, 0x080a_0604, "buckets"), 8);
        for register in reg::ALL {
            for field in register.fields {
                assert_ne!(bits(*register, field.name).1, 0, "{} {}", register.name, field.name);
            }
        }
    }
}
