//! The other end of a life's connection: it checks what it gets, acknowledges, answers RDMA Reads,
//! and keeps to the window.

use super::ledger::{Ledger, Piece, Work};
use super::pattern::{self, Maker};
use crate::station::{Segment, TcpFrame};
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::queue::opcode;
use ironwarp_wire::ddp::{self, pieces, TaggedRepr, UntaggedRepr, FIRST_MESSAGE};
use ironwarp_wire::mpa::stream::{Deframer, Framer, Framing};
use ironwarp_wire::rdmap::read_request::{ReadRequestRepr, HEADER_BYTES};
use ironwarp_wire::rdmap::{queue, Opcode};
use ironwarp_wire::tcp;
use std::collections::VecDeque;

/// The largest ULPDU of the peer.
const MULPDU: usize = 1200;
/// Octets of TCP in its segments.
const SEGMENT: usize = 1448;
/// The peer's own sinks, for its RDMA Reads; nobody looks at them.
const SINK: (u32, u64) = (0x00c0_ffee, 0x1234_5678_9abc_0000);

/// A scripted peer that keeps the rules.
pub struct Peer {
    life: usize,
    frames: TcpFrame,
    // What it receives.
    expected: u32,
    /// What it has acknowledged.
    told: u32,
    deframer: Deframer,
    /// The work request whose message comes, and how much of it has come.
    pub at: (usize, u32),
    /// Work requests whose messages it has acknowledged.
    pub acknowledged: usize,
    /// MSN of the device's next Send, and of its next Read Request.
    messages: (u32, u32),
    owes: bool,
    /// It says nothing before the device certainly knows so many words that its host has written:
    /// what the peer names, its host has told it when that was so.
    pub needs: u64,
    /// It acknowledges nothing for now.
    pub holds: bool,
    // What it sends.
    framer: Framer,
    stream: Vec<u8>,
    base: u32,
    sent: usize,
    /// Octets of the stream that the device has room for.
    edge: usize,
    shift: u8,
    own_messages: (u32, u32),
    /// The lengths of the Sends that it has sent.
    pub sends: Vec<u32>,
    /// Its RDMA Reads that are not answered, with the octets that have come.
    asked: VecDeque<(Piece, u32)>,
    reads_max: usize,
    /// It sends no more than so many octets of its stream.
    limit: Option<usize>,
}

impl Peer {
    /// The peer of a life that starts with this context.
    pub fn new(life: usize, frames: TcpFrame, context: &QueuePairContext) -> Self {
        let receives = Framing { markers: context.send_markers, crc: context.crc };
        let sends = Framing { markers: context.receive_markers, crc: context.crc };
        Self {
            life,
            frames,
            expected: context.send_next,
            told: context.send_next,
            deframer: Deframer::new(receives),
            at: (0, 0),
            acknowledged: 0,
            messages: (FIRST_MESSAGE, FIRST_MESSAGE),
            owes: false,
            needs: 0,
            holds: false,
            framer: Framer::new(sends),
            stream: Vec::new(),
            base: context.receive_next,
            sent: 0,
            edge: context.receive_window as usize,
            shift: context.receive_window_shift,
            own_messages: (FIRST_MESSAGE, FIRST_MESSAGE),
            sends: Vec::new(),
            asked: VecDeque::new(),
            reads_max: context.read_in.into(),
            limit: None,
        }
    }

    /// Everything that it has to say is said, and its RDMA Reads are answered.
    pub fn is_content(&self) -> bool {
        self.sent == self.stream.len() && self.asked.is_empty()
    }

    /// The sequence number of the next octet that it will send.
    pub fn next(&self) -> u32 {
        self.base.wrapping_add(self.sent as u32)
    }

    /// Sends no more than what it has sent, but for a segment with up to so many octets.
    pub fn retire(&mut self, octets: usize) {
        self.holds = true;
        self.limit = Some((self.sent + octets).min(self.stream.len()));
    }

    fn wrong<T>(&self, what: impl std::fmt::Display) -> Result<T, String> {
        Err(format!("stream of life {}: {what}", self.life))
    }

