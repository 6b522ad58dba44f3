//! The fetcher against a host with rings.
use crate::configuration::{Generation, QP_COUNT};
use crate::control::records::{ContextWrite, QpDoorbell};
use crate::life::QpChange;
use crate::queue::RequestFetch;
use crate::stream::bench::*;
use crate::stream::Beat;
use ironwarp_abi::context::{table, QueuePairContext};
use ironwarp_abi::queue::SendRequest;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;
use std::collections::VecDeque;

/// The host and its rings, and what the fetcher must hand out.
struct Host {
    rng: ChaCha8Rng,
    log2: Vec<u32>,
    base: Vec<u64>,
    posted: Vec<u16>,
    /// The life of each queue pair; ring contents differ from life to life.
    generation: Vec<u64>,
    active: Vec<bool>,
    taken: Vec<u16>,
    reads: VecDeque<(u64, usize, u64)>,
    beats: VecDeque<Beat>,
    max_read: u64,
    /// Of the queue pair of every read, whether it was active as the read left.
    asked: Vec<(usize, bool)>,
}

impl Host {
    fn new(seed: u64) -> Self {
        let mut rng = rng(seed);
        let log2 = (0..QP_COUNT).map(|_| rng.random_range(0..10)).collect();
        let base = |qp: usize| ((qp as u64 + 1) << 40) + 4096 * rng.random_range(0..9);
        Self {
            base: (0..QP_COUNT).map(base).collect(),
            max_read: rng.random_range(0..6),
            log2,
            posted: vec![0; QP_COUNT],
            generation: vec![0; QP_COUNT],
            active: vec![false; QP_COUNT],
            taken: vec![0; QP_COUNT],
            reads: VecDeque::new(),
            beats: VecDeque::new(),
            asked: vec![],
            rng,
        }
    }

