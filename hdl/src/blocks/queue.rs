//! The blocks of `queue` that stand alone.

use crate::queue::*;

blocks! {
    ready_list: ReadyList::default(), [clock, change, put, first];
    number_list: NumberList::<3, 4>::default(), [clock, wipe, wiped, put, first];
    priority_encoder: PriorityEncoder::default(), [wanted, any, highest];
    pick: Pick::default(), [wanted, last, any, choice];
    fence_join: FenceJoin::default(), [clock, one, other, both];
    note_merge: NoteMerge::<3>::default(), [clock, notes, free, source];
    request_fetch: RequestFetch::send(),
        [clock, context_write, change, doorbell, max_read, fence, fenced, read, data, head_qp, head,
        head_available, head_promised, take, take_qp, arrived, arrived_number];
}
