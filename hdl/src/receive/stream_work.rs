//! Which streams are worth a look.
use crate::configuration::QpNumber;
use crate::life::QpChange;
use crate::queue::{QpNote, ReadyList};
use crate::receive::notes::StreamGrown;
use crate::stream::*;
use rust_hdl::prelude::*;

/// Lists the queue pairs whose stream may hold a whole FPDU that was not found yet: it has grown,
/// a receive work request that was waited for has arrived, or one FPDU was found in it.
///
/// None of the three comes more often than in every fourth clock: a segment, a work request and an
/// FPDU take longer. So one place for each of the last two is enough.
#[derive(LogicBlock, Default)]
pub struct StreamWork {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    pub grown: Signal<In, StreamGrown>,
    pub arrived: Signal<In, QpNote>,
    pub again: Signal<In, QpNote>,
    /// A queue pair to look at; there may be nothing to find.
    pub next: StreamSource<QpNumber>,
    list: ReadyList,
    arrived_waits: DFF<QpNote>,
    again_waits: DFF<QpNote>,
}

impl Logic for StreamWork {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, arrived_waits, again_waits);
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
            self.arrived_waits.d.next = self.arrived.val();
        }
        if self.again.val().valid {
            self.again_waits.d.next = self.again.val();
        }
        StreamSource::<QpNumber>::link(&mut self.next, &mut self.list.next);
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
                uut.arrived.next = note(told[1]);
                uut.again.next = note(told[2]);
                uut.next.ready.next = quiet || rng.random_bool(0.5);
                settle!(uut);
                if uut.next.valid.val() && uut.next.ready.val() {
                    news[uut.next.beat.val().to_u64() as usize] = false;
                }
                edge!(uut);
                for qp in told.into_iter().flatten() {
                    news[qp as usize] = true;
                }
            }
            assert_eq!(news, [false; 8], "SEED={seed}");
        }
    }
}
