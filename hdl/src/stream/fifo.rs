//! A first-in first-out buffer in block RAM.
use crate::memory::DualPortRam;
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// `2^A` records. A record can be taken two clocks after it was put in; full rate.
///
/// ```text
/// sink -> [ RAM: read .. visible .. written ] -> source
/// ```
/// `visible` follows `written` by a clock: a read in the clock of the write is not defined.
#[derive(LogicBlock, Ports)]
pub struct StreamFifo<T: Synth, const A: usize> {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<T>,
    pub source: StreamSource<T>,
    ram: DualPortRam<T, A>,
    written: DFF<Bits<16>>,
    visible: DFF<Bits<16>>,
    read: DFF<Bits<16>>,
    /// Records between `read` and `written`: its bit `A` alone says that there is no room.
    level: DFF<Bits<16>>,
    read_next: Signal<Local, Bits<16>>,
    over: Signal<Local, Bits<16>>,
    full: Signal<Local, Bit>,
    puts: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    capacity: Constant<Bits<16>>,
    one: Constant<Bits<16>>,
}

impl<T: Synth, const A: usize> Default for StreamFifo<T, A> {
    fn default() -> Self {
        assert!((1..=15).contains(&A), "a StreamFifo has 2 to 32,768 places");
        Self {
            clock: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            ram: Default::default(),
            written: Default::default(),
            visible: Default::default(),
            read: Default::default(),
            level: Default::default(),
            read_next: Default::default(),
            over: Default::default(),
            full: Default::default(),
            capacity: Constant::new((1_u64 << A).to_bits()),
            puts: Default::default(),
            takes: Default::default(),
            one: Constant::new(1.into()),
        }
    }
}

impl<T: Synth, const A: usize> Logic for StreamFifo<T, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, written, visible, read, level);
        clock!(self, clock, ram);
        self.over.next = self.level.q.val() & self.capacity.val();
        self.full.next = self.over.val().any();
        self.sink.ready.next = !self.full.val();
        self.puts.next = self.sink.valid.val() & !self.full.val();
        self.takes.next = (self.read.q.val() != self.visible.q.val()) & self.source.ready.val();
        if self.puts.val() & !self.takes.val() {
            self.level.d.next = self.level.q.val() + self.one.val();
        }
        if self.takes.val() & !self.puts.val() {
            self.level.d.next = self.level.q.val() - self.one.val();
        }
        self.ram.write_address.next = bit_cast::<A, 16>(self.written.q.val());
        self.ram.write_data.next = self.sink.beat.val();
        self.ram.write_enable.next = self.puts.val();
        if self.puts.val() {
            self.written.d.next = self.written.q.val() + self.one.val();
        }
        self.visible.d.next = self.written.q.val();

        self.source.beat.next = self.ram.read_data.val();
        self.source.valid.next = self.read.q.val() != self.visible.q.val();
        self.read_next.next = self.read.q.val();
        if self.takes.val() {
            self.read_next.next = self.read.q.val() + self.one.val();
        }
        self.read.d.next = self.read_next.val();
        self.ram.read_address.next = bit_cast::<A, 16>(self.read_next.val());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    #[test]
    fn keeps_order_under_stalls() {
        for seed in seeds() {
            let mut uut = StreamFifo::<Beat, 3>::default();
            let sent = random_packets(seed, 30, 40);
            assert_eq!(exchange!(uut, seed, &dense(&sent)), dense(&sent), "SEED={seed}");
        }
    }
}
