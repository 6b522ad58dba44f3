//! DDP and RDMAP: where the payload of a ULPDU goes, and what its message means (RFC 5040, 5041).

use crate::host::Host;
use crate::life::Life;
use crate::protection::{gate, Question, Right};
use crate::reads::{AskedReads, Reads};
use crate::shared::Shared;
use crate::work_queue::WorkQueue;
use crate::Status;
use ironwarp_abi::queue::{kind, CompletionEntry, ReceiveRequest};
use ironwarp_abi::status;
use ironwarp_wire::ddp::{self, Segment, Tagged, Untagged};
use ironwarp_wire::rdmap::{self, Opcode};

/// A message whose last segment has not come.
#[derive(Debug)]
struct Message {
    number: u16,
    request: ReceiveRequest,
    /// Octets placed so far.
    placed: u32,
}

/// What a ULPDU has brought.
#[derive(Debug)]
pub(crate) enum Placed {
    /// A part of something, or something that the host is not told of.
    Part,
    /// The rest of a message, with its completion.
    Message(CompletionEntry),
    /// The rest of what an RDMA Read asked for.
    Read,
}

/// The receive queue of a stream, and how far its messages are.
#[derive(Debug)]
pub(crate) struct Placement {
    life: Life,
    pd: u16,
    /// Receive work requests.
    pub queue: WorkQueue,
    /// The MSN of the message that is under way, or comes next.
    message: u32,
    under_way: Option<Message>,
}

impl Placement {
    pub fn new(life: Life, pd: u16, queue: WorkQueue) -> Self {
        Self { life, pd, queue, message: ddp::FIRST_MESSAGE, under_way: None }
    }

    /// Places the payload of one ULPDU, or keeps the Read Request that it is.
    ///
    /// # Errors
    /// The first of these that applies: the header is cut, DDP's version, RDMAP's version, the
    /// opcode; then of an RDMA Write what the protection gate says; of a Read Response that it
    /// answers no read, the gate; of a Send queue number, MSN, a missing receive work request,
    /// what is wrong with that, the MO, a message longer than its buffer, the gate; of a Read
    /// Request what [`HeldReads::take`](crate::reads::HeldReads::take) says; of a Terminate queue
    /// number, and then that it is one.
    pub fn place(
        &mut self,
        ulpdu: &[u8],
        reads: &mut Reads,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) -> Result<Placed, Status> {
        let segment = Segment::new(ulpdu).map_err(|_| status::MPA_LENGTH)?;
        let opcode = check(&segment)?;
        let (payload, last) = (segment.payload(), segment.is_last());
        match (segment, opcode) {
            (Segment::Tagged(header), Opcode::ReadResponse) => {
                self.place_response(&header, payload, &mut reads.asked, shared, host)
            }
            (Segment::Tagged(header), _) => {
                self.place_tagged(&header, payload, shared, host)?;
                Ok(Placed::Part)
            }
            (Segment::Untagged(header), Opcode::ReadRequest) => {
                reads.held.take(&header, payload, last)?;
                Ok(Placed::Part)
            }
            //= rfc5040#5.4  A Terminate ends the stream; what it says is for people to read.
            (Segment::Untagged(header), Opcode::Terminate) => match header.queue() {
                rdmap::queue::TERMINATE => Err(status::PEER_TERMINATED),
                _ => Err(status::DDP_QUEUE),
            },
            (Segment::Untagged(header), _) => {
                self.place_untagged(&header, payload, shared, host)?;
                let ended = if last { self.finish(opcode) } else { None };
                Ok(ended.map_or(Placed::Part, Placed::Message))
            }
        }
    }

    fn place_tagged(
        &self,
        header: &Tagged<'_>,
        payload: &[u8],
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        let asked = self.tagged(header, payload, Right::RemoteWrite);
        let place = gate(&shared.contexts, asked).map_err(|refusal| refusal.remote())?;
        place.write(payload, host).map_err(|_| status::DMA_FAULT)?;
        Ok(())
    }

