//! What the host's registers promise: commits, starts and stops, what overflows, where frames go.

mod common;

use common::peer::{read, tagged, untagged, Peer};
use common::*;
use ironwarp_abi::configuration::{ALL, BOARD};
use ironwarp_abi::context::{table, CompletionQueueContext, NextHopContext, QueuePairContext};
use ironwarp_abi::limits::RAW_QP;
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, SendRequest};
use ironwarp_abi::registers::{self as reg, Access, Reset};
use ironwarp_abi::status;
use ironwarp_model::{Device, Options};

fn entry(kind: u8, status: u8) -> CompletionEntry {
    CompletionEntry { qp: QP, generation: FIRST, kind, status, ..CompletionEntry::default() }
}

fn event(status: u8) -> CompletionEntry {
    entry(kind::EVENT, status)
}

fn pair(wish: Wish) -> (Station, Peer) {
    let mut station = Station::new(0);
    station.start(&context(0, wish));
    (station, Peer::new(wish))
}

/// A completion queue of its own, beside [`CQ`].
struct Queue {
    number: u32,
    at: u64,
    log2: u8,
    taken: u16,
}

impl Queue {
    fn start(station: &mut Station, number: u32, log2: u8) -> Self {
        let queue = Self { number, at: 0x1_8000 + 0x400 * u64::from(number), log2, taken: 0 };
        let context = CompletionQueueContext { ring: MEMORY + queue.at, log2, vector: VECTOR };
        station.write(reg::CQ_CONTROL, number);
        station.fill(queue.at, &[0; 0x400]);
        station.commit(table::COMPLETION_QUEUE, number, &context.to_words());
        station.write(reg::CQ_CONTROL, number | ENABLE);
        queue
    }

    /// The entries that are new, consumed.
    fn take(&mut self, station: &mut Station) -> Vec<CompletionEntry> {
        let (entries, mut found) = (1u16 << self.log2, Vec::new());
        loop {
            let place = u64::from(self.taken % entries) * CompletionEntry::BYTES as u64;
            let bytes = station.octets(self.at + place, CompletionEntry::BYTES);
            let entry = CompletionEntry::from_bytes(&bytes.try_into().unwrap());
            if entry.phase != (self.taken / entries % 2 == 0) {
                return found;
            }
            self.taken = self.taken.wrapping_add(1);
            station.ring_cq(self.number, reg::DOORBELL_CONSUMED, self.taken.into());
            found.push(CompletionEntry { phase: false, ..entry });
        }
    }
}

#[test]
fn a_generation_counts_starts_and_wraps() {
    let mut station = Station::new(0);
    let never = State { generation: 0, active: false, started: false, status: 0 };
    for qp in [RAW_QP as u32, QP, 63] {
        assert_eq!(station.state(qp), never);
        for start in 1..=300u32 {
            station.start_pair(qp, &context(0, PLAIN));
            let generation = start as u8;
            let runs = State { generation, active: true, started: true, status: 0 };
            assert_eq!(station.state(qp), runs, "queue pair {qp}");
            if start % 2 == 0 {
                station.write(reg::QP_CONTROL, qp);
                let rests = State { active: false, started: false, ..runs };
                assert_eq!(station.state(qp), rests);
            }
        }
    }
}

#[test]
fn the_state_says_why_a_queue_pair_ended_until_the_next_start() {
    let (mut station, mut peer) = pair(PLAIN);
    peer.send(&mut station, &tagged(0, 0, b"x"));
    let (generation, status) = (FIRST, status::DDP_STAG);
    let ended = State { generation, active: false, started: true, status };
    assert_eq!((station.state(QP), station.completions()), (ended, vec![event(status)]));
    station.write(reg::QP_CONTROL, QP);
    assert_eq!(station.state(QP), State { started: false, ..ended });
    station.start(&context(0, PLAIN));
    let again = State { generation: FIRST + 1, active: true, started: true, status: 0 };
    assert_eq!(station.state(QP), again);
    station.post(&SendRequest { opcode: 99, ..write_request(8, 0, 0) });
    station.poll();
    let event = CompletionEntry { generation: FIRST + 1, ..event(status::BAD_OPCODE) };
    assert_eq!(station.completions(), [event], "every entry says of which life it is");
}

