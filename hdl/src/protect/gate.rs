//! Turns an STag and a tagged offset into a bus address or a place in a page list, or refuses.
//!
//! ```text
//!            index               STag, domain, rights, offset + length
//! Idle ------------> Subtract ------------------------------------> Judge --> Answer --> Idle
//!  take the question   words of the region are there                 choose     until taken
//! ```
use crate::configuration::MR_BITS;
use crate::control::records::ContextWrite;
use crate::literal::Literal;
use crate::memory::{field, ContextTable};
use crate::pins::Ports;
use crate::protect::records::*;
use crate::stream::beat::*;
use ironwarp_abi::context::{table, MemoryRegionContext};
use ironwarp_abi::limits::KEY_BITS;
use rust_hdl::prelude::*;

/// Where the rights begin in the region's last word.
const RIGHTS_BIT: usize = 16;

/// A region's words from the one on in which the field begins.
fn words<const N: usize>(name: &str) -> ContextTable<MR_BITS, N> {
    ContextTable::new(table::MEMORY_REGION, field(MemoryRegionContext::FIELDS, name).word())
}

const _: () = {
    use right::*;
    let fields = MemoryRegionContext::FIELDS;
    let rights = [
        (field(fields, "local_read"), LOCAL_READ),
        (field(fields, "local_write"), LOCAL_WRITE),
        (field(fields, "remote_read"), REMOTE_READ),
        (field(fields, "remote_write"), REMOTE_WRITE),
    ];
    let (pd, valid) = (field(fields, "pd"), field(fields, "valid"));
    let mut n = 0;
    while n < rights.len() {
        assert!(rights[n].0.bit() == RIGHTS_BIT + rights[n].1 as usize);
        assert!(rights[n].0.word() == pd.word());
        n += 1;
    }
    assert!(pd.bit() == 0 && valid.bit() == 31 && valid.word() == pd.word());
    let (paged, log2) = (field(fields, "paged"), field(fields, "page_log2"));
    assert!(paged.bit() == 20 && log2.bit() == 21 && paged.word() == pd.word());
    assert!(log2.word() == pd.word() && field(fields, "first_offset").bit() == 0);
    assert!(LINE_BITS == 6, "the kernel takes the list's line from here on");
};

/// What the gate does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum GateState {
    Idle,
    Subtract,
    Judge,
    Answer,
}

/// One question at a time, answered three clocks after it was taken. None is taken in a clock in
/// which a word of a region is written, and the words of a record come without a gap: so a region
/// is seen as it was before the record, or after it.
#[derive(LogicBlock, Ports)]
pub struct Gate {
    pub clock: Signal<In, Clock>,
    /// The host's writes of memory region records.
    pub context_write: Signal<In, ContextWrite>,
    pub question: StreamSink<GateQuestion>,
    pub answer: StreamSource<GateAnswer>,
    bases: ContextTable<MR_BITS, 2>,
    lengths: ContextTable<MR_BITS, 2>,
    addresses: ContextTable<MR_BITS, 2>,
    stags: ContextTable<MR_BITS, 1>,
    grants: ContextTable<MR_BITS, 1>,
    firsts: ContextTable<MR_BITS, 1>,
    state: DFF<GateState>,
    asked: DFF<GateQuestion>,
    refused: DFF<Bits<3>>,
    given: DFF<Place>,
    /// Offset minus the region's base.
    relative: DFF<Bits<64>>,
    /// Offset plus length, 65 bits.
    sum: DFF<Bits<65>>,
    /// Where the region begins: on the bus, or in its first page.
    bus: DFF<Bits<64>>,
    paged: DFF<Bit>,
    page_log2: DFF<Bits<5>>,
    list: DFF<PageLine>,
    size: DFF<Bits<64>>,
    below: DFF<Bit>,
    stranger: DFF<Bit>,
    trespass: DFF<Bit>,
    forbidden: DFF<Bit>,
    takes: Signal<Local, Bit>,
    index: Signal<Local, Bits<32>>,
    base: Signal<Local, Bits<64>>,
    grant: Signal<Local, Bits<32>>,
    start: Signal<Local, Bits<64>>,
    first: Signal<Local, Bits<32>>,
    rights: Signal<Local, Bits<4>>,
    granted: Signal<Local, Bits<4>>,
    relative_end: Signal<Local, Bits<65>>,
    sum_low: Signal<Local, Bits<64>>,
    wraps: Signal<Local, Bit>,
    outside: Signal<Local, Bit>,
    mr_table: Literal<4, { table::MEMORY_REGION as u64 }>,
    refuse_stag: Literal<3, { refusal::STAG }>,
    refuse_domain: Literal<3, { refusal::DOMAIN }>,
    refuse_rights: Literal<3, { refusal::RIGHTS }>,
    refuse_bounds: Literal<3, { refusal::BOUNDS }>,
    refuse_wrap: Literal<3, { refusal::WRAP }>,
}

