//! The blocks of `complete` that stand alone.

use crate::complete::cq_state::CqState;
use crate::complete::entry_fate::EntryFate;
use crate::complete::entry_life::EntryLife;
use crate::complete::entry_octets::EntryOctets;
use crate::complete::entry_order::EntryOrder;
use crate::complete::entry_writer::EntryWriter;
use crate::complete::ring_place::RingPlace;

blocks! {
    ring_place: RingPlace::default(),
    cq_state: CqState::default(),
    entry_fate: EntryFate::default(),
    entry_life: EntryLife::default(),
    entry_octets: EntryOctets::default(),
    entry_order: EntryOrder::default(),
    entry_writer: EntryWriter::default(),
}
