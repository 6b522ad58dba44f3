//! Keeps the data of reads until all of it has come.
use super::records::{CompletionBeat, OpenRead};
use crate::memory::DualPortRam;
use rust_hdl::prelude::*;

/// Double words where they go in a tag's 512 octets: `start` and `end` of its read.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct TagSpan {
    pub start: Bits<8>,
    pub end: Bits<8>,
}

/// 512 octets for each of `2^T` tags (`A` = T + 6: log2 of the beats), written by completions.
///
/// ```text
/// completion -> span and saved place of the tag -> place -> [even words][odd words] -> beats
/// ```
/// Completions of one read come in ascending order of addresses, those of different reads in any
/// order (PCI Express Base Specification, s. 2.3.1.1), so a tag's place in its data is all there is
/// to remember. A double word lies at its bus address modulo 512. A read is done when its last
/// double word has come or when a completion is not good. Completions of tags that are not open
/// change nothing. Takes a [`CompletionBeat`] every clock, but two completions are at least one
/// clock apart.
#[derive(LogicBlock)]
pub struct CompletionStore<const T: usize, const A: usize> {
    pub clock: Signal<In, Clock>,
    pub completion: Signal<In, CompletionBeat>,
    /// A read is opened.
    pub open: Signal<In, Bit>,
    pub open_tag: Signal<In, Bits<T>>,
    pub opened: Signal<In, OpenRead>,
    /// The read-out is finished with a tag.
    pub retired: Signal<In, Bit>,
    pub retired_tag: Signal<In, Bits<T>>,
    /// Bit n: tag n has all its data and is not retired.
    pub done: Signal<Out, Bits<32>>,
    /// With `done`: the data is not to be used.
    pub failed: Signal<Out, Bits<32>>,
    /// The first record of a completion two clocks ago belonged to an open tag of this channel.
    pub known: Signal<Out, Bit>,
    /// The beat to read: tag and address bits 8:3.
    pub read_address: Signal<In, Bits<A>>,
    /// That beat, one clock later.
    pub read_data: Signal<Out, Bits<64>>,
    even: DualPortRam<Bits<32>, A>,
    odd: DualPortRam<Bits<32>, A>,
    spans: DualPortRam<TagSpan, T>,
    saved: DualPortRam<Bits<8>, T>,
    beat: DFF<CompletionBeat>,
    place: DFF<Bits<8>>,
    /// Bit n: no completion of tag n has come yet.
    fresh: DFF<Bits<32>>,
    pending: DFF<Bits<32>>,
    done_bits: DFF<Bits<32>>,
    failed_bits: DFF<Bits<32>>,
    known_bit: DFF<Bit>,
    /// A completion ended a clock ago: which octets were the last ones, and of the read.
    ended: DFF<Bit>,
    ended_at: DFF<Bits<8>>,
    ended_end: DFF<Bits<8>>,
    ending: Signal<Local, Bit>,
    ending_tag: DFF<Bits<5>>,
    ending_failed: DFF<Bit>,
    tag: Signal<Local, Bits<5>>,
    mine: Signal<Local, Bit>,
    at: Signal<Local, Bits<8>>,
    at_next: Signal<Local, Bits<8>>,
    at_last: Signal<Local, Bits<8>>,
    first_word: Signal<Local, Bits<32>>,
    second_word: Signal<Local, Bits<32>>,
    pair: Signal<Local, Bit>,
    tag_mask: Signal<Local, Bits<32>>,
    set_done: Signal<Local, Bits<32>>,
    set_failed: Signal<Local, Bits<32>>,
    set_open: Signal<Local, Bits<32>>,
    clear_done: Signal<Local, Bits<32>>,
    clear_fresh: Signal<Local, Bits<32>>,
    even_place: Signal<Local, Bits<8>>,
    high_address: Signal<Local, Bits<A>>,
    base: Constant<Bits<8>>,
    base_mask: Constant<Bits<8>>,
    one: Constant<Bits<8>>,
    first_bit: Constant<Bits<32>>,
    none: Constant<Bits<32>>,
}

