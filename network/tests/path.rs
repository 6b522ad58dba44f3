//! What holds of every path, whatever goes wrong on it.

use ironwarp_network::{Counts, Impairment, Link, Path, Picoseconds, Share};
use proptest::prelude::*;

const MICROSECOND: Picoseconds = 1_000_000;

fn path(text: &str) -> Path {
    Path::new(&text.parse().unwrap(), 0)
}

/// Frames that say their number, with the pauses before them.
fn send(path: &mut Path, pauses: &[u64]) -> Picoseconds {
    let mut now = 0;
    for (number, pause) in pauses.iter().enumerate() {
        now += pause;
        path.send(now, frame(number));
    }
    now
}

/// An IPv4 packet of 60 to 259 octets, with its number in it.
fn frame(number: usize) -> Vec<u8> {
    let mut frame = vec![0; 60 + number % 200];
    let length = (frame.len() - 14) as u16;
    frame[12..14].copy_from_slice(&[8, 0]);
    frame[16..18].copy_from_slice(&length.to_be_bytes());
    frame[40..44].copy_from_slice(&(number as u32).to_be_bytes());
    frame
}

fn number(frame: &[u8]) -> usize {
    u32::from_be_bytes(frame[40..44].try_into().unwrap()) as usize
}

/// All that arrives, each with its time, looked for only when something is due.
fn arrivals(path: &mut Path) -> Vec<(Picoseconds, Vec<u8>)> {
    let mut arrived = Vec::new();
    while let Some(due) = path.due() {
        assert!(due == 0 || path.receive(due - 1).is_none(), "before its time");
        arrived.push((due, path.receive(due).expect("what is due arrives")));
    }
    assert_eq!(path.in_flight(), 0);
    arrived
}

fn numbers(arrived: &[(Picoseconds, Vec<u8>)]) -> Vec<usize> {
    arrived.iter().map(|(_, frame)| number(frame)).collect()
}

fn adds_up(counts: &Counts, on_the_way: usize) -> bool {
    let Counts { sent, duplicated, delivered, lost, dropped, .. } = *counts;
    sent + duplicated == delivered + lost + dropped + on_the_way as u64
}

prop_compose! {
    fn share()(tenths in 0u32..400) -> Share { Share::percent(f64::from(tenths) / 10.0).unwrap() }
}

prop_compose! {
    fn impairments()(
        (loss, reorder, duplicate, corrupt) in (share(), share(), share(), share()),
        (delay, jitter) in (0u64..50 * MICROSECOND, 0u64..50 * MICROSECOND),
        rate in proptest::option::of(1_000_000u64..=100_000_000_000),
        queue in 1u32..50,
        burst in 1u32..4,
        seed in any::<Option<u64>>(),
    ) -> Impairment {
        let shares = Impairment { loss, reorder, duplicate, corrupt, ..Impairment::default() };
        let mut it = Impairment { delay, jitter, rate, seed, ..shares };
        if rate.is_some() {
            it.queue = queue;
        }
        if loss > Share::NONE {
            it.burst = burst.into();
        }
        it
    }
}

fn pauses() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(0..20 * MICROSECOND, 0..300)
}

proptest! {
    #[test]
    fn texts_are_read_back(impairment in impairments()) {
        prop_assert_eq!(impairment.to_string().parse::<Impairment>(), Ok(impairment));
    }

    #[test]
    fn a_perfect_network_does_nothing(pauses in pauses(), seed in any::<u64>()) {
        let mut path = path(&format!("seed={seed}"));
        send(&mut path, &pauses);
        let mut now = 0;
        let due = pauses.iter().enumerate().map(|(number, pause)| {
            now += pause;
            (now, frame(number))
        });
        let due: Vec<_> = due.collect();
        prop_assert_eq!(arrivals(&mut path), due);
    }

    #[test]
    fn every_frame_is_accounted_for(impairment in impairments(), pauses in pauses()) {
        let mut path = Path::new(&impairment, 1);
        let end = send(&mut path, &pauses);
        prop_assert!(adds_up(&path.counts(), path.in_flight()));
        prop_assert_eq!(path.counts().sent, pauses.len() as u64);
        while path.receive(end / 2).is_some() {}
        prop_assert!(adds_up(&path.counts(), path.in_flight()));
        arrivals(&mut path);
        prop_assert!(adds_up(&path.counts(), 0));
    }

    #[test]
    fn the_same_seed_does_the_same(impairment in impairments(), pauses in pauses()) {
        let [first, second] = [0, 0].map(|direction| {
            let mut path = Path::new(&impairment, direction);
            send(&mut path, &pauses);
            arrivals(&mut path)
        });
        prop_assert_eq!(first, second);
    }

    /// However frames are lost, delayed and made twice: later ones do not arrive earlier.
    #[test]
    fn without_reordering_the_order_stays(impairment in impairments(), pauses in pauses()) {
        let clean = Impairment { reorder: Share::NONE, corrupt: Share::NONE, ..impairment };
        let mut path = Path::new(&clean, 0);
        send(&mut path, &pauses);
        prop_assert!(numbers(&arrivals(&mut path)).is_sorted());
        prop_assert_eq!(path.counts().reordered, 0);
    }

    /// In no stretch of time does more arrive than the line carries in it, and one frame.
    #[test]
    fn the_rate_is_kept(
        rate in 1_000_000u64..=10_000_000_000,
        pauses in pauses(),
        queue in 1u32..50,
    ) {
        let impairment = Impairment {
            rate: Some(rate),
            queue,
            delay: 3 * MICROSECOND,
            duplicate: Share::percent(20.0).unwrap(),
            ..Impairment::default()
        };
        let mut path = Path::new(&impairment, 0);
        send(&mut path, &pauses);
        let mut before = 0;
        for (arrival, frame) in arrivals(&mut path) {
            let bits = 8 * (frame.len() as u128 + 24);
            let carried = u128::from(arrival - before) * u128::from(rate);
            prop_assert!(carried >= bits * 1_000_000_000_000);
            before = arrival;
        }
    }
}

