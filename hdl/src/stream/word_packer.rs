//! Makes a stream dense again after 32-bit words were put in or taken out.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Beats of 4 or 8 octets go in (a packet's last beat may have any number, 1 to 8), dense beats
/// come out; full rate, one clock. When a packet's last beat does not fit, the rest follows a
/// clock later.
#[derive(LogicBlock, Ports)]
pub struct WordPacker {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    /// Octets that wait for a word to go with them: the low word of the next beat.
    held: DFF<Bits<32>>,
    holding: DFF<Bit>,
    /// The packet has ended, and `held` is its last beat, of so many octets.
    flush: DFF<Bit>,
    rest: DFF<Bits<4>>,
    failed: DFF<Bit>,
    head: DFF<Beat>,
    head_full: DFF<Bit>,
    free: Signal<Local, Bit>,
    data: Signal<Local, Bits<64>>,
    bytes: Signal<Local, Bits<4>>,
    joined: Signal<Local, Bits<64>>,
    more: Signal<Local, Bits<4>>,
    less: Signal<Local, Bits<4>>,
    word: Constant<Bits<4>>,
    beat: Constant<Bits<4>>,
}

impl Default for WordPacker {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            held: Default::default(),
            holding: Default::default(),
            flush: Default::default(),
            rest: Default::default(),
            failed: Default::default(),
            head: Default::default(),
            head_full: Default::default(),
            free: Default::default(),
            data: Default::default(),
            bytes: Default::default(),
            joined: Default::default(),
            more: Default::default(),
            less: Default::default(),
            word: Constant::new(4.into()),
            beat: Constant::new(8.into()),
        }
    }
}

impl Logic for WordPacker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, holding, flush, rest, failed, head, head_full);
        self.source.beat.next = self.head.q.val();
        self.source.valid.next = self.head_full.q.val();
        self.free.next = self.source.ready.val() | !self.head_full.q.val();
        self.sink.ready.next = self.free.val() & !self.flush.q.val();

        self.data.next = self.sink.beat.val().data;
        self.bytes.next = self.sink.beat.val().bytes;
        self.joined.next =
            (bit_cast::<64, 64>(self.data.val()) << 32) | bit_cast::<64, 32>(self.held.q.val());
        self.more.next = self.bytes.val() + self.word.val();
        self.less.next = self.bytes.val() - self.word.val();

        if self.free.val() {
            self.head_full.d.next = false;
            if self.flush.q.val() {
                self.head.d.next.data = bit_cast::<64, 32>(self.held.q.val());
                self.head.d.next.bytes = self.rest.q.val();
                self.head.d.next.last = true;
                self.head.d.next.error = self.failed.q.val();
                self.head_full.d.next = true;
                self.flush.d.next = false;
                self.holding.d.next = false;
            } else {
                if self.sink.valid.val() {
                    self.head.d.next = self.sink.beat.val();
                    self.head_full.d.next = true;
                    if self.holding.q.val() {
                        self.head.d.next.data = self.joined.val();
                        if self.bytes.val() <= self.word.val() {
                            self.head.d.next.bytes = self.more.val();
                            self.holding.d.next = false;
                        } else {
                            self.head.d.next.bytes = self.beat.val();
                            self.held.d.next = self.data.val().get_bits::<32>(32);
                            if self.sink.beat.val().last {
                                self.head.d.next.last = false;
                                self.head.d.next.error = false;
                                self.flush.d.next = true;
                                self.rest.d.next = self.less.val();
                                self.failed.d.next = self.sink.beat.val().error;
                            }
                        }
                    } else {
                        if (self.bytes.val() <= self.word.val()) & !self.sink.beat.val().last {
                            self.head_full.d.next = false;
                            self.held.d.next = self.data.val().get_bits::<32>(0);
                            self.holding.d.next = true;
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
    fn packs_words_under_stalls() {
        for seed in seeds() {
            let mut uut = WordPacker::default();
            let sent = random_packets(seed, 30, 70);
            let loose = scattered(seed, &sent, &[4, 8]);
            assert_eq!(exchange!(uut, seed, &loose), dense(&sent), "SEED={seed}");
        }
    }
}