impl<const T: usize, const A: usize> CompletionStore<T, A> {
    /// For the tags `base .. base + 2^T`.
    pub fn new(base: u8) -> Self {
        assert_eq!(T + 6, A, "a tag has 64 beats");
        Self {
            clock: Default::default(),
            completion: Default::default(),
            open: Default::default(),
            open_tag: Default::default(),
            opened: Default::default(),
            retired: Default::default(),
            retired_tag: Default::default(),
            done: Default::default(),
            failed: Default::default(),
            known: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            even: Default::default(),
            odd: Default::default(),
            spans: Default::default(),
            saved: Default::default(),
            beat: Default::default(),
            place: Default::default(),
            fresh: Default::default(),
            pending: Default::default(),
            done_bits: Default::default(),
            failed_bits: Default::default(),
            known_bit: Default::default(),
            ended: Default::default(),
            ended_at: Default::default(),
            ended_end: Default::default(),
            ending: Default::default(),
            ending_tag: Default::default(),
            ending_failed: Default::default(),
            tag: Default::default(),
            mine: Default::default(),
            at: Default::default(),
            at_next: Default::default(),
            at_last: Default::default(),
            first_word: Default::default(),
            second_word: Default::default(),
            pair: Default::default(),
            tag_mask: Default::default(),
            set_done: Default::default(),
            set_failed: Default::default(),
            set_open: Default::default(),
            clear_done: Default::default(),
            clear_fresh: Default::default(),
            even_place: Default::default(),
            high_address: Default::default(),
            base: Constant::new(base.to_bits()),
            base_mask: Constant::new((!((1_u64 << T) - 1) & 0xff).to_bits()),
            one: Constant::new(1.into()),
            first_bit: Constant::new(1.into()),
            none: Constant::new(0.into()),
        }
    }
}

