//! The gate against the rules, and while a region changes.
use super::*;
use crate::stream::bench::*;
use ironwarp_abi::context::stag;
use rand::Rng;

/// The words of a record as the control plane writes them: that with `valid` first, but not valid,
/// and last.
fn writes(region: &MemoryRegionContext) -> Vec<(usize, u32)> {
    let mut words: Vec<_> = region.to_words().into_iter().enumerate().collect();
    let last = words.remove(field(MemoryRegionContext::FIELDS, "valid").word());
    words.insert(0, (last.0, last.1 & !(1 << 31)));
    words.push(last);
    words
}

fn offer(uut: &mut Gate, index: u64, word: Option<(usize, u32)>) {
    uut.context_write.next = word.map_or(Default::default(), |(word, data)| ContextWrite {
        valid: true,
        table: u64::from(table::MEMORY_REGION).to_bits(),
        index: index.to_bits(),
        word: (word as u64).to_bits(),
        data: u64::from(data).to_bits(),
    });
}

fn write(uut: &mut Gate, index: u64, region: &MemoryRegionContext) {
    for word in writes(region) {
        offer(uut, index, Some(word));
        tick!(*uut);
    }
    offer(uut, index, None);
}

fn ask(uut: &mut Gate, question: GateQuestion) -> (u64, Place) {
    uut.question.beat.next = question;
    uut.question.valid.next = true;
    uut.answer.ready.next = true;
    for _ in 0..10 {
        settle!(*uut);
        if uut.answer.valid.val() {
            let answer = uut.answer.beat.val();
            edge!(*uut);
            return (answer.refusal.to_u64(), answer.place);
        }
        let taken = uut.question.ready.val();
        edge!(*uut);
        uut.question.valid.next = uut.question.valid.val() && !taken;
    }
    panic!("no answer");
}

/// The rules in the order of RFC 5041 s. 7.1, in Rust's widest integers.
fn judge(region: &MemoryRegionContext, question: &GateQuestion) -> (u64, Place) {
    let (offset, length) = (question.offset.to_u64() as u128, question.length.to_u64() as u128);
    let (base, size) = (region.base as u128, region.length as u128);
    let rights = [region.local_read, region.local_write, region.remote_read, region.remote_write];
    if length == 0 {
        (refusal::NONE, Place::default())
    } else if !region.valid || u64::from(region.stag) != question.stag.to_u64() {
        (refusal::STAG, Place::default())
    } else if u64::from(region.pd) != question.pd.to_u64() {
        (refusal::DOMAIN, Place::default())
    } else if !rights[question.right.to_u64() as usize] {
        (refusal::RIGHTS, Place::default())
    } else if offset + length > 1 << 64 {
        (refusal::WRAP, Place::default())
    } else if offset < base || offset + length > base + size {
        (refusal::BOUNDS, Place::default())
    } else {
        let first = if region.paged { region.first_offset.into() } else { region.bus_address };
        let place = Place {
            address: first.wrapping_add((offset - base) as u64).to_bits(),
            paged: region.paged,
            page_log2: u64::from(region.page_log2).to_bits(),
            list: (region.bus_address >> LINE_BITS).to_bits(),
        };
        (refusal::NONE, place)
    }
}

/// The number of a region, and its STag with random high bits of the index and a random key.
fn random_stag(rng: &mut rand_chacha::ChaCha8Rng) -> (u64, u32) {
    let index = rng.random_range(0..1_u32 << 24);
    let number = u64::from(index) & ((1 << MR_BITS) - 1);
    (number, stag(index, rng.random()))
}

