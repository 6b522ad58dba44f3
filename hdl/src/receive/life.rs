//! Does what has arrived still count?
use crate::control::records::Command;
use crate::receive::epochs::Epochs;
use crate::transmit::marks::Marks;
use rust_hdl::prelude::*;

/// A packet counts while its queue pair is active, in the life in which the packet arrived, and if
/// no packet before it has ended the queue pair. A command of this very clock does not count yet:
/// whatever a packet does in the clock of a command to its queue pair, the command wins over it.
#[derive(LogicBlock, Default)]
pub struct Life {
    pub clock: Signal<In, Clock>,
    pub qp_command: Signal<In, Command>,
    pub active: Signal<In, Bits<16>>,
    /// The packet's queue pair and epoch.
    pub qp: Signal<In, Bits<4>>,
    pub epoch: Signal<In, Bit>,
    /// It counts; in the same clock.
    pub live: Signal<Out, Bit>,
    /// It ends its queue pair: nothing more of it counts until the host's next command.
    pub fail: Signal<In, Bit>,
    epochs: Epochs,
    failed: Marks,
}

impl Logic for Life {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, epochs, failed);
        self.epochs.qp_command.next = self.qp_command.val();
        self.failed.set.next = self.fail.val();
        self.failed.set_qp.next = self.qp.val();
        self.failed.clear.next = false;
        self.failed.clear_qp.next = self.qp.val();
        self.failed.wipe.next = self.qp_command.val().valid;
        self.failed.wipe_qp.next = bit_cast::<4, 8>(self.qp_command.val().index);
        self.live.next = self.active.val().get_bit(self.qp.val().index())
            & !self.failed.marks.val().get_bit(self.qp.val().index())
            & (self.epoch.val() == self.epochs.earlier.val().get_bit(self.qp.val().index()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn ends_with_an_error_and_begins_with_a_start() {
        let mut rng = rng(8);
        let mut uut = Life::default();
        uut.connect_all();
        let (mut epochs, mut ended) = ([false; 3], [false; 3]);
        for _ in 0..3000 {
            let (qp, epoch) = (rng.random_range(0..3_usize), rng.random());
            let (active, end) = (rng.random_range(0..8_u64), rng.random_bool(0.1));
            let (valid, enable, other) =
                (rng.random_bool(0.1), rng.random(), rng.random_range(0..3_usize));
            uut.qp.next = (qp as u64).to_bits();
            uut.epoch.next = epoch;
            uut.active.next = active.to_bits();
            uut.fail.next = end;
            uut.qp_command.next = Command { valid, index: (other as u64).to_bits(), enable };
            settle!(uut);
            let live = active >> qp & 1 == 1 && !ended[qp] && epoch == epochs[qp];
            assert_eq!(uut.live.val(), live);
            edge!(uut);
            epochs[other] ^= valid && enable;
            ended[qp] |= end;
            ended[other] &= !valid;
        }
    }
}
