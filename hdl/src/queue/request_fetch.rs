//! Reads work requests from their rings ahead of use.
use crate::control::records::*;
use crate::memory::DualPortRam;
use crate::pcie::records::ReadRequest;
use crate::queue::asker::FetchAsker;
use crate::queue::context_field;
use crate::queue::counters::FetchCounters;
use crate::queue::gather::FetchGather;
use crate::queue::records::*;
use crate::stream::*;
use ironwarp_abi::limits::{QP_BITS, WQE_CACHE_BITS};
use ironwarp_abi::queue::{ReceiveRequest, SendRequest};
use ironwarp_abi::record::Field;
use rust_hdl::prelude::*;

/// Address bits of the cache: queue pair and slot.
const CACHE_BITS: usize = QP_BITS + WQE_CACHE_BITS;
const _: () = assert!(QP_BITS == 4 && WQE_CACHE_BITS == 4, "the kernel has these widths");

/// Fetches the work requests of every queue pair's send queue, or of every receive queue.
///
/// ```text
/// doorbell, command --> counters --want--> asker --> read
/// take ---------------^    |  ^              | ticket
///                          |  +---store--- gather <-- data
///        available, <------+                 | write
///        head_qp -> head <-------------- cache RAMs
/// ```
/// Contract: `available` bit n says that queue pair n has a work request on chip. Present its
/// number on `head_qp`; two clocks later `head` is its oldest work request. `take` for one clock
/// removes it (only while `available` says so); `head_qp` may look for the next one in the clock
/// after. A command forgets what is on chip of its queue pair, and what is still on its way.
/// A queue pair's work request `n` lies in slot `n mod 16` of its part of the cache.
#[derive(LogicBlock)]
pub struct RequestFetch {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub command: Signal<In, Command>,
    pub doorbell: Signal<In, Doorbell>,
    /// The maximum read request size, as PCI Express encodes it: 128 octets << n.
    pub max_read: Signal<In, Bits<3>>,
    pub read: StreamSource<ReadRequest>,
    pub data: StreamSink<Beat>,
    /// Bit n: queue pair n has a work request on chip.
    pub available: Signal<Out, Bits<16>>,
    /// Bit n: queue pair n has a work request, on chip or not yet.
    pub promised: Signal<Out, Bits<16>>,
    pub head_qp: Signal<In, Bits<4>>,
    /// The oldest work request of `head_qp`, two clocks later.
    pub head: Signal<Out, QueueEntry>,
    /// Remove the oldest work request of `take_qp`.
    pub take: Signal<In, Bit>,
    pub take_qp: Signal<In, Bits<4>>,
    /// Work requests have arrived (a pulse, for the trace).
    pub arrived: Signal<Out, Bit>,

    counters: FetchCounters,
    asker: FetchAsker,
    gather: FetchGather,
    /// Word n of every work request on chip, and what was found out about it.
    words: [DualPortRam<Bits<64>, CACHE_BITS>; 4],
    findings: DualPortRam<EntryFindings, CACHE_BITS>,
    oldest: DFF<QueueEntry>,
    number: Signal<Local, Bits<16>>,
    write_address: Signal<Local, Bits<CACHE_BITS>>,
    read_address: Signal<Local, Bits<CACHE_BITS>>,
}

impl RequestFetch {
    /// For the send queues.
    pub fn send() -> Self {
        Self::new(doorbell_kind::SEND, "send_queue", "send_queue_log2", SendRequest::FIELDS)
    }

    /// For the receive queues.
    pub fn receive() -> Self {
        let fields = ReceiveRequest::FIELDS;
        Self::new(doorbell_kind::RECEIVE, "receive_queue", "receive_queue_log2", fields)
    }

    fn new(kind: u64, ring: &str, log2: &str, fields: &[Field]) -> Self {
        let (ring, log2) = (context_field(ring), context_field(log2));
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            command: Default::default(),
            doorbell: Default::default(),
            max_read: Default::default(),
            read: Default::default(),
            data: Default::default(),
            available: Default::default(),
            promised: Default::default(),
            head_qp: Default::default(),
            head: Default::default(),
            take: Default::default(),
            take_qp: Default::default(),
            arrived: Default::default(),
            counters: FetchCounters::new(kind),
            asker: FetchAsker::new(ring.word(), log2.word(), log2.bit()),
            gather: FetchGather::new(fields),
            words: Default::default(),
            findings: Default::default(),
            oldest: Default::default(),
            number: Default::default(),
            write_address: Default::default(),
            read_address: Default::default(),
        }
    }
}

