//! One model and a scripted TCP peer: acknowledgement, order, overlap, and how a stream ends.

mod common;

use common::peer::{read, tagged, untagged, Peer, Tcp};
use common::*;
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;
use ironwarp_wire::ddp;
use ironwarp_wire::tcp::{ACK, FIN, PSH, RST};
use proptest::prelude::*;

fn pair(wish: Wish) -> (Station, Peer) {
    let mut station = Station::new(0);
    station.start(&context(0, wish));
    (station, Peer::new(wish))
}

fn acknowledgement(peer: &Peer) -> Tcp {
    Tcp {
        sequence: context(0, PLAIN).send_next,
        acknowledged: peer.next,
        flags: ACK,
        window: (PLAIN.window >> PLAIN.shift) as u16,
        payload: Vec::new(),
    }
}

fn sent(station: &mut Station) -> Vec<Tcp> {
    station.poll().iter().map(|frame| read(frame)).collect()
}

fn event(status: u8, sequence: u32) -> CompletionEntry {
    let kind = kind::EVENT;
    CompletionEntry {
        qp: QP,
        generation: FIRST,
        kind,
        status,
        sequence,
        ..CompletionEntry::default()
    }
}

fn received(request: u16, length: u32) -> CompletionEntry {
    let kind = kind::RECEIVE;
    CompletionEntry {
        qp: QP,
        generation: FIRST,
        kind,
        request,
        length,
        ..CompletionEntry::default()
    }
}

/// RFC 5044 s. 4.4: the messages of figures 5 and 6 leave the device to the octet.
//= rfc5044#4.4
//= type=test
#[test]
fn the_figures_of_rfc_5044_leave_the_device() {
    let (mut station, _) = pair(Wish { markers: true, ..PLAIN });
    station.post(&send_request(24, 0));
    let figure_5 = b"\
        \x00\x00\x00\x00\x00\x2a\x41\x43\x00\x00\x00\x00\x00\x00\x00\x00\
        \x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
        \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
        \x52\x23\x99\x83";
    let frames = sent(&mut station);
    assert_eq!((frames.len(), &frames[0].payload[..]), (1, &figure_5[..]));
    assert_eq!(frames[0].flags, PSH | ACK);

    // An RDMA Write fills the stream up to offset 0x1ec, where figure 6 begins.
    station.post(&write_request(0x1ec - 52 - 2 - 14 - 4, 0, 0));
    station.post(&send_request(24, 0));
    let figure_6 = b"\
        \x00\x2a\x41\x43\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\
        \x00\x00\x00\x00\x00\x00\x00\x14\x00\x00\x00\x00\x00\x00\x00\x00\
        \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
        \x84\x92\x58\x98";
    let frames = sent(&mut station);
    assert_eq!((frames.len(), &frames[1].payload[..]), (2, &figure_6[..]));
}

//= rfc5041#5.2
//= type=test
#[test]
fn the_segmentation_of_rfc_5041_leaves_the_device() {
    let (mut station, _) = pair(Wish { mulpdu: 1500, ..PLAIN });
    station.post(&write_request(2048, 0, 16384));
    station.post(&send_request(2048, 0));
    let lengths: Vec<_> = sent(&mut station)
        .iter()
        .map(|segment| {
            let ulpdu = &segment.payload[2..];
            let length = usize::from(u16::from_be_bytes([segment.payload[0], segment.payload[1]]));
            let segment = ddp::Segment::new(&ulpdu[..length]).unwrap();
            let offset = match segment {
                ddp::Segment::Tagged(tagged) => tagged.offset(),
                ddp::Segment::Untagged(untagged) => untagged.offset().into(),
            };
            (offset, segment.payload().len(), segment.is_last())
        })
        .collect();
    assert_eq!(
        lengths,
        [(16384, 1486, false), (17870, 562, true), (0, 1482, false), (1482, 566, true)]
    );
}

