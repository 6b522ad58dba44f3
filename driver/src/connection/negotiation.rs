//! What the Request and the Reply say, and what they come to (RFC 5044 s. 7.1.1, RFC 6581 s. 9).

use super::event::{Agreement, PeerStartup, ReadDepths, StartupOptions};
use crate::error::Reason;
use ironwarp_wire::mpa::startup::{
    EmitError, Enhanced, Kind, ReadyToReceive, Revision, StartupRepr, DEPTH_NOT_NEGOTIATED,
    FRAME_BYTES_MAX,
};
use std::net::SocketAddrV4;

/// ORD if the startup frames say nothing of read depths: whoever takes Reads takes one.
const OUTBOUND_READS_UNKNOWN: u16 = 1;
/// The ways to say ready-to-receive that the device has: an empty RDMA Write. An empty Send would
/// take a receive buffer from the application, and an empty Read needs a peer that takes Reads.
const READY_TO_RECEIVE: ReadyToReceive = ReadyToReceive { send: false, write: true, read: false };

/// The side of a startup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sends the Request.
    Initiator,
    /// Answers it.
    Responder,
}

/// What a startup frame says besides its private data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// M.
    pub markers: bool,
    /// C.
    pub crc: bool,
    /// Rev and enhanced data.
    pub revision: Revision,
}

impl Terms {
    /// The terms of a frame.
    pub fn of(frame: &StartupRepr<'_>) -> Self {
        Self { markers: frame.markers, crc: frame.crc, revision: frame.revision }
    }

    /// What the Initiator asks for.
    pub fn of_request(options: &StartupOptions) -> Self {
        let reads = options.reads.capped();
        //= rfc6581#9.2  A is one for peers as equals, with every RTR option that is supported.
        let enhanced = Enhanced {
            peer_to_peer: options.peer_to_peer.then_some(READY_TO_RECEIVE),
            inbound_reads: reads.inbound,
            outbound_reads: reads.outbound,
        };
        let revision = match options.enhanced {
            true => Revision::Two(Some(enhanced)),
            false => Revision::One,
        };
        Self { markers: options.markers, crc: options.crc, revision }
    }

    /// What the Responder answers to a Request.
    //= rfc6581#10  An enhanced Request gets an enhanced Reply, an un-enhanced one does not.
    pub fn of_reply(request: &Self, options: &StartupOptions) -> Self {
        let reads = options.reads.capped();
        let answer = |asked: Enhanced| Enhanced {
            //= rfc6581#9.2  The Responder copies A, and sets at least one RTR option it supports.
            peer_to_peer: asked.peer_to_peer.map(|_| READY_TO_RECEIVE),
            inbound_reads: depth(asked.outbound_reads, reads.inbound),
            outbound_reads: depth(asked.inbound_reads, reads.outbound),
        };
        let revision = match request.revision {
            Revision::One => Revision::One,
            Revision::Two(enhanced) => Revision::Two(enhanced.map(answer)),
        };
        Self { markers: options.markers, crc: options.crc, revision }
    }

    /// The frame with these terms.
    pub fn frame(&self, kind: Kind, private_data: &[u8]) -> Result<Vec<u8>, EmitError> {
        let Self { markers, crc, revision } = *self;
        let frame = StartupRepr { kind, markers, crc, revision, private_data };
        let mut octets = [0; FRAME_BYTES_MAX];
        let length = frame.emit(&mut octets)?;
        Ok(octets[..length].to_vec())
    }
}

/// A depth in the Reply: what the Responder will do.
//= rfc6581#9.1  All ones is answered with all ones: the upper layer takes care of it.
fn depth(asked: u16, ours: u16) -> u16 {
    match asked {
        DEPTH_NOT_NEGOTIATED => DEPTH_NOT_NEGOTIATED,
        _ => asked.min(ours),
    }
}

/// The read depths of one side that offered `ours`. All ones leaves a depth as it is.
//= rfc6581#9.1  The ORD of either side is at most the IRD of the other.
fn reads(role: Role, request: &Terms, reply: &Terms, ours: ReadDepths) -> ReadDepths {
    match (request.revision, reply.revision, role) {
        (Revision::Two(Some(_)), Revision::Two(Some(reply)), Role::Initiator) => {
            ReadDepths { outbound: reply.inbound_reads.min(ours.outbound), ..ours }
        }
        (Revision::Two(Some(_)), Revision::Two(Some(reply)), Role::Responder) => ReadDepths {
            inbound: reply.inbound_reads.min(ours.inbound),
            outbound: reply.outbound_reads.min(ours.outbound),
        },
        _ => ReadDepths { outbound: ours.outbound.min(OUTBOUND_READS_UNKNOWN), ..ours },
    }
}

impl Agreement {
    /// What Request and Reply come to for one side, which has offered `offered`.
    //= rfc5044#7.1.1  M is what the sender wants to receive; CRCs are on if either side wants them.
    pub(crate) fn of(role: Role, request: &Terms, reply: &Terms, offered: ReadDepths) -> Self {
        let (ours, peers) = match role {
            Role::Initiator => (request, reply),
            Role::Responder => (reply, request),
        };
        Self {
            send_markers: peers.markers,
            receive_markers: ours.markers,
            crc: request.crc || reply.crc,
            reads: reads(role, request, reply, offered.capped()),
        }
    }
}

