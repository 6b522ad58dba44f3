//! The blocks of `life` that stand alone.

use crate::life::*;
use rust_hdl::prelude::Bits;

blocks! {
    life_table: LifeTable::<Bits<24>>::default(),
        [clock, change, read_qp, read_record, write, write_qp, write_record];
    life_watch: LifeWatch::default(),
        [clock, change, look, qp, life, life_now, disturbed, disturbed_now];
}
