//! What is being sent: a send work request, or the Read Response that a peer asked for.

use crate::protection::{Question, Refusal, Right};
use crate::Status;
use ironwarp_abi::queue::{opcode, SendRequest};
use ironwarp_abi::status;
use ironwarp_wire::ddp::{Piece, TaggedRepr, UntaggedRepr};
use ironwarp_wire::ddp::{TAGGED_HEADER_BYTES, UNTAGGED_HEADER_BYTES};
use ironwarp_wire::rdmap::read_request::{ReadRequestRepr, HEADER_BYTES};
use ironwarp_wire::rdmap::Opcode;

/// A DDP header of either model.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Header {
    Tagged([u8; TAGGED_HEADER_BYTES]),
    Untagged([u8; UNTAGGED_HEADER_BYTES]),
}

impl Header {
    /// The header as it travels.
    pub fn octets(&self) -> &[u8] {
        match self {
            Self::Tagged(octets) => octets,
            Self::Untagged(octets) => octets,
        }
    }
}

/// Why a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The host posted a work request; it was the n-th.
    Posted { number: u16, request: SendRequest },
    /// The peer sent a Read Request.
    Asked(ReadRequestRepr),
}

/// A message, and how far it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message {
    pub cause: Cause,
    pub opcode: Opcode,
    /// Octets sent.
    pub sent: u32,
}

impl Message {
    /// The message of a work request; `reserved` says that a bit outside every field is set.
    ///
    /// # Errors
    /// The first that applies: the opcode, reserved bits, remote fields that the opcode has not.
    pub fn posted(
        number: u16,
        request: SendRequest,
        reserved: bool,
        may_read: bool,
    ) -> Result<Self, Status> {
        let opcode = match request.opcode {
            opcode::WRITE => Opcode::Write,
            opcode::SEND => Opcode::Send,
            opcode::SEND_SOLICITED => Opcode::SendSolicited,
            opcode::READ if may_read => Opcode::ReadRequest,
            _ => return Err(status::BAD_OPCODE),
        };
        let names_remote = matches!(opcode, Opcode::Write | Opcode::ReadRequest);
        let remote = request.remote_stag != 0 || request.remote_offset != 0;
        if reserved || (remote && !names_remote) {
            return Err(status::RESERVED_FIELD);
        }
        Ok(Self { cause: Cause::Posted { number, request }, opcode, sent: 0 })
    }

    /// The response to a Read Request.
    pub fn response(request: ReadRequestRepr) -> Self {
        Self { cause: Cause::Asked(request), opcode: Opcode::ReadResponse, sent: 0 }
    }

    /// The next DDP segment, if ULPDUs have at most `mulpdu` octets.
    //= rfc5041#5.2  A message of length zero still takes a segment; only the last one is short.
    pub fn piece(&self, mulpdu: usize) -> Piece {
        //= rfc5040#4.4  The Read Request's header is all the payload that its message has.
        let (room, length) = match (self.opcode, &self.cause) {
            (Opcode::ReadRequest, _) => (HEADER_BYTES as u32, HEADER_BYTES as u32),
            (_, Cause::Posted { request, .. }) => (self.room(mulpdu), request.length),
            (_, Cause::Asked(request)) => (self.room(mulpdu), request.length),
        };
        let left = length.saturating_sub(self.sent);
        Piece { offset: self.sent, length: left.min(room), last: left <= room }
    }

    fn room(&self, mulpdu: usize) -> u32 {
        mulpdu.saturating_sub(self.header_bytes()) as u32
    }

    /// The length of the DDP header.
    pub fn header_bytes(&self) -> usize {
        match self.opcode.is_tagged() {
            true => TAGGED_HEADER_BYTES,
            false => UNTAGGED_HEADER_BYTES,
        }
    }

    /// The DDP header of a piece; `msn` is that of the message if it is untagged.
    pub fn header(&self, piece: &Piece, msn: u32) -> Header {
        let ulp_control = self.opcode.control();
        let last = piece.last;
        if let Some(queue) = self.opcode.queue() {
            let (message, offset) = (msn, piece.offset);
            let header = UntaggedRepr { last, ulp_control, ulp_word: 0, queue, message, offset };
            return Header::Untagged(header.emit());
        }
        let (stag, start) = match &self.cause {
            Cause::Posted { request, .. } => (request.remote_stag, request.remote_offset),
            Cause::Asked(request) => (request.sink_stag, request.sink_offset),
        };
        let offset = start.wrapping_add(piece.offset.into());
        Header::Tagged(TaggedRepr { last, ulp_control, stag, offset }.emit())
    }

    /// What the protection gate is asked before a piece is sent.
    pub fn question(&self, piece: &Piece, pd: u16) -> Question {
        let sent = u64::from(piece.offset);
        match &self.cause {
            Cause::Posted { request, .. } => {
                let reads = self.opcode == Opcode::ReadRequest;
                Question {
                    stag: request.local_stag,
                    pd,
                    right: if reads { Right::LocalWrite } else { Right::LocalRead },
                    offset: request.local_offset.wrapping_add(sent),
                    length: if reads { request.length } else { piece.length },
                }
            }
            //= rfc5040#5.2.1  The source MUST be validated if the length is not zero.
            Cause::Asked(request) => Question {
                stag: request.source_stag,
                pd,
                right: Right::RemoteRead,
                offset: request.source_offset.wrapping_add(sent),
                length: request.length.saturating_sub(piece.offset),
            },
        }
    }

    /// The status if the gate refuses.
    pub fn refused(&self, refusal: Refusal) -> Status {
        match self.cause {
            Cause::Posted { .. } => refusal.local(),
            Cause::Asked(_) => refusal.source(),
        }
    }

    /// The header that is a Read Request's payload.
    pub fn read_request(&self) -> Option<ReadRequestRepr> {
        match (self.opcode, &self.cause) {
            (Opcode::ReadRequest, Cause::Posted { request, .. }) => Some(ReadRequestRepr {
                sink_stag: request.local_stag,
                sink_offset: request.local_offset,
                length: request.length,
                source_stag: request.remote_stag,
                source_offset: request.remote_offset,
            }),
            _ => None,
        }
    }
}
