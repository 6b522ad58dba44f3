//! Keeps the data of reads until all of it has come.
use super::completion_check::{Awaited, CompletionCheck};
use super::records::{CompletionBeat, OpenRead};
use super::slot_states::SlotStates;
use crate::memory::DualPortRam;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// A read as it began: its tag, and all that it waits for.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Begun {
    pub tag: Bits<8>,
    pub awaited: Awaited,
}

/// `2^T` slots of 512 octets (`A` = T + 6: log2 of the beats), written by completions.
///
/// ```text
/// completion -> how the slot's read began, how far it got -> place -> [even words][odd words]
///                                |
///                        CompletionCheck -> SlotStates -> done, failed, busy, quarantined
/// ```
/// A tag's lowest bits are its slot. Completions of one read come in ascending order of addresses,
/// those of different reads in any order (PCI Express Base Specification, s. 2.3.1.1), so what a
/// read still waits for is all there is to remember; a completion that does not fit it, or whose
/// tag is not that of the slot's read, is not expected, and changes nothing (s. 2.3.2). A double
/// word lies at its bus address modulo 512. Takes a [`CompletionBeat`] every clock, but two
/// completions are at least one clock apart.
#[derive(LogicBlock, Ports)]
pub struct CompletionStore<const T: usize, const A: usize> {
    pub clock: Signal<In, Clock>,
    pub completion: Signal<In, CompletionBeat>,
    /// A read is opened.
    pub open: Signal<In, Bit>,
    pub opened: Signal<In, OpenRead>,
    /// The read-out is finished with a slot.
    pub retired: Signal<In, Bit>,
    pub retired_slot: Signal<In, Bits<T>>,
    /// Twice within the completion timeout; see [`SlotStates`].
    pub pulse: Signal<In, Bit>,
    /// No read can be sent: none of them grows older.
    pub still: Signal<In, Bit>,
    /// Bit n: slot n is finished and not retired.
    pub done: Signal<Out, Bits<32>>,
    /// With `done`: the data is not to be used.
    pub failed: Signal<Out, Bits<32>>,
    /// Bit n: slot n must not be given away.
    pub busy: Signal<Out, Bits<32>>,
    /// With `busy`: since its read has timed out.
    pub quarantined: Signal<Out, Bits<32>>,
    /// The first record of a completion two clocks ago was one that a read waits for.
    pub known: Signal<Out, Bit>,
    /// The beat to read: slot and address bits 8:3.
    pub read_address: Signal<In, Bits<A>>,
    /// That beat, one clock later.
    pub read_data: Signal<Out, Bits<64>>,
    even: DualPortRam<Bits<32>, A>,
    odd: DualPortRam<Bits<32>, A>,
    begun: DualPortRam<Begun, T>,
    reached: DualPortRam<Awaited, T>,
    check: CompletionCheck,
    states: SlotStates<T>,
    beat: DFF<CompletionBeat>,
    place: DFF<Bits<8>>,
    known_bit: DFF<Bit>,
    /// The slot was opened in the clock in which it was looked up: the completion is not its.
    early: DFF<Bit>,
    /// The completion that is coming in fits its read: its data is kept, or only counted.
    keeping: DFF<Bit>,
    counting: DFF<Bit>,
    then: DFF<Awaited>,
    keep: Signal<Local, Bit>,
    count: Signal<Local, Bit>,
    after: Signal<Local, Awaited>,
    first_awaited: Signal<Local, Awaited>,
    slot: Signal<Local, Bits<5>>,
    sought: Signal<Local, Bits<5>>,
    agrees: Signal<Local, Bit>,
    counts: Signal<Local, Bit>,
    at: Signal<Local, Bits<8>>,
    at_next: Signal<Local, Bits<8>>,
    at_last: Signal<Local, Bits<8>>,
    first_word: Signal<Local, Bits<32>>,
    second_word: Signal<Local, Bits<32>>,
    single: Signal<Local, Bit>,
    pair: Signal<Local, Bit>,
    even_place: Signal<Local, Bits<8>>,
    high_address: Signal<Local, Bits<A>>,
    one: Constant<Bits<8>>,
}

impl<const T: usize, const A: usize> Default for CompletionStore<T, A> {
    fn default() -> Self {
        assert_eq!(T + 6, A, "a slot has 64 beats");
        Self {
            clock: Default::default(),
            completion: Default::default(),
            open: Default::default(),
            opened: Default::default(),
            retired: Default::default(),
            retired_slot: Default::default(),
            pulse: Default::default(),
            still: Default::default(),
            done: Default::default(),
            failed: Default::default(),
            busy: Default::default(),
            quarantined: Default::default(),
            known: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            even: Default::default(),
            odd: Default::default(),
            begun: Default::default(),
            reached: Default::default(),
            check: Default::default(),
            states: Default::default(),
            beat: Default::default(),
            place: Default::default(),
            known_bit: Default::default(),
            early: Default::default(),
            keeping: Default::default(),
            counting: Default::default(),
            then: Default::default(),
            keep: Default::default(),
            count: Default::default(),
            after: Default::default(),
            first_awaited: Default::default(),
            slot: Default::default(),
            sought: Default::default(),
            agrees: Default::default(),
            counts: Default::default(),
            at: Default::default(),
            at_next: Default::default(),
            at_last: Default::default(),
            first_word: Default::default(),
            second_word: Default::default(),
            single: Default::default(),
            pair: Default::default(),
            even_place: Default::default(),
            high_address: Default::default(),
            one: Constant::new(1.into()),
        }
    }
}

