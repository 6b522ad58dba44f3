//! Programmes in which something is left to chance, as short as they can be: the runner keeps them
//! from racing, or says that they did, and never that the devices differ.

use super::batch::Race;
use super::event::{Ack, At, Compose, Event, Place, Segment, Ulpdu, Work};
use super::layout::DATA;
use super::programme::Programme;
use super::regions::PD;
use super::run::{run, Outcome, Records};
use super::side::{quick_bus, rnic};
use ironwarp_abi::configuration::REFERENCE;
use ironwarp_abi::context::{MemoryRegionContext, QueuePairContext};
use ironwarp_abi::queue::opcode;

const QP: u32 = 1;
const CQ: u32 = 2;
const VECTOR: u8 = 3;
/// A region with all rights, and one that is not there.
const REGION: u32 = 5;
const NO_REGION: u32 = 7;

const WHOLE: Segment = Segment {
    skip: 0,
    length: 1448,
    ack: Ack::Same,
    window: 0xffff,
    flags: 0,
    options: 0,
    spoil: None,
};

/// Runs the events after a prelude: a queue pair with one receive work request.
fn outcome(context: QueuePairContext, events: &[Event]) -> Outcome {
    let region = MemoryRegionContext {
        length: 4096,
        bus_address: DATA.start,
        pd: PD,
        local_read: true,
        local_write: true,
        remote_read: true,
        remote_write: true,
        valid: true,
        ..MemoryRegionContext::default()
    };
    let prelude = [
        Event::StartCq(CQ, 4, VECTOR),
        Event::Register(REGION, region),
        Event::Start(QP, Box::new(context)),
        Event::Flow(QP, true),
        Event::Receive(QP, work(0, REGION)),
    ];
    let events = [&prelude, events].concat();
    run(
        &Programme { seed: 1, flow_key: [0; 3], bus: quick_bus(), events },
        &rnic,
        &Records::default(),
    )
}

fn context() -> QueuePairContext {
    QueuePairContext {
        crc: true,
        pd: PD,
        mulpdu: 1400,
        send_cq: CQ,
        receive_cq: CQ,
        send_queue_log2: 4,
        receive_queue_log2: 4,
        send_next: 1000,
        send_window: 0xffff,
        receive_next: 2000,
        receive_window: REFERENCE.receive_window_max(),
        ..QueuePairContext::default()
    }
}

fn place(region: u32) -> Place {
    Place { region, at: At::Start(0), key: 0 }
}

fn work(opcode: u8, region: u32) -> Work {
    let local = place(region);
    Work { opcode, signaled: true, length: 100, local, remote: (0, 0), flip: None, bell: true }
}

fn compose(ulpdu: Ulpdu) -> Event {
    let (header, damage) = (None, None);
    Event::Compose(QP, Compose { ulpdu, last: true, length: 50, fill: 9, header, damage })
}

fn race(outcome: &Outcome) -> Option<Race> {
    outcome.raced.map(|(_, race)| race)
}

fn agreed(outcome: &Outcome) {
    assert_eq!(outcome.difference, None);
}

/// The mask comes right behind what raises the interrupt; it is raised before.
#[test]
fn a_mask_waits_for_the_interrupt() {
    let events = [
        compose(Ulpdu::Send(false)),
        Event::Segment(QP, WHOLE),
        Event::Arm(CQ),
        Event::Mask(VECTOR, true),
        Event::Mask(VECTOR, false),
    ];
    let outcome = outcome(context(), &events);
    agreed(&outcome);
    assert_eq!(outcome.raced, None);
    assert_eq!(outcome.moved.1, 1);
}

/// The first FPDU lets a bad Send go, and the last one is bad itself: either may be told, and what
/// lies between may have been received or not. It is a race, unless both tell the same.
#[test]
fn two_ends_at_a_time_are_no_difference() {
    let waits = QueuePairContext { await_first_fpdu: true, ..context() };
    let events = [
        Event::Send(QP, work(opcode::SEND, NO_REGION)),
        compose(Ulpdu::Write(place(REGION))),
        compose(Ulpdu::Send(false)),
        compose(Ulpdu::Write(place(NO_REGION))),
        Event::Segment(QP, WHOLE),
    ];
    let outcome = outcome(waits, &events);
    agreed(&outcome);
    assert!(matches!(race(&outcome), None | Some(Race::Ended)), "{outcome:?}");
}

/// The first FPDU lets a bad Send go: what comes with it may have been taken or not.
#[test]
fn what_the_first_fpdu_lets_go_is_a_race() {
    let waits = QueuePairContext { await_first_fpdu: true, ..context() };
    let events = [
        Event::Send(QP, work(opcode::SEND, NO_REGION)),
        compose(Ulpdu::Send(false)),
        Event::Segment(QP, WHOLE),
    ];
    let outcome = outcome(waits, &events);
    agreed(&outcome);
    assert_eq!(race(&outcome), Some(Race::LetGo));
}

/// A bad response waits for the window, which comes by itself and not with a Send.
#[test]
fn what_a_window_lets_go_is_none() {
    let closed = QueuePairContext { read_in: 4, send_window: 0, ..context() };
    let events = [
        compose(Ulpdu::Read(place(NO_REGION))),
        Event::Segment(QP, WHOLE),
        Event::Rest,
        compose(Ulpdu::Send(false)),
        Event::Segment(QP, WHOLE),
    ];
    let outcome = outcome(closed, &events);
    agreed(&outcome);
    assert_eq!((outcome.raced, outcome.moved.1), (None, 1), "the end, and no Send");
}

/// A window that is too old to count does not open when a Read Request comes.
#[test]
fn a_read_request_brings_no_window() {
    let closed = QueuePairContext { read_in: 4, send_window: 0, ..context() };
    let events = [
        // Behind a gap: what it says of the window is newer than all that follows.
        Event::Segment(QP, Segment { skip: 900, window: 0, ..WHOLE }),
        Event::Rest,
        compose(Ulpdu::Read(place(NO_REGION))),
        Event::Segment(QP, WHOLE),
        Event::Rest,
        compose(Ulpdu::Send(false)),
        compose(Ulpdu::Read(place(REGION))),
        Event::Segment(QP, WHOLE),
    ];
    let outcome = outcome(closed, &events);
    agreed(&outcome);
    assert_eq!((outcome.raced, outcome.moved.1), (None, 1));
}
