//! Store and forward: a packet leaves only when all of it has arrived and was found good.
use crate::memory::DualPortRam;
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// `2^A` beats. A packet that ends with `error` vanishes. A packet must be shorter than the store:
/// one that is not would never leave, and upstream sees to it that none comes.
#[derive(LogicBlock, Ports)]
pub struct PacketStore<const A: usize> {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    /// Whole packets wait, or are leaving.
    pub filled: Signal<Out, Bit>,
    ram: DualPortRam<Beat, A>,
    written: DFF<Bits<16>>,
    committed: DFF<Bits<16>>,
    visible: DFF<Bits<16>>,
    read: DFF<Bits<16>>,
    taken: Signal<Local, Bit>,
    written_next: Signal<Local, Bits<16>>,
    read_next: Signal<Local, Bits<16>>,
    level: Signal<Local, Bits<16>>,
    capacity: Constant<Bits<16>>,
    one: Constant<Bits<16>>,
}

impl<const A: usize> Default for PacketStore<A> {
    fn default() -> Self {
        assert!((1..=15).contains(&A), "a PacketStore has 2 to 32,768 beats");
        Self {
            clock: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            filled: Default::default(),
            ram: Default::default(),
            written: Default::default(),
            committed: Default::default(),
            visible: Default::default(),
            read: Default::default(),
            taken: Default::default(),
            written_next: Default::default(),
            read_next: Default::default(),
            level: Default::default(),
            capacity: Constant::new((1_u64 << A).to_bits()),
            one: Constant::new(1.into()),
        }
    }
}

impl<const A: usize> Logic for PacketStore<A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, written, committed, visible, read);
        clock!(self, clock, ram);
        self.level.next = self.written.q.val() - self.read.q.val();
        self.sink.ready.next = self.level.val() != self.capacity.val();
        self.taken.next = self.sink.valid.val() & (self.level.val() != self.capacity.val());
        self.ram.write_address.next = bit_cast::<A, 16>(self.written.q.val());
        self.ram.write_data.next = self.sink.beat.val();
        self.ram.write_enable.next = self.taken.val();
        self.written_next.next = self.written.q.val() + self.one.val();
        if self.taken.val() {
            self.written.d.next = self.written_next.val();
            if self.sink.beat.val().last {
                if self.sink.beat.val().error {
                    self.written.d.next = self.committed.q.val();
                } else {
                    self.committed.d.next = self.written_next.val();
                }
            }
        }
        self.visible.d.next = self.committed.q.val();

        self.source.beat.next = self.ram.read_data.val();
        self.source.valid.next = self.read.q.val() != self.visible.q.val();
        self.filled.next = self.read.q.val() != self.visible.q.val();
        self.read_next.next = self.read.q.val();
        if (self.read.q.val() != self.visible.q.val()) & self.source.ready.val() {
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
    fn passes_good_packets_and_forgets_bad_ones() {
        for seed in seeds() {
            let mut uut = PacketStore::<6>::default();
            let sent = random_packets(seed, 40, 60);
            let good: Vec<_> = sent.iter().filter(|packet| !packet.error).cloned().collect();
            assert_eq!(exchange!(uut, seed, &dense(&sent)), dense(&good), "SEED={seed}");
        }
    }

    #[test]
    fn holds_a_packet_back_until_its_last_beat() {
        let mut uut = PacketStore::<4>::default();
        uut.connect_all();
        uut.source.ready.next = true;
        for n in 0..20 {
            let mut beat = Beat { bytes: 8.into(), ..Default::default() };
            beat.last = n == 10;
            uut.sink.beat.next = beat;
            uut.sink.valid.next = n <= 10;
            tick!(uut);
            assert!(n >= 10 || !uut.source.valid.val(), "clock {n}");
        }
    }
}