//= rfc5041#7.1
//= type=test
#[test]
fn judges_as_the_rules_say() {
    for seed in seeds() {
        let mut rng = rng(seed);
        let mut uut = Gate::default();
        uut.connect_all();
        let mut seen = [0; 6];
        let magnitude = rng.random_range(4..48);
        let length: u64 = rng.random_range(1..1 << magnitude);
        let top = u64::MAX - length + 1;
        let (number, stag) = random_stag(&mut rng);
        let region = MemoryRegionContext {
            base: *[0, 1 << 40, top, rng.random_range(0..top)].get(seed as usize % 4).unwrap(),
            length,
            stag,
            bus_address: rng.random::<u64>() >> 1,
            pd: rng.random(),
            local_read: rng.random(),
            local_write: rng.random(),
            remote_read: rng.random(),
            remote_write: rng.random(),
            valid: rng.random_bool(0.9),
            paged: rng.random(),
            page_log2: rng.random_range(0..32),
            first_offset: rng.random(),
        };
        write(&mut uut, number, &region);
        for _ in 0..300 {
            let near = [0, length, rng.random_range(0..=length)];
            let slack = rng.random_range(0..4_u64).wrapping_sub(2);
            let offset = region.base.wrapping_add(near[rng.random_range(0..3)]);
            let short = u32::try_from(length).unwrap_or(u32::MAX);
            let octets = [0, 1, short, rng.random_range(0..=short), u32::MAX];
            // Every bit of the STag counts.
            let wrong = u32::from(rng.random_bool(0.05)) << rng.random_range(0..32);
            let question = GateQuestion {
                stag: u64::from(stag ^ wrong).to_bits(),
                pd: u64::from(region.pd ^ u16::from(rng.random_bool(0.05))).to_bits(),
                right: rng.random_range(0..4_u64).to_bits(),
                offset: offset.wrapping_add(slack).to_bits(),
                length: u64::from(octets[rng.random_range(0..5)]).to_bits(),
            };
            let expected = judge(&region, &question);
            seen[expected.0 as usize] += 1;
            assert_eq!(ask(&mut uut, question), expected, "SEED={seed} {question:?}");
        }
        assert!(seen.iter().filter(|count| **count > 0).count() > 1, "SEED={seed} {seen:?}");
    }
}

/// A region of more than 4 GiB, which no length of 32 bits holds.
#[test]
fn a_region_has_a_length_of_64_bits() {
    let mut uut = Gate::default();
    uut.connect_all();
    let region = MemoryRegionContext {
        length: u64::MAX,
        stag: stag(1, 0),
        bus_address: 0x10_0000,
        local_read: true,
        valid: true,
        ..Default::default()
    };
    write(&mut uut, 1, &region);
    for offset in [0, 1 << 32, 1 << 63, u64::MAX - 8, u64::MAX] {
        let question = GateQuestion {
            stag: u64::from(region.stag).to_bits(),
            offset: offset.to_bits(),
            length: 4.into(),
            ..Default::default()
        };
        assert_eq!(ask(&mut uut, question), judge(&region, &question), "{offset:#x}");
    }
}

/// A question at every clock around a change of its region is answered for the region as it was,
/// or as it is; and behind the change as it is.
#[test]
fn a_region_changes_at_once() {
    let mut rng = rng(5);
    let (number, stag) = random_stag(&mut rng);
    let old = MemoryRegionContext {
        base: 0x1_2345_6789_0000,
        length: 0x1_0000_4000,
        bus_address: 0x77_0000_1000,
        stag,
        pd: 3,
        local_read: true,
        valid: true,
        ..Default::default()
    };
    let moved = MemoryRegionContext { bus_address: 0x66_8888_0000, pd: 4, ..old };
    let paged = MemoryRegionContext { paged: true, page_log2: 16, first_offset: 0x765, ..moved };
    let cleared = MemoryRegionContext::default();
    for new in [moved, paged, cleared] {
        let (mut olds, mut news) = (0, 0);
        for pd in [3_u64, 4] {
            for wait in 0..30 {
                let mut uut = Gate::default();
                uut.connect_all();
                write(&mut uut, number, &old);
                let question = GateQuestion {
                    stag: u64::from(stag).to_bits(),
                    pd: pd.to_bits(),
                    right: right::LOCAL_READ.to_bits(),
                    offset: old.base.to_bits(),
                    length: 0x4000.into(),
                };
                let mut words = writes(&new).into_iter();
                let mut answer = None;
                uut.answer.ready.next = true;
                for clock in 0..60 {
                    let word = (clock >= 10).then(|| words.next()).flatten();
                    offer(&mut uut, number, word);
                    uut.question.beat.next = question;
                    if clock == wait {
                        uut.question.valid.next = true;
                    }
                    settle!(uut);
                    let taken = uut.question.valid.val() && uut.question.ready.val();
                    if uut.answer.valid.val() {
                        answer = Some(uut.answer.beat.val());
                    }
                    edge!(uut);
                    if taken {
                        uut.question.valid.next = false;
                    }
                }
                let answer = answer.expect("an answer");
                let got = (answer.refusal.to_u64(), answer.place);
                let (before, after) = (judge(&old, &question), judge(&new, &question));
                assert!(got == before || got == after, "{wait}: {got:?}");
                olds += usize::from(got == before);
                news += usize::from(got == after);
                assert!(wait < 10 || got == after, "{wait}: the change is over");
            }
        }
        assert!(olds > 10 && news > 10);
    }
}
