//! What happens between two rests, and which events may not happen together since their outcome
//! would be a race.

use super::event::{Event, Work};
use super::layout::{QPS, RAW};
use super::regions::Way;
use super::script::Script;
use ironwarp_abi::queue::opcode;
use ironwarp_wire::{ethernet, tcp};

/// Why the outcome is left to chance, so that a programme cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Race {
    /// A segment let something go that ended its queue pair, and carried octets besides.
    LetGo,
    /// Something that the queue pair sends ended it while frames were under way.
    UnderWay,
    /// Two things ended a queue pair at a time, or what it sends was completed or not.
    Ended,
    /// A completion queue was full, and the queue pair whose entry came then ended.
    Overflow,
    /// Frames for several queue pairs wrote to one place.
    Overlap,
}

impl std::fmt::Display for Race {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LetGo => "let go by a segment with octets",
            Self::UnderWay => "frames under way",
            Self::Ended => "ended by two things",
            Self::Overflow => "full completion queue",
            Self::Overlap => "overlapping buffers",
        })
    }
}

/// What has happened since the last rest; bit n stands for queue pair n.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Something that is neither a work request nor a frame.
    control: bool,
    /// A completion queue may raise its interrupt.
    armed: bool,
    /// A fence was asked for.
    fenced: bool,
    sends: u32,
    receives: u32,
    /// Frames of the queue pair's connection; with bit 0, frames at all.
    frames: u32,
    /// Frames that may be raw.
    strays: bool,
    /// Read Requests or Responses of the queue pair's peer.
    delicate: u32,
    /// Segments took back what a window before them had allowed.
    took_back: u32,
    /// Queue pairs that were started.
    pub started: u32,
    /// Queue pairs that have ended.
    pub ended: u32,
    /// Octets of TCP that have arrived.
    pub arrived: [u32; QPS as usize],
}

const RAW_BIT: u32 = 1 << RAW;

impl Batch {
    /// The devices must be at rest before this event. Things that do not happen on the bus
    /// in one order, or on the wire, race: what the host does, and what arrives.
    pub fn must_rest(&self, event: &Event, script: &mut Script) -> bool {
        let traffic = self.sends | self.receives | self.frames;
        match event {
            Event::Send(qp, work) => {
                // One before it may have waited for this one's doorbell.
                let bad = doubtful(*qp, work, script) || script.qps[*qp as usize].doubtful;
                script.qps[*qp as usize].doubtful = bad;
                let alone = bad || self.took_back >> qp & 1 != 0;
                let others = self.delicate | if alone { self.frames | self.receives } else { 0 };
                others >> qp & 1 != 0
            }
            Event::Receive(qp, _) => self.frames >> qp & 1 != 0,
            Event::Segment(qp, what) => {
                let pair = &mut script.qps[*qp as usize];
                let Some(peer) = &mut pair.peer else { return false };
                let delicate = peer.is_delicate();
                let takes_back = peer.takes_back(what);
                let odd = what.flags & tcp::RST != 0 || what.spoil.is_some();
                let alone = takes_back || pair.doubtful || odd;
                let kin = self.delicate >> qp & 1 != 0;
                let others = (self.frames | self.sends) >> qp & 1 != 0;
                self.races(*qp) || others && (alone || delicate != kin)
            }
            Event::Stray(_) => self.races(RAW),
            Event::Compose(..) | Event::Rest | Event::Pause(_) => false,
            // Of two that wait, the last stands for both. Traffic goes on around one.
            Event::Fence(_) => self.fenced,
            // The mask may overtake the interrupt on its way to the bus, or not; and what the host
            // tells of the entries that it took may come before they are looked for.
            Event::Mask(..) | Event::Consume(..) => traffic != 0 || self.armed,
            _ => traffic != 0,
        }
    }

    /// A frame, for this queue pair or as a raw one, races with what the host does.
    fn races(&self, qp: u32) -> bool {
        self.control || self.receives & (RAW_BIT | 1 << qp) != 0
    }

    /// Frames came for more than one queue pair: what they write may overlap.
    pub fn is_mixed(&self) -> bool {
        (self.frames & !RAW_BIT).count_ones() > 1 || self.strays && self.frames & !RAW_BIT != 0
    }

    /// Frames came for one of these queue pairs.
    pub fn has_frames(&self, qps: u32) -> bool {
        self.frames & !RAW_BIT & qps != 0
    }

    /// More than one queue pair was at work.
    pub fn has_several(&self) -> bool {
        let raw = if self.strays { RAW_BIT } else { 0 };
        (self.sends | self.receives | self.frames & !RAW_BIT | raw).count_ones() > 1
    }

    /// The event happens now; `starts` says that a queue pair starts by it.
    pub fn happened(&mut self, event: &Event, starts: bool, delicate: bool, script: &Script) {
        match event {
            Event::Send(qp, _) => self.sends |= 1 << qp,
            Event::Receive(qp, _) => self.receives |= 1 << qp,
            Event::Segment(qp, what) => {
                self.frames |= 1 << qp | RAW_BIT;
                self.strays |= what.spoil.is_some() || what.flags != 0;
                self.delicate |= u32::from(delicate) << qp;
                let peer = script.qps[*qp as usize].peer.as_ref();
                self.took_back |= u32::from(peer.is_some_and(|peer| peer.took_back)) << qp;
                self.arrived[*qp as usize] += u32::from(what.length);
            }
            Event::Stray(stray) => {
                self.frames |= RAW_BIT;
                self.strays = true;
                self.arrived[RAW as usize] += u32::from(stray.length);
            }
            Event::Compose(..) | Event::Rest | Event::Pause(_) => {}
            Event::Fence(_) => self.fenced = true,
            Event::Start(qp, _) | Event::Revive(qp, _) => {
                self.control = true;
                self.started |= u32::from(starts) << qp;
            }
            event => {
                self.control = true;
                self.armed |= matches!(event, Event::Arm(_));
            }
        }
    }

    /// What is left to chance when something of the host's has ended one of these queue pairs:
    /// frames may be under way for it, and octets may have come with what let it go on.
    pub fn race(&self, event: &Event, ended: u32, delicate: bool, script: &Script) -> Option<Race> {
        let under_way = (self.frames & !RAW_BIT & ended != 0).then_some(Race::UnderWay);
        match event {
            // With nothing to send, it was a buffer of its own that a frame came for.
            Event::Segment(qp, _) if !script.qps[*qp as usize].waits() => None,
            // Nothing comes behind a Read Request or Response in its segment.
            Event::Segment(_, what) if what.length > 0 && !delicate => Some(Race::LetGo),
            _ => under_way,
        }
    }
}

/// The work request may end its queue pair.
fn doubtful(qp: u32, work: &Work, script: &Script) -> bool {
    let known = match qp {
        RAW => &[opcode::RAW_FRAME][..],
        _ => &[opcode::WRITE, opcode::SEND, opcode::SEND_SOLICITED, opcode::READ],
    };
    let read = work.opcode == opcode::READ;
    work.flip.is_some()
        || !known.contains(&work.opcode)
        || work.opcode == opcode::RAW_FRAME && work.length < ethernet::HEADER_BYTES as u32
        || read && !script.reads(qp)
        || !script.regions.grants(
            &work.local,
            work.length,
            if read { Way::Write } else { Way::Read },
        )
}
