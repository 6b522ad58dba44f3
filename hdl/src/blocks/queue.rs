//! The blocks of `queue` that stand alone.

use crate::queue::*;

blocks! {
    ready_list: ReadyList::default(), [clock, change, put, next];
    number_list: NumberList::<3, 4>::default(), [clock, wipe, wiped, put, next];
    priority_encoder: PriorityEncoder::default(), [wanted, any, highest];
    pick: Pick::default(), [wanted, last, any, choice];
    request_fetch: RequestFetch::send(),
        [clock, context_write, command, doorbell, max_read, read, data, available, promised,
        head_qp, head, take, take_qp, arrived];
}
