//! The framer and the deframer: any ULPDUs, any cuts, any place in the stream, and every error.

use ironwarp_wire::mpa::stream::{
    DeframeError, Deframer, Framer, Framing, Misaligned, UlpduTooLong,
};
use ironwarp_wire::mpa::{crc, fpdu, marker, Error};
use proptest::prelude::*;

const MARKED: Framing = Framing { markers: true, crc: true };
const PLAIN: Framing = Framing { markers: false, crc: true };

fn framing() -> impl Strategy<Value = Framing> {
    any::<(bool, bool)>().prop_map(|(markers, crc)| Framing { markers, crc })
}

/// Mostly short ULPDUs, some that hold several markers.
fn ulpdus() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let length = prop_oneof![0..64usize, 400..600usize, 0..3000usize];
    let ulpdu = (length, any::<u8>()).prop_map(|(length, first)| {
        (0..length).map(|at| first.wrapping_add(at as u8)).collect::<Vec<_>>()
    });
    prop::collection::vec(ulpdu, 0..12)
}

fn frame_all(framing: Framing, start: u64, ulpdus: &[Vec<u8>]) -> Vec<u8> {
    let mut framer = Framer::at(framing, start).unwrap();
    let mut stream = Vec::new();
    for ulpdu in ulpdus {
        framer.frame(ulpdu, &mut stream).unwrap();
    }
    assert_eq!(framer.offset(), start + stream.len() as u64);
    stream
}

/// Everything that is ready, and the error that ended it if one did.
fn drain(deframer: &mut Deframer) -> (Vec<Vec<u8>>, Option<DeframeError>) {
    let mut ulpdus = Vec::new();
    loop {
        match deframer.next_ulpdu() {
            Ok(Some(ulpdu)) => ulpdus.push(ulpdu),
            Ok(None) => return (ulpdus, None),
            Err(error) => return (ulpdus, Some(error)),
        }
    }
}

/// Gives the CRC of the one FPDU in `stream` its right value again.
fn mend_crc(stream: &mut [u8]) {
    let covered = stream.len() - fpdu::CRC_BYTES;
    let crc = crc::of(&stream[..covered]);
    stream[covered..].copy_from_slice(&crc.to_le_bytes());
}