/// Checks an accepting Reply against the Request; true if the Initiator must say
/// ready-to-receive.
pub(crate) fn check_reply(request: &Terms, reply: &Terms) -> Result<bool, Reason> {
    let wrong = |what| Err(Reason::Negotiation(what));
    let (asked, answer) = match (request.revision, reply.revision) {
        (Revision::One, Revision::One) => return Ok(false),
        (Revision::One, Revision::Two(_)) => {
            return wrong("the Reply has a higher revision than the Request");
        }
        // A Responder that knows no enhanced frames, but answers: as if none had been sent.
        (Revision::Two(_), Revision::One | Revision::Two(None)) => return Ok(false),
        (Revision::Two(None), Revision::Two(Some(_))) => {
            return wrong("the Reply is enhanced and the Request was not");
        }
        (Revision::Two(Some(asked)), Revision::Two(Some(answer))) => (asked, answer),
    };
    //= rfc6581#9.1  The Initiator's IRD must be at least the Responder's ORD.
    if answer.outbound_reads > asked.inbound_reads && answer.outbound_reads != DEPTH_NOT_NEGOTIATED
    {
        return wrong("the Responder wants more inbound reads than this side offered");
    }
    match (asked.peer_to_peer, answer.peer_to_peer) {
        (Some(_), Some(offered)) if offered.write => Ok(true),
        (Some(_), Some(_)) => wrong("no way in common to say ready-to-receive"),
        // Some Responders do not copy A: they are clients and servers then.
        _ => Ok(false),
    }
}