//= rfc9293#3.10.7.4
//= type=test
#[test]
fn what_is_accepted_old_or_after_a_gap_is_acknowledged() {
    let (mut station, mut peer) = pair(PLAIN);
    let first = peer.fpdu(&tagged(SINK_STAG, 0, b"first"));
    let second = peer.fpdu(&tagged(SINK_STAG, 5, b"second"));
    let first = peer.data(&first);
    let after_first = acknowledgement(&peer);
    let second = peer.data(&second);
    let before = Tcp { acknowledged: first.sequence, ..after_first.clone() };

    peer.emit(&mut station, &second);
    assert_eq!(sent(&mut station), [before], "a gap");
    peer.emit(&mut station, &first);
    assert_eq!(sent(&mut station), std::slice::from_ref(&after_first));
    peer.emit(&mut station, &first);
    assert_eq!(sent(&mut station), [after_first], "old");
    peer.emit(&mut station, &second);
    assert_eq!(sent(&mut station), [acknowledgement(&peer)]);
    assert_eq!(station.octets(SINK, 11), b"firstsecond");
    assert_eq!(station.read(reg::COUNT_SEGMENTS_OUT_OF_ORDER), 2);
    assert_eq!(station.read(reg::COUNT_SEGMENTS_ACCEPTED), 2);

    peer.emit(&mut station, &peer.plain());
    assert_eq!(sent(&mut station), [], "an acknowledgement is not acknowledged");
    peer.emit(&mut station, &Tcp { sequence: peer.next.wrapping_sub(1), ..peer.plain() });
    assert_eq!(sent(&mut station), [acknowledgement(&peer)], "a keep-alive is");
}

#[test]
fn every_segment_has_its_acknowledgement_even_without_a_poll() {
    let (mut station, mut peer) = pair(PLAIN);
    let mut expected = Vec::new();
    for i in 0..4 {
        peer.send(&mut station, &tagged(SINK_STAG, i, b"x"));
        expected.push(acknowledgement(&peer));
    }
    assert_eq!(sent(&mut station), expected);
    station.post(&write_request(8, 0, 0));
    peer.send(&mut station, &tagged(SINK_STAG, 0, b"x"));
    let frames = sent(&mut station);
    assert_eq!((frames.len(), frames[0].acknowledged), (1, peer.next), "data acknowledges too");
}

#[test]
fn the_window_shrinks_by_what_waits_and_its_edge_stays() {
    let (mut station, mut peer) = pair(Wish { window: 5000, shift: 0, ..PLAIN });
    let start = peer.next;
    let fpdu = peer.fpdu(&tagged(SINK_STAG, 0, &[7; 1400]));
    for part in [&fpdu[..1], &fpdu[1..1000]] {
        let segment = peer.data(part);
        peer.emit(&mut station, &segment);
        let answer = &sent(&mut station)[0];
        assert_eq!(answer.acknowledged.wrapping_add(answer.window.into()), start + 5000);
    }
    let segment = peer.data(&fpdu[1000..]);
    peer.emit(&mut station, &segment);
    let answer = &sent(&mut station)[0];
    assert_eq!((answer.acknowledged, answer.window), (start + fpdu.len() as u32, 5000));
}

