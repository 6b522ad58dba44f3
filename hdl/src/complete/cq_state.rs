//! What is known of every completion queue.
use crate::control::records::{doorbell_kind, Command, Doorbell};
use crate::memory::Table;
use ironwarp_abi::limits;
use rust_hdl::prelude::*;

/// Producer and consumer index, and whether a queue runs, is armed, or was just armed.
///
/// A queue that was started is empty: its `fresh` bits stand for indices of zero until they are
/// written. The producer index is written by the entry writer alone, the consumer index by the host
/// alone.
#[derive(LogicBlock)]
pub struct CqState {
    pub clock: Signal<In, Clock>,
    pub command: Signal<In, Command>,
    pub doorbell: Signal<In, Doorbell>,
    /// The queue to look up.
    pub index: Signal<In, Bits<4>>,
    /// Two clocks later: entries written so far, modulo 2^16.
    pub producer: Signal<Out, Bits<16>>,
    /// Two clocks later: entries not yet consumed.
    pub used: Signal<Out, Bits<16>>,
    /// Bit n: queue n runs.
    pub active: Signal<Out, Bits<16>>,
    /// Bit n: queue n is armed.
    pub armed: Signal<Out, Bits<16>>,
    /// Bit n: queue n was armed and is to be looked at.
    pub asked: Signal<Out, Bits<16>>,
    /// The queue that the next three mean.
    pub own: Signal<In, Bits<4>>,
    /// An entry is written: `producer_next` is its queue's producer index from now on.
    pub advance: Signal<In, Bit>,
    pub producer_next: Signal<In, Bits<16>>,
    /// The queue is armed no more.
    pub disarm: Signal<In, Bit>,
    /// The queue was looked at.
    pub looked: Signal<In, Bit>,
    producers: Table<Bits<16>, 4>,
    consumers: Table<Bits<16>, 4>,
    at: DFF<Bits<4>>,
    found: DFF<Bits<16>>,
    held: DFF<Bits<16>>,
    active_bits: DFF<Bits<16>>,
    armed_bits: DFF<Bits<16>>,
    asked_bits: DFF<Bits<16>>,
    fresh_producer: DFF<Bits<16>>,
    fresh_consumer: DFF<Bits<16>>,
    produced: Signal<Local, Bits<16>>,
    consumed: Signal<Local, Bits<16>>,
    bell: Signal<Local, Bits<16>>,
    own_bit: Signal<Local, Bits<16>>,
    start: Signal<Local, Bits<16>>,
    stop: Signal<Local, Bits<16>>,
    ring: Signal<Local, Bits<16>>,
    take: Signal<Local, Bits<16>>,
    written: Signal<Local, Bits<16>>,
    disarmed: Signal<Local, Bits<16>>,
    seen: Signal<Local, Bits<16>>,
    consumes: Signal<Local, Bit>,
    first: Constant<Bits<16>>,
    consumed_kind: Constant<Bits<2>>,
    arm_kind: Constant<Bits<2>>,
}

impl Default for CqState {
    fn default() -> Self {
        assert_eq!(limits::CQ_COUNT, 16, "the width of the bits");
        Self {
            clock: Default::default(),
            command: Default::default(),
            doorbell: Default::default(),
            index: Default::default(),
            producer: Default::default(),
            used: Default::default(),
            active: Default::default(),
            armed: Default::default(),
            asked: Default::default(),
            own: Default::default(),
            advance: Default::default(),
            producer_next: Default::default(),
            disarm: Default::default(),
            looked: Default::default(),
            producers: Default::default(),
            consumers: Default::default(),
            at: Default::default(),
            found: Default::default(),
            held: Default::default(),
            active_bits: Default::default(),
            armed_bits: Default::default(),
            asked_bits: Default::default(),
            fresh_producer: Default::default(),
            fresh_consumer: Default::default(),
            produced: Default::default(),
            consumed: Default::default(),
            bell: Default::default(),
            own_bit: Default::default(),
            start: Default::default(),
            stop: Default::default(),
            ring: Default::default(),
            take: Default::default(),
            written: Default::default(),
            disarmed: Default::default(),
            seen: Default::default(),
            consumes: Default::default(),
            first: Constant::new(1.into()),
            consumed_kind: Constant::new(doorbell_kind::CONSUMED.to_bits()),
            arm_kind: Constant::new(doorbell_kind::ARM.to_bits()),
        }
    }
}

