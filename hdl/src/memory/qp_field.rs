//! A field of every queue pair's context.
use super::DualPortRam;
use crate::configuration::{QpNumber, OBJECT_BITS, QP_BITS};
use crate::control::records::{ContextWrite, EVERY_TABLE};
use crate::literal::{Derived, Literal, Value};
use crate::pins::Ports;
use ironwarp_abi::context::{table, QueuePairContext};
use ironwarp_abi::record::Field;
use rust_hdl::prelude::*;

/// Which field of the queue pair context has that name; a name that is not there does not compile.
pub const fn field_number(name: &str) -> usize {
    super::context_field::place(QueuePairContext::FIELDS, name)
}

/// The field number `F`, which lies in one word.
const fn field(number: usize) -> &'static Field {
    let field = &QueuePairContext::FIELDS[number];
    assert!(field.bit() + field.width <= 32, "the field lies in one word");
    field
}

/// The word of the context in which the field number `F` lies.
#[derive(Clone, Copy, Debug)]
pub struct FieldWord<const F: usize>;

impl<const F: usize> Value for FieldWord<F> {
    const VALUE: u64 = field(F).word() as u64;
}

/// The bit of the word at which the field number `F` starts.
#[derive(Clone, Copy, Debug)]
pub struct FieldBit<const F: usize>;

impl<const F: usize> Value for FieldBit<F> {
    const VALUE: u64 = field(F).bit() as u64;
}

/// The field number `F` of the context of `qp`, one clock later; of one that is wider than `N`, the
/// low bits. A context is written only while its queue pair is stopped.
#[derive(LogicBlock, Ports, Default)]
pub struct QpField<const N: usize, const F: usize> {
    pub clock: Signal<In, Clock>,
    /// The contexts that the host commits.
    pub context_write: Signal<In, ContextWrite>,
    pub qp: Signal<In, QpNumber>,
    pub value: Signal<Out, Bits<N>>,
    values: DualPortRam<Bits<N>, QP_BITS>,
    data: Signal<Local, Bits<32>>,
    shifted: Signal<Local, Bits<32>>,
    queue_pair: Literal<4, { table::QUEUE_PAIR as u64 }>,
    every_table: Literal<4, EVERY_TABLE>,
    word: Derived<6, FieldWord<F>>,
    low_bit: Derived<5, FieldBit<F>>,
}

impl<const N: usize, const F: usize> Logic for QpField<N, F> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, values);
        self.data.next = self.context_write.val().data;
        self.shifted.next = self.data.val() >> self.low_bit.val();
        self.values.write_address.next =
            bit_cast::<QP_BITS, OBJECT_BITS>(self.context_write.val().index);
        self.values.write_data.next = bit_cast::<N, 32>(self.shifted.val());
        self.values.write_enable.next = self.context_write.val().valid
            & ((self.context_write.val().table == self.every_table.val())
                | ((self.context_write.val().table == self.queue_pair.val())
                    & (self.context_write.val().word == self.word.val())));
        self.values.read_address.next = self.qp.val();
        self.value.next = self.values.read_data.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::QP_COUNT;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn reads_the_field_and_no_other() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = QpField::<16, { field_number("pd") }>::default();
            let mut low = QpField::<3, { field_number("send_window_shift") }>::default();
            crate::queue::elaborate("qp_field", &mut uut);
            low.connect_all();
            let mut model = vec![QueuePairContext::default(); QP_COUNT];
            for _ in 0..100 {
                let qp = rng.random_range(0..QP_COUNT);
                let wipe = rng.random_bool(0.1);
                model[qp] = QueuePairContext {
                    pd: rng.random(),
                    send_window_shift: rng.random_range(0..16),
                    mulpdu: rng.random(),
                    ..Default::default()
                };
                if wipe {
                    model[qp] = QueuePairContext::default();
                }
                for (word, data) in model[qp].to_words().into_iter().enumerate() {
                    let tables = [u64::from(table::QUEUE_PAIR), EVERY_TABLE];
                    let write = ContextWrite {
                        valid: true,
                        table: tables[usize::from(wipe)].to_bits(),
                        index: (qp as u64).to_bits(),
                        word: (word as u64).to_bits(),
                        data: u64::from(data).to_bits(),
                    };
                    // Another table's words of the same numbers mean nothing.
                    let other = u64::from(table::FLOW).to_bits();
                    let other = ContextWrite { table: other, data: 0x5555_5555.into(), ..write };
                    for write in [write, other] {
                        uut.context_write.next = write;
                        low.context_write.next = write;
                        tick!(uut);
                        tick!(low);
                    }
                }
                uut.context_write.next = Default::default();
                low.context_write.next = Default::default();
                let qp = rng.random_range(0..QP_COUNT);
                uut.qp.next = (qp as u64).to_bits();
                low.qp.next = (qp as u64).to_bits();
                tick!(uut);
                tick!(low);
                assert_eq!(uut.value.val().to_u64(), u64::from(model[qp].pd), "SEED={seed}");
                let shift = u64::from(model[qp].send_window_shift) & 7;
                assert_eq!(low.value.val().to_u64(), shift, "SEED={seed}");
            }
        }
    }
}
