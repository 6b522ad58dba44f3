//! Finds the queue pair that owns a TCP segment's flow.
//!
//! ```text
//! head -> hash -> entry hash, hash + 1, .. hash + 3: one a clock, the first that matches wins
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
/// entry names its flow; other heads pass. At most six clocks a head.
#[derive(LogicBlock)]
pub struct FlowTable {
    pub clock: Signal<In, Clock>,
    /// The host's writes of flow entries.
    pub context_write: Signal<In, ContextWrite>,
    pub sink: StreamSink<FrameHead>,
    pub source: StreamSource<FrameHead>,
    flows: ContextTable<FLOW_BITS, 4>,
    /// 0: no head; else the number of the entry, from 1, that is compared in this clock.
    probe: DFF<Bits<3>>,
    sought: DFF<FrameHead>,
    entry: DFF<Bits<6>>,
    found: DFF<FrameHead>,
    found_valid: DFF<Bit>,
    ports: Signal<Local, Bits<32>>,
    word: Signal<Local, Bits<32>>,
    half: Signal<Local, Bits<32>>,
    byte_sum: Signal<Local, Bits<32>>,
    hash: Signal<Local, Bits<6>>,
    sought_ports: Signal<Local, Bits<32>>,
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
            sought: Default::default(),
            entry: Default::default(),
            found: Default::default(),
            found_valid: Default::default(),
            ports: Default::default(),
            word: Default::default(),
            half: Default::default(),
            byte_sum: Default::default(),
            hash: Default::default(),
            sought_ports: Default::default(),
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
        dff_setup!(self, clock, probe, sought, entry, found, found_valid);
        clock!(self, clock, flows);
        self.flows.context_write.next = self.context_write.val();
        self.source.beat.next = self.found.q.val();
        self.source.valid.next = self.found_valid.q.val();
        self.free.next = self.source.ready.val() | !self.found_valid.q.val();
        self.sink.ready.next = self.free.val() & (self.probe.q.val() == 0);

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

        self.sought_ports.next = (bit_cast::<32, 16>(self.sought.q.val().remote_port) << 16)
            | bit_cast::<32, 16>(self.sought.q.val().local_port);
        self.hit.next = (self.flows.words[0].val() == self.sought.q.val().remote_ip)
            & (self.flows.words[1].val() == self.sought.q.val().local_ip)
            & (self.flows.words[2].val() == self.sought_ports.val())
            & self.flows.words[3].val().get_bit(31);

        if self.free.val() {
            self.found_valid.d.next = false;
        }
        if self.probe.q.val() == 0 {
            self.sought.d.next = self.sink.beat.val();
            self.entry.d.next = self.hash.val() + self.one.val();
            if self.sink.valid.val() & self.free.val() {
                if self.sink.beat.val().way == self.segment.val() {
                    self.probe.d.next = self.step.val();
                } else {
                    self.found.d.next = self.sink.beat.val();
                    self.found_valid.d.next = true;
                }
            }
        } else {
            // `found` is empty: the head was taken when it was.
            self.entry.d.next = self.entry.q.val() + self.one.val();
            self.probe.d.next = self.probe.q.val() + self.step.val();
            if self.hit.val() | (self.probe.q.val() == 4) {
                self.found.d.next = self.sought.q.val();
                self.found.d.next.qp = self.flows.words[3].val().get_bits::<4>(0);
                if !self.hit.val() {
                    self.found.d.next.way = self.raw.val();
                }
                self.found_valid.d.next = true;
                self.probe.d.next = 0.into();
            }
        }
    }
}
