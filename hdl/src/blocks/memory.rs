//! The blocks of `memory` that stand alone.

use crate::memory::*;
use rust_hdl::prelude::Bits;

blocks! {
    table: Table::<Bits<48>, 3>::default(),
    fresh_table: FreshTable::<Bits<48>, 3>::default(),
    dual_port_ram: DualPortRam::<Bits<48>, 3>::default(),
    qp_field: QpField::<16, { field_number("pd") }>::default(),
    context_table: ContextTable::<3, 2>::new(4, 5),
}