/// What was refused changes nothing; what runs goes on.
#[test]
fn contexts_of_objects_at_work_are_refused() {
    let (mut station, mut peer) = pair(PLAIN);
    let refused = |station: &Station| station.read(reg::COUNT_REFUSED);
    let other = QueuePairContext { receive_next: 1, ..context(0, PLAIN) };
    station.commit(table::QUEUE_PAIR, QP, &other.to_words());
    assert_eq!(refused(&station), 1);
    peer.send(&mut station, &tagged(SINK_STAG, 0, b"first"));
    assert_eq!(station.octets(SINK, 5), b"first");

    // The same context serves again, and the queue pair is at work until the host stops it.
    station.write(reg::QP_CONTROL, QP | ENABLE);
    peer = Peer::new(PLAIN);
    peer.send(&mut station, &tagged(SINK_STAG, 0, b"again"));
    assert_eq!(station.octets(SINK, 5), b"again");
    peer.send(&mut station, &tagged(0, 0, b"x"));
    assert!(!station.is_active());
    station.commit(table::QUEUE_PAIR, QP, &other.to_words());
    assert_eq!(refused(&station), 2);
    station.write(reg::QP_CONTROL, QP);
    station.commit(table::QUEUE_PAIR, QP, &other.to_words());
    station.write(reg::QUERY_QP, QP);
    station.write(reg::QP_CONTROL, QP | ENABLE);
    assert_eq!((refused(&station), station.read(reg::QUERY_RECEIVE_NEXT)), (2, 1));

    let queue = CompletionQueueContext { ring: 0, log2: 3, vector: 0 };
    station.commit(table::COMPLETION_QUEUE, CQ, &queue.to_words());
    assert_eq!(refused(&station), 3);
    station.write(reg::CQ_CONTROL, CQ);
    station.commit(table::COMPLETION_QUEUE, CQ, &queue.to_words());
    assert_eq!(refused(&station), 3);
}

/// A number that the device does not have is refused wherever it is written, and never cut to one
/// that it has.
#[test]
fn numbers_beyond_the_device_are_refused() {
    for (name, device) in ALL {
        let options = Options { configuration: *device, ..Options::default() };
        let mut station = Station::with(0, options);
        let (qps, cqs) = (device.qp_count() as u32, device.cq_count() as u32);
        let mut count = 0;
        for number in [qps, qps + QP, 1 << 23 | QP] {
            for (register, word) in [
                (reg::QP_CONTROL, number | ENABLE),
                (reg::QP_CONTROL, number),
                (reg::CQ_CONTROL, (number - qps + cqs) | ENABLE),
                (reg::QUERY_QP, number),
                (reg::FENCE_QUEUE, number - qps + cqs),
                (reg::COMMIT, number | u32::from(table::QUEUE_PAIR) << 24),
                (reg::COMMIT, number | u32::from(table::FLOW) << 24),
                (reg::COMMIT, number | u32::from(table::NEXT_HOP) << 24),
                (reg::COMMIT, number & 0xff_ffff | 15 << 24),
            ] {
                station.write(register, word);
                count += 1;
                let refused = station.read(reg::COUNT_REFUSED);
                assert_eq!(refused, count, "{name} {} {word:#x}", register.name);
            }
            // Completion queue numbers inside a context.
            for context in [
                QueuePairContext { receive_cq: cqs + CQ, ..context(0, PLAIN) },
                QueuePairContext { send_cq: cqs + CQ, ..context(0, PLAIN) },
            ] {
                station.commit(table::QUEUE_PAIR, QP, &context.to_words());
                count += 1;
                assert_eq!(station.read(reg::COUNT_REFUSED), count, "{name}");
            }
        }
        assert_eq!(station.state(QP).generation, 0, "nothing was started");
        assert_eq!((station.read(reg::QUERY_QP), station.read(reg::FENCE_QUEUE)), (0, 0));
        assert_eq!(station.read(reg::COUNT_REFUSED), count);
    }
}

