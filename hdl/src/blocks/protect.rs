//! The blocks of `protect` that stand alone.

use crate::protect::*;

blocks! {
    refusal_status: RefusalStatus::default(),
    gate: Gate::default(),
    page_cache: PageCache::default(),
    page_walker: PageWalker::default(),
    line_reads: LineReads::default(),
}
