//! Headers: what is read is what is there, and what is written is read again.

use ironwarp_wire::ddp::{Segment, TaggedRepr, UntaggedRepr, RESERVED, VERSION_MASK};
use ironwarp_wire::mpa::startup::{Parsed, StartupError, StartupRepr, FRAME_BYTES_MAX};
use ironwarp_wire::rdmap::read_request::{ReadRequestRepr, HEADER_BYTES};
use ironwarp_wire::rdmap::terminate::{Cause, TerminateRepr, BYTES_MAX};
use ironwarp_wire::rdmap::Opcode;

type Parse = fn(&[u8]) -> Result<Parsed<'_>, StartupError>;

/// MPA startup frames of both kinds.
pub fn startup(data: &[u8]) {
    let both: [Parse; 2] =
        [|data| StartupRepr::parse_request(data), |data| StartupRepr::parse_reply(data)];
    for parse in both {
        match parse(data) {
            Ok(Parsed::Frame { frame, consumed }) => {
                let mut out = [0; FRAME_BYTES_MAX];
                let written = frame.emit(&mut out).expect("what was read can be written");
                assert_eq!(written, consumed);
                let again = Parsed::Frame { frame, consumed };
                assert_eq!(parse(&out[..written]), Ok(again));
                assert!(matches!(parse(&data[..consumed - 1]), Ok(Parsed::Incomplete { need: 1 })));
            }
            Ok(Parsed::Incomplete { need }) => assert!(need > 0),
            // More octets do not make it better, nor do fewer make it a frame.
            Err(why) => assert_eq!(parse(&[data, &[0]].concat()), Err(why)),
        }
    }
}

/// DDP headers, and RDMAP's control octet in them.
pub fn ddp(data: &[u8]) {
    let Ok(segment) = Segment::new(data) else {
        return assert!(data.len() < 18);
    };
    assert_eq!([segment.header(), segment.payload()].concat(), data);
    let written = match &segment {
        Segment::Tagged(header) => TaggedRepr::parse(header).emit().to_vec(),
        Segment::Untagged(header) => UntaggedRepr::parse(header).emit().to_vec(),
    };
    assert_eq!(written[1..], data[1..written.len()]);
    assert_eq!((written[0] ^ data[0]) & !(RESERVED | VERSION_MASK), 0);
    match Opcode::of(segment.ulp_control()) {
        Ok(opcode) => assert_eq!(opcode.control() & 0xf, segment.ulp_control() & 0xf),
        Err(reserved) => assert!(reserved.0 > 7),
    }
}

/// The header of a Read Request.
pub fn read_request(data: &[u8]) {
    match ReadRequestRepr::parse(data) {
        Ok(request) => assert_eq!(request.emit(), data[..HEADER_BYTES]),
        Err(short) => assert_eq!((short.need, short.have), (HEADER_BYTES, data.len())),
    }
}

/// Terminates.
pub fn terminate(data: &[u8]) {
    let Ok(message) = TerminateRepr::parse(data) else { return };
    let mut out = [0; BYTES_MAX];
    let length = message.emit(&mut out);
    assert_eq!(TerminateRepr::parse(&out[..length]), Ok(message));
    if let Some(cause) = Cause::of(message.code) {
        assert!(Cause::of(cause.code()) == Some(cause));
    }
}