impl Default for Gate {
    fn default() -> Self {
        assert_eq!(KEY_BITS, 8, "the kernel takes the index from here on");
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            question: Default::default(),
            answer: Default::default(),
            bases: words("base"),
            lengths: words("length"),
            addresses: words("bus_address"),
            stags: words("stag"),
            grants: words("valid"),
            firsts: words("first_offset"),
            state: Default::default(),
            asked: Default::default(),
            refused: Default::default(),
            given: Default::default(),
            relative: Default::default(),
            sum: Default::default(),
            bus: Default::default(),
            paged: Default::default(),
            page_log2: Default::default(),
            list: Default::default(),
            size: Default::default(),
            below: Default::default(),
            stranger: Default::default(),
            trespass: Default::default(),
            forbidden: Default::default(),
            takes: Default::default(),
            index: Default::default(),
            base: Default::default(),
            grant: Default::default(),
            start: Default::default(),
            first: Default::default(),
            rights: Default::default(),
            granted: Default::default(),
            relative_end: Default::default(),
            sum_low: Default::default(),
            wraps: Default::default(),
            outside: Default::default(),
            mr_table: Default::default(),
            refuse_stag: Default::default(),
            refuse_domain: Default::default(),
            refuse_rights: Default::default(),
            refuse_bounds: Default::default(),
            refuse_wrap: Default::default(),
        }
    }
}

impl Logic for Gate {
    //= rfc5041#7.1  STag, domain, access, bounds, wrap: checked before anything is placed.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, asked, refused, given, relative, sum, bus, size);
        dff_setup!(self, clock, below, stranger, trespass, forbidden, paged, page_log2, list);
        clock!(self, clock, bases, lengths, addresses, stags, grants, firsts);
        self.bases.context_write.next = self.context_write.val();
        self.lengths.context_write.next = self.context_write.val();
        self.addresses.context_write.next = self.context_write.val();
        self.stags.context_write.next = self.context_write.val();
        self.grants.context_write.next = self.context_write.val();
        self.firsts.context_write.next = self.context_write.val();
        self.index.next = self.question.beat.val().stag;
        self.bases.index.next = self.index.val().get_bits::<MR_BITS>(8);
        self.lengths.index.next = self.index.val().get_bits::<MR_BITS>(8);
        self.addresses.index.next = self.index.val().get_bits::<MR_BITS>(8);
        self.stags.index.next = self.index.val().get_bits::<MR_BITS>(8);
        self.grants.index.next = self.index.val().get_bits::<MR_BITS>(8);
        self.firsts.index.next = self.index.val().get_bits::<MR_BITS>(8);
        self.takes.next = (self.state.q.val() == GateState::Idle)
            & !(self.context_write.val().valid
                & (self.context_write.val().table == self.mr_table.val()));
        self.question.ready.next = self.takes.val();
        self.answer.valid.next = self.state.q.val() == GateState::Answer;
        self.answer.beat.next.refusal = self.refused.q.val();
        self.answer.beat.next.place = self.given.q.val();