#[test]
fn acknowledgements_of_nothing_sent_and_old_windows_are_ignored() {
    let (mut station, mut peer) = pair(PLAIN);
    station.write(reg::QUERY_QP, QP);
    let una = station.read(reg::QUERY_SEND_UNACKNOWLEDGED);
    let ahead = Tcp { acknowledged: una.wrapping_add(1), window: 1, ..peer.plain() };
    peer.emit(&mut station, &ahead);
    assert_eq!(sent(&mut station), [acknowledgement(&peer)], "it is answered");
    let octets = Tcp { payload: vec![0; 8], ..ahead };
    peer.emit(&mut station, &octets);
    assert_eq!(sent(&mut station), [acknowledgement(&peer)], "and its octets are dropped");
    assert_eq!(station.read(reg::QUERY_SEND_UNACKNOWLEDGED), una);
    assert_eq!(station.read(reg::QUERY_SEND_WINDOW), PLAIN.window);

    let old = Tcp { window: 5, ..peer.plain() };
    peer.send(&mut station, &tagged(SINK_STAG, 0, b"x"));
    peer.emit(&mut station, &Tcp { window: 10, ..peer.plain() });
    peer.emit(&mut station, &old);
    assert_eq!(station.read(reg::QUERY_SEND_WINDOW), 10 << PLAIN.shift);
    assert_eq!(sent(&mut station).len(), 2);
    let plain = peer.plain();
    let antipode = Tcp { sequence: plain.sequence.wrapping_add(1 << 31), window: 7, ..plain };
    peer.emit(&mut station, &antipode);
    assert_eq!(station.read(reg::QUERY_SEND_WINDOW), 10 << PLAIN.shift);
    assert_eq!(sent(&mut station).len(), 1, "it is answered, as it is outside the window");
    station.post(&write_request(0, 0, 0));
    assert_eq!(sent(&mut station).len(), 1);
    peer.emit(&mut station, &Tcp { acknowledged: una.wrapping_add(20), ..old });
    assert_eq!(station.read(reg::QUERY_SEND_WINDOW), 5 << PLAIN.shift, "it acknowledges");
    assert_eq!(station.completions().len(), 1);
}

#[test]
fn a_fin_between_two_fpdus_closes_in_order() {
    for (extra, status) in [(0, status::PEER_CLOSED), (3, status::PEER_CLOSED_EARLY)] {
        for own_segment in [false, true] {
            let (mut station, mut peer) = pair(PLAIN);
            station.post_receive(QP, &buffer(100, 0));
            let mut octets = peer.fpdu(&untagged(1, 0, true, b"last words"));
            octets.extend(&vec![0; extra]);
            let mut segment = peer.data(&octets);
            if own_segment {
                peer.emit(&mut station, &segment);
                segment = peer.plain();
            }
            segment.flags |= FIN;
            peer.emit(&mut station, &segment);
            let expected = [received(0, 10), event(status, peer.next)];
            assert_eq!(station.completions(), expected, "{extra} {own_segment}");
            assert!(!station.is_active());
            assert_eq!(
                sent(&mut station),
                [acknowledgement(&peer)]
                    .map(|ack| Tcp { window: ack.window - if extra == 0 { 0 } else { 1 }, ..ack })
            );
            peer.emit(&mut station, &segment);
            assert_eq!((sent(&mut station), station.completions()), (vec![], vec![]));
        }
    }
}

#[test]
fn a_fin_after_a_gap_waits() {
    let (mut station, peer) = pair(PLAIN);
    let segment = Tcp { sequence: peer.next + 1, flags: FIN | ACK, ..peer.plain() };
    peer.emit(&mut station, &segment);
    assert_eq!(sent(&mut station), [acknowledgement(&peer)]);
    assert_eq!(station.completions(), []);
    // What was sent before and is acknowledged only now counts, but completes nothing.
    station.post(&write_request(0, 0, 0));
    assert_eq!(sent(&mut station).len(), 1);
    peer.emit(&mut station, &Tcp { sequence: peer.next, ..segment });
    assert_eq!(station.completions(), [event(status::PEER_CLOSED, peer.next)]);
    station.write(reg::QUERY_QP, QP);
    let next = station.read(reg::QUERY_SEND_NEXT);
    peer.emit(&mut station, &Tcp { acknowledged: next, ..peer.plain() });
    assert_eq!(station.read(reg::QUERY_SEND_UNACKNOWLEDGED), next);
    assert_eq!(station.completions(), []);
}

