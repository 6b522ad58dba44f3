//! What the host and the peers do, drawn by chance: control events in the midst of traffic.

use crate::differential::{quick_bus, Chance};
use ironwarp_sim::{RootComplexOptions, Split};

/// Queue pairs at work, by their numbers: some are alike in their low bits.
pub const QPS: [u32; 5] = [1, 17, 33, 50, 63];

/// One thing that happens. `Qp` counts in [`QPS`]; `dice` decides what is left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The device is given so many clocks.
    Run(u16),
    /// The bus refuses for so many clocks, and the wire for so many.
    Refuse(u16, u16),
    /// A queue pair starts, if it is stopped.
    Start(Qp, Dice),
    /// A queue pair stops, if it runs.
    Stop(Qp),
    /// A queue pair stops and starts, with another connection and other rings.
    Restart(Qp, Dice),
    /// A fence is asked for.
    Fence,
    /// A fence is asked for and waited for.
    Wait,
    /// A region is registered.
    Register(Qp, Dice),
    /// A region is deregistered.
    Deregister(Qp, Dice),
    /// Frames go to another MAC address from now on.
    Hop(Qp, u8),
    /// Send work requests are posted.
    Send(Qp, Dice),
    /// Receive work requests are posted.
    Receive(Qp, Dice),
    /// The peer writes, sends or reads.
    Say(Qp, Dice),
    /// The peer acknowledges nothing from now on, or everything.
    Hold(Qp, bool),
    /// A completion queue stops and starts.
    Renew(Dice),
    /// The host takes no completion entries from now on, or all of them.
    Sleep(bool),
    /// A record that makes no sense is committed for a queue pair, and for a completion queue.
    Nonsense(Qp, Dice),
}

/// Which of [`QPS`].
pub type Qp = usize;
/// What is left open is decided by this.
pub type Dice = u32;

/// A plan: everything follows from it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of the bus.
    pub seed: u64,
    /// How the bus behaves.
    pub bus: RootComplexOptions,
    /// The key of the flow table; without one all flows are in one list.
    pub flow_key: [u32; 3],
    /// What happens, in order.
    pub acts: Vec<Act>,
}

/// Acts of a plan, about.
const ACTS: u32 = 220;

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x10ad << 32);
        let bus = bus(&mut chance);
        let drawn = chance.one_in(2);
        let flow_key = [(); 3].map(|()| if drawn { chance.any() } else { 0 });
        let mut acts = Vec::new();
        for qp in 0..QPS.len() {
            for _ in 0..4 {
                acts.push(Act::Register(qp, chance.any()));
            }
            acts.push(Act::Start(qp, chance.any()));
            acts.push(Act::Receive(qp, chance.any()));
        }
        for _ in 0..ACTS {
            acts.extend(act(&mut chance));
        }
        Self { seed, bus, flow_key, acts }
    }

    /// Only the acts with these numbers.
    pub fn keep(&self, numbers: &[usize]) -> Self {
        let acts = numbers.iter().filter_map(|n| self.acts.get(*n).copied()).collect();
        Self { acts, ..self.clone() }
    }
}

fn act(chance: &mut Chance) -> Vec<Act> {
    let qp = chance.within(0..=QPS.len() as u32 - 1) as usize;
    let dice = chance.any();
    let act = match chance.within(0..=99) {
        0..=20 => Act::Send(qp, dice),
        21..=39 => Act::Say(qp, dice),
        40..=45 => Act::Receive(qp, dice),
        46..=49 => Act::Stop(qp),
        50..=55 => Act::Start(qp, dice),
        56..=61 => Act::Restart(qp, dice),
        62..=67 => Act::Fence,
        68..=69 => Act::Wait,
        70..=75 => Act::Deregister(qp, dice),
        76..=81 => Act::Register(qp, dice),
        82..=83 => Act::Hop(qp, dice as u8),
        84..=87 => Act::Hold(qp, dice % 2 == 0),
        88..=89 => {
            let bus = chance.size(2000) as u16;
            Act::Refuse(bus, if chance.one_in(2) { bus } else { 0 })
        }
        90 => Act::Renew(dice),
        91..=92 => Act::Sleep(true),
        93 => Act::Sleep(false),
        94 => Act::Nonsense(qp, dice),
        _ => Act::Run(chance.size(1500) as u16),
    };
    // Most of them happen while what came before them is somewhere in the pipes.
    let pause = match chance.within(0..=3) {
        0 => None,
        1 => Some(Act::Run(chance.within(1..=40) as u16)),
        _ => Some(Act::Run(chance.size(400) as u16)),
    };
    [Some(act), pause].into_iter().flatten().collect()
}

fn bus(chance: &mut Chance) -> RootComplexOptions {
    RootComplexOptions {
        read_latency_ns: *chance.of(&[130, 130, 600, 2000]),
        read_jitter_ns: *chance.of(&[0, 300, 1500]),
        write_latency_ns: *chance.of(&[40, 400]),
        reorder: chance.one_in(2),
        split: *chance.of(&[Split::Largest, Split::Smallest, Split::Random]),
        back_pressure: *chance.of(&[0.0, 0.0, 0.1, 0.5]),
        bubbles: *chance.of(&[0.0, 0.0, 0.1, 0.4]),
        max_payload: *chance.of(&[128, 256, 512]),
        max_read: *chance.of(&[128, 256, 512]),
        ..quick_bus()
    }
}