impl<const T: usize, const A: usize> Logic for CompletionStore<T, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, beat, place, known_bit, early, keeping, counting, then);
        clock!(self, clock, even, odd, begun, reached, check, states);
        self.done.next = self.states.done.val();
        self.failed.next = self.states.failed.val();
        self.busy.next = self.states.busy.val();
        self.quarantined.next = self.states.quarantined.val();
        self.known.next = self.known_bit.q.val();

        // First clock: look up the slot.
        self.beat.d.next = self.completion.val();
        self.check.header.next = self.completion.val();
        self.begun.read_address.next = bit_cast::<T, 8>(self.completion.val().tag);
        self.reached.read_address.next = bit_cast::<T, 8>(self.completion.val().tag);
        self.sought.next = bit_cast::<5, T>(bit_cast::<T, 8>(self.completion.val().tag));
        self.early.d.next = self.open.val() & (self.sought.val() == self.opened.val().slot);

        // Second clock: is it expected, and where do the double words go?
        self.slot.next = bit_cast::<5, T>(bit_cast::<T, 8>(self.beat.q.val().tag));
        self.states.looked_up.next = self.slot.val();
        self.check.awaited.next = self.reached.read_data.val();
        if self.states.is_fresh.val() {
            self.check.awaited.next = self.begun.read_data.val().awaited;
        }
        self.agrees.next = self.beat.q.val().valid
            & !self.early.q.val()
            & (self.beat.q.val().tag == self.begun.read_data.val().tag)
            & self.check.fits.val();
        self.keep.next = self.keeping.q.val();
        self.count.next = self.counting.q.val();
        self.after.next = self.then.q.val();
        self.at.next = self.place.q.val();
        if self.beat.q.val().valid & self.beat.q.val().first {
            self.keep.next = self.agrees.val() & self.states.is_open.val();
            self.count.next =
                self.agrees.val() & (self.states.is_open.val() | self.states.is_quarantined.val());
            self.after.next = self.check.then.val();
            self.at.next = self.check.awaited.val().place;
        }
        self.then.d.next = self.after.val();
        // A read that is given up in the middle of a completion takes no more of it.
        self.keeping.d.next = self.keep.val() & self.states.is_open.val();
        self.counting.d.next =
            self.count.val() & (self.states.is_open.val() | self.states.is_quarantined.val());
        self.known_bit.d.next = self.keep.val() & self.beat.q.val().valid & self.beat.q.val().first;
        self.single.next = self.keep.val()
            & self.beat.q.val().valid
            & (self.beat.q.val().low | self.beat.q.val().high);
        self.pair.next = self.keep.val()
            & self.beat.q.val().valid
            & self.beat.q.val().low
            & self.beat.q.val().high;
        self.at_next.next = self.at.val() + self.one.val();
        self.at_last.next = self.at.val();
        if self.beat.q.val().low & self.beat.q.val().high {
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
        self.high_address.next = bit_cast::<A, 5>(self.slot.val()) << 6;
        self.even_place.next = self.at.val();
        self.even.write_data.next = self.first_word.val();
        self.odd.write_data.next = self.second_word.val();
        self.even.write_enable.next = self.single.val();
        self.odd.write_enable.next = self.pair.val();
        if self.at.val().get_bit(0) {
            self.even_place.next = self.at_next.val();
            self.even.write_data.next = self.second_word.val();
            self.odd.write_data.next = self.first_word.val();
            self.even.write_enable.next = self.pair.val();
            self.odd.write_enable.next = self.single.val();
        }
        self.even.write_address.next =
            self.high_address.val() | bit_cast::<A, 6>(self.even_place.val().get_bits::<6>(1));
        self.odd.write_address.next =
            self.high_address.val() | bit_cast::<A, 6>(self.at.val().get_bits::<6>(1));

        // A completion that came whole counts.
        self.counts.next = self.beat.q.val().valid
            & self.beat.q.val().last
            & !self.beat.q.val().cut
            & self.count.val();
        self.reached.write_address.next = bit_cast::<T, 8>(self.beat.q.val().tag);
        self.reached.write_data.next = self.after.val();
        self.reached.write_enable.next = self.counts.val();
        self.states.counted.next = self.counts.val();
        self.states.spoilt.next = self.beat.q.val().refused | self.beat.q.val().poisoned;
        self.states.complete.next = !self.after.val().left.any();

        // What becomes of the slots.
        self.states.open.next = self.open.val();
        self.states.open_slot.next = self.opened.val().slot;
        self.states.retired.next = self.retired.val();
        self.states.retired_slot.next = bit_cast::<5, T>(self.retired_slot.val());
        self.states.pulse.next = self.pulse.val();
        self.states.still.next = self.still.val();
        self.begun.write_address.next = bit_cast::<T, 5>(self.opened.val().slot);
        self.begun.write_data.next.tag = self.opened.val().tag;
        self.first_awaited.next.place = self.opened.val().start;
        self.first_awaited.next.lead = self.opened.val().lead;
        self.first_awaited.next.left = self.opened.val().bytes;
        self.begun.write_data.next.awaited = self.first_awaited.val();
        self.begun.write_enable.next = self.open.val();

        // The other side.
        self.even.read_address.next = self.read_address.val();
        self.odd.read_address.next = self.read_address.val();
        self.read_data.next = bit_cast::<64, 32>(self.even.read_data.val())
            | (bit_cast::<64, 32>(self.odd.read_data.val()) << 32);
    }
}
