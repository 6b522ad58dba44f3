//! Do the numbers of a memory region fit together?
use super::record_masks::RecordWord;
use crate::literal::Literal;
use crate::memory::field;
use crate::pins::Ports;
use crate::protect::records::LINE_BITS;
use ironwarp_abi::context::{table, MemoryRegionContext};
use ironwarp_abi::limits::{PAGED_LENGTH_BITS, PAGE_BITS_MIN};
use rust_hdl::prelude::*;

/// The number of the word in which a field begins.
const fn word(name: &str) -> u64 {
    field(MemoryRegionContext::FIELDS, name).word() as u64
}

const _: () = {
    // What follows from a page list's mark stands with it or behind it, and the rest before it.
    let fields = MemoryRegionContext::FIELDS;
    let (paged, log2) = (field(fields, "paged"), field(fields, "page_log2"));
    assert!(paged.bit() == 20 && log2.bit() == 21 && log2.width == 5);
    assert!(word("page_log2") == word("paged") && word("first_offset") > word("paged"));
    assert!(word("bus_address") < word("paged") && LINE_BITS == 6);
    assert!(word("length") + 1 < word("paged") && PAGED_LENGTH_BITS == 32 + 12);
};

/// Looks at the words of a record in their order, and says in the clock of a word that it is wrong:
/// see [`MemoryRegionContext::in_range`]. Words of other tables are right.
#[derive(LogicBlock, Ports, Default)]
pub struct RegionCheck {
    pub clock: Signal<In, Clock>,
    /// No record is looked at: the next word is of another one.
    pub idle: Signal<In, Bit>,
    /// The word at work, if there is one.
    pub there: Signal<In, Bit>,
    pub place: Signal<In, RecordWord>,
    pub value: Signal<In, Bits<32>>,
    pub wrong: Signal<Out, Bit>,
    /// It cannot be a page list; it is one; and log2 of its pages.
    unfit: DFF<Bit>,
    paged: DFF<Bit>,
    page_log2: DFF<Bits<5>>,
    looks: Signal<Local, Bit>,
    at: Signal<Local, Bits<5>>,
    log2: Signal<Local, Bits<5>>,
    beyond: Signal<Local, Bits<32>>,
    mr_table: Literal<4, { table::MEMORY_REGION as u64 }>,
    length_word: Literal<5, { word("length") + 1 }>,
    list_word: Literal<5, { word("bus_address") }>,
    mark_word: Literal<5, { word("paged") }>,
    first_word: Literal<5, { word("first_offset") }>,
    log2_min: Literal<5, { PAGE_BITS_MIN as u64 }>,
}

impl Logic for RegionCheck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, unfit, paged, page_log2);
        self.at.next = self.place.val().word;
        self.log2.next = self.value.val().get_bits::<5>(21);
        self.beyond.next = self.value.val() >> self.page_log2.q.val();
        self.looks.next = self.there.val() & (self.place.val().table == self.mr_table.val());
        self.wrong.next = false;
        if self.looks.val() {
            if (self.at.val() == self.length_word.val()) & self.value.val().get_bits::<20>(12).any()
            {
                self.unfit.d.next = true;
            }
            if (self.at.val() == self.list_word.val()) & self.value.val().get_bits::<6>(0).any() {
                self.unfit.d.next = true;
            }
            if self.at.val() == self.mark_word.val() {
                self.paged.d.next = self.value.val().get_bit(20);
                self.page_log2.d.next = self.log2.val();
                self.wrong.next = self.log2.val().any();
                if self.value.val().get_bit(20) {
                    self.wrong.next = self.unfit.q.val() | (self.log2.val() < self.log2_min.val());
                }
            }
            if self.at.val() == self.first_word.val() {
                self.wrong.next = self.value.val().any();
                if self.paged.q.val() {
                    self.wrong.next = self.beyond.val().any();
                }
            }
        }
        if self.idle.val() {
            self.unfit.d.next = false;
            self.paged.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    /// Records of every table, word by word, near the limits.
    #[test]
    fn finds_what_a_region_cannot_be() {
        let mut rng = rng(1);
        let mut uut = RegionCheck::default();
        uut.connect_all();
        let mut counts = [0; 2];
        for _ in 0..4000 {
            let region = MemoryRegionContext {
                length: 1 << rng.random_range(30..50),
                bus_address: 1 << rng.random_range(3..40),
                paged: rng.random(),
                page_log2: rng.random_range(0..32) & rng.random_range(8..32),
                first_offset: rng.random_range(0..2) << rng.random_range(0..32),
                ..MemoryRegionContext::default()
            };
            let mine = rng.random_bool(0.9);
            let table = if mine { table::MEMORY_REGION } else { table::FLOW };
            uut.idle.next = true;
            uut.there.next = false;
            tick!(uut);
            uut.idle.next = false;
            let mut wrong = false;
            for (at, value) in region.to_words().into_iter().enumerate() {
                let table = u64::from(table).to_bits();
                uut.place.next = RecordWord { word: (at as u64).to_bits(), table };
                uut.value.next = u64::from(value).to_bits();
                uut.there.next = true;
                settle!(uut);
                wrong |= uut.wrong.val();
                edge!(uut);
            }
            assert_eq!(wrong, mine && !region.in_range(), "{region:?}");
            counts[usize::from(wrong)] += 1;
        }
        assert!(counts.iter().all(|count| *count > 300), "{counts:?}");
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("region_check", &mut RegionCheck::default());
    }
}
