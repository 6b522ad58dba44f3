//! Acknowledgements, one by one.
use crate::control::records::ContextWrite;
use crate::life::QpChange;
use crate::receive::records::Acknowledgement;
use crate::stream::bench::*;
use crate::transmit::ack_processor::AckProcessor;
use crate::transmit::records::SendNext;
use ironwarp_abi::context::{table, QueuePairContext};
use rust_hdl::prelude::*;

const FIRST: u32 = 1000;

/// A processor that knows the context of two queue pairs.
fn configured(context: &QueuePairContext) -> AckProcessor {
    let mut uut = AckProcessor::default();
    uut.connect_all();
    uut.free.next = true;
    for qp in [1, 3] {
        for (word, data) in context.to_words().iter().enumerate() {
            uut.context_write.next = ContextWrite {
                valid: true,
                table: u64::from(table::QUEUE_PAIR).to_bits(),
                index: qp.into(),
                word: (word as u64).to_bits(),
                data: u64::from(*data).to_bits(),
            };
            tick!(uut);
        }
    }
    uut.context_write.next = Default::default();
    uut
}

fn starts(qp: u64, generation: u64) -> QpChange {
    QpChange {
        valid: true,
        wipe: false,
        qp: qp.to_bits(),
        generation: generation.to_bits(),
        begins: true,
        started: true,
        active: true,
    }
}

fn change(uut: &mut AckProcessor, change: QpChange) {
    uut.change.next = change;
    tick!(*uut);
    uut.change.next = QpChange::default();
}

fn sent(uut: &mut AckProcessor, qp: u64, position: u64) {
    uut.sent.next = SendNext { valid: true, qp: qp.to_bits(), position: position.to_bits() };
    tick!(*uut);
    uut.sent.next = SendNext::default();
}

fn context() -> QueuePairContext {
    QueuePairContext {
        send_next: FIRST,
        send_window: 500,
        receive_next: u32::MAX - 9,
        ..Default::default()
    }
}

fn acknowledgement(qp: u64, sequence: u32, number: u64, window: u64) -> Acknowledgement {
    Acknowledgement {
        qp: qp.to_bits(),
        generation: 1.into(),
        sequence: u64::from(sequence).to_bits(),
        number: number.to_bits(),
        window: window.to_bits(),
        bare: true,
    }
}

/// Half of all sequence numbers.
const HALF: u32 = 1 << 31;

/// The window follows SND.WL1.
//= rfc9293#3.10.7.4
//= type=test
#[test]
fn an_old_segment_leaves_the_window_alone() {
    let mut uut = configured(&context());
    change(&mut uut, starts(3, 1));
    sent(&mut uut, 3, 300);
    // SEG.SEQ, SEG.ACK, SEG.WND; octets that are acknowledged and SND.WND after it, if told.
    let first = u32::MAX - 9;
    let cases = [
        (first - 1, 1000_u64, 1_u64, None),
        (first, 1000, 600, Some((0, 600))),
        (5, 1000, 700, Some((0, 700))),
        (4, 1000, 2, None),
        // Half the circle away in either sense: it may be old.
        (5 + HALF, 1000, 2, None),
        (5 + (HALF - 1), 1000, 710, Some((0, 710))),
        (5, 1000, 2, None),
        (4, 1100, 800, Some((100, 800))),
        (4, 1100, 900, Some((100, 900))),
        (3, 1100, 3, None),
        (9, 1099, 4, None),
        (9, 1301, 5, None),
        (6, 1300, 6, Some((300, 6))),
    ];
    for (sequence, number, window, expected) in cases {
        uut.acknowledgement.valid.next = true;
        uut.acknowledgement.beat.next = acknowledgement(3, sequence, number, window);
        tick!(uut);
        uut.acknowledgement.valid.next = false;
        let mut told = None;
        for _ in 0..5 {
            settle!(uut);
            let edge = uut.send_edge.val();
            if edge.valid {
                told = Some((edge.acknowledged.to_u64(), edge.window.to_u64()));
            }
            edge!(uut);
        }
        assert_eq!(told, expected, "SEG.SEQ {sequence} SEG.ACK {number} SEG.WND {window}");
    }
}

/// What is told of an acknowledgement of queue pair 1 when a change comes in the clock `at` after
/// its offer.
fn told_across(changed: QpChange, at: usize) -> Option<u64> {
    let mut uut = configured(&context());
    change(&mut uut, starts(1, 1));
    sent(&mut uut, 1, 300);
    uut.acknowledgement.valid.next = true;
    uut.acknowledgement.beat.next = acknowledgement(1, 7, 1300, 9);
    let mut told = None;
    for now in 0..20 {
        uut.change.next = if now == at { changed } else { QpChange::default() };
        settle!(uut);
        let edge = uut.send_edge.val();
        if edge.valid {
            assert_eq!(edge.qp.to_u64(), 1);
            told = Some(edge.acknowledged.to_u64());
        }
        let taken = uut.acknowledgement.valid.val() && uut.acknowledgement.ready.val();
        edge!(uut);
        uut.acknowledgement.valid.next = uut.acknowledgement.valid.val() && !taken;
    }
    told
}

/// The start of one queue pair takes nothing from another, whenever it comes.
#[test]
fn a_start_of_another_queue_pair_loses_no_acknowledgement() {
    for at in 0..12 {
        assert_eq!(told_across(starts(3, 1), at), Some(300), "{at} clocks after the offer");
    }
}

/// Of a life that is over nothing is told; of one that ended with an event the host may still ask.
#[test]
fn an_acknowledgement_counts_for_its_own_life() {
    let stop = QpChange { begins: false, started: false, active: false, ..starts(1, 1) };
    let end = QpChange { begins: false, active: false, ..starts(1, 1) };
    for at in 0..3 {
        assert_eq!(told_across(starts(1, 2), at), None, "{at} clocks after the offer");
        assert_eq!(told_across(stop, at), None, "{at} clocks after the offer");
    }
    for at in 0..12 {
        assert_eq!(told_across(end, at), Some(300), "{at} clocks after the offer");
    }
}

#[test]
fn emits_verilog() {
    crate::queue::elaborate("ack_processor", &mut AckProcessor::default());
}
