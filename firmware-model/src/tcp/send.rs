//! RFC 9293's send variables.

use super::arrival::Segment;
use crate::rdma::Rdma;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_wire::sequence::Sequence;

/// One direction of a connection. SND.NXT and SND.UNA are [`Rdma`]'s.
#[derive(Debug)]
pub(super) struct Send {
    /// SND.WND in octets.
    pub window: u32,
    shift: u8,
    /// SND.WL1: the sequence number of the segment that last changed the window.
    window_segment: Sequence,
}

impl Send {
    pub fn new(context: &QueuePairContext) -> Self {
        Self {
            window: context.send_window,
            shift: context.send_window_shift,
            window_segment: Sequence(context.receive_next),
        }
    }

    /// Takes acknowledgement number and window field of a segment; answers how many octets are
    /// newly acknowledged. A number that is older than SND.UNA or acknowledges what was never sent
    /// changes nothing.
    //= rfc9293#3.10.7.4  SND.UNA < SEG.ACK =< SND.NXT acknowledges; =< also updates the window.
    pub fn acknowledge(&mut self, number: Sequence, segment: &Segment<'_>, rdma: &Rdma) -> u32 {
        let newly = number.since(rdma.unacknowledged());
        if newly > rdma.sent().since(rdma.unacknowledged()) {
            return 0;
        }
        // An old segment must not take back the window of a newer one.
        if newly != 0 || segment.sequence.is_at_or_after(self.window_segment) {
            self.window = u32::from(segment.window) << self.shift;
            self.window_segment = segment.sequence;
        }
        newly
    }
}