impl<const T: usize, const A: usize> Logic for CompletionStore<T, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, beat, place, fresh, pending, done_bits, failed_bits, known_bit);
        dff_setup!(self, clock, ended, ended_at, ended_end, ending_tag, ending_failed);
        clock!(self, clock, even, odd, spans, saved);
        self.done.next = self.done_bits.q.val();
        self.failed.next = self.failed_bits.q.val();
        self.known.next = self.known_bit.q.val();

        // Third clock: is it all there?
        self.ending.next = self.ended.q.val()
            & (self.ending_failed.q.val() | (self.ended_at.q.val() >= self.ended_end.q.val()));

        // First clock: look up the tag.
        self.beat.d.next = self.completion.val();
        self.spans.read_address.next = bit_cast::<T, 8>(self.completion.val().tag);
        self.saved.read_address.next = bit_cast::<T, 8>(self.completion.val().tag);

        // Second clock: where the double words go.
        self.tag.next = bit_cast::<5, T>(bit_cast::<T, 8>(self.beat.q.val().tag));
        self.tag_mask.next = self.first_bit.val() << self.tag.val();
        self.mine.next = self.beat.q.val().valid
            & ((self.beat.q.val().tag & self.base_mask.val()) == self.base.val())
            & self.pending.q.val().get_bit(self.tag.val().index())
            & !(self.ending.val() & (self.ending_tag.q.val() == self.tag.val()));
        self.known_bit.d.next = self.mine.val() & self.beat.q.val().first;
        self.at.next = self.place.q.val();
        if self.beat.q.val().first {
            self.at.next = self.saved.read_data.val();
            if self.fresh.q.val().get_bit(self.tag.val().index()) {
                self.at.next = self.spans.read_data.val().start;
            }
        }
        self.pair.next = self.beat.q.val().low & self.beat.q.val().high;
        self.at_next.next = self.at.val() + self.one.val();
        self.at_last.next = self.at.val();
        if self.pair.val() {
            self.at_last.next = self.at_next.val() + self.one.val();
        } else if self.beat.q.val().low | self.beat.q.val().high {
            self.at_last.next = self.at_next.val();
        }
        if self.beat.q.val().valid {
            self.place.d.next = self.at_last.val();
        }
        self.second_word.next = bit_cast::<32, 64>(self.beat.q.val().data >> 32);
        self.first_word.next = self.second_word.val();
        if self.beat.q.val().low {
            self.first_word.next = bit_cast::<32, 64>(self.beat.q.val().data);
        }
        self.high_address.next = bit_cast::<A, 5>(self.tag.val()) << 6;
        self.even_place.next = self.at.val();
        self.even.write_data.next = self.first_word.val();
        self.odd.write_data.next = self.second_word.val();
        self.even.write_enable.next =
            self.mine.val() & (self.beat.q.val().low | self.beat.q.val().high);
        self.odd.write_enable.next = self.mine.val() & self.pair.val();
        if self.at.val().get_bit(0) {
            self.even_place.next = self.at_next.val();
            self.even.write_data.next = self.second_word.val();
            self.odd.write_data.next = self.first_word.val();
            self.even.write_enable.next = self.mine.val() & self.pair.val();
            self.odd.write_enable.next =
                self.mine.val() & (self.beat.q.val().low | self.beat.q.val().high);
        }
        self.even.write_address.next =
            self.high_address.val() | bit_cast::<A, 6>(self.even_place.val().get_bits::<6>(1));
        self.odd.write_address.next =
            self.high_address.val() | bit_cast::<A, 6>(self.at.val().get_bits::<6>(1));
        self.saved.write_address.next = bit_cast::<T, 5>(self.tag.val());
        self.saved.write_data.next = self.at_last.val();
        self.saved.write_enable.next = self.mine.val() & self.beat.q.val().last;

        // What becomes of the tags.
        self.ended.d.next = self.mine.val() & self.beat.q.val().last;
        self.ended_at.d.next = self.at_last.val();
        self.ended_end.d.next = self.spans.read_data.val().end;
        self.ending_tag.d.next = self.tag.val();
        self.ending_failed.d.next = !self.beat.q.val().good;
        self.set_done.next = self.none.val();
        self.set_failed.next = self.none.val();
        if self.ending.val() {
            self.set_done.next = self.first_bit.val() << self.ending_tag.q.val();
            if self.ending_failed.q.val() {
                self.set_failed.next = self.first_bit.val() << self.ending_tag.q.val();
            }
        }
        self.clear_fresh.next = self.none.val();
        if self.mine.val() & self.beat.q.val().last {
            self.clear_fresh.next = self.tag_mask.val();
        }
        self.set_open.next = self.none.val();
        if self.open.val() {
            self.set_open.next = self.first_bit.val() << bit_cast::<5, T>(self.open_tag.val());
        }
        self.clear_done.next = self.none.val();
        if self.retired.val() {
            self.clear_done.next = self.first_bit.val() << bit_cast::<5, T>(self.retired_tag.val());
        }
        self.done_bits.d.next =
            (self.done_bits.q.val() | self.set_done.val()) & !self.clear_done.val();
        self.failed_bits.d.next =
            (self.failed_bits.q.val() | self.set_failed.val()) & !self.clear_done.val();
        self.pending.d.next = (self.pending.q.val() | self.set_open.val()) & !self.set_done.val();
        self.fresh.d.next = (self.fresh.q.val() | self.set_open.val()) & !self.clear_fresh.val();
        self.spans.write_address.next = self.open_tag.val();
        self.spans.write_data.next.start = self.opened.val().start;
        self.spans.write_data.next.end = self.opened.val().end;
        self.spans.write_enable.next = self.open.val();

        // The other side.
        self.even.read_address.next = self.read_address.val();
        self.odd.read_address.next = self.read_address.val();
        self.read_data.next = bit_cast::<64, 32>(self.even.read_data.val())
            | (bit_cast::<64, 32>(self.odd.read_data.val()) << 32);
    }
}
