//! A memory with a port to write and a port to read.
use crate::pins::Ports;
use rust_hdl::core::timing::TimingInfo;
use rust_hdl::prelude::*;
use std::collections::BTreeMap;

/// `2^A` records; one read and one write a clock. All are `T::default()` at power-on.
///
/// What is read in the clock of its own write is not defined: an FPGA's block RAM promises neither
/// the old record nor the new one, and logic around it that promised either would cost some 60 LUTs
/// and 80 flip-flops a memory. In simulation, in Rust and in Verilog, it is `T::default()`, all
/// zero, so that whoever looks at it fails a test. `no_rw_check` tells synthesis that nobody does.
#[derive(LogicBlock, Ports, Default)]
pub struct DualPortRam<T: Synth, const A: usize> {
    pub clock: Signal<In, Clock>,
    /// The record to read. May change every clock.
    pub read_address: Signal<In, Bits<A>>,
    /// That record, one clock later.
    pub read_data: Signal<Out, T>,
    /// Write `write_data` at the next clock edge.
    pub write_enable: Signal<In, Bit>,
    /// The record to write.
    pub write_address: Signal<In, Bits<A>>,
    /// What to write.
    pub write_data: Signal<In, T>,
    _records: BTreeMap<Bits<A>, T>,
}

impl<T: Synth, const A: usize> Logic for DualPortRam<T, A> {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        let (read, write) = (self.read_address.val(), self.write_address.val());
        let meet = self.write_enable.val() && read == write;
        let record = self._records.get(&read).filter(|_| !meet);
        self.read_data.next = record.copied().unwrap_or_default();
        if self.write_enable.val() {
            self._records.insert(write, self.write_data.val());
        }
    }

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "(* no_rw_check *)
reg[{}:0] mem[{}:0];

always @(posedge clock) begin
    read_data <= mem[read_address];
    if (write_enable) mem[write_address] <= write_data;
`ifndef SYNTHESIS
    if (write_enable && write_address == read_address) read_data <= 0;
`endif
end
",
            T::BITS - 1,
            (1_u64 << A) - 1
        ))
    }

    fn timing(&self) -> Vec<TimingInfo> {
        let info = |name: &str, inputs: &[&str], outputs: &[&str]| TimingInfo {
            name: name.into(),
            clock: "clock".into(),
            inputs: inputs.iter().map(|&name| name.into()).collect(),
            outputs: outputs.iter().map(|&name| name.into()).collect(),
        };
        vec![
            info("ram_read", &["read_address"], &["read_data"]),
            info("ram_write", &["write_address", "write_data", "write_enable"], &[]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn behaves_as_an_array_but_where_a_read_meets_its_write() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = DualPortRam::<Bits<48>, 3>::default();
            uut.connect_all();
            let mut model = [0_u64; 8];
            for _ in 0..500 {
                let (read, at) = (rng.random_range(0..8), rng.random_range(0..8));
                let (write, value) = (rng.random(), rng.random_range(0..1 << 48));
                uut.read_address.next = (read as u64).to_bits();
                uut.write_enable.next = write;
                uut.write_address.next = (at as u64).to_bits();
                uut.write_data.next = value.to_bits();
                let expected = if write && read == at { 0 } else { model[read] };
                if write {
                    model[at] = value;
                }
                tick!(uut);
                assert_eq!(uut.read_data.val(), expected.to_bits::<48>(), "SEED={seed}");
            }
        }
    }
}
