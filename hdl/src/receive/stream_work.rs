//! Which streams are worth a look.
use crate::control::records::Command;
use crate::receive::notes::StreamGrown;
use rust_hdl::prelude::*;

/// A bit for each queue pair whose stream has grown, and one for each whose stream has ended. What
/// comes from outside wins over what the framer says in the same clock.
#[derive(LogicBlock, Default)]
pub struct StreamWork {
    pub clock: Signal<In, Clock>,
    pub qp_command: Signal<In, Command>,
    pub grown: Signal<In, StreamGrown>,
    /// Bit n: the stream of queue pair n may hold a whole FPDU.
    pub wanted: Signal<Out, Bits<16>>,
    /// Bit n: the peer has ended the stream of queue pair n, and the host was not told.
    pub finished: Signal<Out, Bits<16>>,
    /// The queue pair that the next three are about.
    pub qp: Signal<In, Bits<4>>,
    /// It is looked at: `wanted` is cleared.
    pub look: Signal<In, Bit>,
    /// There may be more: `wanted` is set.
    pub again: Signal<In, Bit>,
    /// The host is told: `finished` is cleared.
    pub tell: Signal<In, Bit>,
    work: DFF<Bits<16>>,
    ended: DFF<Bits<16>>,
    work_next: Signal<Local, Bits<16>>,
    ended_next: Signal<Local, Bits<16>>,
    command_index: Signal<Local, Bits<8>>,
    command_qp: Signal<Local, Bits<4>>,
}

impl Logic for StreamWork {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, work, ended);
        self.wanted.next = self.work.q.val();
        self.finished.next = self.ended.q.val();
        self.work_next.next = self.work.q.val();
        self.ended_next.next = self.ended.q.val();
        if self.look.val() {
            self.work_next.next = self.work.q.val().replace_bit(self.qp.val().index(), false);
        }
        if self.again.val() {
            self.work_next.next = self.work.q.val().replace_bit(self.qp.val().index(), true);
        }
        if self.tell.val() {
            self.ended_next.next = self.ended.q.val().replace_bit(self.qp.val().index(), false);
        }
        if self.grown.val().valid {
            self.work_next.next =
                self.work_next.val().replace_bit(self.grown.val().qp.index(), true);
            if self.grown.val().finished {
                self.ended_next.next =
                    self.ended_next.val().replace_bit(self.grown.val().qp.index(), true);
            }
        }
        self.command_index.next = self.qp_command.val().index;
        self.command_qp.next = self.command_index.val().get_bits::<4>(0);
        if self.qp_command.val().valid {
            self.work_next.next =
                self.work_next.val().replace_bit(self.command_qp.val().index(), false);
            self.ended_next.next =
                self.ended_next.val().replace_bit(self.command_qp.val().index(), false);
        }
        self.work.d.next = self.work_next.val();
        self.ended.d.next = self.ended_next.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn news_win_over_the_framer() {
        let mut rng = rng(2);
        let mut uut = StreamWork::default();
        uut.connect_all();
        let (mut wanted, mut finished) = (0_u64, 0_u64);
        for _ in 0..3000 {
            let qp = rng.random_range(0..4_u64);
            let (look, again, tell) = (rng.random(), rng.random_bool(0.3), rng.random_bool(0.3));
            let (grows, end, at) = (rng.random(), rng.random(), rng.random_range(0..4_u64));
            let (command, stopped) = (rng.random_bool(0.1), rng.random_range(0..4_u64));
            uut.qp.next = qp.to_bits();
            uut.look.next = look;
            uut.again.next = again;
            uut.tell.next = tell;
            uut.grown.next =
                StreamGrown { valid: grows, qp: at.to_bits(), finished: end, ..Default::default() };
            uut.qp_command.next =
                Command { valid: command, index: stopped.to_bits(), enable: rng.random() };
            tick!(uut);
            let put = |set: u64, at: u64, to: bool| set & !(1 << at) | u64::from(to) << at;
            wanted = if look || again { put(wanted, qp, again) } else { wanted };
            wanted = if grows { put(wanted, at, true) } else { wanted };
            finished = if tell { put(finished, qp, false) } else { finished };
            finished = if grows && end { put(finished, at, true) } else { finished };
            if command {
                wanted = put(wanted, stopped, false);
                finished = put(finished, stopped, false);
            }
            assert_eq!(uut.wanted.val(), wanted.to_bits::<16>());
            assert_eq!(uut.finished.val(), finished.to_bits::<16>());
        }
    }
}
