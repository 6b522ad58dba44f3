//! RFC 9293's send variables.

use super::arrival::Segment;
use crate::rdma::Rdma;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_wire::sequence::Sequence;
use std::ops::Range;

/// One direction of a connection. SND.NXT and SND.UNA are [`Rdma`]'s.
#[derive(Debug)]
pub(super) struct Send {
    /// SND.WND in octets.
    pub window: u32,
    /// The largest that it ever was.
    pub largest: u32,
    shift: u8,
    /// SND.WL1: the sequence number of the segment that last changed the window.
    window_segment: Sequence,
}

impl Send {
    pub fn new(context: &QueuePairContext) -> Self {
        Self {
            window: context.send_window,
            largest: context.send_window,
            shift: context.send_window_shift,
            window_segment: Sequence(context.receive_next),
        }
    }

    /// Takes acknowledgement number and window field of a segment; answers how many octets are
    /// newly acknowledged, and whether it is a duplicate. A number that is older than SND.UNA or
    /// acknowledges what was never sent changes nothing.
    //= rfc9293#3.10.7.4  SND.UNA < SEG.ACK =< SND.NXT acknowledges; =< also updates the window.
    pub fn acknowledge(
        &mut self,
        number: Sequence,
        segment: &Segment<'_>,
        rdma: &Rdma,
    ) -> (u32, bool) {
        let newly = number.since(rdma.unacknowledged());
        let outstanding = rdma.sent().since(rdma.unacknowledged());
        if newly > outstanding {
            return (0, false);
        }
        let before = self.window;
        // An old segment must not take back the window of a newer one.
        if newly != 0 || segment.sequence.is_at_or_after(self.window_segment) {
            self.window = u32::from(segment.window) << self.shift;
            self.window_segment = segment.sequence;
            self.largest = self.largest.max(self.window);
        }
        //= rfc5681#2  Duplicate: data is outstanding, no data, no SYN or FIN, number and window as
        // in the acknowledgement before.
        let alike = self.window == before && newly == 0 && outstanding != 0;
        let bare = segment.payload.is_empty() && !segment.fin;
        (newly, alike && bare)
    }
}

/// What the peer says that it has behind gaps, as stream offsets. A block that is not in what is
/// outstanding is old, or never was.
pub(super) fn blocks(segment: &Segment<'_>, rdma: &Rdma) -> Vec<Range<u64>> {
    let (unacknowledged, sent) = rdma.sent_offsets();
    let offset = |number: Sequence| unacknowledged + u64::from(number.since(rdma.unacknowledged()));
    let blocks = segment.sack.iter().map(|(left, right)| offset(left)..offset(right));
    blocks.filter(|block| block.start < block.end && block.end <= sent).collect()
}
