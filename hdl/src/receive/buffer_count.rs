//! Which queue pairs have a receive work request for their next message.
use crate::configuration::QpNumber;
use crate::control::records::QpDoorbell;
use crate::life::{LifeTable, QpChange};
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::notes::BuffersArrived;
use rust_hdl::prelude::*;

/// Counts receive work requests ahead of their use, so that a message whose buffer is still on its
/// way to the chip waits where only its own queue pair does, and the judge finds every buffer that
/// it needs.
///
/// ```text
///        number of work requests, modulo 2^16
/// ..given|---- spare ----|---- on their way ----|
///        ^given          ^on chip               ^posted
/// ```
/// A message of a stream uses its buffer up, or its queue pair ends. A raw frame may turn out to be
/// too long, and gives the buffer back; so while raw frames are under way, there may be one.
#[derive(LogicBlock, Ports, Default)]
pub struct BufferCount {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    pub doorbell: Signal<In, QpDoorbell>,
    /// Work requests have come on chip.
    pub arrived: Signal<In, BuffersArrived>,
    /// The queue pair, and a clock later:
    pub qp: Signal<In, QpNumber>,
    /// a work request is on chip that was not given to a message,
    pub spare: Signal<Out, Bit>,
    /// or there may soon be one.
    pub waits: Signal<Out, Bit>,
    /// It is given to a message of `qp`. Not when its life has changed since it was read.
    pub give: Signal<In, Bit>,
    /// A raw frame sets out, with a work request or without.
    pub raw_starts: Signal<In, Bit>,
    /// A raw frame has come to its end,
    pub raw_ends: Signal<In, Bit>,
    /// and did not need the work request that it was given in this life of queue pair 0.
    pub raw_returns: Signal<In, Bit>,
    posted: LifeTable<Bits<16>>,
    on_chip: LifeTable<Bits<16>>,
    given: LifeTable<Bits<16>>,
    /// Those of queue pair 0, and its frames under way.
    raw_given: DFF<Bits<16>>,
    raw_open: DFF<Bits<8>>,
    own: DFF<QpNumber>,
    raw: Signal<Local, Bit>,
    given_now: Signal<Local, Bits<16>>,
    idle: Signal<Local, Bit>,
    one: Literal<16, 1>,
    one_frame: Literal<8, 1>,
}