        self.base.next = (bit_cast::<64, 32>(self.bases.words[1].val()) << 32)
            | bit_cast::<64, 32>(self.bases.words[0].val());
        self.grant.next = self.grants.words[0].val();
        self.start.next = (bit_cast::<64, 32>(self.addresses.words[1].val()) << 32)
            | bit_cast::<64, 32>(self.addresses.words[0].val());
        self.first.next = self.firsts.words[0].val();
        self.rights.next = self.grant.val().get_bits::<4>(16);
        self.granted.next = self.rights.val() >> self.asked.q.val().right;
        self.relative_end.next = bit_cast::<65, 64>(self.relative.q.val())
            + bit_cast::<65, 32>(self.asked.q.val().length);
        self.sum_low.next = self.sum.q.val().get_bits::<64>(0);
        self.wraps.next = self.sum.q.val().get_bit(64) & self.sum_low.val().any();
        self.outside.next =
            self.below.q.val() | (self.relative_end.val() > bit_cast::<65, 64>(self.size.q.val()));

        match self.state.q.val() {
            GateState::Idle => {
                self.asked.d.next = self.question.beat.val();
                if self.question.valid.val() & self.takes.val() {
                    self.state.d.next = GateState::Subtract;
                }
            }
            GateState::Subtract => {
                self.relative.d.next = self.asked.q.val().offset - self.base.val();
                self.below.d.next = self.asked.q.val().offset < self.base.val();
                self.sum.d.next = bit_cast::<65, 64>(self.asked.q.val().offset)
                    + bit_cast::<65, 32>(self.asked.q.val().length);
                self.bus.d.next = self.start.val();
                self.paged.d.next = self.grant.val().get_bit(20);
                self.page_log2.d.next = self.grant.val().get_bits::<5>(21);
                self.list.d.next = self.start.val().get_bits::<58>(6);
                if self.grant.val().get_bit(20) {
                    self.bus.d.next = bit_cast::<64, 32>(self.first.val());
                }
                self.size.d.next = (bit_cast::<64, 32>(self.lengths.words[1].val()) << 32)
                    | bit_cast::<64, 32>(self.lengths.words[0].val());
                self.stranger.d.next = !self.grant.val().get_bit(31)
                    | (self.stags.words[0].val() != self.asked.q.val().stag);
                self.trespass.d.next = self.grant.val().get_bits::<16>(0) != self.asked.q.val().pd;
                self.forbidden.d.next = !self.granted.val().get_bit(0);
                self.state.d.next = GateState::Judge;
            }
            GateState::Judge => {
                self.refused.d.next = 0.into();
                self.given.d.next.address = self.bus.q.val() + self.relative.q.val();
                self.given.d.next.paged = self.paged.q.val();
                self.given.d.next.page_log2 = self.page_log2.q.val();
                self.given.d.next.list = self.list.q.val();
                if self.outside.val() {
                    self.refused.d.next = self.refuse_bounds.val();
                }
                if self.wraps.val() {
                    self.refused.d.next = self.refuse_wrap.val();
                }
                if self.forbidden.q.val() {
                    self.refused.d.next = self.refuse_rights.val();
                }
                if self.trespass.q.val() {
                    self.refused.d.next = self.refuse_domain.val();
                }
                if self.stranger.q.val() {
                    self.refused.d.next = self.refuse_stag.val();
                }
                if self.outside.val()
                    | self.wraps.val()
                    | self.forbidden.q.val()
                    | self.trespass.q.val()
                    | self.stranger.q.val()
                    | !self.asked.q.val().length.any()
                {
                    self.given.d.next.address = 0.into();
                    self.given.d.next.paged = false;
                    self.given.d.next.page_log2 = 0.into();
                    self.given.d.next.list = 0.into();
                }
                if !self.asked.q.val().length.any() {
                    self.refused.d.next = 0.into();
                }
                self.state.d.next = GateState::Answer;
            }
            GateState::Answer => {
                if self.answer.ready.val() {
                    self.state.d.next = GateState::Idle;
                }
            }
            _ => {
                self.state.d.next = GateState::Idle;
            }
        }
    }
}

#[cfg(test)]
mod tests;