    fn place_response(
        &self,
        header: &Tagged<'_>,
        payload: &[u8],
        reads: &mut AskedReads,
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<Placed, Status> {
        let (length, last) = (payload.len() as u32, Segment::Tagged(*header).is_last());
        reads.check(header.stag(), header.offset(), length, last)?;
        let asked = self.tagged(header, payload, Right::LocalWrite);
        let place = gate(&shared.contexts, asked).map_err(|refusal| refusal.local())?;
        place.write(payload, host).map_err(|_| status::DMA_FAULT)?;
        reads.placed(length, last);
        Ok(if last { Placed::Read } else { Placed::Part })
    }

    fn tagged(&self, header: &Tagged<'_>, payload: &[u8], right: Right) -> Question {
        Question {
            stag: header.stag(),
            pd: self.pd,
            right,
            offset: header.offset(),
            length: payload.len() as u32,
        }
    }

    fn place_untagged(
        &mut self,
        header: &Untagged<'_>,
        payload: &[u8],
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        if header.queue() != rdmap::queue::SEND {
            return Err(status::DDP_QUEUE);
        }
        //= rfc5041#5.3  Messages of a queue consume its buffers in the order of their MSNs.
        if header.message() != self.message {
            return Err(status::DDP_MSN);
        }
        let mut message = match self.under_way.take() {
            Some(message) => message,
            None => self.begin(host)?,
        };
        if header.offset() != message.placed {
            return Err(status::DDP_MO);
        }
        let length = payload.len() as u32;
        let end = message.placed.checked_add(length).ok_or(status::DDP_TOO_LONG)?;
        //= rfc5041#7.1  The sum of payload length and MO must fall into the untagged buffer.
        if end > message.request.length {
            return Err(status::DDP_TOO_LONG);
        }
        let asked = Question {
            stag: message.request.local_stag,
            pd: self.pd,
            right: Right::LocalWrite,
            offset: message.request.local_offset.wrapping_add(message.placed.into()),
            length,
        };
        let place = gate(&shared.contexts, asked).map_err(|refusal| refusal.local())?;
        place.write(payload, host).map_err(|_| status::DMA_FAULT)?;
        message.placed = end;
        self.under_way = Some(message);
        Ok(())
    }

    /// A message takes the oldest receive work request.
    fn begin(&mut self, host: &mut dyn Host) -> Result<Message, Status> {
        let number = self.queue.head().ok_or(status::DDP_NO_BUFFER)?;
        let request = self.queue.read_receive(number, host)?;
        self.queue.take();
        Ok(Message { number, request, placed: 0 })
    }

    //= rfc5040#5.3  The message is delivered when its last segment is placed.
    fn finish(&mut self, opcode: Opcode) -> Option<CompletionEntry> {
        let message = self.under_way.take()?;
        self.message = self.message.wrapping_add(1);
        Some(CompletionEntry {
            request: message.number,
            solicited: opcode.is_solicited(),
            length: message.placed,
            ..self.life.entry(kind::RECEIVE, status::SUCCESS)
        })
    }
}

/// Checks the octets that both models have. Reserved bits are not looked at.
fn check(segment: &Segment<'_>) -> Result<Opcode, Status> {
    let tagged = matches!(segment, Segment::Tagged(_));
    //= rfc5041#7.2  Which error a wrong version is depends on the model.
    if segment.version() != ddp::VERSION {
        return Err(match tagged {
            true => status::DDP_TAGGED_VERSION,
            false => status::DDP_UNTAGGED_VERSION,
        });
    }
    //= rfc5040#7.2  A version other than one is an error.
    if rdmap::version(segment.ulp_control()) != rdmap::VERSION {
        return Err(status::RDMAP_VERSION);
    }
    let opcode = Opcode::of(segment.ulp_control()).map_err(|_| status::RDMAP_OPCODE)?;
    match !opcode.invalidates() && opcode.is_tagged() == tagged {
        true => Ok(opcode),
        false => Err(status::RDMAP_OPCODE),
    }
}