proptest! {
    //= rfc5044#6
    //= type=test
    #[test]
    fn a_stream_cut_anywhere_gives_its_ulpdus_back(
        framing in framing(),
        start in (0..1u64 << 40).prop_map(|start| start * 4),
        ulpdus in ulpdus(),
        cuts in prop::collection::vec(1..1500usize, 1..20),
    ) {
        let stream = frame_all(framing, start, &ulpdus);
        let mut deframer = Deframer::at(framing, start).unwrap();
        let mut found = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.into_iter().cycle() {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            deframer.push(now);
            let (more, error) = drain(&mut deframer);
            prop_assert_eq!(error, None);
            found.extend(more);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(found, ulpdus);
        prop_assert_eq!(deframer.finish(), Ok(()));
        prop_assert_eq!(deframer.offset(), start + stream.len() as u64);
    }

    /// Markers are where they belong, and an FPDU has as many as `marker::count` says.
    //= rfc5044#4.3
    //= type=test
    #[test]
    fn markers_are_every_512_octets(
        start in (0..1024u64).prop_map(|start| start * 4),
        length in 0..9000usize,
    ) {
        let stream = frame_all(MARKED, start, &[vec![0xff; length]]);
        let plain = fpdu::fpdu_bytes(length);
        prop_assert_eq!(stream.len(), plain + 4 * marker::count(start, plain));
        let before = if marker::is_at(start) { 4 } else { 0 };
        for at in (0..stream.len()).filter(|at| marker::is_at(start + *at as u64)) {
            let pointer = at.saturating_sub(before) as u16;
            prop_assert_eq!(&stream[at..at + 2], [0, 0]);
            prop_assert_eq!(&stream[at + 2..at + 4], pointer.to_be_bytes());
        }
    }
}

/// All split points of a header and a trailer, and one octet at a time.
#[test]
fn two_fpdus_split_at_every_octet() {
    for framing in [PLAIN, MARKED] {
        let ulpdus = [vec![1; 41], vec![2; 499]];
        let stream = frame_all(framing, 0, &ulpdus);
        for cut in 0..=stream.len() {
            let mut deframer = Deframer::new(framing);
            deframer.push(&stream[..cut]);
            let (mut found, _) = drain(&mut deframer);
            deframer.push(&stream[cut..]);
            found.extend(drain(&mut deframer).0);
            assert_eq!(found, ulpdus, "cut at {cut}");
        }
        let mut deframer = Deframer::new(framing);
        let mut found = Vec::new();
        for octet in &stream {
            deframer.push(&[*octet]);
            found.extend(drain(&mut deframer).0);
        }
        assert_eq!(found, ulpdus);
    }
}

/// A marker between pad and CRC is this FPDU's; one behind the CRC is the next one's.
//= rfc5044#4.4
//= type=test
#[test]
fn a_marker_at_the_edge_of_an_fpdu() {
    let inside = frame_all(MARKED, 512 - 44, &[vec![7; 42]]);
    assert_eq!(inside[44..48], [0, 0, 0, 44]);
    assert_eq!(inside.len(), 52);
    let behind = frame_all(MARKED, 512 - 48, &[vec![7; 42], vec![8; 42]]);
    assert_eq!(behind[48..52], [0; 4]);
    assert_eq!(behind[44..48], crc::of(&behind[..44]).to_le_bytes());
    assert_eq!(behind[96..], crc::of(&behind[48..96]).to_le_bytes());
}

//= rfc5044#4.4
//= type=test
#[test]
fn every_flipped_bit_is_a_crc_error_or_a_wait() {
    let good = frame_all(MARKED, 0, &[vec![0x5a; 54]]);
    for bit in 0..good.len() * 8 {
        let mut stream = good.clone();
        stream[bit / 8] ^= 1 << (bit % 8);
        let in_length = (32..48).contains(&bit);
        let mut deframer = Deframer::new(MARKED);
        deframer.push(&stream);
        let (found, error) = drain(&mut deframer);
        assert_eq!(found.len(), 0, "bit {bit}");
        let code = error.map(|error| error.code());
        assert!(code == Some(Error::Crc) || (in_length && code.is_none()), "bit {bit}: {code:?}");
    }
}

//= rfc5044#8
//= type=test
#[test]
fn nothing_follows_an_error() {
    let mut stream = frame_all(PLAIN, 0, &[vec![1; 20], vec![2; 20], vec![3; 20]]);
    let bytes = fpdu::fpdu_bytes(20);
    stream[bytes + 5] ^= 1;
    let mut deframer = Deframer::new(PLAIN);
    deframer.push(&stream);
    let (found, error) = drain(&mut deframer);
    assert_eq!(found, [vec![1; 20]]);
    let Some(DeframeError::Crc { offset, .. }) = error else { panic!("{error:?}") };
    assert_eq!(offset, bytes as u64);
    deframer.push(&frame_all(PLAIN, 0, &[vec![4; 20]]));
    assert_eq!(drain(&mut deframer), (vec![], error));
    assert_eq!(deframer.finish().err(), error);
}

//= rfc5044#4.1
//= type=test
#[test]
fn without_crcs_the_field_is_not_checked_and_the_pad_is_ignored() {
    let framing = Framing { markers: false, crc: false };
    let mut stream = frame_all(framing, 0, &[vec![1; 21]]);
    assert_eq!(stream[stream.len() - 4..], [0; 4]);
    let covered = stream.len() - 4;
    stream[covered - 1..].fill(0xee);
    let mut deframer = Deframer::new(framing);
    deframer.push(&stream);
    assert_eq!(drain(&mut deframer), (vec![vec![1; 21]], None));
    // With a CRC that covers the other pad, the FPDU is good where CRCs are checked, too.
    mend_crc(&mut stream);
    let mut deframer = Deframer::new(PLAIN);
    deframer.push(&stream);
    assert_eq!(drain(&mut deframer), (vec![vec![1; 21]], None));
}

//= rfc5044#4.2
//= type=test
#[test]
fn a_marker_counts_without_its_low_and_reserved_bits() {
    let mut stream = frame_all(MARKED, 492, &[vec![1; 42]]);
    stream[20..24].copy_from_slice(&[0xff, 0xff, 0, 0x17]);
    mend_crc(&mut stream);
    let mut deframer = Deframer::at(MARKED, 492).unwrap();
    deframer.push(&stream);
    assert_eq!(drain(&mut deframer), (vec![vec![1; 42]], None));

    stream[23] = 0x18;
    mend_crc(&mut stream);
    let mut deframer = Deframer::at(MARKED, 492).unwrap();
    deframer.push(&stream);
    let wrong = DeframeError::Marker { offset: 512, pointer: 0x18, due: 0x14 };
    assert_eq!(drain(&mut deframer), (vec![], Some(wrong)));
    assert_eq!(wrong.code(), Error::Marker);
}

#[test]
fn a_stream_that_ends_inside_an_fpdu_is_lost() {
    let stream = frame_all(MARKED, 0, &[vec![1; 42]]);
    for held in 5..stream.len() {
        let mut deframer = Deframer::new(MARKED);
        deframer.push(&stream[..held]);
        assert_eq!(drain(&mut deframer), (vec![], None));
        let error = deframer.finish().unwrap_err();
        assert_eq!(
            (error, error.code()),
            (DeframeError::Cut { offset: 0, held }, Error::ConnectionLost)
        );
    }
}

/// A sender may put the marker between two FPDUs out before it has the second.
#[test]
fn a_stream_may_end_with_the_marker_between_fpdus() {
    let mut stream = frame_all(MARKED, 512 - 48, &[vec![1; 42]]);
    stream.extend([0; 4]);
    let mut deframer = Deframer::at(MARKED, 512 - 48).unwrap();
    deframer.push(&stream);
    assert_eq!(drain(&mut deframer), (vec![vec![1; 42]], None));
    assert_eq!(deframer.finish(), Ok(()));
    deframer.push(&[0]);
    assert!(deframer.finish().is_err());
}

#[test]
fn what_cannot_be_framed_is_refused() {
    let mut out = Vec::new();
    let mut framer = Framer::new(MARKED);
    assert_eq!(framer.frame(&vec![0; 64769], &mut out), Err(UlpduTooLong(64769)));
    assert_eq!((out.len(), framer.offset()), (0, 0));
    framer.frame(&vec![0; 64768], &mut out).unwrap();
    assert_eq!(Framer::at(MARKED, 2).unwrap_err(), Misaligned(2));
    assert_eq!(Deframer::at(PLAIN, 511).unwrap_err(), Misaligned(511));
}