    /// Takes a segment of the device.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn take(&mut self, segment: &Segment, ledger: &Ledger) -> Result<(), String> {
        if segment.flags & !(tcp::ACK | tcp::PSH) != 0 {
            return self.wrong(format!("flags {:#x}", segment.flags));
        }
        let taken = segment.acknowledgement.wrapping_sub(self.base) as usize;
        if taken > self.sent {
            return self.wrong(format!("acknowledges {taken} octets of {}", self.sent));
        }
        let window = usize::from(segment.window) << self.shift;
        self.edge = self.edge.max(taken + window);
        if segment.payload.is_empty() {
            return Ok(());
        }
        if segment.sequence != self.expected {
            let (is, due) = (segment.sequence, self.expected);
            return self.wrong(format!("sequence number {is}, not {due}"));
        }
        self.expected = self.expected.wrapping_add(segment.payload.len() as u32);
        self.owes = true;
        self.deframer.push(&segment.payload);
        loop {
            match self.deframer.next_ulpdu() {
                Ok(Some(ulpdu)) => self.ulpdu(&ulpdu, ledger)?,
                Ok(None) => return Ok(()),
                Err(why) => return self.wrong(format!("{why:?}")),
            }
        }
    }

    fn ulpdu(&mut self, ulpdu: &[u8], ledger: &Ledger) -> Result<(), String> {
        let segment = ddp::Segment::new(ulpdu).map_err(|_| "a short ULPDU".to_owned())?;
        match Opcode::of(segment.ulp_control()) {
            Ok(Opcode::ReadResponse) => self.response(&segment),
            Ok(code) => {
                let Some(work) = ledger.lives[self.life].sends.get(self.at.0) else {
                    return self.wrong("a message that nobody has posted");
                };
                self.message(code, &segment, work, ledger)
            }
            Err(_) => self.wrong("an unknown opcode"),
        }
    }

    /// The next segment of the device's Read Response to the oldest Read Request.
    fn response(&mut self, segment: &ddp::Segment<'_>) -> Result<(), String> {
        let ddp::Segment::Tagged(tagged) = segment else {
            return self.wrong("an untagged Read Response");
        };
        let Some((piece, come)) = self.asked.front().copied() else {
            return self.wrong("a Read Response that nobody has asked for");
        };
        let payload = segment.payload();
        let length = payload.len() as u32;
        if (tagged.stag(), tagged.offset()) != (SINK.0, SINK.1 + u64::from(come)) {
            return self.wrong("a Read Response for another place");
        }
        let part = Piece { offset: piece.offset + come, length, ..piece };
        if come + length > piece.length || segment.is_last() != (come + length == piece.length) {
            return self.wrong("a Read Response with an end of its own");
        }
        self.same("a Read Response", &part, payload)?;
        match segment.is_last() {
            true => self.asked.pop_front().map_or((), |_| ()),
            false => self.asked[0].1 += length,
        }
        Ok(())
    }

    fn same(&self, what: &str, part: &Piece, payload: &[u8]) -> Result<(), String> {
        let due = pattern::octets(Maker::Host(part.region), part.offset.into(), payload.len());
        match payload.iter().zip(&due).position(|(is, due)| is != due) {
            None => Ok(()),
            Some(at) => self.wrong(format!(
                "{what} carries octets that were not the owner's, from octet {at} of {part:?} on"
            )),
        }
    }

    /// The next segment of a work request's message.
    fn message(
        &mut self,
        code: Opcode,
        segment: &ddp::Segment<'_>,
        work: &Work,
        ledger: &Ledger,
    ) -> Result<(), String> {
        let payload = segment.payload();
        let (number, come) = self.at;
        let what = format!("work request {number}");
        let due = match (work.opcode, segment) {
            (opcode::WRITE, ddp::Segment::Tagged(it)) => {
                let place = (work.remote.0, work.remote.1.wrapping_add(come.into()));
                code == Opcode::Write && (it.stag(), it.offset()) == place
            }
            (opcode::SEND, ddp::Segment::Untagged(it)) => {
                let place = (queue::SEND, self.messages.0, come);
                code == Opcode::Send && (it.queue(), it.message(), it.offset()) == place
            }
            (opcode::READ, ddp::Segment::Untagged(it)) => {
                let place = (queue::READ_REQUEST, self.messages.1, 0);
                code == Opcode::ReadRequest && (it.queue(), it.message(), it.offset()) == place
            }
            _ => false,
        };
        if !due {
            return self.wrong(format!("{what} is sent as {code:?} to another place"));
        }
        if work.opcode == opcode::READ {
            return self.read_request(payload, work, ledger);
        }
        let length = payload.len() as u32;
        let part = Piece { offset: work.local.offset + come, length, ..work.local };
        let ends = come + length == work.local.length;
        if come + length > work.local.length || segment.is_last() != ends {
            return self.wrong(format!("{what} has an end of its own"));
        }
        self.same(&what, &part, payload)?;
        self.at.1 += length;
        if ends {
            self.at = (number + 1, 0);
            self.messages.0 += u32::from(work.opcode == opcode::SEND);
        }
        Ok(())
    }

    fn read_request(&mut self, octets: &[u8], work: &Work, ledger: &Ledger) -> Result<(), String> {
        let request = ReadRequestRepr::parse(octets).ok().filter(|_| octets.len() == HEADER_BYTES);
        let Some(request) = request else { return self.wrong("no Read Request") };
        let region = &ledger.regions[work.local.region];
        let due = ReadRequestRepr {
            sink_stag: region.stag,
            sink_offset: region.base.wrapping_add(work.local.offset.into()),
            length: work.local.length,
            source_stag: work.remote.0,
            source_offset: work.remote.1,
        };
        if request != due {
            return self.wrong(format!("{request:?}, not {due:?}"));
        }
        self.at.0 += 1;
        self.messages.1 += 1;
        // It answers at once.
        let octets = Ledger::sent_by(self.life, &work.local);
        self.tagged(Opcode::ReadResponse, (due.sink_stag, due.sink_offset), &octets);
        Ok(())
    }

    fn tagged(&mut self, code: Opcode, (stag, offset): (u32, u64), octets: &[u8]) {
        let length = octets.len() as u32;
        for piece in pieces(length, MULPDU, ddp::TAGGED_HEADER_BYTES).into_iter().flatten() {
            let (from, last) = (piece.offset, piece.last);
            let offset = offset.wrapping_add(from.into());
            let header = TaggedRepr { last, ulp_control: code.control(), stag, offset }.emit();
            self.say(&[&header, &octets[from as usize..][..piece.length as usize]].concat());
        }
    }

    fn say(&mut self, ulpdu: &[u8]) {
        // It is never longer than the MULPDU.
        let _ = self.framer.frame(ulpdu, &mut self.stream);
    }

    /// An RDMA Write to a place of a region, which has this STag and tagged offset there.
    pub fn write(&mut self, place: (u32, u64), piece: &Piece) {
        self.tagged(Opcode::Write, place, &Ledger::sent_by(self.life, piece));
    }

    /// A Send into the device's next receive work request.
    pub fn send(&mut self, piece: &Piece) {
        let octets = Ledger::sent_by(self.life, piece);
        let message = self.own_messages.0;
        self.own_messages.0 = message.wrapping_add(1);
        self.sends.push(piece.length);
        let cut = pieces(piece.length, MULPDU, ddp::UNTAGGED_HEADER_BYTES);
        for piece in cut.into_iter().flatten() {
            let header = UntaggedRepr {
                last: piece.last,
                ulp_control: Opcode::Send.control(),
                ulp_word: 0,
                queue: queue::SEND,
                message,
                offset: piece.offset,
            };
            let payload = &octets[piece.offset as usize..][..piece.length as usize];
            self.say(&[&header.emit()[..], payload].concat());
        }
    }

    /// An RDMA Read of a piece of a region, which has this STag and tagged offset there. Not if the
    /// device has as many as it holds.
    pub fn read(&mut self, place: (u32, u64), piece: &Piece) -> bool {
        if self.asked.len() >= self.reads_max {
            return false;
        }
        let message = self.own_messages.1;
        self.own_messages.1 = message.wrapping_add(1);
        let header = UntaggedRepr {
            last: true,
            ulp_control: Opcode::ReadRequest.control(),
            ulp_word: 0,
            queue: queue::READ_REQUEST,
            message,
            offset: 0,
        };
        let request = ReadRequestRepr {
            sink_stag: SINK.0,
            sink_offset: SINK.1,
            length: piece.length,
            source_stag: place.0,
            source_offset: place.1,
        };
        self.say(&[&header.emit()[..], &request.emit()].concat());
        self.asked.push_back((*piece, 0));
        true
    }

    /// The frames that it sends now: what the window lets go, or an acknowledgement.
    pub fn speak(&mut self) -> Vec<Vec<u8>> {
        if !self.holds {
            self.told = self.expected;
        }
        let end = self.limit.unwrap_or(self.stream.len()).min(self.edge);
        let mut frames = Vec::new();
        while self.sent < end {
            let octets = (end - self.sent).min(SEGMENT);
            let payload = self.stream[self.sent..self.sent + octets].to_vec();
            frames.push(self.segment(payload));
            self.sent += octets;
        }
        if self.owes && !self.holds && frames.is_empty() {
            frames.push(self.segment(Vec::new()));
        }
        if !frames.is_empty() && !self.holds {
            self.owes = false;
            self.acknowledged = self.at.0;
        }
        frames
    }

    fn segment(&self, payload: Vec<u8>) -> Vec<u8> {
        self.frames.emit(&Segment {
            sequence: self.next(),
            acknowledgement: self.told,
            flags: tcp::ACK | if payload.is_empty() { 0 } else { tcp::PSH },
            window: u16::MAX,
            options: Vec::new(),
            payload,
        })
    }
}
