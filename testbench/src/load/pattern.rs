//! Octets that name whose they are and where they belong.

/// Who has made octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The host has filled a region with them, by number.
    Host(usize),
    /// The peer of a life, by number, has sent them for a region, by number.
    Peer(usize, usize),
    /// The memory belongs to somebody else now.
    Stranger,
}

fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// The octets from `offset` on of what this maker makes.
pub fn octets(maker: Maker, offset: u64, length: usize) -> Vec<u8> {
    let name = match maker {
        Maker::Host(region) => 1 << 60 | region as u64,
        Maker::Peer(life, region) => 2 << 60 | (life as u64) << 30 | region as u64,
        Maker::Stranger => 3 << 60,
    };
    let word = |index: u64| mix(mix(name) ^ index).to_le_bytes();
    let one = |offset: u64| word(offset / 8)[(offset % 8) as usize];
    (0..length as u64).map(|n| one(offset + n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_and_offsets_differ() {
        let all = [Maker::Host(1), Maker::Host(2), Maker::Peer(1, 2), Maker::Peer(2, 1)];
        for (n, one) in all.iter().enumerate() {
            for other in &all[n + 1..] {
                assert_ne!(octets(*one, 0, 16), octets(*other, 0, 16));
            }
        }
        let whole = octets(Maker::Host(7), 0, 100);
        assert_eq!(octets(Maker::Host(7), 13, 50), whole[13..63]);
        assert_ne!(whole[..8], whole[8..16]);
    }
}
