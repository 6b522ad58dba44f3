//! Sessions, numbers and acknowledgements.

use super::frame::{Deframer, Frame};
use super::round_trip::RoundTrip;
use ironwarp_abi::serial::{kind, IDENTITY, VERSION, WINDOW};
use std::collections::VecDeque;
use std::time::Duration;

/// Between two tries to open a session.
const OPEN_AGAIN: Duration = Duration::from_millis(250);
/// How long `OPEN` may stay without an answer.
const OPEN_PATIENCE: Duration = Duration::from_secs(5);
/// How long a device may acknowledge nothing while it has something to.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the line cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// `OPEN` was not answered.
    #[error("no IronWARP device answers on the line")]
    NoAnswer,
    /// The device speaks another version of the line's format.
    #[error("the device has version {0} of the line's format, not {VERSION}")]
    Version(u8),
    /// What answered is another device.
    #[error("what answers on the line calls itself {0:02x?}")]
    Identity([u8; 4]),
    /// A session was open, and the device acknowledges nothing any more.
    #[error("the device does not answer any more")]
    Silent,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// `OPEN` with the nonce is sent again at `again`, until `limit`.
    Opening {
        nonce: u16,
        again: Duration,
        limit: Duration,
    },
    Open,
    Failed(LinkError),
}

/// A packet that was sent and is not acknowledged.
#[derive(Debug)]
struct Sent {
    packet: Vec<u8>,
    at: Duration,
    again: bool,
}

/// One end of the line: the host's.
#[derive(Debug)]
pub struct SerialLink {
    phase: Phase,
    requester: u16,
    settings: u8,
    deframer: Deframer,
    line: VecDeque<u8>,
    /// The number of the first of `sent`, or of the next packet.
    oldest: u8,
    sent: VecDeque<Sent>,
    /// The number of the device's next packet.
    expected: u8,
    round_trip: RoundTrip,
    /// When the oldest packet was sent last, or the one before it acknowledged.
    since: Duration,
    /// When the device last acknowledged something new, or had nothing to acknowledge.
    progress: Duration,
    resent: u64,
}

impl SerialLink {
    /// Begins a session, at the moment `now`. Whatever the line had before is to be thrown away;
    /// the nonce should be one that was not used lately.
    pub fn open(requester: u16, settings: u8, nonce: u16, now: Duration) -> Self {
        let mut link = Self {
            phase: Phase::Opening { nonce, again: now, limit: now + OPEN_PATIENCE },
            requester,
            settings,
            deframer: Deframer::default(),
            line: VecDeque::new(),
            oldest: 0,
            sent: VecDeque::new(),
            expected: 0,
            round_trip: RoundTrip::default(),
            since: now,
            progress: now,
            resent: 0,
        };
        // Ends what somebody else may have left unfinished.
        link.line.push_back(ironwarp_abi::serial::FLAG);
        link
    }

    /// The device has answered.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// How many packets were sent more than once, each time counted.
    pub fn resent(&self) -> u64 {
        self.resent
    }

    /// A packet can be sent now.
    pub fn has_room(&self) -> bool {
        self.is_open() && self.sent.len() < WINDOW
    }

    /// Nothing is under way to the device.
    pub fn idle(&self) -> bool {
        self.is_open() && self.line.is_empty() && self.sent.is_empty()
    }

    /// Octets for the line, oldest first; what was written is to be taken out.
    pub fn line(&mut self) -> &mut VecDeque<u8> {
        &mut self.line
    }

    /// The settings, as `ironwarp_abi::serial` has them.
    pub fn set(&mut self, settings: u8) {
        if settings != self.settings {
            self.settings = settings;
            self.acknowledge();
        }
    }

    /// Sends a packet. Only while there is [room](SerialLink::has_room): else it is sent when what
    /// is before it was acknowledged too late.
    pub fn send(&mut self, packet: Vec<u8>, now: Duration) {
        if self.sent.is_empty() {
            (self.since, self.progress) = (now, now);
        }
        self.emit_packet(self.sent.len(), &packet);
        self.sent.push_back(Sent { packet, at: now, again: false });
    }

    fn emit_packet(&mut self, place: usize, packet: &[u8]) {
        let sequence = self.oldest.wrapping_add(place as u8);
        self.emit(kind::PACKET, sequence, packet.to_vec());
    }

    fn acknowledge(&mut self) {
        if self.is_open() {
            self.emit(kind::ACKNOWLEDGE, 0, Vec::new());
        }
    }

