//! Room that is kept by name for what a later version may do.
//!
//! Nothing here can be used yet: each of these bits is zero, and is checked as every reserved bit
//! is. What cannot be used together shares its place.

use crate::record::Field;

/// A range that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The record's name, as in Rust.
    pub record: &'static str,
    /// The range.
    pub field: Field,
}

macro_rules! reserved {
    ($($record:ident {
        $($(#[doc = $about:literal])* $name:ident =
            [$word:literal : $bit:literal ; $width:literal],)*
    })*) => {
        /// Every range, by record.
        pub const ALL: &[Reserved] = &[$($(Reserved {
            record: stringify!($record),
            field: Field {
                name: stringify!($name),
                about: concat!($($about),*),
                offset: 32 * $word + $bit,
                width: $width,
            },
        }),*),*];
    };
}

reserved! {
    QueuePairContext {
        /// Shared receive queues: the receive queue is the shared one.
        shared_receive = [0:5; 1],
        /// Shared receive queues: its number.
        shared_receive_queue = [20:0; 24],
    }
    MemoryRegionContext {
        /// Page lists: `bus_address` is that of a list of pages.
        paged = [7:20; 1],
        /// Page lists: log2 of a page's octets.
        page_log2 = [7:21; 5],
        /// Memory windows: the record is a window into another region.
        window = [7:26; 1],
        /// Memory windows: windows into this region may be bound.
        bind = [7:27; 1],
        /// Atomics: the peer may change the region atomically (RFC 7306).
        remote_atomic = [7:28; 1],
        /// Page lists: where the region begins in its first page.
        first_offset = [8:0; 32],
        /// Memory windows: the region that the window opens.
        parent_stag = [9:0; 32],
    }
    SendRequest {
        /// Inline data: the message lies in the request itself, from word 8 on.
        inline = [0:9; 1],
        /// Several elements: how many stand in the request, from word 8 on, besides the first.
        elements = [0:16; 4],
        /// Inline data: the message, up to 32 octets.
        data = [8:0; 256],
        /// Several elements: offset, length and STag of the second.
        element_1 = [8:0; 128],
        /// Several elements: those of the third.
        element_2 = [12:0; 128],
        /// Atomics: what to add, or to put.
        operand = [8:0; 64],
        /// Atomics: what to compare with.
        compare = [10:0; 64],
    }
    ReceiveRequest {
        /// Several elements: how many stand in the request, from word 8 on, besides the first.
        elements = [0:16; 4],
        /// Several elements: offset, length and STag of the second.
        element_1 = [8:0; 128],
        /// Several elements: those of the third.
        element_2 = [12:0; 128],
    }
    CompletionEntry {
        /// Atomics: what was there before.
        original = [4:0; 64],
    }
}

/// Codes that are kept: of which field, the value, and what for.
pub const CODES: &[(&str, u8, &str)] = &[
    ("SendRequest.opcode", 5, "memory windows: bind"),
    ("SendRequest.opcode", 6, "atomics: FetchAdd"),
    ("SendRequest.opcode", 7, "atomics: CmpSwap"),
    ("COMMIT.table", 7, "shared receive queues: their contexts"),
];
