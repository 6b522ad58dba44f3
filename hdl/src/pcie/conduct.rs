//! What the PCI Express side does with a host that does not answer as it should, that asks for what
//! there is not, or that forbids it to ask. Sections are those of the PCI Express Base
//! Specification.
use super::records::BarWrite;
use super::root_complex::{completion, Tlp};
use super::tests::{answer, host_read, host_write, Bench};
use super::tlp::*;
use crate::stream::bench::seeds;
use rand::Rng;
use rust_hdl::prelude::*;

/// Reads from here on are answered by the test alone.
const AWAY: u64 = 1 << 40;

/// A quick host; a microsecond is a clock.
fn bench(timeout: u64) -> Bench {
    let mut bench = Bench::new(0, true);
    bench.host.ignored_from = AWAY;
    bench.host.latency = 10;
    bench.uut.microsecond.next = true;
    bench.uut.completion_timeout.next = timeout.to_bits();
    bench
}

/// Runs until the device has sent so many reads that only the test answers.
fn asked(bench: &mut Bench, count: usize) -> Tlp {
    while bench.host.ignored.len() < count {
        bench.clock();
        assert!(bench.clocks < 20_000, "the read does not come");
    }
    bench.host.ignored[count - 1].clone()
}

fn clocks(bench: &mut Bench, count: usize) {
    (0..count).for_each(|_| bench.clock());
}

/// The slots that reads of payload have used from the `n`-th read on.
fn slots(bench: &Bench, n: usize) -> Vec<u8> {
    bench.host.tags[n..].iter().filter(|&&tag| tag < SEND_TAG).map(|tag| tag % 32).collect()
}

/// So many small reads of payload, answered as they should be.
fn small_reads(bench: &mut Bench, count: u64) -> usize {
    let before = bench.host.tags.len();
    (0..count).for_each(|n| bench.readers[0].ask(0x5000 + 64 * n, 64, false));
    bench.run(8000);
    before
}

/// s. 2.8: a read that is not answered ends, and nothing else does.
#[test]
fn completion_timeout_ends_the_read_alone() {
    for (pieces, channel) in [(0, 0), (3, 0), (7, 0), (0, 1), (1, 2)] {
        let mut bench = bench(1000);
        let bytes = if channel == 0 { 512 } else { 128 };
        bench.readers[channel].ask(AWAY, bytes, true);
        for reader in 0..3 {
            bench.readers[reader].ask(0x1000, 512, false);
        }
        let read = asked(&mut bench, 1);
        for piece in 0..pieces {
            bench.host.send(&completion(&read, 16 * piece, 16));
        }
        let start = bench.clocks;
        while bench.readers[channel].data.got.is_empty() {
            bench.clock();
            assert!(bench.clocks < start + 1100, "it waits for ever");
        }
        assert!(bench.clocks > start + 450, "{} clocks", bench.clocks - start);
        bench.run(2000);
        assert_eq!(bench.unexpected, 0);
        // Not even its own octets leave, nor what the slot held before.
        let got = &bench.readers[channel].data.got[..bytes as usize / 8];
        assert!(got.iter().all(|beat| beat.data.to_u64() == 0));
    }
}

/// Without a timeout, a read waits.
#[test]
fn completion_timeout_can_be_turned_off() {
    let mut bench = bench(0);
    bench.readers[0].ask(AWAY, 64, false);
    let read = asked(&mut bench, 1);
    clocks(&mut bench, 3000);
    assert!(bench.readers[0].data.got.is_empty());
    let octets = completion(&read, 0, 16);
    bench.host.send(&octets);
    bench.run(2000);
    assert_eq!(bench.unexpected, 0);
}