/// Seven completions into a queue of four places: three stand, the fourth says that it overflowed.
#[test]
fn a_completion_queue_that_overflows_ends_its_queue_pairs() {
    let mut stations = connected(PLAIN);
    let mut queue = Queue::start(&mut stations[0], 5, 2);
    let small = QueuePairContext { send_cq: 5, receive_cq: 5, ..context(0, PLAIN) };
    stations[0].start(&small);
    (0..7).for_each(|_| stations[0].post(&write_request(8, 0, 0)));
    run(&mut stations);
    let generation = FIRST + 1;
    let done = |request| CompletionEntry { request, length: 8, generation, ..entry(kind::SEND, 0) };
    let overflow = CompletionEntry { generation, ..entry(kind::OVERFLOW, status::CQ_OVERFLOW) };
    assert_eq!(queue.take(&mut stations[0]), [done(0), done(1), done(2), overflow]);
    assert_eq!(stations[0].read(reg::COUNT_CQ_OVERFLOWS), 1);
    let status = status::CQ_OVERFLOW;
    let ended = State { generation, active: false, started: true, status };
    assert_eq!(stations[0].state(QP), ended);

    // Another queue pair that has something to say there ends too, and the queue stays silent.
    let mut raw = QueuePairContext { send_cq: 5, receive_cq: CQ, ..context(0, PLAIN) };
    raw.send_queue = MEMORY + SEND_RING + 0x4000;
    stations[0].start_pair(0, &raw);
    let frame = SendRequest { opcode: opcode::RAW_FRAME, ..send_request(60, 0) };
    stations[0].fill(SEND_RING + 0x4000, &frame.to_bytes());
    stations[0].ring_qp(0, reg::DOORBELL_SEND, 1);
    assert_eq!(stations[0].poll().len(), 1);
    assert_eq!(stations[0].state(0), State { generation: FIRST, ..ended });
    let told = CompletionEntry { qp: 0, ..event(status::CQ_OVERFLOW) };
    assert_eq!(stations[0].completions(), [told], "its event goes to its receive queue's queue");
    assert_eq!(queue.take(&mut stations[0]), []);
    assert_eq!(stations[0].read(reg::COUNT_CQ_OVERFLOWS), 1);

    // Started again, the queue takes entries again.
    let mut queue = Queue::start(&mut stations[0], 5, 2);
    stations = {
        let [mut first, mut second] = stations;
        first.start(&small);
        second.start(&context(1, PLAIN));
        [first, second]
    };
    stations[0].post(&write_request(8, 0, 0));
    run(&mut stations);
    let done = CompletionEntry { generation: generation + 1, ..done(0) };
    assert_eq!(queue.take(&mut stations[0]), [done]);
}

/// The message that finds no room is the last of its segment that is placed.
#[test]
fn nothing_is_placed_behind_an_overflow() {
    let mut station = Station::new(0);
    let mut queue = Queue::start(&mut station, 5, 1);
    station.start(&QueuePairContext { receive_cq: 5, ..context(0, PLAIN) });
    let mut peer = Peer::new(PLAIN);
    let mut octets = Vec::new();
    for i in 0..4 {
        station.post_receive(QP, &buffer(10, 10 * i));
        octets.extend(peer.fpdu(&untagged(1 + i as u32, 0, true, &[b'a' + i as u8; 10])));
    }
    let segment = peer.data(&octets);
    peer.emit(&mut station, &segment);
    assert_eq!(station.octets(SINK, 40), [&[b'a'; 10][..], &[b'b'; 10], &[0; 20]].concat());
    let received = CompletionEntry { length: 10, ..entry(kind::RECEIVE, 0) };
    let overflow = entry(kind::OVERFLOW, status::CQ_OVERFLOW);
    assert_eq!(queue.take(&mut station), [received, overflow]);
    assert_eq!((station.state(QP).status, station.completions()), (status::CQ_OVERFLOW, vec![]));
}

