//! The blocks of `life` that stand alone.

use crate::life::*;
use rust_hdl::prelude::Bits;

blocks! {
    life_counter: LifeCounter::<8, 2>::default(),
        [clock, change, up, up_qp, previous, read_qp, count];
    life_filter: LifeFilter::default(), [clock, change, valid, qp, generation, lives, lives_qp];
    life_table: LifeTable::<Bits<24>>::default(),
        [clock, change, read_qp, read_record, write, write_qp, write_record];
    life_watch: LifeWatch::default(),
        [clock, change, look, qp, life, life_now, disturbed, disturbed_now];
}