impl Logic for RequestFetch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, oldest);
        clock!(self, clock, counters, asker, gather, findings);
        self.counters.command.next = self.command.val();
        self.counters.doorbell.next = self.doorbell.val();
        self.asker.context_write.next = self.context_write.val();
        self.asker.command.next = self.command.val();
        self.asker.max_read.next = self.max_read.val();
        self.gather.command.next = self.command.val();

        self.asker.want.next = self.counters.want.val();
        self.counters.ask_qp.next = self.asker.qp.val();
        self.counters.look.next = self.asker.look.val();
        self.asker.posted.next = self.counters.ask_posted.val();
        self.asker.first.next = self.counters.ask_first.val();
        self.asker.generation.next = self.counters.ask_generation.val();
        self.counters.issue.next = self.asker.issue.val();
        self.counters.issue_count.next = self.asker.issue_count.val();
        self.counters.issue_asked.next = self.asker.issue_asked.val();
        self.counters.issue_more.next = self.asker.issue_more.val();
        StreamSource::<ReadRequest>::link(&mut self.read, &mut self.asker.read);
        StreamSource::<FetchTicket>::join(&mut self.asker.ticket, &mut self.gather.ticket);
        StreamSink::<Beat>::link(&mut self.data, &mut self.gather.data);

        self.counters.look_qp.next = self.gather.qp.val();
        self.gather.generation.next = self.counters.look_generation.val();
        self.counters.store.next = self.gather.store.val();
        self.counters.store_qp.next = self.gather.store_qp.val();
        self.counters.store_count.next = self.gather.store_count.val();
        self.arrived.next = self.gather.store.val();
        self.counters.head_qp.next = self.head_qp.val();
        self.read_address.next = (bit_cast::<CACHE_BITS, 4>(self.head_qp.val()) << 4)
            | bit_cast::<CACHE_BITS, 4>(self.counters.head_slot.val());
        self.number.next = self.gather.findings.val().number;
        self.write_address.next = (bit_cast::<CACHE_BITS, 4>(self.gather.qp.val()) << 4)
            | bit_cast::<CACHE_BITS, 4>(self.number.val().get_bits::<4>(0));
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

        self.available.next = self.counters.available.val();
        self.promised.next = self.counters.promised.val();
        self.counters.take.next = self.take.val();
        self.counters.take_qp.next = self.take_qp.val();
        self.oldest.d.next.control = self.words[0].read_data.val().get_bits::<32>(0);
        self.oldest.d.next.length = self.words[0].read_data.val().get_bits::<32>(32);
        self.oldest.d.next.local_offset = self.words[1].read_data.val();
        self.oldest.d.next.local_stag = self.words[2].read_data.val().get_bits::<32>(0);
        self.oldest.d.next.remote_stag = self.words[2].read_data.val().get_bits::<32>(32);
        self.oldest.d.next.remote_offset = self.words[3].read_data.val();
        self.oldest.d.next.number = self.findings.read_data.val().number;
        self.oldest.d.next.reserved = self.findings.read_data.val().reserved;
        self.oldest.d.next.fault = self.findings.read_data.val().fault;
        self.head.next = self.oldest.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::{table, QueuePairContext};
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::VecDeque;

    /// The host and its rings, and what the fetcher must hand out.
    struct Host {
        rng: ChaCha8Rng,
        log2: [u32; 16],
        base: [u64; 16],
        posted: [u16; 16],
        /// Salt of the ring contents: differs from start to start.
        salt: [u64; 16],
        taken: [u16; 16],
        reads: VecDeque<(u64, usize, u64)>,
        beats: VecDeque<Beat>,
        max_read: u64,
    }

    impl Host {
        fn new(seed: u64) -> Self {
            let mut rng = rng(seed);
            let log2 = std::array::from_fn(|_| rng.random_range(0..10));
            Self {
                max_read: rng.random_range(0..6),
                log2,
                base: std::array::from_fn(|qp| {
                    ((qp as u64 + 1) << 40) + 4096 * rng.random_range(0..9)
                }),
                posted: [0; 16],
                salt: [0; 16],
                taken: [0; 16],
                reads: VecDeque::new(),
                beats: VecDeque::new(),
                rng,
            }
        }

        /// The send work request at a slot of a ring: its remote offset tells slot and salt.
        fn request(&self, qp: usize, slot: u64) -> SendRequest {
            let tag = (self.salt[qp] << 32) + ((qp as u64) << 16) + slot;
            SendRequest {
                opcode: slot as u8,
                signaled: slot & 1 == 1,
                length: !slot as u32,
                local_offset: !tag,
                local_stag: 7 * slot as u32,
                remote_stag: 11 * slot as u32,
                remote_offset: tag,
            }
        }

        fn answer(&mut self, address: u64, bytes: u64) {
            let qp = (address >> 40) as usize - 1;
            assert!(bytes <= 128 << self.max_read.min(2), "longer than the maximum read size");
            assert_eq!(address >> 12, (address + bytes - 1) >> 12, "crosses a page");
            let first = (address - self.base[qp]) / 64;
            let count = bytes / 64;
            assert!(count > 0 && first + count <= 1 << self.log2[qp], "outside the ring");
            for slot in first..first + count {
                let octets = self.request(qp, slot).to_bytes();
                for (n, chunk) in octets.chunks(8).enumerate() {
                    let last = slot + 1 == first + count && n == 7;
                    self.beats.push_back(beat(chunk, last, false));
                }
            }
        }
    }

    fn command(uut: &mut RequestFetch, qp: usize, enable: bool) {
        let index = (qp as u64).to_bits();
        uut.command.next = Command { valid: true, index, enable };
        tick!(*uut);
        uut.command.next = Command::default();
    }

    fn write_contexts(uut: &mut RequestFetch, host: &Host) {
        for qp in 0..16 {
            let context = QueuePairContext {
                send_queue: host.base[qp],
                send_queue_log2: host.log2[qp] as u8,
                receive_queue_log2: 3,
                ..Default::default()
            };
            for (word, data) in context.to_words().into_iter().enumerate() {
                uut.context_write.next = ContextWrite {
                    valid: true,
                    table: u64::from(table::QUEUE_PAIR).to_bits(),
                    index: (qp as u64).to_bits(),
                    word: (word as u64).to_bits(),
                    data: u64::from(data).to_bits(),
                };
                tick!(*uut);
            }
        }
        uut.context_write.next = ContextWrite::default();
    }

    /// One clock: the bus answers, reads are noted after a while.
    fn clock(uut: &mut RequestFetch, host: &mut Host, now: u64) {
        if host.beats.is_empty() && host.reads.front().is_some_and(|read| read.2 <= now) {
            if let Some((address, bytes, _)) = host.reads.pop_front() {
                host.answer(address, bytes as u64);
            }
        }
        // An offered beat stays offered.
        let offered = uut.data.valid.val() && !host.beats.is_empty();
        uut.data.valid.next = offered || (!host.beats.is_empty() && host.rng.random_bool(0.8));
        uut.data.beat.next = host.beats.front().copied().unwrap_or_default();
        uut.read.ready.next = host.rng.random_bool(0.5);
        settle!(*uut);
        if uut.read.valid.val() && uut.read.ready.val() {
            let request = uut.read.beat.val();
            let (address, bytes) = (request.address.to_u64(), request.bytes.to_u64() as usize);
            host.reads.push_back((address, bytes, now + 20));
        }
        let moved = uut.data.valid.val() && uut.data.ready.val();
        edge!(*uut);
        if moved {
            host.beats.pop_front();
            uut.data.valid.next = false;
        }
    }

    fn doorbell(kind: u64, qp: usize, value: u64) -> Doorbell {
        let (kind, index) = (kind.to_bits(), (qp as u64).to_bits());
        Doorbell { valid: true, kind, index, value: value.to_bits() }
    }

    /// What the host may do in a clock: post, ring another kind of doorbell, or restart the queue.
    fn disturb(uut: &mut RequestFetch, host: &mut Host, qp: usize) {
        uut.doorbell.next = Doorbell::default();
        if host.rng.random_bool(0.02) {
            let room = (1 << host.log2[qp]) - (host.posted[qp] - host.taken[qp]) as u64;
            host.posted[qp] += host.rng.random_range(0..=room) as u16;
            uut.doorbell.next = doorbell(doorbell_kind::SEND, qp, host.posted[qp].into());
        } else if host.rng.random_bool(0.02) {
            // Another kind of doorbell means nothing here.
            uut.doorbell.next = doorbell(doorbell_kind::RECEIVE, qp, 999);
        } else if host.rng.random_bool(0.002) {
            // A restart: reads of the earlier life may still be on their way.
            uut.read.ready.next = false;
            uut.data.valid.next = false;
            settle!(*uut);
            host.salt[qp] += 1;
            command(uut, qp, false);
            command(uut, qp, true);
            (host.posted[qp], host.taken[qp]) = (0, 0);
        }
    }

    /// Looks at the request that is next for a queue pair, which must be the right one, and takes
    /// it.
    fn take_head(uut: &mut RequestFetch, host: &mut Host, qp: usize, now: u64, seed: u64) {
        uut.head_qp.next = (qp as u64).to_bits();
        clock(uut, host, now);
        clock(uut, host, now);
        let head = uut.head.val();
        let slot = u64::from(host.taken[qp]) & ((1 << host.log2[qp]) - 1);
        let tag = ((qp as u64) << 16) + slot;
        assert_eq!(head.remote_offset.to_u64() & 0xffff_ffff, tag, "SEED={seed}");
        assert_eq!(head.remote_offset.to_u64() >> 32, host.salt[qp], "SEED={seed}");
        assert_eq!(head.number.to_u64(), u64::from(host.taken[qp]), "SEED={seed}");
        assert_eq!(head.length.to_u64(), u64::from(!slot as u32), "SEED={seed}");
        assert!(!head.fault && !head.reserved, "SEED={seed}");
        uut.take_qp.next = (qp as u64).to_bits();
        uut.take.next = true;
        clock(uut, host, now);
        uut.take.next = false;
        host.taken[qp] += 1;
    }

    #[test]
    fn hands_out_every_request_once_and_in_order() {
        for seed in seeds().into_iter().take(8) {
            let mut host = Host::new(seed);
            let mut uut = RequestFetch::send();
            uut.connect_all();
            uut.max_read.next = host.max_read.to_bits();
            write_contexts(&mut uut, &host);
            let busy: Vec<usize> = (0..3).map(|_| host.rng.random_range(0..16)).collect();
            for qp in 0..16 {
                command(&mut uut, qp, true);
            }
            let mut handed = 0;
            for now in 0..3000 {
                let qp = busy[host.rng.random_range(0..3)];
                disturb(&mut uut, &mut host, qp);
                clock(&mut uut, &mut host, now);
                uut.doorbell.next = Doorbell::default();
                let qp = busy[host.rng.random_range(0..3)];
                if host.rng.random_bool(0.3) && uut.available.val().get_bit(qp) {
                    take_head(&mut uut, &mut host, qp, now, seed);
                    handed += 1;
                }
            }
            assert!(handed > 20, "SEED={seed}: {handed} handed out");
            for qp in 0..16 {
                assert!(host.taken[qp] <= host.posted[qp], "SEED={seed}");
            }
        }
    }

    #[test]
    fn tells_reserved_bits_and_refused_reads() {
        let mut uut = RequestFetch::receive();
        uut.connect_all();
        command(&mut uut, 5, true);
        uut.read.ready.next = true;
        let kind = doorbell_kind::RECEIVE.to_bits();
        uut.doorbell.next = Doorbell { valid: true, kind, index: 5.into(), value: 3.into() };
        tick!(uut);
        uut.doorbell.next = Doorbell::default();
        // The contexts are zero: rings of one entry, so three reads come.
        for n in 0..3 {
            let mut octets = [0; 64];
            octets[4] = 9;
            octets[40] = u8::from(n == 1);
            for (at, chunk) in octets.chunks(8).enumerate() {
                uut.data.beat.next = beat(chunk, at == 7, n == 2);
                uut.data.valid.next = true;
                settle!(uut);
                while !uut.data.ready.val() {
                    tick!(uut);
                }
                edge!(uut);
            }
            uut.data.valid.next = false;
        }
        uut.head_qp.next = 5.into();
        for n in 0..3 {
            for _ in 0..3 {
                tick!(uut);
            }
            assert!(uut.available.val().get_bit(5));
            let head = uut.head.val();
            assert_eq!((head.reserved && n < 2, head.fault), (n == 1, n == 2), "{n}");
            uut.take.next = true;
            uut.take_qp.next = 5.into();
            tick!(uut);
            uut.take.next = false;
        }
        tick!(uut);
        assert_eq!(uut.available.val().to_u64(), 0);
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("request_fetch", &mut RequestFetch::send());
    }
}
