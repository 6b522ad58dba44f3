//! The way out: work requests and Read Responses become FPDUs.

use crate::fpdu;
use crate::host::Host;
use crate::message::{Cause, Message};
use crate::outstanding::Outstanding;
use crate::protection::gate;
use crate::reads::Reads;
use crate::shared::Shared;
use crate::work_queue::WorkQueue;
use crate::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::status;
use ironwarp_wire::ddp::{self, Piece};
use ironwarp_wire::mpa::fpdu::LENGTH_BYTES;
use ironwarp_wire::mpa::stream::Framing;
use ironwarp_wire::rdmap::Opcode;

/// An FPDU: what it carries, and where. It is enough to make its octets, once or again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    message: Message,
    piece: Piece,
    /// The message's MSN, if it is untagged.
    msn: u32,
    /// Where in the stream it begins.
    pub offset: u64,
    /// Octets of stream that it takes.
    pub bytes: usize,
}

impl Due {
    /// Where in the stream it ends.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes as u64
    }
}

/// The messages of one direction of a connection.
#[derive(Debug)]
pub(crate) struct Sender {
    pd: u16,
    /// Send work requests.
    pub queue: WorkQueue,
    /// Requests that have left.
    pub outstanding: Outstanding,
    /// FPDUs may be sent.
    open: bool,
    framing: Framing,
    /// The longest ULPDU to send.
    mulpdu: usize,
    /// Octets of stream made so far.
    offset: u64,
    /// The MSN of the next Send.
    send: u32,
    /// The MSN of the next Read Request.
    read_request: u32,
    /// The oldest send work request, whose turn has not come.
    head: Option<Result<Message, Status>>,
    /// The message of which some segments have left, but not the last.
    under_way: Option<Message>,
    /// The last message begun was a Read Response.
    responded: bool,
}

impl Sender {
    /// Sends ULPDUs of up to `mulpdu` octets.
    pub fn new(context: &QueuePairContext, mulpdu: usize) -> Self {
        Self {
            pd: context.pd,
            queue: WorkQueue::new(context.send_queue, context.send_queue_log2),
            outstanding: Outstanding::default(),
            open: !context.await_first_fpdu,
            framing: Framing { markers: context.send_markers, crc: context.crc },
            mulpdu,
            offset: 0,
            send: ddp::FIRST_MESSAGE,
            read_request: ddp::FIRST_MESSAGE,
            head: None,
            under_way: None,
            responded: true,
        }
    }

    /// Octets of stream made so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// A valid FPDU has arrived.
    //= rfc5044#7.1.2  Rule 4: the Responder sends no FPDU before it has received a valid one.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// The FPDU that is due, if there is anything to send.
    pub fn due(&mut self, reads: &Reads, host: &mut dyn Host) -> Result<Option<Due>, Status> {
        if !self.open {
            return Ok(None);
        }
        let message = match self.under_way {
            Some(message) => Some(message),
            None => self.choose(reads, host)?,
        };
        Ok(message.map(|message| self.place(message, message.piece(self.mulpdu))))
    }

    /// A piece of a message as the next FPDU of the stream.
    fn place(&self, message: Message, piece: Piece) -> Due {
        let ulpdu = message.header_bytes() + piece.length as usize;
        let bytes = fpdu::stream_bytes(self.framing, self.offset, ulpdu);
        Due { message, piece, msn: self.message(message.opcode), offset: self.offset, bytes }
    }

    /// What is due, cut so that it takes at most so many octets of stream. None if that leaves it
    /// no payload; a Read Request is whole.
    pub fn cut(&self, due: &Due, room: usize) -> Option<Due> {
        let Due { message, piece, .. } = *due;
        if message.opcode == Opcode::ReadRequest {
            return None;
        }
        let mut cut = self.place(message, Piece { last: false, ..piece });
        while cut.bytes > room && cut.piece.length != 0 {
            // Pad and markers may make it shorter still than what is too much.
            let length = cut.piece.length.saturating_sub((cut.bytes - room) as u32);
            cut = self.place(message, Piece { length, ..cut.piece });
        }
        (cut.piece.length != 0 && cut.piece.length < piece.length).then_some(cut)
    }

