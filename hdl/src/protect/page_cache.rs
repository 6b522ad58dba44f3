//! Keeps the lines of page lists that were read last.
use crate::control::records::{ContextWrite, EVERY_TABLE};
use crate::literal::Literal;
use crate::memory::DualPortRam;
use crate::pins::Ports;
use crate::protect::records::PageLine;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::{PAGE_ENTRY_BYTES, PAGE_LINE_BYTES};
use rust_hdl::prelude::*;

/// log2 of the lines that are kept.
const SLOT_BITS: usize = 4;
/// log2 of the entries of a line.
const ENTRY_BITS: usize = 3;
const _: () = assert!(PAGE_LINE_BYTES == PAGE_ENTRY_BYTES << ENTRY_BITS);

/// A line has one place. A record of a memory region that is written empties the cache: the list of
/// a region that is gone may lie where that of a new one is. A line that was on its way then is
/// good for whoever asked for it, and is not kept.
#[derive(LogicBlock, Ports, Default)]
pub struct PageCache {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    /// The line at work, and which of its entries.
    pub line: Signal<In, PageLine>,
    pub number: Signal<In, Bits<ENTRY_BITS>>,
    /// A clock later: the line is there; and the entry, which means nothing otherwise, unless the
    /// line was the last one filled.
    pub hit: Signal<Out, Bit>,
    pub entry: Signal<Out, Bits<64>>,
    /// The line is going to be filled: what was in its place is gone.
    pub opens: Signal<In, Bit>,
    /// Its next entry.
    pub fill: Signal<In, Bit>,
    pub fill_entry: Signal<In, Bits<64>>,
    /// That is the last one, and all are good.
    pub closes: Signal<In, Bit>,
    lines: DualPortRam<PageLine, SLOT_BITS>,
    entries: DualPortRam<Bits<64>, { SLOT_BITS + ENTRY_BITS }>,
    /// Bit n: there is a line in place n.
    kept: DFF<Bits<16>>,
    stale: DFF<Bit>,
    count: DFF<Bits<ENTRY_BITS>>,
    slot: Signal<Local, Bits<SLOT_BITS>>,
    mark: Signal<Local, Bits<16>>,
    flush: Signal<Local, Bit>,
    first: Literal<16, 1>,
    one: Literal<ENTRY_BITS, 1>,
    mr_table: Literal<4, { table::MEMORY_REGION as u64 }>,
    every_table: Literal<4, EVERY_TABLE>,
}

impl Logic for PageCache {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, kept, stale, count);
        clock!(self, clock, lines, entries);
        // Lists begin at pages as a rule: the pages' numbers count, too.
        self.slot.next =
            self.line.val().get_bits::<SLOT_BITS>(0) ^ self.line.val().get_bits::<SLOT_BITS>(6);
        self.mark.next = self.first.val() << self.slot.val();
        self.lines.read_address.next = self.slot.val();
        self.lines.write_address.next = self.slot.val();
        self.lines.write_data.next = self.line.val();
        self.lines.write_enable.next = self.opens.val();
        self.entries.read_address.next = (bit_cast::<7, SLOT_BITS>(self.slot.val()) << 3)
            | bit_cast::<7, ENTRY_BITS>(self.number.val());
        self.entries.write_address.next = (bit_cast::<7, SLOT_BITS>(self.slot.val()) << 3)
            | bit_cast::<7, ENTRY_BITS>(self.count.q.val());
        self.entries.write_data.next = self.fill_entry.val();
        self.entries.write_enable.next = self.fill.val();
        self.entry.next = self.entries.read_data.val();
        self.hit.next = self.kept.q.val().get_bit(self.slot.val().index())
            & (self.lines.read_data.val() == self.line.val());

        self.flush.next = self.context_write.val().valid
            & ((self.context_write.val().table == self.mr_table.val())
                | (self.context_write.val().table == self.every_table.val()));
        if self.opens.val() {
            self.kept.d.next = self.kept.q.val() & !self.mark.val();
            self.count.d.next = 0.into();
            self.stale.d.next = false;
        }
        if self.fill.val() {
            self.count.d.next = self.count.q.val() + self.one.val();
        }
        if self.closes.val() & !self.stale.q.val() {
            self.kept.d.next = self.kept.q.val() | self.mark.val();
        }
        if self.flush.val() {
            self.kept.d.next = 0.into();
            self.stale.d.next = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;
    use std::collections::HashMap;

    /// What a host's line holds, until it is changed.
    fn entry(line: u64, number: u64, age: u64) -> u64 {
        line << 20 | age << 8 | number
    }

    fn flush(uut: &mut PageCache, table: u64, valid: bool) {
        uut.context_write.next =
            ContextWrite { valid, table: table.to_bits(), ..Default::default() };
    }

    #[test]
    fn what_is_found_is_what_was_read_since_the_last_record() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = PageCache::default();
            uut.connect_all();
            let mut known: HashMap<u64, u64> = HashMap::new();
            let (mut age, mut hits, mut misses) = (0, 0, 0);
            for _ in 0..3000 {
                let line: u64 = rng.random_range(0..5) << [0, 6, 40][rng.random_range(0..3)];
                let number = rng.random_range(0..8_u64);
                uut.line.next = line.to_bits();
                uut.number.next = number.to_bits();
                tick!(uut);
                settle!(uut);
                if uut.hit.val() {
                    assert_eq!(known.get(&line), Some(&age), "SEED={seed}: an old line");
                    assert_eq!(uut.entry.val().to_u64(), entry(line, number, age), "SEED={seed}");
                    hits += 1;
                    continue;
                }
                misses += 1;
                uut.opens.next = true;
                tick!(uut);
                uut.opens.next = false;
                let (bad, asked) = (rng.random_bool(0.1), age);
                for at in 0..8 {
                    let changes = rng.random_bool(0.02);
                    let other = rng.random_bool(0.1);
                    let table = if other { table::FLOW } else { table::MEMORY_REGION };
                    flush(&mut uut, table.into(), changes);
                    age += u64::from(changes && !other);
                    uut.fill.next = true;
                    uut.fill_entry.next = entry(line, at, asked).to_bits();
                    uut.closes.next = at == 7 && !bad;
                    tick!(uut);
                }
                flush(&mut uut, 0, false);
                uut.fill.next = false;
                uut.closes.next = false;
                tick!(uut);
                settle!(uut);
                assert_eq!(uut.entry.val().to_u64(), entry(line, number, asked), "SEED={seed}");
                known.remove(&line);
                if !bad && age == asked {
                    known.insert(line, age);
                    assert!(uut.hit.val(), "SEED={seed}: it is kept");
                }
            }
            assert!(hits > 500 && misses > 100, "SEED={seed}: {hits} {misses}");
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("page_cache", &mut PageCache::default());
    }
}
