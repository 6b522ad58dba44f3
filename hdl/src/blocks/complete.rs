//! The blocks of `complete` that stand alone.

use crate::complete::cq_state::CqState;
use crate::complete::entry_fate::EntryFate;
use crate::complete::entry_life::EntryLife;
use crate::complete::entry_octets::EntryOctets;
use crate::complete::entry_writer::EntryWriter;
use crate::complete::fence_order::FenceOrder;
use crate::complete::ring_place::RingPlace;

blocks! {
    ring_place: RingPlace::default(),
        [ring_low, ring_high, shape, producer, address, phase, entries];
    cq_state: CqState::default(),
        [clock, wipe, command, doorbell, armed, look, index, record, used, runs, asked, disturbed,
         write, write_record];
    entry_fate: EntryFate::default(),
        [ring_low, ring_high, shape, record, used, entry, address, phase, lost, after, written,
         loss];
    entry_life: EntryLife::default(), [clock, change, look, entry, alive, close];
    entry_octets: EntryOctets::default(), [entry, phase, number, is_message, word, beat];
    fence_order: FenceOrder::default(),
        [clock, sink, source, send_passes, receive_passes, event_passes, works_pass];
    entry_writer: EntryWriter::default(),
        [clock, completion, message, armed, write, write_data, interrupt, overflow_event, look,
         index, entry, ring_low, ring_high, shape, record, used, runs, asked, disturbed, keep,
         keep_record, alive, close, written, interrupted, overflow, fence_told];
}
