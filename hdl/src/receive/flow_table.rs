//! Finds the queue pair that owns a TCP segment's flow.
//!
//! ```text
//! head: bucket -> First -> the list's first flow -> Read -> Compare: does it match?
//!                                                    ^         |  the next one is read meanwhile
//!                                                    +---------+
//! ```
use crate::configuration::{QpNumber, QP_BITS};
use crate::control::records::ContextWrite;
use crate::life::{Life, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::pins::Ports;
use crate::receive::flow_entries::FlowEntries;
use crate::receive::notes::{way, FlowEntry, FrameHead};
use crate::stream::*;
use rust_hdl::prelude::*;

/// What the table does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum FlowState {
    Idle,
    First,
    Read,
    Compare,
}

/// The flow table. A head whose `way` is `SEGMENT` leaves with its queue pair and that one's
/// generation, or as `RAW` if no entry names its flow; other heads pass. Three clocks a head, and
/// one for each entry that is looked at, of which there are no more than queue pairs: a list that
/// does not end is left there.
#[derive(LogicBlock, Ports, Default)]
pub struct FlowTable {
    pub clock: Signal<In, Clock>,
    /// The host's writes of flows and buckets.
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub sink: StreamSink<FrameHead>,
    pub source: StreamSource<FrameHead>,
    entries: FlowEntries,
    lives: LifeWatch,
    state: DFF<FlowState>,
    /// The queue pair whose entry comes out of the table in this clock; zero if there is none.
    at: DFF<QpNumber>,
    /// The entry that is compared, and whose it is.
    held: DFF<FlowEntry>,
    held_qp: DFF<QpNumber>,
    held_life: DFF<Life>,
    /// Entries compared.
    steps: DFF<Bits<QP_BITS>>,
    found: DFF<FrameHead>,
    found_valid: DFF<Bit>,
    ports: Signal<Local, Bits<32>>,
    now: Signal<Local, QpNumber>,
    hit: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    step: Literal<QP_BITS, 1>,
    last_step: Literal<QP_BITS, { (1 << QP_BITS) - 1 }>,
    raw: Literal<2, { way::RAW }>,
    segment: Literal<2, { way::SEGMENT }>,
}

