//! What the receive side has told: the acknowledgement number and the window of every queue pair.
use crate::configuration::QpNumber;
use crate::control::records::ContextWrite;
use crate::life::{LifeFilter, LifeTable, QpChange};
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::queue::ReadyList;
use crate::receive::records::ReceiveEdge;
use crate::stream::*;
use rust_hdl::prelude::*;

/// Keeps the last [`ReceiveEdge`] of every queue pair, and who owes an acknowledgement.
///
/// ```text
/// receive_edge --> of this life? --+--> edges ----------> record
///                                  +--> asked <-> paid -> owes
///                                  +--> ReadyList ------> owing
/// ```
/// Before the first edge of a life the numbers are the context's: RCV.NXT, and the receive window,
/// scaled. A queue pair owes while its bits `asked` and `paid` differ; each has one writer.
#[derive(LogicBlock, Ports, Default)]
pub struct ReceiveMirror {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub receive_edge: Signal<In, ReceiveEdge>,
    /// The queue pairs that owe the peer an acknowledgement, or have owed one.
    pub owing: StreamSource<QpNumber>,
    pub qp: Signal<In, QpNumber>,
    /// The last edge of `qp`, one clock later; its `valid` and `acknowledge` mean nothing.
    pub record: Signal<Out, ReceiveEdge>,
    /// `qp` owes the peer an acknowledgement, one clock later.
    pub owes: Signal<Out, Bit>,
    /// The acknowledgement of the queue pair of this clock's `record` is on its way: `qp` is the
    /// same as in the clock before. An edge that comes in it is owed still.
    pub pay: Signal<In, Bit>,
    shift: QpField<4, { field_number("receive_window_shift") }>,
    next: QpField<32, { field_number("receive_next") }>,
    window: QpField<32, { field_number("receive_window") }>,
    filter: LifeFilter,
    list: ReadyList,
    edges: LifeTable<ReceiveEdge>,
    asked: LifeTable<Bit>,
    paid: LifeTable<Bit>,
    paid_seen: LifeTable<Bit>,
    came: DFF<ReceiveEdge>,
    told: Signal<Local, Bit>,
    settled: Signal<Local, Bit>,
    scaled: Signal<Local, Bits<32>>,
}

impl Logic for ReceiveMirror {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, came);
        clock!(self, clock, shift, next, window, filter, list, edges, asked, paid, paid_seen);
        self.shift.context_write.next = self.context_write.val();
        self.next.context_write.next = self.context_write.val();
        self.window.context_write.next = self.context_write.val();
        self.filter.change.next = self.change.val();
        self.list.change.next = self.change.val();
        self.edges.change.next = self.change.val();
        self.asked.change.next = self.change.val();
        self.paid.change.next = self.change.val();
        self.paid_seen.change.next = self.change.val();
        self.shift.qp.next = self.qp.val();
        self.next.qp.next = self.qp.val();
        self.window.qp.next = self.qp.val();
        self.edges.read_qp.next = self.qp.val();
        self.asked.read_qp.next = self.qp.val();
        self.paid.read_qp.next = self.qp.val();

        // An edge, a clock later if it is of this life.
        self.filter.valid.next = self.receive_edge.val().valid;
        self.filter.qp.next = self.receive_edge.val().qp;
        self.filter.generation.next = self.receive_edge.val().generation;
        self.came.d.next = self.receive_edge.val();
        self.told.next = self.filter.lives.val() & self.came.q.val().acknowledge;
        self.edges.write.next = self.filter.lives.val();
        self.edges.write_qp.next = self.came.q.val().qp;
        self.edges.write_record.next = self.came.q.val();
        self.list.put.valid.next = self.told.val();
        self.list.put.beat.next = self.came.q.val().qp;
        self.owing.beat.next = self.list.first.beat.val();
        self.owing.valid.next = self.list.first.valid.val();
        self.list.first.ready.next = self.owing.ready.val();

        // The debts.
        self.paid.write.next = self.pay.val();
        self.paid.write_qp.next = self.qp.val();
        self.paid.write_record.next = self.asked.read_record.val();
        self.paid_seen.write.next = self.pay.val();
        self.paid_seen.write_qp.next = self.qp.val();
        self.paid_seen.write_record.next = self.asked.read_record.val();
        self.paid_seen.read_qp.next = self.receive_edge.val().qp;
        self.settled.next = self.paid_seen.read_record.val();
        if self.pay.val() & (self.qp.val() == self.came.q.val().qp) {
            self.settled.next = self.asked.read_record.val();
        }
        self.asked.write.next = self.told.val();
        self.asked.write_qp.next = self.came.q.val().qp;
        self.asked.write_record.next = !self.settled.val();
        self.owes.next = self.asked.read_record.val() != self.paid.read_record.val();

        self.record.next = self.edges.read_record.val();
        self.scaled.next = self.window.value.val() >> self.shift.value.val();
        if !self.edges.read_record.val().valid {
            self.record.next.expected = self.next.value.val();
            self.record.next.window = bit_cast::<16, 32>(self.scaled.val());
            if self.scaled.val() > 65535 {
                self.record.next.window = 65535.into();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    /// Whoever owes stands on the list, and an edge in the clock of the payment is owed still.
    #[test]
    fn no_debt_is_forgotten_and_none_is_paid_twice() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = ReceiveMirror::default();
            uut.connect_all();
            for qp in 0..3_u64 {
                let (valid, begins, active) = (true, true, true);
                uut.change.next =
                    QpChange { valid, begins, active, qp: qp.to_bits(), ..Default::default() };
                tick!(uut);
                uut.change.next = QpChange::default();
                for _ in 0..7 {
                    tick!(uut);
                }
            }
            // What was asked for last and what was paid, of each queue pair; and who may owe.
            let (mut asked, mut paid) = ([0_u64; 3], [0_u64; 3]);
            let mut told: Option<(usize, u64, bool)> = None;
            let mut number = 0;
            for clock in 0..3000 {
                let quiet = clock > 2900;
                // The builder takes a number, looks, and pays in the next clock.
                uut.pay.next = false;
                uut.owing.ready.next = false;
                settle!(uut);
                let next = uut.owing.valid.val().then(|| uut.owing.beat.val().to_u64() as usize);
                let take = (quiet || rng.random_bool(0.3)) && next.is_some();
                let looks = if take { next } else { rng.random_bool(0.3).then_some(0) };
                uut.owing.ready.next = take;
                uut.qp.next = (looks.unwrap_or(0) as u64).to_bits();
                for step in 0..2 {
                    number += 1;
                    let came = !quiet && rng.random_bool(0.4);
                    let (qp, acknowledge) = (rng.random_range(0..3_usize), rng.random());
                    uut.receive_edge.next = ReceiveEdge {
                        valid: came,
                        qp: (qp as u64).to_bits(),
                        expected: number.to_bits(),
                        acknowledge,
                        ..Default::default()
                    };
                    if step == 1 {
                        uut.owing.ready.next = false;
                        settle!(uut);
                        if let Some(qp) = looks {
                            let owes = asked[qp] > paid[qp];
                            assert_eq!(uut.owes.val(), owes, "SEED={seed} queue pair {qp}");
                            uut.pay.next = owes;
                            paid[qp] = asked[qp];
                        }
                    }
                    tick!(uut);
                    // The edge of the clock before counts from now on.
                    if let Some((qp, number, true)) = told {
                        asked[qp] = number;
                    }
                    told = came.then_some((qp, number, acknowledge));
                }
            }
            assert_eq!(asked, paid, "SEED={seed}");
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("receive_mirror", &mut ReceiveMirror::default());
    }
}