    fn emit(&mut self, kind: u8, sequence: u8, body: Vec<u8>) {
        let (acknowledge, detail) = (self.expected, self.settings);
        Frame { kind, sequence, acknowledge, detail, body }.emit(&mut self.line);
    }

    /// Takes octets from the line, and adds the packets that have come with them.
    pub fn receive(&mut self, octets: &[u8], now: Duration, packets: &mut Vec<Vec<u8>>) {
        let before = packets.len();
        let mut due = false;
        for &octet in octets {
            if let Some(frame) = self.deframer.push(octet) {
                due |= self.take(frame, now, packets);
            }
        }
        if due || packets.len() > before {
            self.acknowledge();
        }
    }

    /// Takes a frame; true if an acknowledgement is due although nothing came with it.
    fn take(&mut self, frame: Frame, now: Duration, packets: &mut Vec<Vec<u8>>) -> bool {
        match (self.phase, frame.kind) {
            (Phase::Opening { nonce, .. }, kind::OPENED) => {
                if nonce.to_le_bytes() == [frame.sequence, frame.acknowledge] {
                    self.phase = self.judge(&frame);
                }
                false
            }
            (Phase::Open, kind::PACKET) => {
                self.acknowledged(frame.acknowledge, now);
                let next = frame.sequence == self.expected;
                if next {
                    self.expected = self.expected.wrapping_add(1);
                    packets.push(frame.body);
                }
                !next
            }
            (Phase::Open, kind::ACKNOWLEDGE) => {
                self.acknowledged(frame.acknowledge, now);
                false
            }
            _ => false,
        }
    }

    fn judge(&self, frame: &Frame) -> Phase {
        match <[u8; 4]>::try_from(&frame.body[..]) {
            Ok(IDENTITY) if frame.detail == VERSION => Phase::Open,
            Ok(IDENTITY) => Phase::Failed(LinkError::Version(frame.detail)),
            Ok(identity) => Phase::Failed(LinkError::Identity(identity)),
            Err(_) => Phase::Failed(LinkError::NoAnswer),
        }
    }

    fn acknowledged(&mut self, number: u8, now: Duration) {
        let count = usize::from(number.wrapping_sub(self.oldest));
        if count == 0 || count > self.sent.len() {
            return;
        }
        if let Some(last) = self.sent.drain(..count).next_back().filter(|last| !last.again) {
            self.round_trip.measure(now.saturating_sub(last.at));
        }
        self.oldest = number;
        (self.since, self.progress) = (now, now);
    }

    /// Does what is due, and answers when to call again at the latest, if nothing comes from the
    /// line.
    ///
    /// # Errors
    /// The line is of no use any more.
    pub fn poll(&mut self, now: Duration) -> Result<Option<Duration>, LinkError> {
        match self.phase {
            Phase::Failed(why) => Err(why),
            Phase::Opening { limit, .. } if now >= limit => Err(self.fail(LinkError::NoAnswer)),
            Phase::Opening { nonce, again, limit } if now >= again => {
                let [low, high] = nonce.to_le_bytes();
                let [requester_low, requester_high] = self.requester.to_le_bytes();
                let (kind, detail) = (kind::OPEN, self.settings);
                let body = vec![requester_low, requester_high];
                let frame = Frame { kind, sequence: low, acknowledge: high, detail, body };
                frame.emit(&mut self.line);
                let again = now + OPEN_AGAIN;
                self.phase = Phase::Opening { nonce, again, limit };
                Ok(Some(again))
            }
            Phase::Opening { again, .. } => Ok(Some(again)),
            Phase::Open if self.sent.is_empty() => Ok(None),
            Phase::Open => self.resend_if_due(now).map(Some),
        }
    }

    fn fail(&mut self, why: LinkError) -> LinkError {
        self.phase = Phase::Failed(why);
        why
    }

    fn resend_if_due(&mut self, now: Duration) -> Result<Duration, LinkError> {
        if now.saturating_sub(self.progress) >= PATIENCE {
            return Err(self.fail(LinkError::Silent));
        }
        if !self.line.is_empty() {
            // What was sent has not even left this computer.
            self.since = now;
        }
        let due = self.since + self.round_trip.timeout();
        if now < due {
            return Ok(due);
        }
        self.round_trip.back_off();
        self.since = now;
        let mut sent = std::mem::take(&mut self.sent);
        for (place, sent) in sent.iter_mut().enumerate() {
            sent.again = true;
            self.resent += 1;
            self.emit_packet(place, &sent.packet);
        }
        self.sent = sent;
        Ok(now + self.round_trip.timeout())
    }
}
