//! Octets that others wrote down: the figures and examples of the RFCs.

use ironwarp_wire::ddp::{self, Piece, Segment, Untagged, UntaggedRepr};
use ironwarp_wire::mpa::stream::{Deframer, Framer, Framing};
use ironwarp_wire::rdmap::terminate::{Cause, Code, DdpHeader, TerminateRepr, BYTES_MAX};
use ironwarp_wire::rdmap::{queue, terminate, Opcode};

const MARKED: Framing = Framing { markers: true, crc: true };

/// The FPDU of RFC 5044 Figure 5, the first of its stream.
const FIGURE_5: &[u8; 52] = b"\
    \x00\x00\x00\x00\x00\x2a\x41\x43\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x52\x23\x99\x83";

/// The FPDU of RFC 5044 Figure 6, at stream offset 0x1ec.
const FIGURE_6: &[u8; 52] = b"\
    \x00\x2a\x41\x43\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\
    \x00\x00\x00\x00\x00\x00\x00\x14\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x84\x92\x58\x98";

/// The Send of 24 zeros that both figures carry, as message number `message`.
fn send(message: u32) -> Vec<u8> {
    let header = UntaggedRepr {
        last: true,
        ulp_control: Opcode::Send.control(),
        ulp_word: 0,
        queue: queue::SEND,
        message,
        offset: 0,
    };
    [&header.emit()[..], &[0; 24]].concat()
}

fn untagged(ulpdu: &[u8]) -> Untagged<'_> {
    match Segment::new(ulpdu) {
        Ok(Segment::Untagged(segment)) => segment,
        other => panic!("{other:?} is not untagged"),
    }
}

//= rfc5044#4.4
//= type=test
#[test]
fn figure_5_to_the_byte() {
    let mut stream = Vec::new();
    Framer::new(MARKED).frame(&send(1), &mut stream).unwrap();
    assert_eq!(stream, FIGURE_5);

    let mut deframer = Deframer::new(MARKED);
    deframer.push(FIGURE_5);
    let ulpdu = deframer.next_ulpdu().unwrap().unwrap();
    assert_eq!(ulpdu, send(1));
    assert_eq!(untagged(&ulpdu).message(), 1);
    assert_eq!(deframer.finish(), Ok(()));
}

//= rfc5044#4.4
//= type=test
#[test]
fn figure_6_to_the_byte() {
    let mut stream = Vec::new();
    Framer::at(MARKED, 0x1ec).unwrap().frame(&send(2), &mut stream).unwrap();
    assert_eq!(stream, FIGURE_6);

    let mut deframer = Deframer::at(MARKED, 0x1ec).unwrap();
    deframer.push(FIGURE_6);
    let ulpdu = deframer.next_ulpdu().unwrap().unwrap();
    assert_eq!(ulpdu, send(2));
    assert_eq!(untagged(&ulpdu).message(), 2);
}

/// RFC 5041 §5.2: 2048 octets over a MULPDU of 1500, untagged and tagged.
//= rfc5041#5.2
//= type=test
#[test]
fn the_segmentation_examples() {
    let cut = |header| ddp::pieces(2048, 1500, header).unwrap().collect::<Vec<_>>();
    assert_eq!(
        cut(ddp::UNTAGGED_HEADER_BYTES),
        [
            Piece { offset: 0, length: 1482, last: false },
            Piece { offset: 1482, length: 566, last: true },
        ]
    );
    assert_eq!(
        cut(ddp::TAGGED_HEADER_BYTES)
            .into_iter()
            .map(|piece| (16384 + piece.offset, piece.length, piece.last))
            .collect::<Vec<_>>(),
        [(16384, 1486, false), (17870, 562, true)]
    );
}

/// The edges: nothing, exactly full, one more, the longest message, and no room.
#[test]
fn segmentation_at_its_edges() {
    let cut = |length| ddp::pieces(length, 1500, 14).unwrap();
    assert_eq!(cut(0).collect::<Vec<_>>(), [Piece { offset: 0, length: 0, last: true }]);
    assert_eq!(cut(1486).count(), 1);
    assert_eq!(cut(1487).map(|piece| piece.length).collect::<Vec<_>>(), [1486, 1]);
    let longest = cut(u32::MAX).last().unwrap();
    assert_eq!((longest.offset + longest.length, longest.last), (u32::MAX, true));
    assert!(ddp::pieces(1, 14, 14).is_none());
}

/// RFC 5040 Figure 4, and the control octets seen in captures of Linux siw.
//= rfc5040#4.1
//= type=test
#[test]
fn opcodes_follow_the_figure() {
    let queues = [None, Some(1), None, Some(0), Some(0), Some(0), Some(0), Some(2)];
    for (value, opcode) in Opcode::ALL.into_iter().enumerate() {
        assert_eq!(opcode as usize, value);
        assert_eq!(Opcode::of(opcode.control()), Ok(opcode));
        assert_eq!(opcode.queue(), queues[value]);
        assert_eq!(opcode.invalidates(), [4, 6].contains(&value));
        assert_eq!(opcode.is_solicited(), [5, 6].contains(&value));
    }
    assert!((8..16).all(|reserved| Opcode::of(0x40 | reserved).is_err()));
    assert_eq!(Opcode::Write.control(), 0x40);
    assert_eq!(Opcode::Send.control(), 0x43);
}

/// RFC 5040 Figures 7 and 8: layer and type share an octet; M, D and R are high bits.
//= rfc5040#4.8
//= type=test
#[test]
fn a_terminate_is_laid_out_as_the_figure() {
    let mut out = [0xff; BYTES_MAX];
    let mut repr = TerminateRepr {
        code: Cause::Mpa(ironwarp_wire::mpa::Error::Crc).code(),
        segment_length: None,
        ddp_header: None,
        read_request: None,
    };
    assert_eq!(repr.emit(&mut out), 4);
    assert_eq!(out[..4], [0x20, 0x02, 0, 0]);

    let offending = send(7);
    repr.code = Cause::UntaggedBuffer(terminate::UntaggedBuffer::NoBuffer).code();
    repr.segment_length = Some(42);
    repr.ddp_header = Some(DdpHeader::of(&offending).unwrap());
    assert_eq!(repr.code, Code::new(1, 2, 2));
    assert_eq!(repr.emit(&mut out), 4 + 2 + 18);
    assert_eq!(out[..6], [0x12, 0x02, 0xc0, 0, 0, 42]);
    assert_eq!(out[6..24], offending[..18]);
}
