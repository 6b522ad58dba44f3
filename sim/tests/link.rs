//! The Ethernet link between two devices that are tests.

mod bench;

use bench::{seeds, simulation, Handle};
use ironwarp_sim::{Impairment, LinkOptions, Misconduct, Options, Report, Simulation};

fn pair() -> (Simulation, Vec<Handle>) {
    pair_with(Impairment::default(), 1)
}

fn pair_with(impairment: Impairment, seed: u64) -> (Simulation, Vec<Handle>) {
    let link = LinkOptions { impairment, ..Default::default() };
    simulation(Options { seed, link, ..Default::default() })
}

fn frame(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|i| (number * 31 + i) as u8).collect()
}

/// Frames of every length arrive whole, padded to 60, in both directions at once.
#[test]
fn frames_arrive() {
    let (mut simulation, ends) = pair();
    let lengths: Vec<usize> = (14..=140).chain([1514, 9014]).collect();
    for (number, &length) in lengths.iter().enumerate() {
        ends[0].lock().send_frame(frame(number, length), false);
        ends[1].lock().send_frame(frame(number + 1, length), false);
    }
    simulation.run(10_000);
    assert!(simulation.link_idle());
    for (end, offset) in [(1, 0), (0, 1)] {
        let state = ends[end].lock();
        assert_eq!(state.frames_in.len(), lengths.len());
        for (number, (got, &length)) in state.frames_in.iter().zip(&lengths).enumerate() {
            let mut expected = frame(number + offset, length);
            expected.resize(length.max(60), 0);
            assert_eq!(got.octets, expected, "length {length}");
            assert!(!got.error);
            let beats = expected.len().div_ceil(8) as u64;
            assert_eq!(got.last - got.first, beats - 1, "the MAC does not pause");
        }
    }
    assert_eq!(simulation.violations(), []);
    assert_eq!(simulation.progress().frames_sent, [lengths.len() as u64; 2]);
}

/// The line rate is exact: N frames take N x (24 + L) octet times, 8 a clock.
#[test]
fn the_line_rate_is_exact() {
    for length in [60, 61, 84, 150, 1514, 9014] {
        let (mut simulation, ends) = pair();
        let count = 201;
        for number in 0..count {
            ends[0].lock().send_frame(frame(number, length), false);
        }
        simulation.run((count * (length + 24) / 8 + 200) as u64);
        let state = ends[0].lock();
        let starts = &state.frame_starts;
        let clocks = starts[count - 1] - starts[0];
        assert_eq!(clocks, ((count - 1) * (length + 24) / 8) as u64, "length {length}");
    }
}

/// A frame takes its time: preamble, a beat and the frame check sequence, then the cable.
#[test]
fn latency_is_as_stated() {
    for propagation_clocks in [0, 16, 1000] {
        let link = LinkOptions { propagation_clocks, ..Default::default() };
        let (mut simulation, ends) = simulation(Options { link, ..Default::default() });
        ends[0].lock().send_frame(frame(1, 100), false);
        simulation.run(1100);
        let sent = ends[0].lock().frame_starts[0];
        let got = ends[1].lock().frames_in[0].first;
        assert_eq!(got - sent, 3 + propagation_clocks);
    }
}

/// A frame that its sender marks as an error arrives as one, and never at a test's end.
#[test]
fn spoilt_frames_are_marked() {
    let (mut simulation, ends) = pair();
    ends[0].lock().send_frame(frame(1, 100), true);
    ends[0].lock().send_frame(frame(2, 100), false);
    simulation.run(200);
    let errors: Vec<bool> = ends[1].lock().frames_in.iter().map(|f| f.error).collect();
    assert_eq!(errors, [true, false]);
    let (mut simulation, ends) = bench::simulation(Options { nics: 1, ..Options::default() });
    ends[0].lock().send_frame(frame(1, 100), true);
    ends[0].lock().send_frame(frame(2, 100), false);
    simulation.run(200);
    let frames = simulation.take_frames();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].octets, frame(2, 100));
}

/// The test's own end sends and receives at the line's rate.
#[test]
fn a_test_is_a_peer() {
    let (mut simulation, ends) = simulation(Options { nics: 1, ..Options::default() });
    for number in 0..10 {
        simulation.send_frame(&frame(number, 1514)).unwrap();
    }
    assert!(simulation.send_frame(&[0; 13]).is_err());
    simulation.run(2000);
    let state = ends[0].lock();
    assert_eq!(state.frames_in.len(), 10);
    let clocks = state.frames_in[9].last - state.frames_in[0].last;
    assert_eq!(clocks, 9 * (1514 + 24) / 8);
    assert!(state.frames_in.iter().enumerate().all(|(n, f)| f.octets == frame(n, 1514)));
}

/// A device that pauses inside a frame, or sends one of a length that no MAC takes, is caught.
#[test]
fn misconduct_is_seen() {
    let found = |frames: &[usize], stumble| {
        let (mut simulation, ends) = pair();
        ends[0].lock().stumble = stumble;
        for &length in frames {
            ends[0].lock().send_frame(frame(0, length), false);
        }
        simulation.run(3000);
        let good = ends[1].lock().frames_in.iter().filter(|f| !f.error).count();
        let found: Vec<_> = simulation.violations().into_iter().map(|v| v.misconduct).collect();
        (found, good)
    };
    assert_eq!(found(&[9014], None), (vec![], 1));
    assert_eq!(found(&[9015, 100], None), (vec![Misconduct::FrameLength(9015)], 1));
    assert_eq!(found(&[13], None).0, [Misconduct::FrameLength(13)]);
    let (dry, _) = found(&[100], Some(3));
    assert_eq!(dry[0], Misconduct::Underrun { octets: 24 });
}

