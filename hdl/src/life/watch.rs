//! The life of the queue pair at work.
use crate::configuration::{QpNumber, QP_BITS};
use crate::life::records::{Life, QpChange};
use crate::memory::Table;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Looks a queue pair's [`Life`] up and keeps an eye on it until the next one is looked up.
///
/// ```text
/// clock   0      `look`
///         1 ..   `life`: with every change up to the clock before
///                `life_now`: with a change of this clock, too
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct LifeWatch {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    /// What follows, from the next clock on, is about `qp`.
    pub look: Signal<In, Bit>,
    pub qp: Signal<In, QpNumber>,
    /// Its life, as it was before this clock ...
    pub life: Signal<Out, Life>,
    /// ... and as it is after it.
    pub life_now: Signal<Out, Life>,
    /// Something has changed since `look`, whose own clock does not count, before this clock ...
    pub disturbed: Signal<Out, Bit>,
    /// ... or in it.
    pub disturbed_now: Signal<Out, Bit>,
    lives: Table<Life, QP_BITS>,
    own: DFF<QpNumber>,
    fresh: DFF<Bit>,
    held: DFF<Life>,
    changed: DFF<Bit>,
    current: Signal<Local, Life>,
    told: Signal<Local, Life>,
    following: Signal<Local, Life>,
    hit: Signal<Local, Bit>,
}

impl Logic for LifeWatch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, own, fresh, held, changed);
        clock!(self, clock, lives);
        self.told.next.generation = self.change.val().generation;
        self.told.next.started = self.change.val().started;
        self.told.next.active = self.change.val().active;
        self.lives.write.next = self.change.val().valid;
        self.lives.write_index.next = self.change.val().qp;
        self.lives.write_record.next = self.told.val();
        self.lives.read_index.next = self.qp.val();

        self.current.next = self.held.q.val();
        if self.fresh.q.val() {
            self.current.next = self.lives.read_record.val();
        }
        self.hit.next = self.change.val().valid & (self.change.val().qp == self.own.q.val());
        self.following.next = self.current.val();
        if self.hit.val() {
            self.following.next = self.told.val();
        }
        self.life.next = self.current.val();
        self.life_now.next = self.following.val();
        self.disturbed.next = self.changed.q.val();
        self.disturbed_now.next = self.changed.q.val() | self.hit.val();

        self.held.d.next = self.following.val();
        self.changed.d.next = self.disturbed_now.val();
        self.fresh.d.next = self.look.val();
        if self.look.val() {
            self.own.d.next = self.qp.val();
            self.changed.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn follows_the_queue_pair_that_was_looked_up() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = LifeWatch::default();
            uut.connect_all();
            let mut lives = [Life::default(); 4];
            let mut watched: Option<(usize, bool)> = None;
            for _ in 0..3000 {
                let valid = rng.random_bool(0.3);
                let changed = rng.random_range(0..4_usize);
                let life = Life {
                    generation: rng.random_range(0..256_u64).to_bits(),
                    started: rng.random(),
                    active: rng.random(),
                };
                let (look, qp) = (rng.random_bool(0.2), rng.random_range(0..4_usize));
                uut.change.next = QpChange {
                    valid,
                    qp: (changed as u64).to_bits(),
                    generation: life.generation,
                    started: life.started,
                    active: life.active,
                    ..Default::default()
                };
                uut.look.next = look;
                uut.qp.next = (qp as u64).to_bits();
                settle!(uut);
                if let Some((qp, disturbed)) = watched {
                    assert_eq!(uut.life.val(), lives[qp], "SEED={seed}");
                    assert_eq!(uut.disturbed.val(), disturbed, "SEED={seed}");
                }
                if valid {
                    lives[changed] = life;
                }
                if let Some((qp, disturbed)) = &mut watched {
                    *disturbed |= valid && changed == *qp;
                    assert_eq!(uut.life_now.val(), lives[*qp], "SEED={seed}");
                    assert_eq!(uut.disturbed_now.val(), *disturbed, "SEED={seed}");
                }
                if look {
                    watched = Some((qp, false));
                }
                edge!(uut);
            }
        }
    }
}
