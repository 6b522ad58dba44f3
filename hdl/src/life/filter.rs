//! Drops what is of a life that is over.
use crate::configuration::{Generation, QpNumber};
use crate::life::records::QpChange;
use crate::life::watch::LifeWatch;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Of a broadcast that carries a queue pair and its generation, says a clock later whether that
/// queue pair is active in that generation. One a clock.
#[derive(LogicBlock, Ports, Default)]
pub struct LifeFilter {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    /// The broadcast.
    pub valid: Signal<In, Bit>,
    pub qp: Signal<In, QpNumber>,
    pub generation: Signal<In, Generation>,
    /// A clock later: it is to be obeyed. A change of this clock counts.
    pub lives: Signal<Out, Bit>,
    /// Its queue pair.
    pub lives_qp: Signal<Out, QpNumber>,
    watch: LifeWatch,
    came: DFF<Bit>,
    came_qp: DFF<QpNumber>,
    belongs: DFF<Generation>,
}

impl Logic for LifeFilter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, came, came_qp, belongs);
        clock!(self, clock, watch);
        self.watch.change.next = self.change.val();
        self.watch.look.next = true;
        self.watch.qp.next = self.qp.val();
        self.came.d.next = self.valid.val();
        self.came_qp.d.next = self.qp.val();
        self.belongs.d.next = self.generation.val();
        self.lives.next = self.came.q.val()
            & self.watch.life_now.val().active
            & (self.watch.life_now.val().generation == self.belongs.q.val());
        self.lives_qp.next = self.came_qp.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn lets_through_what_is_of_the_present_life() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = LifeFilter::default();
            uut.connect_all();
            let mut lives = [(0_u64, false); 4];
            let mut before: Option<(usize, u64)> = None;
            for _ in 0..2000 {
                let valid = rng.random_bool(0.3);
                let changed = rng.random_range(0..4_usize);
                let life = (rng.random_range(0..3_u64), rng.random());
                uut.change.next = QpChange {
                    valid,
                    qp: (changed as u64).to_bits(),
                    generation: life.0.to_bits(),
                    active: life.1,
                    ..Default::default()
                };
                let came = rng.random_bool(0.5);
                let (qp, generation) = (rng.random_range(0..4_usize), rng.random_range(0..3_u64));
                uut.valid.next = came;
                uut.qp.next = (qp as u64).to_bits();
                uut.generation.next = generation.to_bits();
                settle!(uut);
                if valid {
                    lives[changed] = life;
                }
                let expected = before.is_some_and(|(qp, of)| lives[qp] == (of, true));
                assert_eq!(uut.lives.val(), expected, "SEED={seed}");
                before = came.then_some((qp, generation));
                edge!(uut);
            }
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("life_filter", &mut LifeFilter::default());
    }
}
