//! The matrices of 32-bit cyclic redundancy checks that go lowest bit first.
//!
//! The update is linear over GF(2): every bit of the next remainder is the parity of some bits of
//! the data and of the old remainder. Which ones is computed here from the polynomial, so that
//! software and hardware cannot disagree.

/// The remainder after one more octet. `polynomial` has its lowest power in its highest bit.
pub const fn update(polynomial: u32, remainder: u32, octet: u8) -> u32 {
    let mut remainder = remainder ^ octet as u32;
    let mut bit = 0;
    while bit < 8 {
        let carry = remainder & 1;
        remainder >>= 1;
        if carry == 1 {
            remainder ^= polynomial;
        }
        bit += 1;
    }
    remainder
}

/// For each bit of the remainder after `octets` octets, the data bits whose parity reaches it.
pub const fn data_rows(polynomial: u32, octets: usize) -> [u64; 32] {
    let mut rows = [0; 32];
    let mut column = 0;
    while column < 8 * octets {
        let mut remainder = 0;
        let mut i = 0;
        while i < octets {
            remainder = update(polynomial, remainder, (1_u64 << column >> (8 * i)) as u8);
            i += 1;
        }
        let mut row = 0;
        while row < 32 {
            rows[row] |= ((remainder >> row & 1) as u64) << column;
            row += 1;
        }
        column += 1;
    }
    rows
}

/// For each bit of the remainder after `octets` octets, the bits of the old remainder.
pub const fn remainder_rows(polynomial: u32, octets: usize) -> [u32; 32] {
    let mut rows = [0; 32];
    let mut column = 0;
    while column < 32 {
        let mut remainder = 1_u32 << column;
        let mut i = 0;
        while i < octets {
            remainder = update(polynomial, remainder, 0);
            i += 1;
        }
        let mut row = 0;
        while row < 32 {
            rows[row] |= (remainder >> row & 1) << column;
            row += 1;
        }
        column += 1;
    }
    rows
}

/// What the remainder is after any message and its own check value, whose bits are inverted.
pub const fn residue(polynomial: u32) -> u32 {
    let mut remainder = 0;
    let mut i = 0;
    while i < 4 {
        remainder = update(polynomial, remainder, 0xff);
        i += 1;
    }
    remainder
}
