//! Finds the queue pair that owns a TCP segment's flow.
//!
//! ```text
//! head -> hash -> entry hash, hash + 1, .. hash + 3: one a clock, the first that matches wins
//!                       read             compare, a clock later
//! ```
use crate::control::records::ContextWrite;
use crate::literal::Literal;
use crate::memory::ContextTable;
use crate::receive::notes::{way, FrameHead};
use crate::stream::*;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::{FLOW_BITS, FLOW_PROBES};
use rust_hdl::prelude::*;

const _: () = assert!(FLOW_BITS == 6 && FLOW_PROBES == 4, "the kernel has these widths");

/// The flow table. A head whose `way` is `SEGMENT` leaves with its queue pair, or as `RAW` if no
/// entry names its flow; other heads pass. At most seven clocks a head.
#[derive(LogicBlock)]
pub struct FlowTable {
    pub clock: Signal<In, Clock>,
    /// The host's writes of flow entries.
    pub context_write: Signal<In, ContextWrite>,
    pub sink: StreamSink<FrameHead>,
    pub source: StreamSource<FrameHead>,
    flows: ContextTable<FLOW_BITS, 4>,
    /// 0: no head; else the number of the entry, from 1, that comes out of the table in this clock;
    /// the one before is compared.
    probe: DFF<Bits<3>>,
    words: [DFF<Bits<32>>; 4],
    entry: DFF<Bits<6>>,
    found: DFF<FrameHead>,
    found_valid: DFF<Bit>,
    ports: Signal<Local, Bits<32>>,
    word: Signal<Local, Bits<32>>,
    half: Signal<Local, Bits<32>>,
    byte_sum: Signal<Local, Bits<32>>,
    hash: Signal<Local, Bits<6>>,
    hit: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    one: Literal<6, 1>,
    step: Literal<3, 1>,
    raw: Literal<2, { way::RAW }>,
    segment: Literal<2, { way::SEGMENT }>,
}

impl Default for FlowTable {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            flows: ContextTable::new(table::FLOW, 0),
            probe: Default::default(),
            words: Default::default(),
            entry: Default::default(),
            found: Default::default(),
            found_valid: Default::default(),
            ports: Default::default(),
            word: Default::default(),
            half: Default::default(),
            byte_sum: Default::default(),
            hash: Default::default(),
            hit: Default::default(),
            free: Default::default(),
            one: Default::default(),
            step: Default::default(),
            raw: Default::default(),
            segment: Default::default(),
        }
    }
}