    /// The message to begin: work requests and Read Responses take turns.
    fn choose(&mut self, reads: &Reads, host: &mut dyn Host) -> Result<Option<Message>, Status> {
        let response = reads.held.oldest().map(|request| Message::response(*request));
        let posted = self.posted(reads, host);
        match posted.filter(|_| self.responded || response.is_none()) {
            Some(posted) => posted.map(Some),
            None => Ok(response),
        }
    }

    /// The oldest send work request, if it may be begun.
    fn posted(&mut self, reads: &Reads, host: &mut dyn Host) -> Option<Result<Message, Status>> {
        if self.head.is_none() && !self.outstanding.is_full() {
            let number = self.queue.head()?;
            self.queue.take();
            self.head = Some(self.read(number, reads, host));
        }
        let waits =
            |message: &Message| message.opcode == Opcode::ReadRequest && reads.asked.is_full();
        self.head.filter(|head| !head.as_ref().is_ok_and(waits))
    }

    fn read(&self, number: u16, reads: &Reads, host: &mut dyn Host) -> Result<Message, Status> {
        let (request, reserved) = self.queue.read_send(number, host)?;
        Message::posted(number, request, reserved, reads.asked.are_possible())
    }

    /// Makes the FPDU that is [due](Self::due), of `due.bytes` octets.
    ///
    /// # Errors
    /// What the protection gate or the bus says of the payload.
    pub fn make(
        &mut self,
        due: &Due,
        into: &mut [u8],
        reads: &mut Reads,
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        self.repeat(due, into, shared, host)?;
        self.offset = due.end();
        self.advance(&due.message, &due.piece, reads);
        Ok(())
    }

    /// Makes an FPDU that was made before once more; the stream goes on where it was.
    ///
    /// # Errors
    /// As [`make`](Self::make): the gate and the bus are asked again.
    pub fn repeat(
        &self,
        due: &Due,
        into: &mut [u8],
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        let Due { message, piece, msn, offset, .. } = due;
        let header = message.header(piece, *msn);
        let payload = LENGTH_BYTES + header.octets().len();
        let end = payload + piece.length as usize;
        into[LENGTH_BYTES..payload].copy_from_slice(header.octets());
        self.fill(due, &mut into[payload..end], shared, host)?;
        fpdu::close(into, end - LENGTH_BYTES, self.framing, *offset);
        Ok(())
    }

    /// The MSN of a message that begins now.
    fn message(&self, opcode: Opcode) -> u32 {
        if opcode == Opcode::ReadRequest {
            self.read_request
        } else {
            self.send
        }
    }

    fn fill(
        &self,
        due: &Due,
        payload: &mut [u8],
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        let Due { message, piece, .. } = due;
        let asked = message.question(piece, self.pd);
        let address = gate(&shared.contexts, asked).map_err(|refusal| message.refused(refusal))?;
        match message.read_request() {
            Some(header) => payload.copy_from_slice(&header.emit()),
            None if payload.is_empty() => {}
            None => host.read(address, payload).map_err(|_| status::DMA_FAULT)?,
        }
        Ok(())
    }

    /// The piece has been made.
    fn advance(&mut self, message: &Message, piece: &Piece, reads: &mut Reads) {
        self.responded = matches!(message.cause, Cause::Asked(_));
        if !self.responded {
            self.head = None;
        }
        if !piece.last {
            self.under_way = Some(Message { sent: message.sent + piece.length, ..*message });
            return;
        }
        self.under_way = None;
        match &message.cause {
            Cause::Asked(_) => reads.held.release(),
            Cause::Posted { number, request } => {
                let is_read = message.opcode == Opcode::ReadRequest;
                self.outstanding.push(self.offset, *number, request, is_read);
                if is_read {
                    reads.asked.push(request);
                    self.read_request = self.read_request.wrapping_add(1);
                } else if !message.opcode.is_tagged() {
                    self.send = self.send.wrapping_add(1);
                }
            }
        }
    }
}
