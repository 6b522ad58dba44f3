//! The blocks of `complete` that stand alone.

use crate::complete::cq_state::CqState;
use crate::complete::entry_writer::EntryWriter;
use crate::complete::ring_place::RingPlace;

blocks! {
    ring_place: RingPlace::default(),
        [ring_low, ring_high, shape, producer, address, phase, entries];
    cq_state: CqState::default(),
        [clock, command, doorbell, index, producer, used, active, armed, asked, own, advance,
         producer_next, disarm, looked];
    entry_writer: EntryWriter::default(),
        [clock, completion, message, write, write_data, interrupt, index, ring_low, ring_high,
         shape, producer, used, active, armed, asked, own, advance, producer_next, disarm, looked,
         written, interrupted, overflow];
}