impl Logic for FlowTable {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, probe, entry, found, found_valid);
        clock!(self, clock, flows);
        self.flows.context_write.next = self.context_write.val();
        self.source.beat.next = self.found.q.val();
        self.source.valid.next = self.found_valid.q.val();
        self.free.next = self.source.ready.val() | !self.found_valid.q.val();
        self.sink.ready.next = false;

        // As `ironwarp_abi::context::flow_hash` says.
        self.ports.next = (bit_cast::<32, 16>(self.sink.beat.val().remote_port) << 16)
            | bit_cast::<32, 16>(self.sink.beat.val().local_port);
        self.word.next = self.sink.beat.val().remote_ip ^ self.ports.val();
        self.half.next = self.word.val() ^ (self.word.val() >> 16);
        self.byte_sum.next = self.half.val() ^ (self.half.val() >> 8);
        self.hash.next = self.byte_sum.val().get_bits::<6>(0);
        self.flows.index.next = self.entry.q.val();
        if self.probe.q.val() == 0 {
            self.flows.index.next = self.hash.val();
        }

        for i in 0..4 {
            self.words[i].clock.next = self.clock.val();
            self.words[i].d.next = self.flows.words[i].val();
        }
        self.hit.next = (self.words[0].q.val() == self.sink.beat.val().remote_ip)
            & (self.words[1].q.val() == self.sink.beat.val().local_ip)
            & (self.words[2].q.val() == self.ports.val())
            & self.words[3].q.val().get_bit(31)
            & (self.probe.q.val() != 1);

        if self.free.val() {
            self.found_valid.d.next = false;
        }
        if self.probe.q.val() == 0 {
            self.entry.d.next = self.hash.val() + self.one.val();
            if self.sink.beat.val().way != self.segment.val() {
                self.sink.ready.next = self.free.val();
            }
            if self.sink.valid.val() & self.free.val() {
                if self.sink.beat.val().way == self.segment.val() {
                    self.probe.d.next = self.step.val();
                } else {
                    self.found.d.next = self.sink.beat.val();
                    self.found_valid.d.next = true;
                }
            }
        } else {
            // `found` is empty: the search began when it was.
            self.entry.d.next = self.entry.q.val() + self.one.val();
            self.probe.d.next = self.probe.q.val() + self.step.val();
            if self.hit.val() | (self.probe.q.val() == 5) {
                self.sink.ready.next = true;
                self.found.d.next = self.sink.beat.val();
                self.found.d.next.qp = self.words[3].q.val().get_bits::<4>(0);
                if self.words[3].q.val().get_bits::<4>(4).any() {
                    // There is no such queue pair, and number 0 has no streams.
                    self.found.d.next.qp = 0.into();
                }
                if !self.hit.val() {
                    self.found.d.next.way = self.raw.val();
                }
                self.found_valid.d.next = true;
                self.probe.d.next = 0.into();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::{flow_hash, FlowContext};
    use ironwarp_abi::limits::FLOW_COUNT;
    use rand::Rng;

    fn write(uut: &mut FlowTable, index: usize, flow: &FlowContext) {
        for (word, data) in flow.to_words().into_iter().enumerate() {
            uut.context_write.next = ContextWrite {
                valid: true,
                table: u64::from(table::FLOW).to_bits(),
                index: (index as u64).to_bits(),
                word: (word as u64).to_bits(),
                data: u64::from(data).to_bits(),
            };
            tick!(*uut);
        }
        uut.context_write.next = Default::default();
    }

    fn look_up(flows: &[FlowContext], head: &FrameHead) -> Option<u8> {
        let ports = (head.remote_port.to_u64() as u16, head.local_port.to_u64() as u16);
        let remote = head.remote_ip.to_u64() as u32;
        let home = flow_hash(remote, ports.0, ports.1);
        (home..home + FLOW_PROBES).map(|n| flows[n % FLOW_COUNT]).find_map(|flow| {
            let same = flow.valid
                && flow.remote_ip == remote
                && u64::from(flow.local_ip) == head.local_ip.to_u64()
                && (flow.remote_port, flow.local_port) == ports;
            same.then_some(flow.qp)
        })
    }

    #[test]
    fn finds_what_the_rule_finds() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = FlowTable::default();
            uut.connect_all();
            let mut flows = [FlowContext::default(); FLOW_COUNT];
            for _ in 0..60 {
                let mut flow = FlowContext {
                    remote_ip: rng.random_range(0..6),
                    local_ip: rng.random_range(0..2),
                    local_port: rng.random_range(0..3),
                    remote_port: rng.random_range(0..3) << 8,
                    qp: rng.random_range(1..16),
                    valid: rng.random_bool(0.8),
                };
                flow.remote_ip |= flow.remote_ip << 24;
                let home = flow_hash(flow.remote_ip, flow.remote_port, flow.local_port);
                let index = (home + rng.random_range(0..6)) % FLOW_COUNT;
                flows[index] = flow;
                write(&mut uut, index, &flow);
            }
            let heads: Vec<FrameHead> = (0..200)
                .map(|_| {
                    let flow = flows[rng.random_range(0..FLOW_COUNT)];
                    FrameHead {
                        way: rng.random_range(0..3_u64).to_bits(),
                        remote_ip: u64::from(flow.remote_ip).to_bits(),
                        local_ip: u64::from(flow.local_ip).to_bits(),
                        remote_port: u64::from(flow.remote_port).to_bits(),
                        local_port: u64::from(flow.local_port).to_bits(),
                        sequence: u64::from(rng.random::<u32>()).to_bits(),
                        ..Default::default()
                    }
                })
                .collect();
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
                    match look_up(&flows, head) {
                        Some(qp) => expected.qp = u64::from(qp).to_bits(),
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
}
