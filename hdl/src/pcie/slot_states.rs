//! What has become of the reads of a channel.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// The `2^T` slots of a channel's store, a bit each.
///
/// ```text
///           open            complete, refused              retired
///   free ---------> open -------------------------> done ----------> free
///                    |                                ^
///                    | timed out                      |
///                    +--> done with `failed` ---------+
///                    +--> quarantined -------> free
///                                  complete, or timed out again
/// ```
/// A slot is its read's until all octets have come (PCI Express Base Specification, s. 2.2.6.2), or
/// the read is refused, or it has timed out (s. 2.8). What is poisoned spoils the data and ends
/// nothing. After a time-out, whoever waits is told, but octets may still come: the slot and its
/// tag are kept back until all of them have, or for as long again.
///
/// Time comes as pulses, two in a completion timeout: what is there at one of them is old, and what
/// is old at one of them has timed out.
#[derive(LogicBlock, Ports)]
pub struct SlotStates<const T: usize> {
    pub clock: Signal<In, Clock>,
    /// A read is opened in a free slot.
    pub open: Signal<In, Bit>,
    pub open_slot: Signal<In, Bits<5>>,
    /// A completion of this slot counts ...
    pub looked_up: Signal<In, Bits<5>>,
    pub counted: Signal<In, Bit>,
    /// ... its data is of no use ...
    pub spoilt: Signal<In, Bit>,
    /// ... and nothing is to come after it.
    pub complete: Signal<In, Bit>,
    /// A slot that is done is not needed any more.
    pub retired: Signal<In, Bit>,
    pub retired_slot: Signal<In, Bits<5>>,
    pub pulse: Signal<In, Bit>,
    /// Nothing grows older.
    pub still: Signal<In, Bit>,
    /// States of the slot that is looked up. Combinational.
    pub is_open: Signal<Out, Bit>,
    pub is_quarantined: Signal<Out, Bit>,
    /// No completion of its read has counted yet.
    pub is_fresh: Signal<Out, Bit>,
    /// Bit n: slot n waits to be retired.
    pub done: Signal<Out, Bits<32>>,
    /// With `done`: without success.
    pub failed: Signal<Out, Bits<32>>,
    /// Bit n: slot n is not free.
    pub busy: Signal<Out, Bits<32>>,
    /// With `busy`: since its read has timed out.
    pub quarantined: Signal<Out, Bits<32>>,
    open_bits: DFF<Bits<32>>,
    fresh_bits: DFF<Bits<32>>,
    done_bits: DFF<Bits<32>>,
    failed_bits: DFF<Bits<32>>,
    quarantined_bits: DFF<Bits<32>>,
    old_bits: DFF<Bits<32>>,
    opening: Signal<Local, Bits<32>>,
    counting: Signal<Local, Bits<32>>,
    spoiling: Signal<Local, Bits<32>>,
    finishing: Signal<Local, Bits<32>>,
    retiring: Signal<Local, Bits<32>>,
    expiring: Signal<Local, Bits<32>>,
    releasing: Signal<Local, Bits<32>>,
    ageing: Signal<Local, Bits<32>>,
    /// The bits that stand for slots: the others are no flip-flops.
    slots: Constant<Bits<32>>,
    one: Constant<Bits<32>>,
    none: Constant<Bits<32>>,
}

impl<const T: usize> Default for SlotStates<T> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            open: Default::default(),
            open_slot: Default::default(),
            looked_up: Default::default(),
            counted: Default::default(),
            spoilt: Default::default(),
            complete: Default::default(),
            retired: Default::default(),
            retired_slot: Default::default(),
            pulse: Default::default(),
            still: Default::default(),
            is_open: Default::default(),
            is_quarantined: Default::default(),
            is_fresh: Default::default(),
            done: Default::default(),
            failed: Default::default(),
            busy: Default::default(),
            quarantined: Default::default(),
            open_bits: Default::default(),
            fresh_bits: Default::default(),
            done_bits: Default::default(),
            failed_bits: Default::default(),
            quarantined_bits: Default::default(),
            old_bits: Default::default(),
            opening: Default::default(),
            counting: Default::default(),
            spoiling: Default::default(),
            finishing: Default::default(),
            retiring: Default::default(),
            expiring: Default::default(),
            releasing: Default::default(),
            ageing: Default::default(),
            slots: Constant::new(((1_u64 << (1 << T)) - 1).to_bits()),
            one: Constant::new(1.into()),
            none: Constant::new(0.into()),
        }
    }
}

impl<const T: usize> Logic for SlotStates<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, open_bits, fresh_bits, done_bits, failed_bits);
        dff_setup!(self, clock, quarantined_bits, old_bits);
        self.done.next = self.done_bits.q.val();
        self.failed.next = self.failed_bits.q.val();
        self.quarantined.next = self.quarantined_bits.q.val();
        self.busy.next =
            self.open_bits.q.val() | self.done_bits.q.val() | self.quarantined_bits.q.val();
        self.is_open.next = self.open_bits.q.val().get_bit(self.looked_up.val().index());
        self.is_quarantined.next =
            self.quarantined_bits.q.val().get_bit(self.looked_up.val().index());
        self.is_fresh.next = self.fresh_bits.q.val().get_bit(self.looked_up.val().index());

        self.opening.next = self.none.val();
        if self.open.val() {
            self.opening.next = self.one.val() << self.open_slot.val();
        }
        self.counting.next = self.none.val();
        if self.counted.val() {
            self.counting.next = self.one.val() << self.looked_up.val();
        }
        self.spoiling.next = self.none.val();
        if self.spoilt.val() {
            self.spoiling.next = self.counting.val();
        }
        self.finishing.next = self.none.val();
        if self.complete.val() {
            self.finishing.next = self.counting.val();
        }
        self.retiring.next = self.none.val();
        if self.retired.val() {
            self.retiring.next = self.one.val() << self.retired_slot.val();
        }
        self.expiring.next = self.none.val();
        self.releasing.next = self.none.val();
        self.ageing.next = self.old_bits.q.val();
        if self.still.val() {
            self.ageing.next = self.none.val();
        } else if self.pulse.val() {
            self.expiring.next =
                self.open_bits.q.val() & self.old_bits.q.val() & !self.finishing.val();
            self.releasing.next = self.quarantined_bits.q.val() & self.old_bits.q.val();
            self.ageing.next =
                (self.open_bits.q.val() & !self.old_bits.q.val()) | self.quarantined_bits.q.val();
        }

        self.open_bits.d.next = (self.open_bits.q.val() | self.opening.val())
            & !self.finishing.val()
            & !self.expiring.val()
            & self.slots.val();
        self.fresh_bits.d.next = (self.fresh_bits.q.val() | self.opening.val())
            & !self.counting.val()
            & self.slots.val();
        self.done_bits.d.next = (self.done_bits.q.val()
            | (self.open_bits.q.val() & self.finishing.val())
            | self.expiring.val())
            & !self.retiring.val()
            & self.slots.val();
        self.failed_bits.d.next = (self.failed_bits.q.val()
            | (self.open_bits.q.val() & self.spoiling.val())
            | self.expiring.val())
            & !self.retiring.val()
            & self.slots.val();
        self.quarantined_bits.d.next = (self.quarantined_bits.q.val() | self.expiring.val())
            & !self.finishing.val()
            & !self.releasing.val()
            & self.slots.val();
        self.old_bits.d.next = self.ageing.val() & !self.opening.val() & self.slots.val();
    }
}
