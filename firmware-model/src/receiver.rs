//! The way in: TCP segments become a stream of octets in order, and that a stream of FPDUs.

use crate::arrival::Segment;
use crate::deframe::FpduStream;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::limits::STREAM_RING_BYTES;
use ironwarp_wire::sequence::Sequence;

/// What a segment is to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
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
    /// There is no room for its octets.
    NoRoom,
    /// It resets the connection.
    Reset,
    /// It would reset the connection if its number were right: answer it.
    DoubtfulReset,
    /// TCP ignores it.
    Ignored,
}

/// One direction of a connection: RFC 9293's receive variables and the stream.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// RCV.NXT. The peer's FIN is not counted: the device does not acknowledge it.
    next: Sequence,
    /// The window while nothing waits, in octets.
    window: u32,
    shift: u8,
    /// The octets that wait.
    pub stream: FpduStream,
}

impl Receiver {
    pub fn new(context: &QueuePairContext) -> Self {
        Self {
            next: Sequence(context.receive_next),
            window: context.receive_window,
            shift: context.receive_window_shift,
            stream: FpduStream::new(context.receive_markers, context.crc),
        }
    }

    /// RCV.NXT.
    pub fn next(&self) -> Sequence {
        self.next
    }

    /// RCV.WND in octets: its right edge moves only when octets leave the chip.
    fn window_octets(&self) -> u32 {
        self.window.saturating_sub(self.stream.waiting() as u32)
    }

    /// The window field as it travels.
    pub fn window_field(&self) -> u16 {
        u16::try_from(self.window_octets() >> self.shift).unwrap_or(u16::MAX)
    }

    /// Judges a segment and takes its new octets into the stream.
    pub fn take(&mut self, segment: &Segment<'_>) -> Verdict {
        if segment.rst {
            return self.reset(segment.sequence);
        }
        //= rfc9293#3.10.7.4  If the ACK bit is off, drop the segment.
        if segment.acknowledged.is_none() {
            return Verdict::Ignored;
        }
        let octets = segment.payload.len() as u32;
        let length = octets + u32::from(segment.fin);
        if length == 0 {
            let in_order = segment.sequence == self.next
                || segment.sequence.is_within(self.next, self.window_octets());
            return if in_order { Verdict::Nothing } else { Verdict::Probe };
        }
        //= rfc9293#3.10.7.4  Segments with higher beginning sequence numbers may be held or not.
        let old = self.next.since(segment.sequence);
        if segment.sequence.is_after(self.next) || old >= length {
            return Verdict::OutOfOrder;
        }
        let new = segment.payload.get(old as usize..).unwrap_or_default();
        if self.stream.waiting() + new.len() > STREAM_RING_BYTES {
            return Verdict::NoRoom;
        }
        self.stream.push(new);
        self.next += new.len() as u32;
        Verdict::Accepted { octets: !new.is_empty(), fin: segment.fin }
    }

    //= rfc9293#3.10.7.4  A reset counts exactly at RCV.NXT; elsewhere in the window it is answered.
    fn reset(&self, sequence: Sequence) -> Verdict {
        if sequence == self.next {
            Verdict::Reset
        } else if sequence.is_within(self.next, self.window_octets()) {
            Verdict::DoubtfulReset
        } else {
            Verdict::Ignored
        }
    }
}
