//! Which start of a queue pair a packet belongs to.
use crate::control::records::Command;
use rust_hdl::prelude::*;

/// One bit for each queue pair that flips with its every start. A packet that carries another value
/// than `now` was under way when the queue pair was started anew, and must have no effect.
#[derive(LogicBlock, Default)]
pub struct Epochs {
    pub clock: Signal<In, Clock>,
    pub qp_command: Signal<In, Command>,
    /// Bit n: the epoch of queue pair n. Includes a start in this very clock.
    pub now: Signal<Out, Bits<16>>,
    /// The same without a start in this clock: for those whose effects a command undoes anyway.
    pub earlier: Signal<Out, Bits<16>>,
    epochs: DFF<Bits<16>>,
    index: Signal<Local, Bits<8>>,
    qp: Signal<Local, Bits<4>>,
    flipped: Signal<Local, Bit>,
    current: Signal<Local, Bits<16>>,
}

impl Logic for Epochs {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, epochs);
        self.index.next = self.qp_command.val().index;
        self.qp.next = self.index.val().get_bits::<4>(0);
        // A Local: inside `replace_bit`, Verilog would invert 32 bits.
        self.flipped.next = !self.epochs.q.val().get_bit(self.qp.val().index());
        self.current.next = self.epochs.q.val();
        if self.qp_command.val().valid & self.qp_command.val().enable {
            self.current.next =
                self.epochs.q.val().replace_bit(self.qp.val().index(), self.flipped.val());
        }
        self.epochs.d.next = self.current.val();
        self.now.next = self.current.val();
        self.earlier.next = self.epochs.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn every_start_flips_one_bit_at_once() {
        let mut rng = rng(1);
        let mut uut = Epochs::default();
        uut.connect_all();
        let mut model = 0_u64;
        for _ in 0..500 {
            let (valid, enable, qp) = (rng.random(), rng.random(), rng.random_range(0..16));
            uut.qp_command.next = Command { valid, index: (qp as u64).to_bits(), enable };
            settle!(uut);
            assert_eq!(uut.earlier.val(), model.to_bits::<16>());
            model ^= u64::from(valid && enable) << qp;
            assert_eq!(uut.now.val(), model.to_bits::<16>());
            edge!(uut);
        }
    }
}