/// The queue pair has ended for a reason of its own; that its event is lost does not change it.
#[test]
fn an_event_that_finds_no_room_leaves_the_reason() {
    let mut station = Station::new(0);
    let mut queue = Queue::start(&mut station, 5, 0);
    station.start(&QueuePairContext { receive_cq: 5, ..context(0, PLAIN) });
    Peer::new(PLAIN).send(&mut station, &tagged(0, 0, b"x"));
    assert_eq!(queue.take(&mut station), [entry(kind::OVERFLOW, status::CQ_OVERFLOW)]);
    assert_eq!(station.state(QP).status, status::DDP_STAG);
    assert_eq!(station.read(reg::COUNT_CQ_OVERFLOWS), 1);
}

/// An entry that overflows a queue raises its interrupt as any other does.
#[test]
fn an_overflow_interrupts_who_waits() {
    let mut station = Station::new(0);
    Queue::start(&mut station, 5, 0);
    station.start(&QueuePairContext { receive_cq: 5, ..context(0, PLAIN) });
    station.ring_cq(5, reg::DOORBELL_ARM, 0);
    assert_eq!(station.memory.interrupts, []);
    Peer::new(PLAIN).send(&mut station, &tagged(0, 0, b"x"));
    assert_eq!(station.memory.interrupts, [0xabc]);
}

/// A stopped completion queue loses what comes, and ends nobody.
#[test]
fn a_stopped_completion_queue_is_no_full_one() {
    let mut stations = connected(PLAIN);
    stations[0].write(reg::CQ_CONTROL, CQ);
    stations[0].post(&write_request(8, 0, 0));
    run(&mut stations);
    assert_eq!((stations[0].completions(), stations[0].is_active()), (vec![], true));
    assert_eq!(stations[0].read(reg::COUNT_CQ_OVERFLOWS), 0);
}

/// No entry of a life follows its event: neither what is acknowledged later nor what arrives.
#[test]
fn nothing_follows_an_event() {
    let mut station = Station::new(0);
    let mut others = Queue::start(&mut station, 5, 3);
    station.start(&QueuePairContext { send_cq: 5, ..context(0, PLAIN) });
    let mut peer = Peer::new(PLAIN);
    station.post_receive(QP, &buffer(10, 0));
    station.post(&write_request(8, 0, 0));
    assert_eq!(station.poll().len(), 1);
    peer.send(&mut station, &tagged(0, 0, b"x"));
    assert_eq!(station.completions(), [event(status::DDP_STAG)]);
    peer.acknowledged = peer.acknowledged.wrapping_add(28);
    peer.send(&mut station, &untagged(1, 0, true, b"late"));
    station.post(&write_request(8, 0, 0));
    station.poll();
    assert_eq!((station.completions(), others.take(&mut station)), (vec![], vec![]));
    // The numbers go on, for who reads them out before the stop.
    station.write(reg::QUERY_QP, QP);
    let (una, next) = (reg::QUERY_SEND_UNACKNOWLEDGED, reg::QUERY_SEND_NEXT);
    assert_eq!(station.read(una), station.read(next));
}