/// A frame with an IPv4 packet in it, which is as long as the frame.
fn packet(number: usize, length: usize) -> Vec<u8> {
    let mut frame = frame(number, length);
    frame[12..14].copy_from_slice(&[8, 0]);
    frame[16..18].copy_from_slice(&(length as u16 - 14).to_be_bytes());
    frame
}

/// What comes out of `count` frames, in this order, and what the network says of it.
fn received(impairment: &str, seed: u64, count: usize) -> (Vec<Vec<u8>>, Report) {
    let (mut simulation, ends) = pair_with(impairment.parse().unwrap(), seed);
    for number in 0..count {
        ends[0].lock().send_frame(packet(number, 60 + number % 200), false);
    }
    simulation.run(count as u64 * 50 + 20_000);
    assert!(simulation.link_idle());
    assert_eq!(simulation.violations(), []);
    let state = ends[1].lock();
    let mut last = 0;
    for frame in &state.frames_in {
        assert!(frame.first > last && !frame.error, "frames overlap");
        last = frame.last;
    }
    let frames = state.frames_in.iter().map(|frame| frame.octets.clone()).collect();
    (frames, simulation.network().expect("something goes wrong"))
}

/// Each impairment does what it says and nothing else, and is told.
#[test]
fn impairments_do_what_they_say() {
    const N: usize = 1000;
    let sent: Vec<_> = (0..N).map(|n| packet(n, 60 + n % 200)).collect();
    let about = |count: usize| assert!((200..400).contains(&count), "{count} of 1000, not 30 %");
    for seed in seeds(3) {
        assert_eq!(received("jitter=3us,delay=20us", seed, N).0, sent);

        let (lost, report) = received("loss=30%", seed, N);
        about(N - lost.len());
        assert_eq!(report.directions[0].lost as usize, N - lost.len());
        assert_eq!(report.impairment.seed, Some(seed), "the world's");
        let mut rest = sent.iter();
        assert!(lost.iter().all(|got| rest.any(|frame| frame == got)), "order, content");

        let (twice, report) = received("duplicate=30%", seed, N);
        about(twice.len() - N);
        assert_eq!(report.directions[0].duplicated as usize, twice.len() - N);
        assert!(sent.iter().all(|frame| twice.contains(frame)));

        let (reordered, report) = received("reorder=30%", seed, N);
        about(report.directions[0].reordered as usize);
        assert_eq!(reordered.len(), N);
        assert!(reordered != sent && sent.iter().all(|frame| reordered.contains(frame)));

        let (corrupt, report) = received("corrupt=30%", seed, N);
        let flips = |(got, sent): (&Vec<u8>, &Vec<u8>)| -> u32 {
            got.iter().zip(sent).map(|(a, b)| (a ^ b).count_ones()).sum()
        };
        let flips: Vec<u32> = corrupt.iter().zip(&sent).map(flips).collect();
        assert!(flips.iter().all(|flips| *flips <= 1));
        about(flips.iter().sum::<u32>() as usize);
        assert_eq!(u64::from(flips.iter().sum::<u32>()), report.directions[0].corrupted);
    }
}

/// What a network takes comes on top of what two cables and their MACs take.
#[test]
fn a_network_takes_its_time() {
    let first = |impairment: &str| {
        let (mut simulation, ends) = pair_with(impairment.parse().unwrap(), 1);
        ends[0].lock().send_frame(packet(1, 1514), false);
        simulation.run(4000);
        let sent = ends[0].lock().frame_starts[0];
        let got = ends[1].lock().frames_in[0].first;
        (got - sent, simulation.network().is_some())
    };
    let (direct, none) = first("none");
    assert_eq!((direct, none), (3 + 16, false));
    // The network takes the frame when its 1526 octets are there: in the clock after 191.
    assert_eq!(first("delay=1ps"), (191 + direct, true));
    assert_eq!(first("delay=6400ns"), (1000 + 191 + direct, true));
}

/// A capture has every frame once, and equal runs write equal bytes.
#[test]
fn captures_are_reproducible() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = folder.path().join(name);
        let options = Options { capture: Some(path.clone()), ..Options::default() };
        let (mut simulation, ends) = simulation(options);
        for number in 0..50 {
            ends[0].lock().send_frame(frame(number, 30 + number), false);
            ends[1].lock().send_frame(frame(number, 200 - number), false);
        }
        simulation.run(5000);
        simulation.finish().unwrap();
        std::fs::read(path).unwrap()
    };
    let first = write("a.pcapng");
    assert_eq!(first, write("b.pcapng"));
    let mut reader = pcap_file::pcapng::PcapNgReader::new(&first[..]).unwrap();
    let (mut frames, mut time) = ([0, 0], std::time::Duration::ZERO);
    while let Some(block) = reader.next_block() {
        if let pcap_file::pcapng::Block::EnhancedPacket(packet) = block.unwrap() {
            frames[packet.interface_id as usize] += 1;
            assert!(packet.timestamp >= time, "time runs backwards");
            time = packet.timestamp;
        }
    }
    assert_eq!(frames, [50, 50]);
}

/// Stations are watched from the moment one asks for it.
#[test]
fn stations_are_watched() {
    let (mut simulation, ends) = pair();
    ends[0].lock().trace = 1;
    simulation.run(10);
    assert_eq!(simulation.stages(0).unwrap().first(0), Some(0));
    simulation.watch(0).unwrap();
    assert_eq!(simulation.stages(0).unwrap().first(0), None);
    ends[0].lock().trace = 1 | 1 << 13;
    simulation.run(1);
    let passed = simulation.stages(0).unwrap().passed();
    assert_eq!(passed, [("DOORBELL", 10), ("INTERRUPT_SENT", 10)]);
    assert_eq!(simulation.stages(1).unwrap().passed(), []);
}