/// A tag that has timed out is nobody's until its octets have come after all ...
#[test]
fn completion_timeout_quarantines_the_tag() {
    let mut bench = bench(6000);
    bench.readers[0].ask(AWAY, 512, true);
    let read = asked(&mut bench, 1);
    bench.run(8000);
    let slot = read.tag % 32;
    let before = small_reads(&mut bench, 70);
    assert!(!slots(&bench, before).contains(&slot), "given away");
    for piece in 0..8 {
        bench.host.send(&completion(&read, 16 * piece, 16));
    }
    clocks(&mut bench, 300);
    let before = small_reads(&mut bench, 40);
    assert_eq!(bench.unexpected, 8, "they come too late");
    assert!(slots(&bench, before).contains(&slot), "kept for ever");
    assert!(!bench.host.tags[before..].contains(&read.tag), "the same tag again");
}

/// ... or for as long again.
#[test]
fn completion_timeout_quarantine_ends() {
    let mut bench = bench(2000);
    bench.readers[0].ask(AWAY, 512, true);
    let slot = asked(&mut bench, 1).tag % 32;
    bench.run(4000);
    clocks(&mut bench, 2100);
    let before = small_reads(&mut bench, 40);
    assert!(slots(&bench, before).contains(&slot));
}

/// Every slot of a channel times out at once: when that is over, it reads on.
#[test]
fn completion_timeout_of_all_tags_passes() {
    let mut bench = bench(800);
    for n in 0..40 {
        bench.readers[1].ask(AWAY + 64 * n, 64, true);
    }
    bench.readers[1].ask(0x1000, 64, false);
    bench.run(40_000);
    assert_eq!(bench.host.ignored.len(), 40);
}

