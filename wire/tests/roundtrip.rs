//! `parse(emit(x)) == x` for every header, and no octets make a parser panic.

use ironwarp_wire::ddp::{Segment, TaggedRepr, UntaggedRepr};
use ironwarp_wire::mpa::marker::MarkerRepr;
use ironwarp_wire::mpa::startup::{
    Enhanced, Kind, Parsed, ReadyToReceive, Revision, StartupRepr, DEPTH_MASK, FRAME_BYTES_MAX,
};
use ironwarp_wire::rdmap::read_request::ReadRequestRepr;
use ironwarp_wire::rdmap::terminate::{Code, DdpHeader, TerminateRepr, BYTES_MAX};
use ironwarp_wire::TooShort;
use proptest::option;
use proptest::prelude::*;

fn tagged() -> impl Strategy<Value = TaggedRepr> {
    any::<(bool, u8, u32, u64)>().prop_map(|(last, ulp_control, stag, offset)| TaggedRepr {
        last,
        ulp_control,
        stag,
        offset,
    })
}

prop_compose! {
    fn untagged()(
        (last, ulp_control) in any::<(bool, u8)>(),
        (ulp_word, queue, message, offset) in any::<(u32, u32, u32, u32)>(),
    ) -> UntaggedRepr {
        UntaggedRepr { last, ulp_control, ulp_word, queue, message, offset }
    }
}

prop_compose! {
    fn read_request()(
        (sink_stag, sink_offset) in any::<(u32, u64)>(),
        length: u32,
        (source_stag, source_offset) in any::<(u32, u64)>(),
    ) -> ReadRequestRepr {
        ReadRequestRepr { sink_stag, sink_offset, length, source_stag, source_offset }
    }
}

fn ddp_header() -> impl Strategy<Value = DdpHeader> {
    prop_oneof![
        tagged().prop_map(|header| DdpHeader::of(&header.emit()).unwrap()),
        untagged().prop_map(|header| DdpHeader::of(&header.emit()).unwrap()),
    ]
}

prop_compose! {
    fn terminate()(
        (layer, error_type, code) in (0..16u8, 0..16u8, any::<u8>()),
        segment_length in any::<Option<u16>>(),
        ddp_header in option::of(ddp_header()),
        read_request in option::of(read_request()),
    ) -> TerminateRepr {
        let code = Code::new(layer, error_type, code);
        TerminateRepr { code, segment_length, ddp_header, read_request }
    }
}

prop_compose! {
    fn enhanced()(
        peer_to_peer in any::<Option<(bool, bool, bool)>>(),
        inbound_reads in 0..=DEPTH_MASK,
        outbound_reads in 0..=DEPTH_MASK,
    ) -> Enhanced {
        let peer_to_peer =
            peer_to_peer.map(|(send, write, read)| ReadyToReceive { send, write, read });
        Enhanced { peer_to_peer, inbound_reads, outbound_reads }
    }
}

fn revision() -> impl Strategy<Value = Revision> {
    prop_oneof![Just(Revision::One), option::of(enhanced()).prop_map(Revision::Two)]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Request), any::<bool>().prop_map(|rejected| Kind::Reply { rejected })]
}

/// Parses `frame` as the kind that it says it is.
fn parse_startup(kind: Kind, frame: &[u8]) -> Parsed<'_> {
    match kind {
        Kind::Request => StartupRepr::parse_request(frame).unwrap(),
        Kind::Reply { .. } => StartupRepr::parse_reply(frame).unwrap(),
    }
}

