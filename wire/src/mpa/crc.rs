//! CRC32c, as iSCSI's digests use it (RFC 5044 §4.4, RFC 3720 §12.1).
//!
//! The remainder starts as all ones and is complemented at the end; bits enter lowest first. The
//! CRC travels with its low octet first, alone among the fields of iWARP.

/// The polynomial with the highest power first and x^32 left out.
pub const POLYNOMIAL: u32 = 0x1edc_6f41;
/// The remainder before the first octet.
pub const START: u32 = !0;
/// The CRC of the nine octets `123456789`.
pub const CHECK: u32 = 0xe306_9283;

/// The definition: the remainder after one more octet. Hardware derives its masks from it.
pub const fn step(remainder: u32, octet: u8) -> u32 {
    let mut remainder = remainder ^ octet as u32;
    let mut bit = 0;
    while bit < 8 {
        let out = remainder & 1;
        remainder = (remainder >> 1) ^ (POLYNOMIAL.reverse_bits() * out);
        bit += 1;
    }
    remainder
}

/// The CRC by the definition alone, one bit at a time: slow, but usable in constants.
pub const fn by_definition(mut bytes: &[u8]) -> u32 {
    let mut remainder = START;
    while let [octet, rest @ ..] = bytes {
        remainder = step(remainder, *octet);
        bytes = rest;
    }
    !remainder
}

/// The CRC of `bytes`, by the processor's instructions where it has them.
#[cfg(feature = "std")]
pub fn of(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

const _: () = assert!(by_definition(b"123456789") == CHECK);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    //= rfc5044#4.4
    //= type=test
    #[test]
    fn the_check_value_comes_out() {
        assert_eq!(of(b"123456789"), CHECK);
        assert_eq!(CHECK.to_le_bytes(), [0x83, 0x92, 0x06, 0xe3]);
    }

    proptest! {
        #[test]
        fn the_definition_and_the_library_agree(bytes: Vec<u8>) {
            prop_assert_eq!(by_definition(&bytes), of(&bytes));
        }
    }
}