impl Logic for FlowTable {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, at, held, held_qp, held_life, steps, found, found_valid);
        clock!(self, clock, entries, lives);
        self.entries.context_write.next = self.context_write.val();
        self.entries.bucket.next = self.sink.beat.val().bucket;
        self.source.beat.next = self.found.q.val();
        self.source.valid.next = self.found_valid.q.val();
        self.free.next = self.source.ready.val() | !self.found_valid.q.val();
        self.sink.ready.next = false;

        // The entry that is read: the list's first one, or the one behind that which comes.
        self.now.next = self.entries.entry.val().behind;
        if self.state.q.val() == FlowState::First {
            self.now.next = self.entries.first.val();
        }
        self.at.d.next = self.now.val();
        self.entries.qp.next = self.now.val();
        self.lives.change.next = self.change.val();
        self.lives.look.next = true;
        self.lives.qp.next = self.now.val();
        self.held.d.next = self.entries.entry.val();
        self.held_qp.d.next = self.at.q.val();
        self.held_life.d.next = self.lives.life_now.val();

        self.ports.next = (bit_cast::<32, 16>(self.sink.beat.val().remote_port) << 16)
            | bit_cast::<32, 16>(self.sink.beat.val().local_port);
        self.hit.next = (self.held.q.val().remote_ip == self.sink.beat.val().remote_ip)
            & (self.held.q.val().local_ip == self.sink.beat.val().local_ip)
            & (self.held.q.val().ports == self.ports.val())
            & self.held.q.val().valid
            & self.held_qp.q.val().any();
        self.ends.next = !self.held_qp.q.val().any() | (self.steps.q.val() == self.last_step.val());
        if self.free.val() {
            self.found_valid.d.next = false;
        }
        match self.state.q.val() {
            FlowState::Idle => {
                self.steps.d.next = 0.into();
                if self.sink.beat.val().way != self.segment.val() {
                    self.sink.ready.next = self.free.val();
                }
                if self.sink.valid.val() & self.free.val() {
                    self.found.d.next = self.sink.beat.val();
                    if self.sink.beat.val().way == self.segment.val() {
                        self.state.d.next = FlowState::First;
                    } else {
                        self.found_valid.d.next = true;
                    }
                }
            }
            FlowState::First => {
                self.state.d.next = FlowState::Read;
            }
            FlowState::Read => {
                self.state.d.next = FlowState::Compare;
            }
            FlowState::Compare => {
                // `found` is empty: the search began when it was.
                self.steps.d.next = self.steps.q.val() + self.step.val();
                self.found.d.next = self.sink.beat.val();
                self.found.d.next.qp = self.held_qp.q.val();
                self.found.d.next.generation = self.held_life.q.val().generation;
                if !self.hit.val() {
                    self.found.d.next.way = self.raw.val();
                }
                if self.hit.val() | self.ends.val() {
                    self.sink.ready.next = true;
                    self.found_valid.d.next = true;
                    self.state.d.next = FlowState::Idle;
                }
            }
            _ => {
                self.state.d.next = FlowState::Idle;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::{BUCKET_BITS, CONFIGURATION, QP_COUNT};
    use crate::receive::bench_control::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::{table, FlowContext};
    use rand::Rng;

    /// The contents of the tables.
    struct Flows {
        buckets: Vec<usize>,
        entries: Vec<FlowContext>,
    }

    impl Flows {
        /// Lists of random flows, some of them without an end.
        fn random(rng: &mut rand_chacha::ChaCha8Rng, endless: bool) -> Self {
            let mut flows = Self {
                buckets: vec![0; CONFIGURATION.bucket_count()],
                entries: vec![FlowContext::default(); QP_COUNT],
            };
            for qp in 1..QP_COUNT.min(40) {
                let bucket = rng.random_range(0..4);
                let next =
                    if endless { rng.random_range(0..QP_COUNT) } else { flows.buckets[bucket] };
                flows.entries[qp] = FlowContext {
                    remote_ip: rng.random_range(0..4),
                    local_ip: rng.random_range(0..2),
                    local_port: rng.random_range(0..3),
                    remote_port: rng.random_range(0..3) << 8,
                    next: next as u32,
                    valid: rng.random_bool(0.8),
                };
                flows.buckets[bucket] = qp;
            }
            flows
        }

        fn write(&self, uut: &mut FlowTable) {
            for (n, first) in self.buckets.iter().enumerate().take(4) {
                commit!(*uut, table::FLOW_BUCKET, n, &[*first as u32]);
            }
            for (qp, flow) in self.entries.iter().enumerate().take(40) {
                commit!(*uut, table::FLOW, qp, &flow.to_words());
            }
        }

        fn look_up(&self, head: &FrameHead) -> Option<usize> {
            let ports = (head.remote_port.to_u64() as u16, head.local_port.to_u64() as u16);
            let mut qp = self.buckets[head.bucket.to_u64() as usize];
            for _ in 0..QP_COUNT {
                let flow = self.entries[qp];
                let same = flow.valid
                    && u64::from(flow.remote_ip) == head.remote_ip.to_u64()
                    && u64::from(flow.local_ip) == head.local_ip.to_u64()
                    && (flow.remote_port, flow.local_port) == ports;
                if qp == 0 || same {
                    break;
                }
                qp = flow.next as usize;
            }
            let flow = self.entries[qp];
            let same = u64::from(flow.remote_ip) == head.remote_ip.to_u64()
                && u64::from(flow.local_ip) == head.local_ip.to_u64()
                && (flow.remote_port, flow.local_port) == ports;
            (qp != 0 && flow.valid && same).then_some(qp)
        }
    }

    fn heads(rng: &mut rand_chacha::ChaCha8Rng, flows: &Flows) -> Vec<FrameHead> {
        let head = |_| {
            let flow = flows.entries[rng.random_range(0..QP_COUNT.min(40))];
            FrameHead {
                way: rng.random_range(0..3_u64).to_bits(),
                bucket: rng.random_range(0..5_u64).to_bits(),
                remote_ip: u64::from(flow.remote_ip).to_bits(),
                local_ip: u64::from(flow.local_ip).to_bits(),
                remote_port: u64::from(flow.remote_port).to_bits(),
                local_port: u64::from(flow.local_port).to_bits(),
                sequence: u64::from(rng.random::<u32>()).to_bits(),
                ..Default::default()
            }
        };
        (0..200).map(head).collect()
    }

    #[test]
    fn finds_what_the_lists_hold() {
        const { assert!(BUCKET_BITS > 2, "the test has five buckets") };
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = FlowTable::default();
            uut.connect_all();
            let flows = Flows::random(&mut rng, seed % 4 == 1);
            flows.write(&mut uut);
            for qp in 0..QP_COUNT.min(40) {
                change!(uut, begins(qp, qp as u64 & 3));
            }
            let heads = heads(&mut rng, &flows);
            let (mut sent, mut seen) = (0, vec![]);
            while seen.len() < heads.len() {
                uut.sink.valid.next = sent < heads.len();
                uut.sink.beat.next = heads.get(sent).copied().unwrap_or_default();
                uut.source.ready.next = rng.random_bool(0.7);
                settle!(uut);
                sent += usize::from(uut.sink.valid.val() && uut.sink.ready.val());
                if uut.source.valid.val() && uut.source.ready.val() {
                    seen.push(uut.source.beat.val());
                }
                edge!(uut);
            }
            for (seen, head) in seen.iter().zip(&heads) {
                let mut expected = *head;
                if head.way == way::SEGMENT {
                    match flows.look_up(head) {
                        Some(qp) => {
                            expected.qp = (qp as u64).to_bits();
                            expected.generation = (qp as u64 & 3).to_bits();
                        }
                        None => expected.way = way::RAW.to_bits(),
                    }
                }
                assert_eq!(seen.way, expected.way, "SEED={seed} {head:?}");
                if seen.way == way::SEGMENT {
                    assert_eq!(*seen, expected, "SEED={seed} {head:?}");
                }
            }
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("flow_table", &mut FlowTable::default());
    }
}
