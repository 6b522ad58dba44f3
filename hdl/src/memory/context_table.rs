//! An engine's own copy of the context words that it needs.
use super::DualPortRam;
use crate::configuration::OBJECT_BITS;
use crate::control::records::{ContextWrite, EVERY_TABLE};
use crate::literal::Literal;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Words `first_word .. first_word + N` of the first `2^A` contexts of one context table.
///
/// The host writes words one by one ([`ContextWrite`]); the engine reads a context's words
/// together. A word that is read in the clock of its write is not defined: an object is started
/// only after its context was written.
#[derive(LogicBlock, Ports)]
pub struct ContextTable<const A: usize, const N: usize> {
    pub clock: Signal<In, Clock>,
    /// The host's writes.
    pub context_write: Signal<In, ContextWrite>,
    /// The context to read. May change every clock.
    pub index: Signal<In, Bits<A>>,
    /// Its words, one clock later.
    pub words: [Signal<Out, Bits<32>>; N],
    ram: [DualPortRam<Bits<32>, A>; N],
    write: Signal<Local, Bit>,
    wipe: Signal<Local, Bit>,
    table_number: Constant<Bits<4>>,
    word: [Constant<Bits<6>>; N],
    every_table: Literal<4, EVERY_TABLE>,
}

impl<const A: usize, const N: usize> ContextTable<A, N> {
    /// Keeps `N` words from `first_word` of the contexts of `table` (`abi::context::table`).
    pub fn new(table: u8, first_word: usize) -> Self {
        assert!(A <= OBJECT_BITS, "the index of any object fits");
        assert!(u64::from(table) != EVERY_TABLE, "the number of no table");
        assert!(first_word + N <= 64, "a context has 64 words");
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            index: Default::default(),
            words: std::array::from_fn(|_| Default::default()),
            ram: std::array::from_fn(|_| Default::default()),
            write: Default::default(),
            wipe: Default::default(),
            every_table: Default::default(),
            table_number: Constant::new(u64::from(table).to_bits()),
            word: std::array::from_fn(|n| Constant::new(((first_word + n) as u64).to_bits())),
        }
    }
}

impl<const A: usize, const N: usize> Logic for ContextTable<A, N> {
    #[hdl_gen]
    fn update(&mut self) {
        self.write.next = self.context_write.val().valid
            & (self.context_write.val().table == self.table_number.val());
        self.wipe.next = self.context_write.val().valid
            & (self.context_write.val().table == self.every_table.val());
        for i in 0..N {
            self.ram[i].clock.next = self.clock.val();
            self.ram[i].read_address.next = self.index.val();
            self.ram[i].write_address.next =
                bit_cast::<A, OBJECT_BITS>(self.context_write.val().index);
            self.ram[i].write_data.next = self.context_write.val().data;
            self.ram[i].write_enable.next = self.wipe.val()
                | (self.write.val() & (self.context_write.val().word == self.word[i].val()));
            self.words[i].next = self.ram[i].read_data.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;
    use std::collections::HashMap;

    #[test]
    fn keeps_its_words_and_no_other() {
        let mut rng = rng(7);
        let mut uut = ContextTable::<3, 2>::new(4, 5);
        uut.connect_all();
        let mut model = HashMap::new();
        for _ in 0..2000 {
            let wipe = rng.random_bool(0.1);
            let table = if wipe { EVERY_TABLE } else { rng.random_range(3..6) };
            let word = rng.random_range(3..9);
            let (index, data) = (rng.random_range(0..8), u64::from(rng.random::<u32>()));
            let valid = rng.random();
            uut.context_write.next = ContextWrite {
                valid,
                table: table.to_bits(),
                index: (index as u64).to_bits(),
                word: word.to_bits(),
                data: data.to_bits(),
            };
            if valid && wipe {
                model.extend([5, 6].map(|word| ((index, word), data)));
            } else if valid && table == 4 {
                model.insert((index, word), data);
            }
            tick!(uut);
            uut.context_write.next = Default::default();
            let read = rng.random_range(0..8);
            uut.index.next = (read as u64).to_bits();
            tick!(uut);
            for i in 0..2 {
                let expected = model.get(&(read, 5 + i as u64)).copied().unwrap_or(0);
                assert_eq!(uut.words[i].val(), expected.to_bits::<32>());
            }
        }
    }
}
