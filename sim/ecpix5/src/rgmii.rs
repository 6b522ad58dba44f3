//! What is behind the PHY: frames with preamble, frame check sequence and gap (IEEE 802.3 clauses 3
//! and 4, RGMII 2.0).

use crate::board::Edges;
use std::collections::VecDeque;

/// Octets before a frame: seven of preamble and the start frame delimiter (s. 3.2.1, 3.2.2).
const PREAMBLE: [u8; 8] = [0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5];
/// Octets between two frames, at least (s. 4.4.2).
const GAP: usize = 12;
/// Octets of a frame with its check sequence, at least (s. 4.4.2).
const FRAME_BYTES_MIN: usize = 64;
const CHECK_BYTES: usize = 4;
/// In-band status between frames: link up, 1000 Mb/s, full duplex, at both edges (RGMII s. 3.4.1).
const STATUS: u8 = 0xdd;

/// A frame that the board sent and should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its beginning is not a preamble and a start frame delimiter.
    #[error("a frame without preamble")]
    Preamble,
    /// Its frame check sequence is wrong.
    #[error("a frame of {0} octets with a wrong frame check sequence")]
    Check(usize),
    /// It is shorter than a frame may be.
    #[error("a frame of {0} octets")]
    Short(usize),
    /// It follows the one before too soon.
    #[error("a gap of {0} octets")]
    Gap(usize),
    /// Its sender says that it is bad.
    #[error("a frame with an error signal")]
    Error,
}

/// The other end of the board's link.
#[derive(Debug, Default)]
pub struct RgmiiPartner {
    /// Octets to send; nothing is a gap.
    outgoing: VecDeque<Option<u8>>,
    /// Frames given to [`RgmiiPartner::send`].
    sent: u64,
    /// Damage the frame check sequence of this one.
    damage: Option<u64>,
    arriving: Vec<u8>,
    error: bool,
    /// Octets since the last frame's end; large at first.
    gap: Option<usize>,
    received: VecDeque<Vec<u8>>,
    count: u64,
    faults: Vec<Fault>,
}

impl RgmiiPartner {
    /// A link that is up.
    pub fn new() -> Self {
        Self::default()
    }

    /// The `n`th frame that is sent from now on, counted from 0, has a wrong check sequence.
    pub fn damage(&mut self, n: u64) {
        self.damage = Some(self.sent + n);
    }

    /// Sends a frame without its check sequence. It is padded.
    pub fn send(&mut self, frame: &[u8]) {
        let mut octets = frame.to_vec();
        octets.resize(octets.len().max(FRAME_BYTES_MIN - CHECK_BYTES), 0);
        let mut check = crc32fast::hash(&octets);
        if self.damage == Some(self.sent) {
            check ^= 1;
            self.damage = None;
        }
        self.sent += 1;
        octets.extend(check.to_le_bytes());
        self.outgoing.extend(PREAMBLE.iter().chain(&octets).copied().map(Some));
        self.outgoing.extend([None; GAP]);
    }

    /// Octets that are yet to go to the board.
    pub fn waiting(&self) -> usize {
        self.outgoing.len()
    }

    /// A frame of the board, whose check sequence was right and is taken away.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        self.received.pop_front()
    }

    /// Good frames of the board so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What the board did wrong.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What the PHY drives in the next clock.
    pub fn drive(&mut self) -> Edges {
        match self.outgoing.pop_front().flatten() {
            Some(octet) => Edges { octet, valid: true, valid_or_error: true },
            None => Edges { octet: STATUS, valid: false, valid_or_error: false },
        }
    }

    /// What the board drove in the clock. True if that is a part of a frame.
    pub fn sample(&mut self, edges: Edges) -> bool {
        if edges.valid {
            if self.arriving.is_empty() {
                if let Some(gap) = self.gap.filter(|gap| *gap < GAP) {
                    self.faults.push(Fault::Gap(gap));
                }
            }
            self.error |= !edges.valid_or_error;
            self.arriving.push(edges.octet);
            return true;
        }
        if !self.arriving.is_empty() {
            let octets = std::mem::take(&mut self.arriving);
            match self.judge(&octets) {
                Ok(frame) => {
                    self.count += 1;
                    self.received.push_back(frame);
                }
                Err(fault) => {
                    tracing::warn!(%fault, "the board");
                    self.faults.push(fault);
                }
            }
            self.error = false;
            self.gap = Some(0);
        }
        self.gap = self.gap.map(|gap| gap + 1);
        false
    }

    fn judge(&self, octets: &[u8]) -> Result<Vec<u8>, Fault> {
        let octets = octets.strip_prefix(&PREAMBLE).ok_or(Fault::Preamble)?;
        if self.error {
            return Err(Fault::Error);
        }
        let (frame, &check) = octets.split_last_chunk::<CHECK_BYTES>().ok_or(Fault::Short(0))?;
        if octets.len() < FRAME_BYTES_MIN {
            return Err(Fault::Short(octets.len()));
        }
        match crc32fast::hash(frame) == u32::from_le_bytes(check) {
            true => Ok(frame.to_vec()),
            false => Err(Fault::Check(octets.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carry(from: &mut RgmiiPartner, to: &mut RgmiiPartner) {
        while from.waiting() > 0 {
            to.sample(from.drive());
        }
        for _ in 0..2 * GAP {
            to.sample(from.drive());
        }
    }

    #[test]
    fn two_partners_understand_each_other() {
        let (mut left, mut right) = (RgmiiPartner::new(), RgmiiPartner::new());
        let frames = [vec![1; 60], vec![2; 1514], vec![3; 14]];
        left.damage(1);
        frames.iter().for_each(|frame| left.send(frame));
        carry(&mut left, &mut right);
        assert_eq!(right.receive(), Some(frames[0].clone()));
        assert_eq!(right.receive().map(|frame| frame.len()), Some(60), "padded");
        assert_eq!((right.receive(), right.count()), (None, 2));
        assert_eq!(right.faults(), [Fault::Check(1518)]);
    }

    /// The check sequence of 802.3 is CRC-32 of ISO-HDLC: of "123456789", cbf43926.
    #[test]
    fn the_check_sequence_is_the_standard_s() {
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }
}