//= rfc9293#3.10.7.4
//= type=test
#[test]
fn only_a_reset_at_the_next_octet_counts() {
    let (mut station, peer) = pair(PLAIN);
    let reset = |sequence| Tcp { sequence, flags: RST, ..peer.plain() };
    peer.emit(&mut station, &reset(peer.next - 1));
    assert_eq!(sent(&mut station), []);
    peer.emit(&mut station, &reset(peer.next + 1));
    assert_eq!(sent(&mut station), [acknowledgement(&peer)], "a challenge");
    peer.emit(&mut station, &reset(peer.next + PLAIN.window));
    assert_eq!((sent(&mut station), station.completions()), (vec![], vec![]));
    peer.emit(&mut station, &reset(peer.next));
    assert_eq!(station.completions(), [event(status::PEER_RESET, peer.next)]);
    assert!(!station.is_active());
}

#[test]
fn a_segment_without_ack_is_nothing() {
    let (mut station, mut peer) = pair(PLAIN);
    let fpdu = peer.fpdu(&tagged(SINK_STAG, 0, b"first"));
    let segment = peer.data(&fpdu);
    peer.emit(&mut station, &Tcp { flags: PSH, ..segment });
    assert_eq!(sent(&mut station), []);
    assert_eq!(station.read(reg::COUNT_SEGMENTS_ACCEPTED), 0);
}

#[test]
fn a_stopped_queue_pair_takes_nothing_and_starts_afresh() {
    let (mut station, mut peer) = pair(PLAIN);
    peer.send(&mut station, &tagged(SINK_STAG, 0, b"first"));
    assert_eq!(sent(&mut station).len(), 1);
    station.write(reg::QP_CONTROL, QP);
    let expected = peer.next;
    peer.send(&mut station, &tagged(SINK_STAG, 0, b"other"));
    station.post(&write_request(8, 0, 0));
    assert_eq!((sent(&mut station), station.octets(SINK, 5)), (vec![], b"first".to_vec()));
    station.write(reg::QUERY_QP, QP);
    assert_eq!(station.read(reg::QUERY_RECEIVE_NEXT), expected);
    station.start(&context(0, PLAIN));
    assert_eq!(station.read(reg::QUERY_RECEIVE_NEXT), context(0, PLAIN).receive_next);
    assert_eq!(sent(&mut station), [], "nothing is posted since the start");
    Peer::new(PLAIN).send(&mut station, &tagged(SINK_STAG, 0, b"again"));
    assert_eq!(station.octets(SINK, 5), b"again");
}

proptest! {
    /// The stream may be cut anywhere, and pieces may come again with what was there before.
    #[test]
    fn any_cut_and_any_left_overlap_will_do(
        cuts in prop::collection::vec((1usize..1400, 0usize..1400), 1..40),
        markers: bool, crc: bool, lengths in prop::collection::vec(0usize..2000, 1..6),
    ) {
        let wish = Wish { markers, crc, ..PLAIN };
        let (mut station, mut peer) = pair(wish);
        let mut octets = Vec::new();
        for (i, length) in lengths.iter().enumerate() {
            station.post_receive(QP, &buffer(2000, 2000 * i as u64));
            octets.extend(peer.fpdu(&untagged(1 + i as u32, 0, true, &pattern(*length, i as u8))));
        }
        let (start, mut done, mut cuts) = (peer.next, 0, cuts.into_iter().cycle());
        while done < octets.len() {
            let (forward, back) = cuts.next().unwrap();
            let (from, to) = (done.saturating_sub(back), (done + forward).min(octets.len()));
            let sequence = start.wrapping_add(from as u32);
            let payload = octets[from..to].to_vec();
            peer.emit(&mut station, &Tcp { sequence, payload, ..peer.plain() });
            done = to;
            let answers = sent(&mut station);
            prop_assert_eq!(answers.len(), 1);
            prop_assert_eq!(answers[0].acknowledged, start.wrapping_add(done as u32));
        }
        let entries = station.completions();
        prop_assert_eq!(entries.len(), lengths.len());
        for (i, (entry, length)) in entries.iter().zip(&lengths).enumerate() {
            prop_assert_eq!(*entry, received(i as u16, *length as u32));
            let placed = station.octets(SINK + 2000 * i as u64, *length);
            prop_assert_eq!(placed, pattern(*length, i as u8));
        }
    }
}