/// s. 2.3.2: what does not answer a read as it was asked changes nothing and is counted.
#[test]
fn unexpected_completions_reach_nobody() {
    type Wrong = (&'static str, fn(&mut Tlp));
    let wrong: [Wrong; 10] = [
        ("the tag that the slot had before", |c| c.tag ^= 32),
        ("a tag of a free slot", |c| c.tag += 1),
        ("a foreign requester", |c| c.requester ^= 0x0100),
        ("longer than asked", |c| {
            c.length += 1;
            c.data.extend([0xbb; 4]);
        }),
        ("more to come than there is", |c| c.byte_count += 4),
        ("less to come than there is", |c| c.byte_count -= 1),
        ("an address further on", |c| c.lower_address ^= 4),
        ("an address in the double word", |c| c.lower_address ^= 1),
        ("success without data", |c| {
            c.kind = COMPLETION;
            c.data.clear();
        }),
        ("of a locked read", |c| c.kind = COMPLETION_DATA + 1),
    ];
    let mut bench = bench(0);
    for (n, (what, wrong)) in wrong.into_iter().enumerate() {
        bench.readers[0].ask(AWAY + 2 + 0x1000 * n as u64, 250, false);
        let read = asked(&mut bench, n + 1);
        let good = completion(&read, 0, 63);
        assert_eq!(good.byte_count, 250);
        let mut bad = good.clone();
        bad.data.fill(0xbb);
        wrong(&mut bad);
        bench.host.send(&bad);
        clocks(&mut bench, 100);
        assert_eq!(bench.unexpected, 2 * n + 1, "{what}");
        // In front of the right one, right behind it, and later.
        bench.host.send(&good);
        bench.host.send(&bad);
        bench.run(2000);
        assert_eq!(bench.unexpected, 2 * n + 2, "{what}");
    }
}

/// A packet that ends before its length is none.
#[test]
fn unexpected_completions_may_be_cut_short() {
    let mut bench = bench(0);
    bench.readers[0].ask(AWAY, 256, false);
    let good = completion(&asked(&mut bench, 1), 0, 64);
    for octets in [12, 20, 100, 264] {
        bench.host.send_octets(&good.octets()[..octets]);
    }
    bench.host.send(&good);
    bench.run(2000);
    assert_eq!(bench.unexpected, 4);
}

/// s. 2.3.2: every completion comes twice, under load and in any order.
#[test]
fn unexpected_completions_that_come_twice_are_counted() {
    for seed in seeds().into_iter().take(3) {
        eprintln!("SEED={seed}");
        let mut bench = Bench::new(seed, false);
        bench.host.twice = true;
        for n in 0..60 {
            let address = bench.rng.random_range(0..1u64 << 30);
            let bytes = bench.rng.random_range(1..=512u64).min(4096 - address % 4096);
            bench.readers[n % 3].ask(address, bytes, false);
        }
        bench.run(60_000);
        assert_eq!(2 * bench.unexpected, bench.host.completions, "SEED={seed}");
    }
}

/// The pieces of a read of 512 octets, the `bad`-th of them changed.
fn pieces(read: &Tlp, bad: usize, change: fn(&mut Tlp)) -> Vec<Tlp> {
    let mut pieces: Vec<Tlp> = (0..8).map(|n| completion(read, 16 * n, 16)).collect();
    change(&mut pieces[bad]);
    pieces
}

/// s. 2.2.6.2, s. 2.7.2.2: poisoned data ends no read; its tag stays taken until all has come.
#[test]
fn a_poisoned_completion_does_not_free_its_tag() {
    for bad in [0, 3, 7] {
        let mut bench = bench(0);
        bench.readers[0].ask(AWAY, 512, true);
        let read = asked(&mut bench, 1);
        let pieces = pieces(&read, bad, |piece| piece.poisoned = true);
        pieces[..=bad].iter().for_each(|piece| bench.host.send(piece));
        // Another client's reads in the meantime, then the rest.
        for n in 0..40 {
            bench.readers[1].ask(0x8000 + 64 * n, 64, false);
            bench.readers[0].ask(0x9000 + 64 * n, 64, false);
        }
        clocks(&mut bench, 1000);
        if bad < 7 {
            assert!(bench.readers[0].data.got.is_empty(), "the read has ended");
        }
        assert!(!slots(&bench, 1)[..31].contains(&(read.tag % 32)), "given away");
        pieces[bad + 1..].iter().for_each(|piece| bench.host.send(piece));
        bench.run(4000);
        assert_eq!(bench.unexpected, 0);
    }
}

/// s. 2.3.2: a refusal is the last completion of its read; what comes after it is for nobody.
#[test]
fn a_refusal_in_the_middle_ends_its_read_alone() {
    for status in [STATUS_UNSUPPORTED, STATUS_ABORT] {
        for bad in [0, 3, 7] {
            let mut bench = bench(0);
            bench.readers[0].ask(AWAY, 512, true);
            let read = asked(&mut bench, 1);
            let mut pieces = pieces(&read, bad, |piece| {
                piece.kind = COMPLETION;
                piece.data.clear();
            });
            pieces[bad].status = status;
            pieces[..=bad].iter().for_each(|piece| bench.host.send(piece));
            small_reads(&mut bench, 31);
            // Its slot is another read's now.
            bench.readers[0].ask(AWAY + 0x1000, 512, false);
            let next = asked(&mut bench, 2);
            assert_eq!(next.tag % 32, read.tag % 32);
            pieces[bad + 1..].iter().for_each(|piece| bench.host.send(piece));
            bench.host.send(&completion(&next, 0, 128));
            bench.run(4000);
            assert_eq!(bench.unexpected, 7 - bad);
        }
    }
}

/// A wrong Byte Count in the middle makes what follows unexpected, and the read times out.
#[test]
fn a_wrong_byte_count_in_the_middle_does_not_free_its_tag() {
    let mut bench = bench(3000);
    bench.readers[0].ask(AWAY, 512, true);
    let read = asked(&mut bench, 1);
    let pieces = pieces(&read, 3, |piece| piece.byte_count += 64);
    pieces.iter().for_each(|piece| bench.host.send(piece));
    for n in 0..40 {
        bench.readers[0].ask(0x9000 + 64 * n, 64, false);
    }
    clocks(&mut bench, 1000);
    assert!(bench.readers[0].data.got.is_empty(), "the read has ended");
    assert!(!slots(&bench, 1).contains(&(read.tag % 32)), "given away");
    bench.run(4000);
    assert_eq!(bench.unexpected, 5);
}

/// s. 2.3.1: every non-posted request that the device does not have is answered, with the Byte
/// Count and the Lower Address of s. 2.2.9 and 2.3.1.1.
#[test]
fn every_unsupported_request_is_answered() {
    let read = |kind, length, first, last| Tlp {
        kind,
        length,
        first,
        last,
        ..host_read(0x44, 0, kind & 0x20 != 0)
    };
    let with = |kind, dwords: usize| Tlp {
        length: dwords,
        last: if dwords > 1 { 15 } else { 0 },
        data: vec![1; 4 * dwords],
        kind,
        ..host_write(0x44, 1, kind & 0x20 != 0)
    };
    let cases = [
        (read(MEMORY_READ_32, 2, 15, 15), 8, 0x44),
        (read(MEMORY_READ_64, 3, 0b1100, 0b0001), 7, 0x46),
        (read(MEMORY_READ_64, 1024, 15, 15), 4096, 0x44),
        (read(LOCKED_READ_32, 1, 0b0110, 0), 2, 0x45),
        (read(LOCKED_READ_64, 2, 15, 15), 8, 0x44),
        (read(IO_READ, 1, 1, 0), 4, 0),
        (with(IO_WRITE, 1), 4, 0),
        (read(CONFIG_READ_0, 1, 15, 0), 4, 0),
        (with(CONFIG_WRITE_0, 1), 4, 0),
        (read(CONFIG_READ_1, 1, 1, 0), 4, 0),
        (with(CONFIG_WRITE_1, 1), 4, 0),
        (with(FETCH_ADD_32, 1), 4, 0),
        (with(FETCH_ADD_64, 2), 8, 0),
        (with(SWAP_32, 2), 8, 0),
        (with(SWAP_64, 1), 4, 0),
        (with(COMPARE_32, 2), 4, 0),
        (with(COMPARE_64, 4), 8, 0),
        (with(DEFERRABLE_32, 16), 4, 0),
        (with(DEFERRABLE_64, 1), 4, 0),
    ];
    let mut bench = bench(0);
    for (n, (tlp, count, lower_address)) in cases.iter().enumerate() {
        bench.host.send(&Tlp { tag: n as u8, ..tlp.clone() });
        bench.host.send(&host_write(4 * n as u64, n as u32, false));
        bench.run(1000);
        let got = bench.host.seen.last().unwrap();
        let locked = [LOCKED_READ_32, LOCKED_READ_64].contains(&tlp.kind);
        let kind = if locked { LOCKED_COMPLETION } else { COMPLETION };
        assert_eq!((got.kind, got.status, got.tag), (kind, STATUS_UNSUPPORTED, n as u8));
        let byte_count = if got.byte_count == 0 { 4096 } else { got.byte_count };
        assert_eq!((byte_count, got.lower_address), (*count, *lower_address), "{tlp:?}");
    }
    assert_eq!(bench.host.seen.len(), cases.len());
    assert_eq!(bench.bar_writes.got.len(), cases.len(), "nothing jams");
    assert_eq!(bench.unexpected, 0);
}

/// The octets of a fetch and add that nobody answered, as they were met.
#[test]
fn an_unsupported_fetch_and_add_as_it_was_met() {
    let mut bench = bench(0);
    let octets = [0x4c, 0, 0, 1, 1, 0, 0xad, 0x0f, 0xe0, 0, 0, 0, 1, 0, 0, 0];
    bench.host.send_octets(&octets);
    bench.run(1000);
    let got = &bench.host.seen[0];
    assert_eq!((got.kind, got.status, got.tag, got.requester), (COMPLETION, 1, 0xad, 0x0100));
}

/// s. 2.2.5: a write of one double word without any octet is legal, and does nothing.
#[test]
fn an_empty_write_is_no_error() {
    let mut bench = bench(0);
    for long in [false, true] {
        bench.host.send(&Tlp { first: 0, ..host_write(0x40, 7, long) });
        bench.host.send(&host_write(0x44, 8, long));
    }
    bench.run(1000);
    assert_eq!((bench.unexpected, bench.bar_writes.got.len()), (0, 2));
}

/// s. 7.7.2: aligned whole quad words are read and written as two registers, the lower first.
#[test]
fn quad_words_are_two_registers() {
    let mut bench = bench(0);
    let mut writes = vec![];
    for n in 0..40u64 {
        let (address, long) = (0x1000 + 8 * n, n % 2 == 0);
        let data: Vec<u8> = (0..8).map(|octet| (8 * n + octet) as u8).collect();
        for half in 0..2 {
            let word = data[4 * half..4 * half + 4].try_into().unwrap();
            let address = address + 4 * half as u64;
            let data = u32::from_le_bytes(word);
            writes.push(BarWrite { address: address.to_bits(), data: data.to_bits() });
        }
        bench.host.send(&Tlp { length: 2, last: 15, data, ..host_write(address, 0, long) });
        bench.host.send(&Tlp { length: 2, last: 15, ..host_read(address, n as u8, long) });
        bench.readers[0].ask(0x700 * n, 200, false);
        bench.run(2000);
        let got = bench.host.seen.last().unwrap();
        let expected = [answer(address), answer(address + 4)].map(u32::to_le_bytes).concat();
        assert_eq!((got.kind, got.tag, &got.data), (COMPLETION_DATA, n as u8, &expected));
        assert_eq!((got.byte_count, got.lower_address), (8, address as u8 & 0x7f));
    }
    assert_eq!((&bench.bar_writes.got, bench.unexpected), (&writes, 0));
}

/// s. 7.5.1.1.3: without bus mastering no request leaves, the host's reads are answered, and what
/// waited goes on afterwards; a read that waited has not grown older.
#[test]
fn without_bus_mastering_requests_wait() {
    let mut bench = bench(600);
    bench.uut.bus_master.next = false;
    bench.writers[0].put(0x20_0000, vec![1; 700]);
    bench.writers[1].put(0x30_0000, vec![2; 32]);
    for reader in 0..3 {
        bench.readers[reader].ask(0x1000, 512, false);
    }
    bench.host.send(&host_read(0x40, 5, false));
    clocks(&mut bench, 2000);
    assert_eq!(bench.host.tags, []);
    let [got] = &bench.host.seen[..] else { panic!("{:?}", bench.host.seen) };
    assert_eq!((got.kind, got.tag), (COMPLETION_DATA, 5));
    bench.uut.bus_master.next = true;
    bench.run(4000);
    assert_eq!(bench.host.written.len(), 732);
}

/// Bus mastering goes and comes under load: all octets arrive, few packets follow its end.
#[test]
fn without_bus_mastering_nothing_is_lost() {
    for seed in seeds().into_iter().take(3) {
        eprintln!("SEED={seed}");
        let mut bench = Bench::new(seed, false);
        bench.uut.microsecond.next = true;
        bench.uut.completion_timeout.next = 20_000u64.to_bits();
        bench.host.latency = 50;
        for n in 0..60 {
            let (address, bytes) = (0x1_0000 * n, bench.rng.random_range(1..=512u64));
            bench.readers[n as usize % 3].ask(address, bytes, false);
            bench.writers[n as usize % 2].put(1 << 40 | address, vec![n as u8; 3 * bytes as usize]);
        }
        let mut asked = 0;
        for phase in 0..12 {
            bench.uut.bus_master.next = phase % 2 == 1;
            let requests = |bench: &Bench| {
                let writes = bench.host.seen.iter().filter(|tlp| tlp.kind & 0x1f == 0).count();
                bench.host.tags.len() + writes
            };
            let before = requests(&bench);
            bench.host.send(&host_read(0x40, phase as u8, false));
            asked += 1;
            clocks(&mut bench, 300);
            if phase % 2 == 0 {
                assert!(requests(&bench) <= before + 3, "SEED={seed}");
                let answers = bench.host.seen.iter().filter(|tlp| tlp.kind == COMPLETION_DATA);
                assert_eq!(answers.count(), asked, "SEED={seed}");
            }
        }
        bench.run(60_000);
        let octets: usize = bench.writers.iter().flat_map(|w| &w.expected).map(|w| w.1.len()).sum();
        assert_eq!((bench.host.written.len(), bench.unexpected), (octets, 0), "SEED={seed}");
    }
}
