//! Reads work requests from their rings ahead of use.
use crate::configuration::{QpNumber, QP_BITS};
use crate::control::records::{ContextWrite, QpDoorbell};
use crate::life::{LifeCounter, QpChange};
use crate::memory::DualPortRam;
use crate::pcie::records::ReadRequest;
use crate::pins::Ports;
use crate::queue::asker::FetchAsker;
use crate::queue::counters::FetchCounters;
use crate::queue::gather::FetchGather;
use crate::queue::records::*;
use crate::stream::*;
use ironwarp_abi::limits::WQE_CACHE_BITS;
use ironwarp_abi::queue::{ReceiveRequest, SendRequest};
use ironwarp_abi::record::Field;
use rust_hdl::prelude::*;

/// Address bits of the cache: queue pair and slot.
const CACHE_BITS: usize = QP_BITS + WQE_CACHE_BITS;

/// Fetches the work requests of every queue pair's send queue, or of every receive queue.
///
/// ```text
/// doorbell --> counters <---> asker --> read
/// take ---------^  |  ^         | ticket
///                  |  +-store- gather <-- data
///                  |            | write
///      head_qp ----+---> cache RAMs --> head, head_available, head_promised
/// ```
/// Contract: present a queue pair's number on `head_qp`; two clocks later `head` is its oldest work
/// request, if `head_available` says that it has one on chip. `take` for one clock removes it: only
/// when it was available in the life that goes on; a life that begins in that clock wins.
/// `head_qp` may look for the next one in the clock after. What comes for an earlier life is
/// dropped. A queue pair's work request `n` lies in slot `n` modulo the slots of its part of the
/// cache.
#[derive(LogicBlock, Ports)]
pub struct RequestFetch {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub doorbell: Signal<In, QpDoorbell>,
    /// The maximum read request size, as PCI Express encodes it: 128 octets << n.
    pub max_read: Signal<In, Bits<3>>,
    /// A pulse: tell when every read so far has come back ...
    pub fence: Signal<In, Bit>,
    /// ... by a pulse. One is under way at a time.
    pub fenced: Signal<Out, Bit>,
    pub read: StreamSource<ReadRequest>,
    pub data: StreamSink<Beat>,
    pub head_qp: Signal<In, QpNumber>,
    /// The oldest work request of `head_qp`, two clocks later.
    pub head: Signal<Out, QueueEntry>,
    /// It is one: it is on chip. Two clocks later, too.
    pub head_available: Signal<Out, Bit>,
    /// `head_qp` has a work request, on chip or not yet. Two clocks later, too.
    pub head_promised: Signal<Out, Bit>,
    /// The number of the oldest, be it there or not. Two clocks later, too.
    pub head_number: Signal<Out, Bits<16>>,
    /// The oldest is from now on one that was removed before: only while it is `rewind_free`.
    pub rewind: Signal<In, Rewind>,
    pub rewind_free: Signal<Out, Bit>,
    /// Remove the oldest work request of `take_qp`.
    pub take: Signal<In, Bit>,
    pub take_qp: Signal<In, QpNumber>,
    /// Work requests of a queue pair have arrived: who looks it up from the next clock on finds
    /// them.
    pub arrived: Signal<Out, QpNote>,
    /// With `arrived`: so many have come in this life, modulo 2^16.
    pub arrived_number: Signal<Out, Bits<16>>,

    counters: FetchCounters,
    asker: FetchAsker,
    gather: FetchGather,
    /// How often each has gone back: for who asks, and for who takes what comes.
    passes: LifeCounter<8, 2>,
    /// Word n of every work request on chip, and what was found out about it.
    words: [DualPortRam<Bits<64>, CACHE_BITS>; 4],
    findings: DualPortRam<EntryFindings, CACHE_BITS>,
    looked: DFF<QpNumber>,
    oldest: DFF<Bits<16>>,
    used: DFF<QpNote>,
    place: Signal<Local, CachePlace>,
    number: Signal<Local, Bits<16>>,
    write_address: Signal<Local, Bits<CACHE_BITS>>,
    read_address: Signal<Local, Bits<CACHE_BITS>>,
}

impl RequestFetch {
    /// For the send queues.
    pub fn send() -> Self {
        Self::new(false, "send_queue", "send_queue_log2", SendRequest::FIELDS)
    }

    /// For the receive queues.
    pub fn receive() -> Self {
        Self::new(true, "receive_queue", "receive_queue_log2", ReceiveRequest::FIELDS)
    }