impl Logic for CqState {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            at,
            active_bits,
            armed_bits,
            asked_bits,
            fresh_producer,
            fresh_consumer
        );
        dff_setup!(self, clock, found, held);
        clock!(self, clock, producers, consumers);
        self.active.next = self.active_bits.q.val();
        self.armed.next = self.armed_bits.q.val();
        self.asked.next = self.asked_bits.q.val();

        // Look up.
        self.at.d.next = self.index.val();
        self.producers.read_index.next = self.index.val();
        self.consumers.read_index.next = self.index.val();
        self.produced.next = self.producers.read_record.val();
        if self.fresh_producer.q.val().get_bit(self.at.q.val().index()) {
            self.produced.next = 0.into();
        }
        self.consumed.next = self.consumers.read_record.val();
        if self.fresh_consumer.q.val().get_bit(self.at.q.val().index()) {
            self.consumed.next = 0.into();
        }
        self.found.d.next = self.produced.val();
        self.held.d.next = self.produced.val() - self.consumed.val();
        self.producer.next = self.found.q.val();
        self.used.next = self.held.q.val();

        // What happens to which queue.
        self.start.next = 0.into();
        self.stop.next = 0.into();
        if self.command.val().valid {
            if self.command.val().enable {
                self.start.next = self.first.val() << bit_cast::<4, 8>(self.command.val().index);
            } else {
                self.stop.next = self.first.val() << bit_cast::<4, 8>(self.command.val().index);
            }
        }
        self.bell.next = self.first.val() << bit_cast::<4, 8>(self.doorbell.val().index);
        self.consumes.next =
            self.doorbell.val().valid & (self.doorbell.val().kind == self.consumed_kind.val());
        self.take.next = 0.into();
        if self.consumes.val() {
            self.take.next = self.bell.val();
        }
        self.ring.next = 0.into();
        if self.doorbell.val().valid & (self.doorbell.val().kind == self.arm_kind.val()) {
            self.ring.next = self.bell.val();
        }
        self.own_bit.next = self.first.val() << self.own.val();
        self.written.next = 0.into();
        if self.advance.val() {
            self.written.next = self.own_bit.val();
        }
        self.disarmed.next = 0.into();
        if self.disarm.val() {
            self.disarmed.next = self.own_bit.val();
        }
        self.seen.next = 0.into();
        if self.looked.val() {
            self.seen.next = self.own_bit.val();
        }

        // A doorbell in the clock of a command was rung after the command.
        self.active_bits.d.next = (self.active_bits.q.val() | self.start.val()) & !self.stop.val();
        self.armed_bits.d.next =
            (self.armed_bits.q.val() & !(self.disarmed.val() | self.start.val())) | self.ring.val();
        self.asked_bits.d.next =
            (self.asked_bits.q.val() & !(self.seen.val() | self.start.val())) | self.ring.val();
        self.fresh_producer.d.next =
            (self.fresh_producer.q.val() & !self.written.val()) | self.start.val();
        self.fresh_consumer.d.next =
            (self.fresh_consumer.q.val() | self.start.val()) & !self.take.val();
        self.producers.write.next = self.advance.val();
        self.producers.write_index.next = self.own.val();
        self.producers.write_record.next = self.producer_next.val();
        self.consumers.write.next = self.consumes.val();
        self.consumers.write_index.next = bit_cast::<4, 8>(self.doorbell.val().index);
        self.consumers.write_record.next = self.doorbell.val().value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    /// What the queue `index` is said to hold.
    fn look(uut: &mut CqState, index: u64) -> (u64, u64) {
        uut.index.next = index.to_bits();
        tick!(*uut);
        tick!(*uut);
        settle!(*uut);
        (uut.producer.val().to_u64(), uut.used.val().to_u64())
    }

    #[test]
    fn indices_wrap() {
        let mut uut = CqState::default();
        uut.connect_all();
        for queue in 0..16u64 {
            assert_eq!(look(&mut uut, queue), (0, 0));
            uut.own.next = queue.to_bits();
            for (producer, consumed) in [(0xfffe, 0xfff0), (0xffff, 0xffff), (2, 0xfffd), (9, 1)] {
                uut.advance.next = true;
                uut.producer_next.next = (producer as u64).to_bits();
                uut.doorbell.next = Doorbell {
                    valid: true,
                    kind: doorbell_kind::CONSUMED.to_bits(),
                    index: queue.to_bits(),
                    value: (consumed as u64).to_bits(),
                };
                tick!(uut);
                uut.advance.next = false;
                uut.doorbell.next = Default::default();
                let used = u16::wrapping_sub(producer, consumed);
                assert_eq!(look(&mut uut, queue), (producer.into(), used.into()));
            }
        }
        uut.command.next = Command { valid: true, index: 5.into(), enable: true };
        tick!(uut);
        uut.command.next = Default::default();
        assert_eq!(look(&mut uut, 5), (0, 0));
        assert_eq!(look(&mut uut, 6), (9, 8));
        assert_eq!(uut.active.val().to_u64(), 1 << 5);
    }
}