proptest! {
    #[test]
    fn ddp_tagged(header in tagged(), payload: Vec<u8>) {
        let ulpdu = [&header.emit()[..], &payload].concat();
        let segment = Segment::new(&ulpdu).unwrap();
        prop_assert_eq!(segment.payload(), &payload);
        let Segment::Tagged(segment) = segment else { panic!("T is set") };
        prop_assert_eq!(TaggedRepr::parse(&segment), header);
    }

    #[test]
    fn ddp_untagged(header in untagged(), payload: Vec<u8>) {
        let ulpdu = [&header.emit()[..], &payload].concat();
        let segment = Segment::new(&ulpdu).unwrap();
        prop_assert_eq!(segment.payload(), &payload);
        let Segment::Untagged(segment) = segment else { panic!("T is clear") };
        prop_assert_eq!(UntaggedRepr::parse(&segment), header);
    }

    //= rfc5041#4.1  Reserved bits are not checked on receive.
    //= type=test
    #[test]
    fn ddp_reserved_bits_change_nothing(header in tagged(), reserved in 0..16u8) {
        let mut bytes = header.emit();
        bytes[0] |= reserved << 2;
        let Segment::Tagged(segment) = Segment::new(&bytes).unwrap() else { panic!("T is set") };
        prop_assert_eq!(TaggedRepr::parse(&segment), header);
    }

    #[test]
    fn rdmap_read_request(header in read_request()) {
        prop_assert_eq!(ReadRequestRepr::parse(&header.emit()), Ok(header));
    }

    #[test]
    fn rdmap_terminate(header in terminate()) {
        let mut bytes = [0xa5; BYTES_MAX];
        let length = header.emit(&mut bytes);
        prop_assert_eq!(TerminateRepr::parse(&bytes[..length]), Ok(header));
        prop_assert!(TerminateRepr::parse(&bytes[..length - 1]).is_err());
    }

    #[test]
    fn mpa_marker(pointer: u16) {
        let marker = MarkerRepr { pointer: pointer & !3 };
        prop_assert_eq!(MarkerRepr::parse(&marker.emit()), marker);
    }

    #[test]
    fn mpa_startup(
        kind in kind(),
        (markers, crc) in any::<(bool, bool)>(),
        revision in revision(),
        private_data in prop::collection::vec(any::<u8>(), 0..=508),
        behind: Vec<u8>,
    ) {
        let frame = StartupRepr { kind, markers, crc, revision, private_data: &private_data };
        let mut bytes = [0xa5; FRAME_BYTES_MAX];
        let consumed = frame.emit(&mut bytes).unwrap();
        let stream = [&bytes[..consumed], &behind].concat();
        prop_assert_eq!(parse_startup(kind, &stream), Parsed::Frame { frame, consumed });
        // Wherever the stream is cut, it is incomplete and never asks for octets it will not get.
        for have in 0..consumed {
            let Parsed::Incomplete { need } = parse_startup(kind, &stream[..have]) else {
                panic!("{have} of {consumed} octets are not a frame");
            };
            prop_assert!(0 < need && have + need <= consumed);
        }
    }

    #[test]
    fn any_octets_are_parsed_or_refused(mut bytes: Vec<u8>, key: bool) {
        let _ = Segment::new(&bytes).map(|segment| (segment.header().len(), segment.is_last()));
        let _ = (ReadRequestRepr::parse(&bytes), TerminateRepr::parse(&bytes));
        if key {
            bytes.splice(..0, *b"MPA ID Req Frame");
        }
        let _ = (StartupRepr::parse_request(&bytes), StartupRepr::parse_reply(&bytes));
    }
}

#[test]
fn a_header_that_is_cut_short_is_refused() {
    let tagged = TaggedRepr { last: true, ulp_control: 0x40, stag: 1, offset: 0 }.emit();
    assert_eq!(Segment::new(&tagged[..13]), Err(TooShort { need: 14, have: 13 }));
    let untagged = [0x41; 17];
    assert_eq!(Segment::new(&untagged), Err(TooShort { need: 18, have: 17 }));
    assert_eq!(Segment::new(&[]), Err(TooShort { need: 18, have: 0 }));
    assert_eq!(ReadRequestRepr::parse(&[0; 27]), Err(TooShort { need: 28, have: 27 }));
}
