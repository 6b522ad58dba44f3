//! Makes a stream dense again, whatever octets its beats carry.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Beats of 1 to 8 octets go in, dense beats come out; full rate, one clock. When a packet's last
/// beat does not fit, the rest follows a clock later.
#[derive(LogicBlock, Ports)]
pub struct BytePacker {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    /// `count` octets that wait, from byte 0; zero above.
    held: DFF<Bits<64>>,
    count: DFF<Bits<4>>,
    /// The packet has ended, and `held` is its last beat.
    flush: DFF<Bit>,
    failed: DFF<Bit>,
    head: DFF<Beat>,
    head_full: DFF<Bit>,
    free: Signal<Local, Bit>,
    wide: Signal<Local, Bits<128>>,
    shift: Signal<Local, Bits<7>>,
    shifted: Signal<Local, Bits<128>>,
    joined: Signal<Local, Bits<128>>,
    total: Signal<Local, Bits<5>>,
    left: Signal<Local, Bits<5>>,
    eight: Constant<Bits<5>>,
}

impl Default for BytePacker {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            held: Default::default(),
            count: Default::default(),
            flush: Default::default(),
            failed: Default::default(),
            head: Default::default(),
            head_full: Default::default(),
            free: Default::default(),
            wide: Default::default(),
            shift: Default::default(),
            shifted: Default::default(),
            joined: Default::default(),
            total: Default::default(),
            left: Default::default(),
            eight: Constant::new(8.into()),
        }
    }
}

impl Logic for BytePacker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, count, flush, failed, head, head_full);
        self.source.beat.next = self.head.q.val();
        self.source.valid.next = self.head_full.q.val();
        self.free.next = self.source.ready.val() | !self.head_full.q.val();
        self.sink.ready.next = self.free.val() & !self.flush.q.val();

        self.wide.next = bit_cast::<128, 64>(self.sink.beat.val().data);
        self.shift.next = bit_cast::<7, 4>(self.count.q.val()) << 3;
        self.shifted.next = self.wide.val() << self.shift.val();
        self.joined.next = self.shifted.val() | bit_cast::<128, 64>(self.held.q.val());
        self.total.next =
            bit_cast::<5, 4>(self.count.q.val()) + bit_cast::<5, 4>(self.sink.beat.val().bytes);
        self.left.next = self.total.val() - self.eight.val();

        if self.free.val() {
            self.head_full.d.next = false;
            if self.flush.q.val() {
                self.head.d.next.data = self.held.q.val();
                self.head.d.next.bytes = self.count.q.val();
                self.head.d.next.last = true;
                self.head.d.next.error = self.failed.q.val();
                self.head_full.d.next = true;
                self.flush.d.next = false;
                self.held.d.next = 0.into();
                self.count.d.next = 0.into();
            } else {
                if self.sink.valid.val() {
                    self.head.d.next = self.sink.beat.val();
                    self.head.d.next.data = self.joined.val().get_bits::<64>(0);
                    self.head.d.next.bytes = 8.into();
                    self.head_full.d.next = true;
                    self.held.d.next = self.joined.val().get_bits::<64>(64);
                    self.count.d.next = self.left.val().get_bits::<4>(0);
                    if self.total.val() <= self.eight.val() {
                        if self.sink.beat.val().last {
                            self.head.d.next.bytes = self.total.val().get_bits::<4>(0);
                            self.held.d.next = 0.into();
                            self.count.d.next = 0.into();
                        } else {
                            if self.total.val() != self.eight.val() {
                                self.head_full.d.next = false;
                                self.held.d.next = self.joined.val().get_bits::<64>(0);
                                self.count.d.next = self.total.val().get_bits::<4>(0);
                            }
                        }
                    } else {
                        if self.sink.beat.val().last {
                            self.head.d.next.last = false;
                            self.head.d.next.error = false;
                            self.flush.d.next = true;
                            self.failed.d.next = self.sink.beat.val().error;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    #[test]
    fn packs_octets_under_stalls() {
        for seed in seeds() {
            let mut uut = BytePacker::default();
            let sent = random_packets(seed, 30, 70);
            let loose = scattered(seed, &sent, &[1, 2, 3, 4, 5, 6, 7, 8]);
            assert_eq!(exchange!(uut, seed, &loose), dense(&sent), "SEED={seed}");
        }
    }
}
