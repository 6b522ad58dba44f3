//! Which streams are worth a look.
use crate::configuration::QpNumber;
use crate::life::QpChange;
use crate::pins::Ports;
use crate::queue::{QpNote, ReadyList};
use crate::receive::notes::{BuffersArrived, StreamGrown};
use rust_hdl::prelude::*;

/// Lists the queue pairs whose stream may hold a whole FPDU that was not found yet: it has grown,
/// a receive work request that was waited for has arrived, or one FPDU was found in it.
///
/// None of the three comes more often than in every fourth clock: a segment, a work request and an
/// FPDU take longer. So one place for each of the last two is enough.
///
/// Streams and raw frames take turns.
#[derive(LogicBlock, Ports, Default)]
pub struct StreamWork {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    pub grown: Signal<In, StreamGrown>,
    pub arrived: Signal<In, BuffersArrived>,
    pub again: Signal<In, QpNote>,
    /// A raw frame waits.
    pub raw: Signal<In, Bit>,
    /// There is something to look at: the stream of `next_qp`, in which there may be nothing to
    /// find, or the raw frame; then `next_qp` is zero.
    pub next_valid: Signal<Out, Bit>,
    pub next_raw: Signal<Out, Bit>,
    pub next_qp: Signal<Out, QpNumber>,
    /// It is looked at, if it is valid.
    pub take: Signal<In, Bit>,
    list: ReadyList,
    arrived_waits: DFF<QpNote>,
    again_waits: DFF<QpNote>,
    raw_turn: DFF<Bit>,
    takes_raw: Signal<Local, Bit>,
}

impl Logic for StreamWork {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, arrived_waits, again_waits, raw_turn);
        clock!(self, clock, list);
        self.list.change.next = self.change.val();
        self.list.put.valid.next = true;
        self.list.put.beat.next = self.grown.val().qp;
        if !self.grown.val().valid {
            if self.arrived_waits.q.val().valid {
                self.list.put.beat.next = self.arrived_waits.q.val().qp;
                self.arrived_waits.d.next.valid = false;
            } else {
                self.list.put.beat.next = self.again_waits.q.val().qp;
                self.list.put.valid.next = self.again_waits.q.val().valid;
                self.again_waits.d.next.valid = false;
            }
        }
        if self.arrived.val().valid {
            self.arrived_waits.d.next.valid = true;
            self.arrived_waits.d.next.qp = self.arrived.val().qp;
        }
        if self.again.val().valid {
            self.again_waits.d.next = self.again.val();
        }
        self.takes_raw.next =
            self.raw.val() & (self.raw_turn.q.val() | !self.list.first.valid.val());
        self.list.first.ready.next = self.take.val() & !self.takes_raw.val();
        self.next_valid.next = self.raw.val() | self.list.first.valid.val();
        self.next_raw.next = self.takes_raw.val();
        self.next_qp.next = self.list.first.beat.val();
        if self.takes_raw.val() {
            self.next_qp.next = 0.into();
        }
        if self.take.val() & (self.raw.val() | self.list.first.valid.val()) {
            self.raw_turn.d.next = !self.takes_raw.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn no_news_is_missed() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = StreamWork::default();
            crate::queue::elaborate("stream_work", &mut uut);
            let (mut news, mut pauses) = ([false; 8], [0; 3]);
            let (mut was_raw, mut raws) = (false, 0);
            for clock in 0..3000 {
                let quiet = clock > 2900;
                let mut told = [None; 3];
                for (told, pause) in told.iter_mut().zip(&mut pauses) {
                    let tells = !quiet && *pause == 0 && rng.random();
                    *pause = if tells { 3 } else { *pause - i32::from(*pause > 0) };
                    *told = tells.then(|| rng.random_range(0..8_u64));
                }
                let note = |told: Option<u64>| QpNote {
                    valid: told.is_some(),
                    qp: told.unwrap_or_default().to_bits(),
                };
                uut.grown.next = StreamGrown {
                    valid: told[0].is_some(),
                    qp: told[0].unwrap_or_default().to_bits(),
                    ..Default::default()
                };
                uut.arrived.next = BuffersArrived {
                    valid: told[1].is_some(),
                    qp: told[1].unwrap_or_default().to_bits(),
                    ..Default::default()
                };
                uut.again.next = note(told[2]);
                uut.take.next = quiet || rng.random_bool(0.5);
                uut.raw.next = rng.random_bool(0.3);
                settle!(uut);
                // Who takes a number in this clock sees the news of it, too.
                for qp in told.into_iter().flatten() {
                    news[qp as usize] = true;
                }
                if uut.next_valid.val() && uut.take.val() {
                    let raw = uut.next_raw.val();
                    assert!(!raw || uut.raw.val(), "SEED={seed}: no frame waits");
                    raws += u32::from(raw && was_raw && uut.list.first.valid.val());
                    was_raw = raw;
                    if raw {
                        assert_eq!(uut.next_qp.val().to_u64(), 0);
                    } else {
                        news[uut.next_qp.val().to_u64() as usize] = false;
                    }
                }
                edge!(uut);
            }
            assert_eq!(news, [false; 8], "SEED={seed}");
            assert_eq!(raws, 0, "SEED={seed}: a frame out of its turn");
        }
    }
}
