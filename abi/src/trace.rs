//! The stations of a message on its way, each a bit of the device's `trace` pins.
//!
//! A bit is set for the one clock in which the station is passed; the simulation reads them to say
//! how long each stage took. They cost a few flip-flops and are no part of the host's contract.

macro_rules! stations {
    ($($(#[doc = $about:literal])* $bit:literal $name:ident,)*) => {
        $($(#[doc = $about])* pub const $name: usize = $bit;)*
        /// Every station: bit, name, meaning.
        pub const ALL: &[(usize, &str, &str)] =
            &[$(($bit, stringify!($name), concat!($($about),*))),*];
    };
}

stations! {
    /// A send doorbell was written.
    0 DOORBELL,
    /// Work requests arrived from the send queue.
    1 REQUEST_FETCHED,
    /// The segmenter has scheduled a segment.
    2 SEGMENT_SCHEDULED,
    /// The first beat of a segment's payload came from host memory.
    3 PAYLOAD_READ,
    /// A segment's FPDU is framed, its CRC inserted, and stored.
    4 FPDU_FRAMED,
    /// The first beat of a TCP segment left for the MAC.
    5 FRAME_STARTED,
    /// The last beat of a TCP segment left for the MAC.
    6 FRAME_SENT,
    /// The first beat of a frame came from the MAC.
    7 FRAME_ARRIVED,
    /// A TCP segment was accepted into its stream.
    8 SEGMENT_ACCEPTED,
    /// A whole FPDU was deframed and its CRC found good.
    9 FPDU_CHECKED,
    /// The protection gate let an FPDU pass.
    10 GATE_PASSED,
    /// The last beat of an FPDU's payload went to the write engine.
    11 PAYLOAD_PLACED,
    /// A completion entry went to the write engine.
    12 COMPLETION_WRITTEN,
    /// An interrupt message went to the write engine.
    13 INTERRUPT_SENT,
}

/// The width of the `trace` pins.
pub const TRACE_BITS: usize = 16;
