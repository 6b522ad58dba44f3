//! The blocks of `memory` that stand alone.

use crate::memory::*;
use rust_hdl::prelude::Bits;

blocks! {
    table: Table::<Bits<48>, 3>::default(),
        [clock, read_index, read_record, write, write_index, write_record];
    fresh_table: FreshTable::<Bits<48>, 3>::default(),
        [clock, begins, begun, read_index, read_record, write, write_index, write_record];
    dual_port_ram: DualPortRam::<Bits<48>, 3>::default(),
        [clock, read_address, read_data, write_enable, write_address, write_data];
    qp_field: QpField::<16, { field_number("pd") }>::default(), [clock, context_write, qp, value];
    context_table: ContextTable::<3, 2>::new(4, 5), [clock, context_write, index, words];
}
