//! Brings the page walkers the lines of lists that they ask for.
use crate::literal::Literal;
use crate::pcie::records::ReadRequest;
use crate::pins::Ports;
use crate::protect::records::{PageLine, LINE_BITS};
use crate::stream::beat::*;
use crate::stream::StreamFifo;
use ironwarp_abi::limits::PAGE_LINE_BYTES;
use rust_hdl::prelude::*;

/// Two walkers share a read channel. Each has one read under way at most, and takes what comes.
///
/// ```text
/// line_a --> in turn --> read            data --> data_a
/// line_b -->    |                          |  --> data_b
///               +-------> whose ----------->
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct LineReads {
    pub clock: Signal<In, Clock>,
    pub line_a: StreamSink<PageLine>,
    pub line_b: StreamSink<PageLine>,
    pub data_a: StreamSource<Beat>,
    pub data_b: StreamSource<Beat>,
    pub read: StreamSource<ReadRequest>,
    /// One packet a read, in order.
    pub data: StreamSink<Beat>,
    whose: StreamFifo<Bit, 1>,
    served_a: DFF<Bit>,
    choose_a: Signal<Local, Bit>,
    chosen: Signal<Local, PageLine>,
    go: Signal<Local, Bit>,
    known: Signal<Local, Bit>,
    line_bytes: Literal<10, { PAGE_LINE_BYTES as u64 }>,
    line_bits: Literal<6, { LINE_BITS as u64 }>,
}

impl Logic for LineReads {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, served_a);
        clock!(self, clock, whose);
        self.choose_a.next =
            self.line_a.valid.val() & (!self.line_b.valid.val() | !self.served_a.q.val());
        self.chosen.next = self.line_b.beat.val();
        if self.choose_a.val() {
            self.chosen.next = self.line_a.beat.val();
        }
        self.read.beat.next.address = bit_cast::<64, 58>(self.chosen.val()) << self.line_bits.val();
        self.read.beat.next.bytes = self.line_bytes.val();
        self.read.valid.next =
            (self.line_a.valid.val() | self.line_b.valid.val()) & self.whose.sink.ready.val();
        self.go.next = self.read.ready.val() & self.whose.sink.ready.val();
        self.line_a.ready.next = self.go.val() & self.choose_a.val();
        self.line_b.ready.next = self.go.val() & !self.choose_a.val();
        self.whose.sink.beat.next = self.choose_a.val();
        self.whose.sink.valid.next =
            self.read.ready.val() & (self.line_a.valid.val() | self.line_b.valid.val());
        if self.whose.sink.valid.val() & self.whose.sink.ready.val() {
            self.served_a.d.next = self.choose_a.val();
        }

        self.known.next = self.data.valid.val() & self.whose.source.valid.val();
        self.data_a.beat.next = self.data.beat.val();
        self.data_b.beat.next = self.data.beat.val();
        self.data_a.valid.next = self.known.val() & self.whose.source.beat.val();
        self.data_b.valid.next = self.known.val() & !self.whose.source.beat.val();
        self.data.ready.next = self.whose.source.valid.val()
            & ((self.whose.source.beat.val() & self.data_a.ready.val())
                | (!self.whose.source.beat.val() & self.data_b.ready.val()));
        self.whose.source.ready.next =
            self.data.valid.val() & self.data.beat.val().last & self.data.ready.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;
    use std::collections::VecDeque;

    /// What a line holds.
    fn line(number: u64) -> Vec<Beat> {
        let octets = (0..64).map(|n| (number + n) as u8).collect();
        dense(&[Packet { octets, error: number % 7 == 0 }])
    }

    #[test]
    fn each_walker_gets_its_own_lines() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = LineReads::default();
            uut.connect_all();
            // Of each walker: what it asks for next, and what it waits for.
            let mut walkers: [(Option<u64>, VecDeque<Beat>); 2] = Default::default();
            let mut coming: VecDeque<Beat> = VecDeque::new();
            let mut served = [0; 2];
            for _ in 0..3000 {
                for (asks, waits) in &mut walkers {
                    if asks.is_none() && waits.is_empty() && rng.random_bool(0.2) {
                        *asks = Some(rng.random_range(0..1 << 40));
                    }
                }
                uut.line_a.valid.next = walkers[0].0.is_some();
                uut.line_a.beat.next = walkers[0].0.unwrap_or_default().to_bits();
                uut.line_b.valid.next = walkers[1].0.is_some();
                uut.line_b.beat.next = walkers[1].0.unwrap_or_default().to_bits();
                uut.read.ready.next = rng.random_bool(0.5);
                uut.data.valid.next = !coming.is_empty() && rng.random_bool(0.8);
                uut.data.beat.next = coming.front().copied().unwrap_or_default();
                uut.data_a.ready.next = true;
                uut.data_b.ready.next = true;
                settle!(uut);
                let asked = [
                    uut.line_a.valid.val() && uut.line_a.ready.val(),
                    uut.line_b.valid.val() && uut.line_b.ready.val(),
                ];
                let came = [
                    (uut.data_a.valid.val(), uut.data_a.beat.val()),
                    (uut.data_b.valid.val(), uut.data_b.beat.val()),
                ];
                let read = uut.read.valid.val() && uut.read.ready.val();
                assert_eq!(read, asked[0] || asked[1], "SEED={seed}");
                assert!(!(asked[0] && asked[1]), "SEED={seed}");
                if read {
                    let request = uut.read.beat.val();
                    assert_eq!(request.bytes.to_u64(), 64, "SEED={seed}");
                    coming.extend(line(request.address.to_u64() / 64));
                }
                if uut.data.valid.val() && uut.data.ready.val() {
                    coming.pop_front();
                }
                edge!(uut);
                for (at, (asks, waits)) in walkers.iter_mut().enumerate() {
                    if came[at].0 {
                        assert_eq!(waits.pop_front(), Some(came[at].1), "SEED={seed}");
                        served[at] += 1;
                    }
                    if asked[at] {
                        waits.extend(line(asks.take().unwrap_or_default()));
                    }
                }
            }
            assert!(served.iter().all(|count| *count > 200), "SEED={seed}: {served:?}");
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("line_reads", &mut LineReads::default());
    }
}
