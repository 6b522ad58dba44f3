//! The blocks of `life` that stand alone.

use crate::life::*;
use rust_hdl::prelude::Bits;

blocks! {
    life_counter: LifeCounter::<8, 2>::default(),
    life_filter: LifeFilter::default(),
    life_table: LifeTable::<Bits<24>>::default(),
    life_watch: LifeWatch::default(),
}
