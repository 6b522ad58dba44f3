//! RFC 9293's receive variables: segments become a stream of octets in order.

use super::arrival::Segment;
use super::reassembly::Reassembly;
use crate::host::Host;
use crate::rdma::Rdma;
use crate::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_wire::sack::{Blocks, BLOCKS_MAX};
use ironwarp_wire::sequence::Sequence;

/// What a segment is to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It brings new octets, the FIN that comes next, or both.
    Accepted {
        /// At least one octet is new.
        octets: bool,
        /// The stream ends behind its octets.
        fin: bool,
    },
    /// It has no octets and is in order: it only acknowledges.
    Nothing,
    /// It has no octets and comes from outside the window, as a keep-alive does: answer it.
    Probe,
    /// It has octets, but begins after a gap, or all of them are old: answer it.
    OutOfOrder,
    /// There is no room for its octets: answer it, it may probe the window.
    NoRoom,
    /// It resets the connection.
    Reset,
    /// It would reset the connection if its number were right: answer it.
    DoubtfulReset,
    /// It would open the connection again: answer it.
    Syn,
    /// TCP ignores it.
    Ignored,
}

/// One direction of a connection. RCV.NXT is [`Rdma`]'s.
#[derive(Debug)]
pub(super) struct Receive {
    /// The window while nothing waits, in octets.
    window: u32,
    shift: u8,
    /// Where octets lie that come too early, if there is such a place.
    early: Option<Reassembly>,
    /// The peer may be told of them.
    sack: bool,
    /// RCV.NXT at the start.
    first: Sequence,
}

impl Receive {
    pub fn new(context: &QueuePairContext) -> Self {
        Self {
            window: context.receive_window,
            shift: context.receive_window_shift,
            early: Reassembly::new(context),
            sack: context.sack,
            first: Sequence(context.receive_next),
        }
    }

    /// RCV.WND in octets: its right edge moves only when octets leave the chip.
    fn window_octets(&self, rdma: &Rdma) -> u32 {
        self.window.saturating_sub(rdma.stream.waiting() as u32)
    }

    /// The window field as it travels.
    pub fn window_field(&self, rdma: &Rdma) -> u16 {
        u16::try_from(self.window_octets(rdma) >> self.shift).unwrap_or(u16::MAX)
    }

    /// Something has come that has a gap before it.
    pub fn has_gap(&self) -> bool {
        self.early.as_ref().is_some_and(|early| !early.is_empty())
    }

    /// What has come behind gaps, as the peer is told of it.
    //= rfc2018#4  The block of the segment that came last is the first, the others follow.
    pub fn blocks(&self) -> Blocks {
        let mut blocks = Blocks::default();
        let runs = self.early.iter().filter(|_| self.sack).flat_map(|early| early.runs());
        for run in runs.take(BLOCKS_MAX) {
            blocks.push((self.first + run.start as u32, self.first + run.end as u32));
        }
        blocks
    }

    /// Moves octets that a gap held up into the stream, as many as it has room for. True if there
    /// were any.
    ///
    /// # Errors
    /// The bus refuses.
    pub fn join(&mut self, rdma: &mut Rdma, host: &mut dyn Host) -> Result<bool, Status> {
        let Some(early) = &mut self.early else { return Ok(false) };
        let received = rdma.stream.received();
        early.release(received);
        let available = early.available(received) as usize;
        let room = rdma.stream.room(available);
        let joined = available.min(room.len());
        early.read(received, &mut room[..joined], host)?;
        rdma.stream.fill(joined);
        early.release(rdma.stream.received());
        Ok(joined != 0)
    }

    /// Judges a segment and takes its new octets into the stream, or keeps them for later.
    pub fn take(&mut self, segment: &Segment<'_>, rdma: &mut Rdma, host: &mut dyn Host) -> Verdict {
        let next = rdma.received();
        let in_window = segment.sequence.is_within(next, self.window_octets(rdma));
        if segment.rst {
            return reset(segment.sequence == next, in_window);
        }
        //= rfc9293#3.10.7.4  In a synchronized state a SYN gets a challenge ACK.
        if segment.syn {
            return Verdict::Syn;
        }
        //= rfc9293#3.10.7.4  If the ACK bit is off, drop the segment.
        if segment.acknowledged.is_none() {
            return Verdict::Ignored;
        }
        let octets = segment.payload.len() as u32;
        let length = octets + u32::from(segment.fin);
        if length == 0 {
            let in_order = segment.sequence == next || in_window;
            return if in_order { Verdict::Nothing } else { Verdict::Probe };
        }
        if segment.sequence.is_after(next) {
            return self.keep(segment.sequence.since(next), segment.payload, rdma, host);
        }
        let old = next.since(segment.sequence);
        if old >= length {
            return Verdict::OutOfOrder;
        }
        let new = segment.payload.get(old as usize..).unwrap_or_default();
        self.push(new, segment.fin, rdma, host)
    }

    /// Keeps octets behind a gap of so many octets.
    //= rfc9293#3.10.7.4  Segments with higher beginning sequence numbers may be held or not.
    fn keep(&mut self, gap: u32, octets: &[u8], rdma: &Rdma, host: &mut dyn Host) -> Verdict {
        let Some(early) = self.early.as_mut().filter(|_| !octets.is_empty()) else {
            return Verdict::OutOfOrder;
        };
        let limit = rdma.stream.framed() + early.bytes();
        match early.keep(rdma.stream.received() + u64::from(gap), octets, limit, host) {
            true => Verdict::OutOfOrder,
            false => Verdict::NoRoom,
        }
    }

    /// Takes the next octets of the stream, up to those that have come before.
    fn push(&mut self, new: &[u8], fin: bool, rdma: &mut Rdma, host: &mut dyn Host) -> Verdict {
        let received = rdma.stream.received();
        let known = self.early.as_ref().and_then(Reassembly::first);
        let fresh =
            known.map_or(new.len(), |known| new.len().min(known.saturating_sub(received) as usize));
        let (fresh, rest) = new.split_at(fresh);
        if !rdma.stream.push(fresh) {
            return Verdict::NoRoom;
        }
        if !rest.is_empty() {
            let _ = self.keep(0, rest, rdma, host);
        }
        Verdict::Accepted { octets: !new.is_empty(), fin }
    }
}

//= rfc9293#3.10.7.4  A reset counts exactly at RCV.NXT; elsewhere in the window it is answered.
fn reset(is_next: bool, in_window: bool) -> Verdict {
    if is_next {
        Verdict::Reset
    } else if in_window {
        Verdict::DoubtfulReset
    } else {
        Verdict::Ignored
    }
}
