//! The way out: work requests become FPDUs, one in each TCP segment.

use crate::departure::HEADER_BYTES;
use crate::host::Host;
use crate::protection::{gate, Question, Right};
use crate::shared::Shared;
use crate::work_queue::WorkQueue;
use crate::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::limits::{MTU_MAX, OUTSTANDING_MAX};
use ironwarp_abi::queue::{kind, opcode, CompletionEntry, SendRequest};
use ironwarp_abi::status;
use ironwarp_wire::ddp::{self, Piece, TaggedRepr, UntaggedRepr};
use ironwarp_wire::limit::emss;
use ironwarp_wire::mpa::fpdu::{fpdu_bytes, mulpdu};
use ironwarp_wire::mpa::marker::{count, MARKER_BYTES};
use ironwarp_wire::mpa::stream::{Framer, Framing};
use ironwarp_wire::rdmap::{queue, Opcode};
use ironwarp_wire::sequence::Sequence;
use std::collections::VecDeque;

/// A work request whose segments are being sent.
#[derive(Debug, Clone, Copy)]
struct Message {
    number: u16,
    request: SendRequest,
    opcode: Opcode,
    /// Octets sent.
    sent: u32,
}

/// A work request whose last octet is sent and not acknowledged.
#[derive(Debug)]
struct Outstanding {
    /// The sequence number behind its last octet.
    end: Sequence,
    number: u16,
    request: SendRequest,
}

/// One direction of a connection: RFC 9293's send variables, and the messages in them.
#[derive(Debug)]
pub(crate) struct Sender {
    qp: u8,
    pd: u16,
    /// Send work requests.
    pub queue: WorkQueue,
    /// SND.UNA.
    unacknowledged: Sequence,
    /// SND.NXT.
    next: Sequence,
    /// SND.WND in octets.
    window: u32,
    window_shift: u8,
    /// SND.WL1: the sequence number of the segment that last changed the window.
    window_segment: Sequence,
    /// FPDUs may be sent.
    open: bool,
    markers: bool,
    framer: Framer,
    /// The longest ULPDU to send.
    mulpdu: usize,
    /// The MSN of the next Send.
    message: u32,
    under_way: Option<Message>,
    outstanding: VecDeque<Outstanding>,
}

impl Sender {
    pub fn new(qp: u8, context: &QueuePairContext) -> Self {
        let markers = context.send_markers;
        let most = mulpdu(emss(MTU_MAX), markers);
        Self {
            qp,
            pd: context.pd,
            queue: WorkQueue::new(context.send_queue, context.send_queue_log2),
            unacknowledged: Sequence(context.send_next),
            next: Sequence(context.send_next),
            window: context.send_window,
            window_shift: context.send_window_shift,
            window_segment: Sequence(context.receive_next),
            open: !context.await_first_fpdu,
            markers,
            framer: Framer::new(Framing { markers, crc: context.crc }),
            mulpdu: usize::from(context.mulpdu).min(most),
            message: ddp::FIRST_MESSAGE,
            under_way: None,
            outstanding: VecDeque::new(),
        }
    }

    /// SND.NXT.
    pub fn next(&self) -> Sequence {
        self.next
    }

    /// SND.UNA.
    pub fn unacknowledged(&self) -> Sequence {
        self.unacknowledged
    }

    /// SND.WND in octets.
    pub fn window(&self) -> u32 {
        self.window
    }

    /// A valid FPDU has arrived.
    //= rfc5044#7.1.2  Rule 4: the Responder sends no FPDU before it has received a valid one.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// Takes acknowledgement number and window field of a segment. A number that is older than
    /// SND.UNA or acknowledges what was never sent changes nothing.
    //= rfc9293#3.10.7.4  SND.UNA < SEG.ACK =< SND.NXT acknowledges; =< also updates the window.
    pub fn acknowledge(&mut self, number: Sequence, window: u16, segment: Sequence) {
        let newly = number.since(self.unacknowledged);
        if newly > self.next.since(self.unacknowledged) {
            return;
        }
        self.unacknowledged = number;
        // An old segment must not take back the window of a newer one.
        if newly != 0 || !segment.is_before(self.window_segment) {
            self.window = u32::from(window) << self.window_shift;
            self.window_segment = segment;
        }
    }

    /// The completions of requests whose last octet is now acknowledged. Unsignaled ones end
    /// without.
    pub fn retire(&mut self, mut complete: impl FnMut(CompletionEntry)) {
        while let Some(oldest) = self.outstanding.front() {
            if oldest.end.is_after(self.unacknowledged) {
                break;
            }
            if oldest.request.signaled {
                complete(CompletionEntry {
                    qp: self.qp,
                    kind: kind::SEND,
                    status: status::SUCCESS,
                    request: oldest.number,
                    length: oldest.request.length,
                    ..CompletionEntry::default()
                });
            }
            self.outstanding.pop_front();
        }
    }

