//! The blocks of `queue` that stand alone.

use crate::queue::*;

blocks! {
    ready_list: ReadyList::default(),
    number_list: NumberList::<3, 4>::default(),
    priority_encoder: PriorityEncoder::default(),
    fence_join: FenceJoin::default(),
    note_merge: NoteMerge::<3>::default(),
    request_fetch: RequestFetch::send(),
}