    /// The send work request at a slot of a ring: its remote offset tells slot and life.
    fn request(&self, qp: usize, slot: u64) -> SendRequest {
        let tag = (self.generation[qp] << 32) + ((qp as u64) << 16) + slot;
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

/// What control says when the host starts (`begins`) or stops a queue pair, or when it ends.
fn change(uut: &mut RequestFetch, host: &mut Host, qp: usize, begins: bool, now: u64) {
    host.generation[qp] = (host.generation[qp] + u64::from(begins)) & 0xff;
    host.active[qp] = begins;
    let generation: Generation = host.generation[qp].to_bits();
    uut.change.next = QpChange {
        valid: true,
        qp: (qp as u64).to_bits(),
        generation,
        begins,
        started: begins,
        active: begins,
        ..Default::default()
    };
    clock(uut, host, now);
    uut.change.next = QpChange::default();
    for _ in 0..7 {
        clock(uut, host, now);
    }
    if begins {
        (host.posted[qp], host.taken[qp]) = (0, 0);
    }
}

fn write_context(uut: &mut RequestFetch, host: &Host, qp: usize) {
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
        let qp = (address >> 40) as usize - 1;
        host.asked.push((qp, host.active[qp]));
    }
    let moved = uut.data.valid.val() && uut.data.ready.val();
    edge!(*uut);
    if moved {
        host.beats.pop_front();
        uut.data.valid.next = false;
    }
}

fn doorbell(receive: bool, qp: usize, posted: u64) -> QpDoorbell {
    QpDoorbell { valid: true, receive, qp: (qp as u64).to_bits(), posted: posted.to_bits() }
}

/// What the host may do in a clock: post, ring another kind of doorbell, or restart the queue.
fn disturb(uut: &mut RequestFetch, host: &mut Host, qp: usize, now: u64) {
    uut.doorbell.next = QpDoorbell::default();
    if host.rng.random_bool(0.02) {
        let room = (1 << host.log2[qp]) - (host.posted[qp] - host.taken[qp]) as u64;
        host.posted[qp] += host.rng.random_range(0..=room) as u16;
        uut.doorbell.next = doorbell(false, qp, host.posted[qp].into());
    } else if host.rng.random_bool(0.02) {
        // The other kind of doorbell means nothing here.
        uut.doorbell.next = doorbell(true, qp, 999);
    } else if host.rng.random_bool(0.004) {
        // A restart: reads of the earlier life may still be on their way.
        let first = host.rng.random();
        if first {
            change(uut, host, qp, false, now);
        }
        change(uut, host, qp, true, now);
    }
}

/// Looks at the request that is next for a queue pair; if it is there, it must be the right one,
/// and is taken.
fn take_head(uut: &mut RequestFetch, host: &mut Host, qp: usize, now: u64, seed: u64) -> bool {
    uut.head_qp.next = (qp as u64).to_bits();
    clock(uut, host, now);
    uut.doorbell.next = QpDoorbell::default();
    clock(uut, host, now);
    let promised = host.posted[qp] != host.taken[qp];
    assert_eq!(uut.head_promised.val(), promised, "SEED={seed}");
    if !uut.head_available.val() {
        return false;
    }
    let head = uut.head.val();
    let slot = u64::from(host.taken[qp]) & ((1 << host.log2[qp]) - 1);
    let tag = ((qp as u64) << 16) + slot;
    assert_eq!(head.remote_offset.to_u64() & 0xffff_ffff, tag, "SEED={seed}");
    assert_eq!(head.remote_offset.to_u64() >> 32, host.generation[qp], "SEED={seed}");
    assert_eq!(head.number.to_u64(), u64::from(host.taken[qp]), "SEED={seed}");
    assert_eq!(head.length.to_u64(), u64::from(!slot as u32), "SEED={seed}");
    assert!(!head.fault && !head.reserved, "SEED={seed}");
    uut.take_qp.next = (qp as u64).to_bits();
    uut.take.next = true;
    clock(uut, host, now);
    uut.take.next = false;
    host.taken[qp] += 1;
    true
}

/// A fetcher that knows the rings of these queue pairs.
fn fetcher(host: &Host, qps: &[usize]) -> RequestFetch {
    let mut uut = RequestFetch::send();
    uut.connect_all();
    uut.max_read.next = host.max_read.to_bits();
    for &qp in qps {
        write_context(&mut uut, host, qp);
    }
    uut
}

#[test]
fn hands_out_every_request_once_and_in_order() {
    for seed in seeds().into_iter().take(8) {
        let mut host = Host::new(seed);
        let busy: Vec<usize> = (0..3).map(|_| host.rng.random_range(0..QP_COUNT)).collect();
        let mut uut = fetcher(&host, &busy);
        for &qp in &busy {
            change(&mut uut, &mut host, qp, true, 0);
        }
        let mut handed = 0;
        for now in 0..3000 {
            let qp = busy[host.rng.random_range(0..3)];
            disturb(&mut uut, &mut host, qp, now);
            clock(&mut uut, &mut host, now);
            uut.doorbell.next = QpDoorbell::default();
            let qp = busy[host.rng.random_range(0..3)];
            if host.rng.random_bool(0.3) {
                handed += u32::from(take_head(&mut uut, &mut host, qp, now, seed));
            }
        }
        assert!(handed > 20, "SEED={seed}: {handed} handed out");
        // Everything that was posted comes.
        for now in 3000..9000 {
            if host.taken == host.posted {
                break;
            }
            for &qp in &busy {
                take_head(&mut uut, &mut host, qp, now, seed);
            }
        }
        assert_eq!(host.taken, host.posted, "SEED={seed}");
    }
}

/// A stopped queue pair's ring is not read any more, and a fence comes out behind the last read.
#[test]
fn a_fence_comes_out_behind_the_reads_of_a_stopped_queue_pair() {
    for seed in seeds().into_iter().take(8) {
        let mut host = Host::new(seed);
        let qp = host.rng.random_range(0..QP_COUNT);
        host.log2[qp] = 9;
        let mut uut = fetcher(&host, &[qp]);
        change(&mut uut, &mut host, qp, true, 0);
        uut.doorbell.next = doorbell(false, qp, 500);
        clock(&mut uut, &mut host, 0);
        uut.doorbell.next = QpDoorbell::default();
        // Time stands still at zero, so the reads are not answered.
        for _ in 0..host.rng.random_range(5..80) {
            clock(&mut uut, &mut host, 0);
        }
        change(&mut uut, &mut host, qp, false, 0);
        host.asked.clear();
        uut.fence.next = true;
        clock(&mut uut, &mut host, 0);
        uut.fence.next = false;
        for _ in 0..200 {
            assert!(!uut.fenced.val() || host.reads.is_empty(), "SEED={seed}: a read is under way");
            clock(&mut uut, &mut host, 0);
        }
        let left = host.asked.len();
        assert!(left <= 1, "SEED={seed}: {left} reads left after the stop");
        let mut fences = 0;
        for now in 1..1500 {
            settle!(uut);
            if uut.fenced.val() {
                fences += 1;
                assert!(host.reads.is_empty() && host.beats.is_empty(), "SEED={seed}");
            }
            clock(&mut uut, &mut host, now);
        }
        // A fence without reads came out at once, in the time that stood still.
        assert!(fences == 1 || left == 0, "SEED={seed}: {fences} fences");
        assert_eq!(host.asked.len(), left, "SEED={seed}: it was read after the fence");
    }
}

#[test]
fn tells_reserved_bits_and_refused_reads() {
    let mut uut = RequestFetch::receive();
    uut.connect_all();
    let (valid, begins, active) = (true, true, true);
    uut.change.next = QpChange { valid, begins, active, qp: 5.into(), ..Default::default() };
    tick!(uut);
    uut.change.next = QpChange::default();
    uut.read.ready.next = true;
    uut.doorbell.next = doorbell(true, 5, 3);
    tick!(uut);
    uut.doorbell.next = QpDoorbell::default();
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
                settle!(uut);
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
        assert!(uut.head_available.val());
        let head = uut.head.val();
        assert_eq!((head.reserved && n < 2, head.fault), (n == 1, n == 2), "{n}");
        uut.take.next = true;
        uut.take_qp.next = 5.into();
        tick!(uut);
        uut.take.next = false;
    }
    for _ in 0..3 {
        tick!(uut);
    }
    assert!(!uut.head_available.val() && !uut.head_promised.val());
}

#[test]
fn emits_verilog() {
    crate::queue::elaborate("request_fetch", &mut RequestFetch::send());
}
