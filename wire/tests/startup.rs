//! The startup frames of RFC 5044 §7.1.1 and RFC 6581 §6 and §9, good and bad.

use ironwarp_wire::mpa::startup::{
    EmitError, Enhanced, Kind, Parsed, ReadyToReceive, Revision, StartupError, StartupRepr,
    FRAME_BYTES_MAX, REPLY_KEY, REQUEST_KEY,
};

/// The octets of a frame after its key.
fn stream(key: &[u8; 16], rest: &[u8]) -> Vec<u8> {
    [key, rest].concat()
}

fn whole(parsed: Result<Parsed<'_>, StartupError>) -> StartupRepr<'_> {
    match parsed {
        Ok(Parsed::Frame { frame, .. }) => frame,
        other => panic!("{other:?} is not a whole frame"),
    }
}

/// A peer-to-peer offer with IRD 5, a Read as ready-to-receive, ORD 7: `80 05 40 07`.
//= rfc6581#9
//= type=test
#[test]
fn the_enhanced_word_is_laid_out_as_the_figure() {
    let read = ReadyToReceive { read: true, ..Default::default() };
    let enhanced = Enhanced { peer_to_peer: Some(read), inbound_reads: 5, outbound_reads: 7 };
    let frame = StartupRepr {
        kind: Kind::Request,
        markers: false,
        crc: true,
        revision: Revision::Two(Some(enhanced)),
        private_data: b"hi",
    };
    let mut out = [0; FRAME_BYTES_MAX];
    let length = frame.emit(&mut out).unwrap();
    let rest = [0x50, 2, 0, 6, 0x80, 0x05, 0x40, 0x07, b'h', b'i'];
    assert_eq!(out[..length], stream(b"MPA ID Req Frame", &rest));
}

//= rfc6581#9.2
//= type=test
#[test]
fn without_a_the_other_flags_are_ignored() {
    let bytes = stream(REQUEST_KEY, &[0x10, 2, 0, 4, 0x40, 0x01, 0xc0, 0x02]);
    let Revision::Two(Some(enhanced)) = whole(StartupRepr::parse_request(&bytes)).revision else {
        panic!("the frame is enhanced");
    };
    let plain = Enhanced { peer_to_peer: None, inbound_reads: 1, outbound_reads: 2 };
    assert_eq!(enhanced, plain);
}

/// Every reserved bit, R in a Request, and S in revision one.
//= rfc5044#7.1.1
//= type=test
#[test]
fn reserved_bits_are_not_checked() {
    for flags in 0..0x40 {
        let bytes = stream(REQUEST_KEY, &[flags, 1, 0, 2, 0xab, 0xcd]);
        let frame = whole(StartupRepr::parse_request(&bytes));
        assert_eq!((frame.kind, frame.revision), (Kind::Request, Revision::One));
        assert_eq!((frame.markers, frame.crc), (false, false));
        assert_eq!(frame.private_data, [0xab, 0xcd]);
    }
}

//= rfc5044#7.1.1
//= type=test
#[test]
fn a_wrong_key_is_refused_at_once() {
    for at in 0..16 {
        let mut bytes = stream(REQUEST_KEY, &[]);
        bytes[at] ^= 0x20;
        assert_eq!(StartupRepr::parse_request(&bytes[..=at]), Err(StartupError::BadKey));
        let mut bytes = stream(REPLY_KEY, &[]);
        bytes[at] ^= 0x20;
        assert_eq!(StartupRepr::parse_reply(&bytes[..=at]), Err(StartupError::BadKey));
    }
}

//= rfc5044#7.1.2  Initiator/Initiator and Responder/Responder starts are detected.
//= type=test
#[test]
fn two_of_the_same_role_are_told_apart_from_strangers() {
    let same = Err(StartupError::SameRole);
    assert_eq!(StartupRepr::parse_request(REPLY_KEY), same);
    assert_eq!(StartupRepr::parse_reply(REQUEST_KEY), same);
    assert_eq!(StartupRepr::parse_reply(&REQUEST_KEY[..15]), Ok(Parsed::Incomplete { need: 5 }));
}

#[test]
fn malformed_frames_are_refused_before_their_data_comes() {
    let parse = |rest: &[u8]| {
        let bytes = stream(REPLY_KEY, rest);
        StartupRepr::parse_reply(&bytes).map(|parsed| matches!(parsed, Parsed::Frame { .. }))
    };
    for revision in [0, 3, 0x7f, 0xff] {
        assert_eq!(parse(&[0, revision]), Err(StartupError::BadRevision(revision)));
    }
    for length in [513u16, 0x7fff, 0xffff] {
        let [high, low] = length.to_be_bytes();
        assert_eq!(parse(&[0, 1, high, low]), Err(StartupError::PrivateDataTooLong(length)));
    }
    for length in 0..4u8 {
        let missing = Err(StartupError::EnhancedDataMissing(length.into()));
        assert_eq!(parse(&[0x10, 2, 0, length]), missing);
    }
    assert_eq!(parse(&[0x10, 2, 0, 4, 0, 0, 0]), Ok(false));
    assert_eq!(parse(&[0x10, 2, 0, 4, 0, 0, 0, 0]), Ok(true));
}

#[test]
fn what_does_not_fit_is_not_sent() {
    let mut out = [0; FRAME_BYTES_MAX];
    let data = [0; 513];
    let mut frame = StartupRepr {
        kind: Kind::Reply { rejected: true },
        markers: false,
        crc: false,
        revision: Revision::One,
        private_data: &data,
    };
    assert_eq!(frame.emit(&mut out), Err(EmitError::PrivateDataTooLong(513)));
    frame.private_data = &data[..512];
    assert_eq!(frame.emit(&mut out), Ok(FRAME_BYTES_MAX));
    assert_eq!(out[16..20], [0x20, 1, 2, 0]);

    let mut word = Enhanced { peer_to_peer: None, inbound_reads: 0x3fff, outbound_reads: 0 };
    frame.revision = Revision::Two(Some(word));
    frame.private_data = &data[..509];
    assert_eq!(frame.emit(&mut out), Err(EmitError::PrivateDataTooLong(509)));
    frame.private_data = &data[..508];
    assert_eq!(frame.emit(&mut out), Ok(FRAME_BYTES_MAX));
    word.outbound_reads = 0x4000;
    frame.revision = Revision::Two(Some(word));
    assert_eq!(frame.emit(&mut out), Err(EmitError::DepthTooLarge(0x4000)));
}
