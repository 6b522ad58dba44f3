//! Does what has arrived still count?
use crate::configuration::{Generation, QpNumber};
use crate::life::{LifeTable, LifeWatch, QpChange};
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// A packet counts while its queue pair is active, in the life in which it came, and if no packet
/// before it has ended that life. A change in the very clock counts already.
#[derive(LogicBlock, Ports, Default)]
pub struct PacketLife {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    /// A packet is there: from the next clock on `live` is about it.
    pub look: Signal<In, Bit>,
    /// Its queue pair and generation; they stay until it is judged.
    pub qp: Signal<In, QpNumber>,
    pub generation: Signal<In, Generation>,
    /// It counts.
    pub live: Signal<Out, Bit>,
    /// It ends the life. One that does not count ends nothing.
    pub fail: Signal<In, Bit>,
    lives: LifeWatch,
    failed: LifeTable<Bit>,
    counts: Signal<Local, Bit>,
}

impl Logic for PacketLife {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, lives, failed);
        self.lives.change.next = self.change.val();
        self.lives.look.next = self.look.val();
        self.lives.qp.next = self.qp.val();
        self.counts.next = self.lives.life_now.val().active
            & (self.lives.life_now.val().generation == self.generation.val())
            & !self.failed.read_record.val();
        self.live.next = self.counts.val();
        self.failed.change.next = self.change.val();
        self.failed.read_qp.next = self.qp.val();
        self.failed.write.next = self.fail.val() & self.counts.val();
        self.failed.write_qp.next = self.qp.val();
        self.failed.write_record.next = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench_control::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn a_packet_ends_the_life_in_which_it_came_and_no_other() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = PacketLife::default();
            crate::queue::elaborate("packet_life", &mut uut);
            // Generation, active, ended by a packet.
            let mut model = [(0_u64, false, false); 3];
            let mut pause = 0;
            for _ in 0..1500 {
                let qp = rng.random_range(0..3_usize);
                let generation = (model[qp].0 + 4 - u64::from(rng.random_bool(0.2))) & 3;
                uut.qp.next = (qp as u64).to_bits();
                uut.generation.next = generation.to_bits();
                uut.look.next = true;
                tick!(uut);
                uut.look.next = false;
                for _ in 0..rng.random_range(1..6) {
                    let fail = rng.random_bool(0.1);
                    uut.fail.next = fail;
                    let other = rng.random_range(0..3_usize);
                    let changes = pause == 0 && rng.random_bool(0.2);
                    pause = if changes { 8 } else { pause - i32::from(pause > 0) };
                    if changes {
                        let starts = rng.random();
                        let next = (model[other].0 + u64::from(starts)) & 3;
                        let old = model[other];
                        model[other] =
                            if starts { (next, true, false) } else { (old.0, false, old.2) };
                        uut.change.next =
                            if starts { begins(other, next) } else { stops(other, next) };
                    }
                    settle!(uut);
                    let (now, active, ended) = &mut model[qp];
                    let live = *active && *now == generation && !*ended;
                    assert_eq!(uut.live.val(), live, "SEED={seed}");
                    // A life that begins in this clock is not ended in it.
                    let anew = changes && other == qp && uut.change.val().begins;
                    *ended |= fail && live && !anew;
                    edge!(uut);
                    uut.change.next = Default::default();
                }
                uut.fail.next = false;
            }
        }
    }
}