/// Within four standard deviations of what was asked for.
fn about(count: u64, share: f64, of: u64) {
    let (mean, deviation) = (share * of as f64, (share * (1.0 - share) * of as f64).sqrt());
    assert!((count as f64 - mean).abs() < 4.0 * deviation, "{count} of {of} are not {share}");
}

#[test]
fn chances_are_what_was_asked_for() {
    const FRAMES: u64 = 100_000;
    for seed in 0..4 {
        let text = "loss=1%,reorder=2%,duplicate=3%,corrupt=4%";
        let mut path = path(&format!("{text},seed={seed}"));
        send(&mut path, &[MICROSECOND; FRAMES as usize]);
        let arrived = arrivals(&mut path).len() as u64;
        let counts = path.counts();
        about(counts.lost, 0.01, FRAMES);
        let survivors = FRAMES - counts.lost;
        about(counts.reordered, 0.02, survivors);
        about(counts.duplicated, 0.03, survivors);
        about(counts.corrupted, 0.04, survivors);
        assert_eq!(arrived, survivors + counts.duplicated);
    }
}

#[test]
fn a_frame_that_is_held_back_is_overtaken_by_one_to_ten() {
    let mut path = path("reorder=5%,delay=7us,seed=5");
    const FRAMES: usize = 10_000;
    send(&mut path, &[MICROSECOND; FRAMES]);
    let numbers = numbers(&arrivals(&mut path));
    let mut place = [0; FRAMES];
    numbers.iter().enumerate().for_each(|(at, number)| place[*number] = at);
    let mut seen = [0; 11];
    for number in 0..FRAMES {
        // Of those that come earlier though they were sent later: those nobody overtook.
        let upright =
            |later: &usize| (later + 1..FRAMES).take(30).all(|n| place[n] > place[*later]);
        let later = (number + 1..FRAMES).take(30).filter(upright);
        seen[later.filter(|later| place[*later] < place[number]).count()] += 1;
    }
    let held: u64 = seen[1..].iter().sum();
    // The last ones were not overtaken any more.
    assert!(path.counts().reordered >= held && held + 2 >= path.counts().reordered, "{seen:?}");
    assert!(seen[1..].iter().all(|count| *count > 20), "{seen:?}");
}

#[test]
fn a_frame_that_nobody_overtakes_arrives_all_the_same() {
    let mut path = path("reorder=100%,delay=1ms");
    path.send(5, frame(0));
    assert_eq!(arrivals(&mut path), [(5 + 1_000_000_000 + 100 * MICROSECOND, frame(0))]);
    assert_eq!(path.counts().reordered, 0);
}

/// A duplicate comes right behind, and a damaged frame differs in a bit.
#[test]
fn duplicates_and_damage_are_as_stated() {
    let mut path = path("duplicate=100%,corrupt=100%,rate=1gbit");
    path.send(0, frame(0));
    let arrived = arrivals(&mut path);
    // 84 octets of 8 ns.
    assert_eq!(arrived.iter().map(|(time, _)| *time).collect::<Vec<_>>(), [672_000, 1_344_000]);
    let flips: u32 = arrived[0].1.iter().zip(frame(0)).map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!((flips, &arrived[1].1), (1, &frame(0)));
}

#[test]
fn a_queue_has_its_limit() {
    let mut path = path("rate=1gbit,queue=3");
    // One is on the line, three wait.
    send(&mut path, &[0; 10]);
    assert_eq!((path.counts().queued, path.counts().dropped), (3, 6));
    assert_eq!(numbers(&arrivals(&mut path)), [0, 1, 2, 3]);
    // When all have crossed there is room again.
    path.send(100 * MICROSECOND, frame(10));
    assert_eq!(numbers(&arrivals(&mut path)), [10]);
}

#[test]
fn a_link_is_two_paths() {
    let impairment: Impairment = "loss=50%,delay=1us,seed=9".parse().unwrap();
    let mut link = Link::new(&impairment);
    for number in 0..100 {
        link.send(0, 0, frame(number));
        link.send(0, 1, frame(number));
    }
    let mut arrived = [Vec::new(), Vec::new()];
    assert_eq!(link.due(), Some(MICROSECOND));
    while let Some((to, frame)) = link.receive(MICROSECOND) {
        arrived[to].push(number(&frame));
    }
    assert!(link.is_idle());
    let [there, back] = link.report().directions;
    assert_eq!([back.delivered, there.delivered], arrived.each_ref().map(|it| it.len() as u64));
    assert_ne!(arrived[0], arrived[1], "each direction has chance of its own");
    let text = format!(
        "network {impairment}\n  there    100 frames, {} lost\n  and back 100 frames, {} lost",
        there.lost, back.lost
    );
    assert_eq!(link.report().to_string(), text);
}

/// Times at the end of what there is overflow nothing.
#[test]
fn time_that_stands_still_harms_nothing() {
    let mut path = path("delay=3600s,jitter=3600s,rate=1kbit,reorder=50%,duplicate=50%");
    for number in 0..100 {
        path.send(u64::MAX - 1, frame(number));
    }
    arrivals(&mut path);
    assert!(adds_up(&path.counts(), 0));
}