impl Logic for BufferCount {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, raw_given, raw_open, own);
        clock!(self, clock, posted, on_chip, given);
        self.posted.change.next = self.change.val();
        self.posted.read_qp.next = self.qp.val();
        self.posted.write.next = self.doorbell.val().valid & self.doorbell.val().receive;
        self.posted.write_qp.next = self.doorbell.val().qp;
        self.posted.write_record.next = self.doorbell.val().posted;
        self.on_chip.change.next = self.change.val();
        self.on_chip.read_qp.next = self.qp.val();
        self.on_chip.write.next = self.arrived.val().valid;
        self.on_chip.write_qp.next = self.arrived.val().qp;
        self.on_chip.write_record.next = self.arrived.val().number;
        self.own.d.next = self.qp.val();
        self.raw.next = !self.own.q.val().any();
        self.given_now.next = self.given.read_record.val();
        if self.raw.val() {
            self.given_now.next = self.raw_given.q.val();
        }
        self.given.change.next = self.change.val();
        self.given.read_qp.next = self.qp.val();
        self.given.write.next = self.give.val();
        self.given.write_qp.next = self.own.q.val();
        self.given.write_record.next = self.given_now.val() + self.one.val();

        self.idle.next = !self.raw.val() | !self.raw_open.q.val().any();
        self.spare.next = self.on_chip.read_record.val() != self.given_now.val();
        self.waits.next = (self.on_chip.read_record.val() == self.given_now.val())
            & ((self.posted.read_record.val() != self.given_now.val()) | !self.idle.val());

        if self.give.val() & self.raw.val() & !self.raw_returns.val() {
            self.raw_given.d.next = self.raw_given.q.val() + self.one.val();
        }
        if self.raw_returns.val() & !(self.give.val() & self.raw.val()) {
            self.raw_given.d.next = self.raw_given.q.val() - self.one.val();
        }
        if self.change.val().valid & self.change.val().begins & !self.change.val().qp.any() {
            self.raw_given.d.next = 0.into();
        }
        if self.raw_starts.val() & !self.raw_ends.val() {
            self.raw_open.d.next = self.raw_open.q.val() + self.one_frame.val();
        }
        if self.raw_ends.val() & !self.raw_starts.val() {
            self.raw_open.d.next = self.raw_open.q.val() - self.one_frame.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench_control::*;
    use crate::stream::bench::*;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;

    /// What a queue pair's counts are.
    #[derive(Clone, Copy, Default)]
    struct Counts {
        posted: u16,
        on_chip: u16,
        given: u16,
    }

    /// One clock in which a queue pair's host posts, on either side, or its buffers arrive, or
    /// nothing comes.
    fn news(uut: &mut BufferCount, rng: &mut ChaCha8Rng, qp: usize, counts: &mut Counts) {
        let qp = (qp as u64).to_bits();
        match rng.random_range(0..4) {
            0 => {
                counts.posted = counts.posted.wrapping_add(rng.random_range(0..3));
                let posted = u64::from(counts.posted).to_bits();
                uut.doorbell.next = QpDoorbell { valid: true, receive: true, qp, posted };
            }
            1 => {
                counts.on_chip += u16::from(counts.on_chip != counts.posted);
                let number = u64::from(counts.on_chip).to_bits();
                uut.arrived.next = BuffersArrived { valid: true, qp, number };
            }
            2 => {
                let posted = rng.random_range(0..9_u64).to_bits();
                uut.doorbell.next = QpDoorbell { valid: true, receive: false, qp, posted };
            }
            _ => {}
        }
        tick!(*uut);
        uut.doorbell.next = Default::default();
        uut.arrived.next = Default::default();
    }

    #[test]
    fn counts_for_every_queue_pair_and_life() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = BufferCount::default();
            crate::queue::elaborate("buffer_count", &mut uut);
            let mut model = [Counts::default(); 4];
            // Raw frames under way, each with a buffer or without.
            let mut open: Vec<bool> = vec![];
            for _ in 0..3000 {
                let qp = rng.random_range(0..4_usize);
                uut.qp.next = (qp as u64).to_bits();
                let other = rng.random_range(0..4_usize);
                news(&mut uut, &mut rng, other, &mut model[other]);
                settle!(uut);
                let counts = model[qp];
                let spare = counts.on_chip != counts.given;
                let hopes = counts.posted != counts.given || (qp == 0 && !open.is_empty());
                assert_eq!(uut.spare.val(), spare, "SEED={seed}");
                assert_eq!(uut.waits.val(), !spare && hopes, "SEED={seed}");
                let begins_anew = rng.random_bool(0.02);
                let give = spare && rng.random();
                let starts = qp == 0 && open.len() < 20 && rng.random();
                let ends = !open.is_empty() && rng.random_bool(0.4);
                let had = ends && open.remove(0);
                let returns = had && rng.random();
                uut.give.next = give && (qp != 0 || starts);
                uut.raw_starts.next = starts;
                uut.raw_ends.next = ends;
                uut.raw_returns.next = returns;
                model[qp].given += u16::from(give && (qp != 0 || starts));
                model[0].given = model[0].given.wrapping_sub(u16::from(returns));
                if starts {
                    open.push(give);
                }
                if begins_anew {
                    change!(uut, begins(other, 1));
                    model[other] = Counts::default();
                    if other == 0 {
                        // Frames of the life before return nothing.
                        open.fill(false);
                    }
                } else {
                    tick!(uut);
                }
                uut.give.next = false;
                uut.raw_starts.next = false;
                uut.raw_ends.next = false;
                uut.raw_returns.next = false;
            }
        }
    }
}