/// A connection follows its neighbour to another address, and a start does not take it back.
#[test]
fn frames_go_to_the_next_hop_of_the_moment() {
    let (mut station, mut peer) = pair(PLAIN);
    let own = context(0, PLAIN).remote_mac.to_be_bytes()[2..].to_vec();
    let mut sent = |station: &mut Station, ulpdu: &[u8]| {
        peer.send(station, ulpdu);
        station.post(&write_request(8, 0, 0));
        station.post(&write_request(8, 0, 0));
        let frames = station.poll();
        assert_eq!(frames.len(), 2);
        frames.iter().map(|frame| frame[..6].to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(sent(&mut station, &tagged(SINK_STAG, 0, b"a")), [own.clone(), own.clone()]);
    let hop = NextHopContext { remote_mac: 0x0212_3456_789a };
    station.commit(table::NEXT_HOP, QP, &hop.to_words());
    let other = vec![0x02, 0x12, 0x34, 0x56, 0x78, 0x9a];
    assert_eq!(sent(&mut station, &tagged(SINK_STAG, 0, b"b")), [other.clone(), other.clone()]);
    // The acknowledgements go there as well.
    station.write(reg::QP_CONTROL, QP | ENABLE);
    Peer::new(PLAIN).send(&mut station, &tagged(SINK_STAG, 0, b"c"));
    assert_eq!(station.poll()[0][..6], other[..], "after a start, too");
    // The whole context has one of its own.
    station.start(&context(0, PLAIN));
    Peer::new(PLAIN).send(&mut station, &tagged(SINK_STAG, 0, b"d"));
    assert_eq!(station.poll()[0][..6], own[..]);
    assert_eq!(station.read(reg::COUNT_REFUSED), 0);
}

/// However small the host's MULPDU, the device makes no ULPDUs smaller than 128 octets.
//= rfc5044#3
//= type=test
#[test]
fn no_mulpdu_below_128_is_obeyed() {
    for mulpdu in [0, 1, 24, 127, 128] {
        let (mut station, _) = pair(Wish { mulpdu, ..PLAIN });
        station.post(&send_request(40, 0));
        station.post(&send_request(200, 0));
        let lengths: Vec<_> = station.poll().iter().map(|f| read(f).payload.len()).collect();
        assert_eq!(lengths, [64, 136, 116], "MULPDU {mulpdu}");
    }
}

/// The sizes of a device with small rings on chip are its own.
#[test]
fn frames_and_fpdus_are_as_large_as_the_configuration_says() {
    let board = || Station::with(0, Options { configuration: BOARD, ..Options::default() });
    let mut station = board();
    let longest = BOARD.frame_bytes_max();
    let octets = vec![0xff; longest + 1];
    station.receive(&octets);
    assert_eq!(station.read(reg::COUNT_FRAMES_BAD), 1);
    station.receive(&octets[..longest]);
    assert_eq!(
        (station.read(reg::COUNT_FRAMES_BAD), station.read(reg::COUNT_RAW_NO_BUFFER)),
        (1, 1)
    );
    station.start_pair(0, &context(0, PLAIN));
    for length in [longest, longest + 1] {
        let request = SendRequest { opcode: opcode::RAW_FRAME, ..send_request(length as u32, 0) };
        station.post_bytes(0, &request.to_bytes());
    }
    assert_eq!(station.poll().len(), 1);
    assert_eq!(station.state(0).status, status::RAW_LENGTH);

    // The largest FPDU, and one larger.
    for (larger, expected) in [(0, 0), (4, status::MPA_LENGTH)] {
        let mut station = board();
        station.start(&context(0, PLAIN));
        let ulpdu = BOARD.fpdu_bytes_max() - 6 + larger;
        Peer::new(PLAIN).send(&mut station, &tagged(SINK_STAG, 0, &vec![7; ulpdu - 14]));
        assert_eq!((station.state(QP).status, station.completions().len()), (expected, larger / 4));
    }
    // A segment is no longer than the largest frame.
    let mut station = board();
    station.start(&context(0, Wish { mulpdu: 9000, ..PLAIN }));
    station.post(&write_request(10_000, 0, 0));
    let lengths: Vec<_> = station.poll().iter().map(Vec::len).collect();
    assert_eq!(lengths.iter().max(), Some(&(longest - 2)), "{lengths:?}");
}

/// Every register reads its documented value before anything is written, and what is in no field
/// reads as zero whatever is.
#[test]
fn registers_have_their_reset_values() {
    for (name, device) in ALL {
        let options = Options { configuration: *device, ..Options::default() };
        let model = Device::new(options);
        for register in reg::ALL {
            let value = model.bar_read32(register.address);
            match register.reset {
                Reset::Value(expected) => assert_eq!(value, expected, "{name} {}", register.name),
                Reset::Configuration => assert_ne!(value, 0, "{name} {}", register.name),
            }
        }
    }
}

/// Registers that are read back hold their fields and no more; the others do not care.
#[test]
fn registers_keep_to_their_access() {
    for register in reg::ALL {
        let mut station = Station::new(0);
        let before = station.read(*register);
        // Numbers that every device has.
        station.write(*register, 0xff00_0001);
        let mask = register
            .fields
            .iter()
            .fold(0, |mask, bits| mask | u32::MAX >> (31 - (bits.high - bits.low)) << bits.low);
        let expected = match register.access {
            Access::ReadOnly => before,
            Access::ReadWrite => 0xff00_0001 & mask,
            Access::WriteOnly => 0,
        };
        assert_eq!(station.read(*register), expected, "{}", register.name);
    }
}
