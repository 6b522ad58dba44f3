//! A table of records in block RAM.
use super::DualPortRam;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// `2^A` records; one read and one write a clock.
///
/// What a [`DualPortRam`] gives when a read meets its write is not defined; the table forwards the
/// new record, so a read always sees every write of this clock and before.
#[derive(LogicBlock, Ports, Default)]
pub struct Table<T: Synth, const A: usize> {
    pub clock: Signal<In, Clock>,
    /// The record to read. May change every clock.
    pub read_index: Signal<In, Bits<A>>,
    /// That record, one clock later.
    pub read_record: Signal<Out, T>,
    /// Write `write_record` at the next clock edge.
    pub write: Signal<In, Bit>,
    /// The record to write.
    pub write_index: Signal<In, Bits<A>>,
    /// What to write.
    pub write_record: Signal<In, T>,
    ram: DualPortRam<T, A>,
    forward: DFF<Bit>,
    forwarded: DFF<T>,
}

impl<T: Synth, const A: usize> Logic for Table<T, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, forward, forwarded);
        clock!(self, clock, ram);
        self.ram.read_address.next = self.read_index.val();
        self.ram.write_address.next = self.write_index.val();
        self.ram.write_data.next = self.write_record.val();
        self.ram.write_enable.next = self.write.val();
        self.forward.d.next = self.write.val() & (self.write_index.val() == self.read_index.val());
        self.forwarded.d.next = self.write_record.val();
        self.read_record.next = self.ram.read_data.val();
        if self.forward.q.val() {
            self.read_record.next = self.forwarded.q.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn behaves_as_an_array() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = Table::<Bits<48>, 3>::default();
            uut.connect_all();
            let mut model = [0_u64; 8];
            for _ in 0..500 {
                let (read, at) = (rng.random_range(0..8), rng.random_range(0..8));
                let (write, value) = (rng.random(), rng.random_range(0..1 << 48));
                uut.read_index.next = (read as u64).to_bits();
                uut.write.next = write;
                uut.write_index.next = (at as u64).to_bits();
                uut.write_record.next = value.to_bits();
                if write {
                    model[at] = value;
                }
                tick!(uut);
                assert_eq!(uut.read_record.val(), model[read].to_bits::<48>(), "SEED={seed}");
            }
        }
    }
}
