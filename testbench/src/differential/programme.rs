//! Makes programmes: a prelude in which everything is set up, and events drawn by chance.
//!
//! What goes wrong is rare for each event, so that programmes run long and deep; over many seeds
//! everything comes.

use super::chance::Chance;
use super::draw::Draw;
use super::event::Event;
use super::side::quick_bus;
use ironwarp_sim::{RootComplexOptions, Split};

/// A programme: everything follows from these values.
#[derive(Clone, Debug)]
pub struct Programme {
    /// The seed of the content of memory, and of the bus.
    pub seed: u64,
    /// The key of the flow table.
    pub flow_key: [u32; 3],
    /// How the bus behaves.
    pub bus: RootComplexOptions,
    /// What happens, in order.
    pub events: Vec<Event>,
}

/// The fewest events of a programme, pauses not counted.
pub const EVENTS_MIN: usize = 100;

impl Programme {
    /// The programme of a seed.
    pub fn of(seed: u64) -> Self {
        let mut draw = Draw::new(seed);
        let bus = bus(&mut draw.chance);
        draw.prelude();
        while draw.events.iter().filter(|event| event.counts()).count() < EVENTS_MIN {
            draw.scene();
        }
        // Without a key all flows are in one list.
        let drawn = !draw.chance.one_in(3);
        let flow_key = [(); 3].map(|()| if drawn { draw.chance.any() } else { 0 });
        Self { seed, flow_key, bus, events: draw.events }
    }

    /// Only the events with these numbers.
    pub fn keep(&self, numbers: &[usize]) -> Self {
        let events = numbers.iter().filter_map(|n| self.events.get(*n).cloned()).collect();
        Self { events, ..self.clone() }
    }
}

fn bus(chance: &mut Chance) -> RootComplexOptions {
    let quick = quick_bus();
    if chance.one_in(2) {
        return quick;
    }
    RootComplexOptions {
        read_jitter_ns: if chance.one_in(2) { 300 } else { 0 },
        reorder: chance.one_in(2),
        split: *chance.of(&[Split::Largest, Split::Smallest, Split::Random]),
        back_pressure: *chance.of(&[0.0, 0.0, 0.1, 0.4]),
        bubbles: *chance.of(&[0.0, 0.0, 0.1, 0.4]),
        max_payload: *chance.of(&[128, 256, 512]),
        max_read: *chance.of(&[128, 256, 512]),
        ..quick
    }
}