impl PeerStartup {
    /// The upper layer's part of a frame.
    pub(crate) fn of(frame: &StartupRepr<'_>, peer: SocketAddrV4) -> Self {
        let (revision, enhanced) = match frame.revision {
            Revision::One => (1, None),
            Revision::Two(enhanced) => (2, enhanced),
        };
        let reads = enhanced.map(|enhanced| ReadDepths {
            inbound: enhanced.inbound_reads,
            outbound: enhanced.outbound_reads,
        });
        Self { peer, revision, reads, private_data: frame.private_data.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(markers: bool, crc: bool) -> Terms {
        Terms { markers, crc, revision: Revision::One }
    }

    //= rfc5044#7.1.1
    //= type=test
    /// Every combination of M and C in Request and Reply.
    #[test]
    fn the_truth_table_of_markers_and_crc() {
        for bits in 0..16 {
            let bit = |n: u32| bits >> n & 1 == 1;
            let (request, reply) = (terms(bit(0), bit(1)), terms(bit(2), bit(3)));
            let initiator = Agreement::of(Role::Initiator, &request, &reply, ReadDepths::MAX);
            let responder = Agreement::of(Role::Responder, &request, &reply, ReadDepths::MAX);
            assert_eq!(initiator.send_markers, reply.markers);
            assert_eq!(initiator.receive_markers, request.markers);
            assert_eq!(responder.send_markers, initiator.receive_markers);
            assert_eq!(responder.receive_markers, initiator.send_markers);
            assert_eq!((initiator.crc, responder.crc), (bits & 0b1010 != 0, bits & 0b1010 != 0));
        }
    }

    fn enhanced(rtr: Option<ReadyToReceive>, inbound: u16, outbound: u16) -> Terms {
        let revision = Revision::Two(Some(Enhanced {
            peer_to_peer: rtr,
            inbound_reads: inbound,
            outbound_reads: outbound,
        }));
        Terms { markers: false, crc: true, revision }
    }

    fn answer(request: &Terms) -> Enhanced {
        match Terms::of_reply(request, &StartupOptions::default()).revision {
            Revision::Two(Some(enhanced)) => enhanced,
            other => panic!("the Reply is {other:?}"),
        }
    }

    //= rfc6581#9.1
    //= type=test
    /// Whatever either side offers: no side may ask for more Reads than the other takes, and the
    /// Reply says what the Responder does.
    #[test]
    fn no_side_reads_more_than_the_other_takes() {
        let depths = [0, 1, 5, 8, 9, 0x3ffe];
        for inbound in depths {
            for outbound in depths {
                let ours = ReadDepths { inbound, outbound };
                for asked in depths.map(|n| ReadDepths { inbound: n, outbound: 9 - n % 10 }) {
                    let offer = |reads| StartupOptions { reads, ..StartupOptions::default() };
                    let request = Terms::of_request(&offer(asked));
                    let reply = Terms::of_reply(&request, &offer(ours));
                    let a = Agreement::of(Role::Initiator, &request, &reply, asked).reads;
                    let b = Agreement::of(Role::Responder, &request, &reply, ours).reads;
                    assert!(a.outbound <= b.inbound && b.outbound <= a.inbound, "{a:?} {b:?}");
                    assert!(a.outbound <= asked.outbound && a.inbound == asked.inbound.min(8));
                    assert!(b.outbound <= ours.outbound && b.inbound <= ours.inbound);
                    let Revision::Two(Some(said)) = reply.revision else { panic!("{reply:?}") };
                    assert_eq!((said.inbound_reads, said.outbound_reads), (b.inbound, b.outbound));
                    assert_eq!(check_reply(&request, &reply), Ok(false));
                }
            }
        }
    }

    //= rfc6581#9.1
    //= type=test
    /// All ones is answered with all ones and leaves the depths as they are.
    #[test]
    fn depths_that_are_not_negotiated_stay_as_they_are() {
        let ours = ReadDepths { inbound: 3, outbound: 4 };
        let request = enhanced(None, 0x3fff, 0x3fff);
        let options = StartupOptions { reads: ours, ..StartupOptions::default() };
        let reply = Terms::of_reply(&request, &options);
        assert_eq!(reply.revision, enhanced(None, 0x3fff, 0x3fff).revision);
        assert_eq!(Agreement::of(Role::Responder, &request, &reply, ours).reads, ours);
        let request = Terms::of_request(&options);
        assert_eq!(check_reply(&request, &enhanced(None, 0x3fff, 0x3fff)), Ok(false));
        assert_eq!(Agreement::of(Role::Initiator, &request, &reply, ours).reads, ours);
    }

    //= rfc6581#9.1
    //= type=test
    #[test]
    fn a_reply_may_not_want_more_reads_than_were_offered() {
        let asked = enhanced(None, 2, 2);
        assert_eq!(check_reply(&asked, &enhanced(None, 9, 2)), Ok(false));
        assert!(check_reply(&asked, &enhanced(None, 0, 3)).is_err());
    }

    #[test]
    fn without_negotiation_one_read_is_outstanding() {
        let plain = terms(false, false);
        for request in [plain, enhanced(None, 8, 8)] {
            for role in [Role::Initiator, Role::Responder] {
                let reads = Agreement::of(role, &request, &plain, ReadDepths::MAX).reads;
                assert_eq!(reads, ReadDepths { inbound: 8, outbound: 1 });
                let none = ReadDepths { inbound: 0, outbound: 0 };
                assert_eq!(Agreement::of(role, &request, &plain, none).reads, none);
            }
        }
    }

    //= rfc6581#9.2
    //= type=test
    #[test]
    fn equals_agree_on_an_empty_write() {
        for bits in 0..8 {
            let rtr = ReadyToReceive { send: bits & 1 != 0, write: bits & 2 != 0, read: bits > 3 };
            assert_eq!(answer(&enhanced(Some(rtr), 0, 0)).peer_to_peer, Some(READY_TO_RECEIVE));
            let asked = enhanced(Some(READY_TO_RECEIVE), 0, 0);
            let reply = check_reply(&asked, &enhanced(Some(rtr), 0, 0));
            assert_eq!(reply.is_ok(), rtr.write, "{rtr:?}");
        }
        assert_eq!(answer(&enhanced(None, 0, 0)).peer_to_peer, None);
        let asked = enhanced(Some(READY_TO_RECEIVE), 0, 0);
        assert_eq!(check_reply(&asked, &enhanced(None, 0, 0)), Ok(false));
        assert_eq!(check_reply(&asked, &terms(false, true)), Ok(false));
    }

    //= rfc6581#10
    //= type=test
    #[test]
    fn an_unenhanced_request_gets_an_unenhanced_reply() {
        let options = StartupOptions::default();
        assert_eq!(Terms::of_reply(&terms(false, false), &options).revision, Revision::One);
        let request = Terms { revision: Revision::Two(None), ..terms(false, false) };
        assert_eq!(Terms::of_reply(&request, &options).revision, Revision::Two(None));
        assert!(check_reply(&terms(false, true), &enhanced(None, 0, 0)).is_err());
    }

    /// RFC 6581's word for A=1, C=1, three Reads in and two out, in a frame of revision 2 with S.
    #[test]
    fn the_request_is_the_frame_that_it_should_be() {
        let options = StartupOptions {
            peer_to_peer: true,
            markers: true,
            private_data: b"hi".to_vec(),
            reads: ReadDepths { inbound: 3, outbound: 2 },
            ..StartupOptions::default()
        };
        let frame = Terms::of_request(&options).frame(Kind::Request, &options.private_data);
        assert_eq!(frame.unwrap(), b"MPA ID Req Frame\xd0\x02\x00\x06\x80\x03\x80\x02hi");
        let plain = StartupOptions { enhanced: false, ..StartupOptions::default() };
        let frame = Terms::of_request(&plain).frame(Kind::Request, &[]);
        assert_eq!(frame.unwrap(), b"MPA ID Req Frame\x40\x01\x00\x00");
        let room = |bytes| Terms::of_request(&options).frame(Kind::Request, &vec![0; bytes]);
        assert!(room(508).is_ok() && room(509).is_err());
    }
}