    /// Makes the next segment if there is work and the peer's window takes it whole: a frame with
    /// room for its headers, and its sequence number.
    pub fn segment(
        &mut self,
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<Option<(Vec<u8>, Sequence)>, Status> {
        if !self.open {
            return Ok(None);
        }
        let Some(message) = self.message_under_way(host)? else {
            return Ok(None);
        };
        let piece = self.piece(&message);
        let header = header(&message, &piece, self.message);
        let bytes = self.stream_bytes(header.len() + piece.length as usize);
        let in_flight = self.next.since(self.unacknowledged);
        //= rfc9293#3.8.6  Never more octets in flight than the peer's window.
        if u64::from(in_flight) + u64::from(bytes) > u64::from(self.window) {
            return Ok(None);
        }
        let ulpdu = self.ulpdu(header, &message, &piece, shared, host)?;
        let mut frame = Vec::with_capacity(HEADER_BYTES + bytes as usize);
        frame.resize(HEADER_BYTES, 0);
        self.framer.frame(&ulpdu, &mut frame).map_err(|_| status::MPA_LENGTH)?;
        let sequence = self.next;
        self.next += bytes;
        self.advance(message, &piece);
        Ok(Some((frame, sequence)))
    }

    /// The message whose next segment is due, begun if need be.
    fn message_under_way(&mut self, host: &mut dyn Host) -> Result<Option<Message>, Status> {
        if self.under_way.is_none() && self.outstanding.len() < OUTSTANDING_MAX {
            if let Some(number) = self.queue.head() {
                self.under_way = Some(self.begin(number, host)?);
                self.queue.take();
            }
        }
        Ok(self.under_way)
    }

    fn begin(&self, number: u16, host: &mut dyn Host) -> Result<Message, Status> {
        let (request, reserved) = self.queue.read_send(number, host)?;
        let opcode = match request.opcode {
            opcode::WRITE => Opcode::Write,
            opcode::SEND => Opcode::Send,
            opcode::SEND_SOLICITED => Opcode::SendSolicited,
            _ => return Err(status::BAD_OPCODE),
        };
        match reserved {
            true => Err(status::RESERVED_FIELD),
            false => Ok(Message { number, request, opcode, sent: 0 }),
        }
    }

    /// The next piece of a message.
    //= rfc5041#5.2  A message of length zero still takes a segment; only the last one is short.
    fn piece(&self, message: &Message) -> Piece {
        let header = match message.opcode.is_tagged() {
            true => ddp::TAGGED_HEADER_BYTES,
            false => ddp::UNTAGGED_HEADER_BYTES,
        };
        let room = self.mulpdu.saturating_sub(header).max(1) as u32;
        let left = message.request.length.saturating_sub(message.sent);
        Piece { offset: message.sent, length: left.min(room), last: left <= room }
    }

    /// Octets of stream that the FPDU around a ULPDU takes at this place.
    fn stream_bytes(&self, ulpdu: usize) -> u32 {
        let plain = fpdu_bytes(ulpdu);
        let markers = if self.markers { count(self.framer.offset(), plain) } else { 0 };
        (plain + markers * MARKER_BYTES) as u32
    }

    /// Puts the payload behind the header, out of the host's memory.
    fn ulpdu(
        &self,
        mut ulpdu: Vec<u8>,
        message: &Message,
        piece: &Piece,
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<Vec<u8>, Status> {
        let asked = Question {
            stag: message.request.local_stag,
            pd: self.pd,
            right: Right::LocalRead,
            offset: message.request.local_offset.wrapping_add(piece.offset.into()),
            length: piece.length,
        };
        let address = gate(&shared.contexts, asked).map_err(|refusal| refusal.local())?;
        let payload = ulpdu.len();
        ulpdu.resize(payload + piece.length as usize, 0);
        if piece.length != 0 {
            host.read(address, &mut ulpdu[payload..]).map_err(|_| status::DMA_FAULT)?;
        }
        Ok(ulpdu)
    }

    fn advance(&mut self, message: Message, piece: &Piece) {
        if !piece.last {
            let sent = message.sent + piece.length;
            self.under_way = Some(Message { sent, ..message });
            return;
        }
        self.under_way = None;
        if !message.opcode.is_tagged() {
            self.message = self.message.wrapping_add(1);
        }
        let Message { number, request, .. } = message;
        self.outstanding.push_back(Outstanding { end: self.next, number, request });
    }
}

/// The DDP header of a piece; `msn` is that of the message if it is a Send.
fn header(message: &Message, piece: &Piece, msn: u32) -> Vec<u8> {
    let ulp_control = message.opcode.control();
    match message.opcode.is_tagged() {
        true => {
            let offset = message.request.remote_offset.wrapping_add(piece.offset.into());
            let stag = message.request.remote_stag;
            TaggedRepr { last: piece.last, ulp_control, stag, offset }.emit().to_vec()
        }
        false => {
            let (queue, offset) = (queue::SEND, piece.offset);
            UntaggedRepr { last: piece.last, ulp_control, ulp_word: 0, queue, message: msn, offset }
                .emit()
                .to_vec()
        }
    }
}
