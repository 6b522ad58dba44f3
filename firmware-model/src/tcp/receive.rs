//! RFC 9293's receive variables: segments become a stream of octets in order.

use super::arrival::Segment;
use crate::rdma::Rdma;
use ironwarp_abi::context::QueuePairContext;

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
}

impl Receive {
    pub fn new(context: &QueuePairContext) -> Self {
        Self { window: context.receive_window, shift: context.receive_window_shift }
    }

    /// RCV.WND in octets: its right edge moves only when octets leave the chip.
    fn window_octets(&self, rdma: &Rdma) -> u32 {
        self.window.saturating_sub(rdma.stream.waiting() as u32)
    }

    /// The window field as it travels.
    pub fn window_field(&self, rdma: &Rdma) -> u16 {
        u16::try_from(self.window_octets(rdma) >> self.shift).unwrap_or(u16::MAX)
    }

    /// Judges a segment and takes its new octets into the stream.
    pub fn take(&self, segment: &Segment<'_>, rdma: &mut Rdma) -> Verdict {
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
        //= rfc9293#3.10.7.4  Segments with higher beginning sequence numbers may be held or not.
        let old = next.since(segment.sequence);
        if segment.sequence.is_after(next) || old >= length {
            return Verdict::OutOfOrder;
        }
        let new = segment.payload.get(old as usize..).unwrap_or_default();
        match rdma.stream.push(new) {
            true => Verdict::Accepted { octets: !new.is_empty(), fin: segment.fin },
            false => Verdict::NoRoom,
        }
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