    fn new(receive: bool, ring: &str, log2: &str, fields: &[Field]) -> Self {
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            change: Default::default(),
            doorbell: Default::default(),
            max_read: Default::default(),
            fence: Default::default(),
            fenced: Default::default(),
            read: Default::default(),
            data: Default::default(),
            head_qp: Default::default(),
            head: Default::default(),
            head_available: Default::default(),
            head_promised: Default::default(),
            head_number: Default::default(),
            rewind: Default::default(),
            rewind_free: Default::default(),
            take: Default::default(),
            take_qp: Default::default(),
            arrived: Default::default(),
            arrived_number: Default::default(),
            counters: FetchCounters::new(receive),
            asker: FetchAsker::new(ring, log2),
            gather: FetchGather::new(fields),
            passes: Default::default(),
            words: Default::default(),
            findings: Default::default(),
            looked: Default::default(),
            oldest: Default::default(),
            used: Default::default(),
            place: Default::default(),
            number: Default::default(),
            write_address: Default::default(),
            read_address: Default::default(),
        }
    }
}

impl Logic for RequestFetch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, looked, oldest, used);
        clock!(self, clock, counters, asker, gather, passes, findings);
        self.counters.change.next = self.change.val();
        self.counters.doorbell.next = self.doorbell.val();
        self.asker.context_write.next = self.context_write.val();
        self.asker.change.next = self.change.val();
        self.asker.max_read.next = self.max_read.val();
        self.asker.fence.next = self.fence.val();
        self.gather.change.next = self.change.val();

        // There may be room in the cache after a take: the counters know it a clock later.
        self.used.d.next.valid = self.take.val();
        self.used.d.next.qp = self.take_qp.val();
        self.asker.taken.next = self.used.q.val();
        self.asker.rung.next = self.counters.rung.val();
        self.counters.ask_qp.next = self.asker.qp.val();
        self.asker.posted.next = self.counters.ask_posted.val();
        self.asker.asked.next = self.counters.ask_asked.val();
        self.asker.used.next = self.counters.ask_taken.val();
        self.counters.issue.next = self.asker.issue.val();
        self.counters.issue_asked.next = self.asker.issue_asked.val();
        StreamSource::<ReadRequest>::link(&mut self.read, &mut self.asker.read);
        StreamSource::<FetchTicket>::join(&mut self.asker.ticket, &mut self.gather.ticket);
        StreamSink::<Beat>::link(&mut self.data, &mut self.gather.data);
        self.fenced.next = self.gather.fenced.val();

        self.counters.store.next = self.gather.store.val();
        self.counters.stored.next = self.gather.stored.val();
        self.arrived.next = self.gather.store.val();
        self.arrived_number.next = self.gather.stored.val();
        self.counters.take.next = self.take.val();
        self.counters.take_qp.next = self.take_qp.val();
        self.counters.head_qp.next = self.head_qp.val();
        self.head_available.next = self.counters.head_available.val();
        self.head_promised.next = self.counters.head_promised.val();

        self.counters.rewind.next = self.rewind.val();
        self.asker.rewind.next = self.rewind.val();
        self.rewind_free.next = self.counters.rewind_free.val() & !self.gather.ending.val();
        self.passes.change.next = self.change.val();
        self.passes.up.next = self.rewind.val().valid;
        self.passes.up_qp.next = self.rewind.val().qp;
        self.passes.read_qp[0].next = self.asker.qp.val();
        self.asker.pass.next = self.passes.count[0].val();
        self.passes.read_qp[1].next = self.gather.pass_qp.val();
        self.gather.pass.next = self.passes.count[1].val();

        self.looked.d.next = self.head_qp.val();
        self.oldest.d.next = self.counters.head_number.val();
        self.head_number.next = self.oldest.q.val();
        self.number.next = self.counters.head_number.val();
        self.place.next.slot = self.number.val().get_bits::<WQE_CACHE_BITS>(0);
        self.place.next.qp = self.looked.q.val();
        self.read_address.next = self.place.val().into();
        self.write_address.next = self.gather.place.val().into();
        self.findings.write_enable.next = self.gather.conclude.val();
        self.findings.write_data.next = self.gather.findings.val();
        self.findings.write_address.next = self.write_address.val();
        self.findings.read_address.next = self.read_address.val();
        for i in 0..4 {
            self.words[i].clock.next = self.clock.val();
            self.words[i].write_enable.next = self.gather.write.val().get_bit(i);
            self.words[i].write_data.next = self.gather.word.val();
            self.words[i].write_address.next = self.write_address.val();
            self.words[i].read_address.next = self.read_address.val();
        }
        self.head.next.control = self.words[0].read_data.val().get_bits::<32>(0);
        self.head.next.length = self.words[0].read_data.val().get_bits::<32>(32);
        self.head.next.local_offset = self.words[1].read_data.val();
        self.head.next.local_stag = self.words[2].read_data.val().get_bits::<32>(0);
        self.head.next.remote_stag = self.words[2].read_data.val().get_bits::<32>(32);
        self.head.next.remote_offset = self.words[3].read_data.val();
        self.head.next.number = self.findings.read_data.val().number;
        self.head.next.reserved = self.findings.read_data.val().reserved;
        self.head.next.fault = self.findings.read_data.val().fault;
    }
}
