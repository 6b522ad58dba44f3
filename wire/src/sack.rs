//! TCP's selective acknowledgements (RFC 2018): blocks of octets that have arrived behind a gap.

use crate::sequence::Sequence;
use crate::tcp::option;

/// Blocks that fit into the options of a TCP header.
pub const BLOCKS_MAX: usize = 4;
/// Octets of a block: the numbers of its first octet and of the one behind its last.
pub const BLOCK_BYTES: usize = 8;
/// Octets before the blocks: two of no operation, so that the blocks are aligned; kind and length.
pub const HEAD_BYTES: usize = 4;

/// The first octet, and the one behind the last.
pub type Block = (Sequence, Sequence);

/// The blocks of one segment, in its order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blocks {
    blocks: [Block; BLOCKS_MAX],
    count: usize,
}

impl Blocks {
    /// No blocks.
    pub const NONE: Self = Self { blocks: [(Sequence(0), Sequence(0)); BLOCKS_MAX], count: 0 };

    /// Those that the options of a TCP header hold: none if there is no such option, or if the
    /// options are malformed before it.
    //= rfc2018#3  Kind 5, a length of 8 n + 2, and n blocks of two numbers of 32 bits.
    pub fn parse(mut options: &[u8]) -> Self {
        let mut blocks = Self::default();
        while let Some((&kind, rest)) = options.split_first() {
            options = match kind {
                option::END => break,
                option::NO_OPERATION => rest,
                _ => {
                    let length = rest.first().copied().map_or(0, usize::from);
                    let Some((all, behind)) = options.split_at_checked(length) else { break };
                    let Some(body) = all.get(2..) else { break };
                    if kind == option::SACK {
                        body.chunks_exact(BLOCK_BYTES).for_each(|block| blocks.push(of(block)));
                    }
                    behind
                }
            };
        }
        blocks
    }

    /// Adds a block; one for which there is no room is left out.
    pub fn push(&mut self, block: Block) {
        if let Some(place) = self.blocks.get_mut(self.count) {
            *place = block;
            self.count += 1;
        }
    }

    /// In the order of the segment.
    pub fn iter(&self) -> impl Iterator<Item = Block> + '_ {
        self.blocks.iter().take(self.count).copied()
    }

    /// Octets of options that they take, a multiple of four; none if there are no blocks.
    pub fn option_bytes(&self) -> usize {
        match self.count {
            0 => 0,
            count => HEAD_BYTES + count * BLOCK_BYTES,
        }
    }

    /// Writes the option to the front of the octets, as far as they go.
    pub fn emit(&self, into: &mut [u8]) {
        let no = option::NO_OPERATION;
        let head = [no, no, option::SACK, (self.option_bytes().saturating_sub(2)) as u8];
        let blocks = self.iter().flat_map(|(left, right)| [left.0, right.0]);
        let octets = head.into_iter().chain(blocks.flat_map(u32::to_be_bytes));
        for (place, octet) in into.iter_mut().zip(octets.take(self.option_bytes())) {
            *place = octet;
        }
    }
}

fn of(block: &[u8]) -> Block {
    let number = |octets: &[u8]| {
        Sequence(octets.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
    };
    let (left, right) = block.split_at(BLOCK_BYTES / 2);
    (number(left), number(right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks(numbers: &[(u32, u32)]) -> Blocks {
        let mut blocks = Blocks::default();
        numbers.iter().for_each(|(left, right)| blocks.push((Sequence(*left), Sequence(*right))));
        blocks
    }

    /// RFC 2018 s. 7, case 2, after the third segment.
    //= rfc2018#3
    //= type=test
    #[test]
    fn the_option_lies_as_in_the_rfc() {
        let sack = blocks(&[(5500, 7000)]);
        let mut octets = [0xff; 12];
        sack.emit(&mut octets);
        assert_eq!(octets, [1, 1, 5, 10, 0, 0, 0x15, 0x7c, 0, 0, 0x1b, 0x58]);
        assert_eq!((sack.option_bytes(), Blocks::parse(&octets)), (12, sack));
        assert_eq!(Blocks::default().option_bytes(), 0);
    }

    #[test]
    fn other_options_are_passed_and_malformed_ones_end_it() {
        let sack = blocks(&[(1, 2), (3, 4)]);
        let mut octets = vec![2, 4, 5, 180, 1, 3, 3, 7, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0];
        let before = octets.len();
        octets.resize(before + sack.option_bytes(), 0);
        sack.emit(&mut octets[before..]);
        assert_eq!(Blocks::parse(&octets), sack);
        for end in [0, 1, before, before + 5, before + 19] {
            assert_eq!(Blocks::parse(&octets[..end]), Blocks::default(), "{end}");
        }
        for length in [0, 1, 200] {
            octets[1] = length;
            assert_eq!(Blocks::parse(&octets), Blocks::default(), "length {length}");
        }
        octets[0] = 0;
        assert_eq!(Blocks::parse(&octets), Blocks::default(), "behind the end");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(numbers in prop::collection::vec(any::<(u32, u32)>(), 0..7)) {
            let sack = blocks(&numbers);
            let mut octets = vec![0; sack.option_bytes()];
            sack.emit(&mut octets);
            prop_assert_eq!(Blocks::parse(&octets), sack);
            prop_assert_eq!(sack.iter().count(), numbers.len().min(BLOCKS_MAX));
            prop_assert!(octets.len() <= crate::tcp::HEADER_BYTES_MAX - crate::tcp::HEADER_BYTES);
        }

        #[test]
        fn any_options_are_read(octets in prop::collection::vec(0u8..12, 0..41)) {
            let _ = Blocks::parse(&octets);
        }
    }
}
