//! The sizes of the device, each named once; hardware, model and driver derive from them.

/// log2 of [`QP_COUNT`].
pub const QP_BITS: usize = 4;
/// Queue pairs. Queue pair [`RAW_QP`] carries raw Ethernet frames, the others RDMA streams.
pub const QP_COUNT: usize = 1 << QP_BITS;
/// The queue pair whose work requests are whole Ethernet frames (the slow path).
pub const RAW_QP: usize = 0;
/// log2 of [`CQ_COUNT`].
pub const CQ_BITS: usize = 4;
/// Completion queues.
pub const CQ_COUNT: usize = 1 << CQ_BITS;
/// log2 of [`MR_COUNT`].
pub const MR_BITS: usize = 8;
/// Memory regions. An STag is `key << MR_BITS | index`.
pub const MR_COUNT: usize = 1 << MR_BITS;
/// The width of an STag's key in bits.
pub const KEY_BITS: usize = 32 - MR_BITS;
/// log2 of [`FLOW_COUNT`].
pub const FLOW_BITS: usize = 6;
/// Entries of the flow table.
pub const FLOW_COUNT: usize = 1 << FLOW_BITS;
/// Entries that a look-up tries, starting at the hash.
pub const FLOW_PROBES: usize = 4;
/// Interrupt vectors in the MSI-X table.
pub const VECTOR_COUNT: usize = 16;
/// Scatter/gather elements of a work request.
pub const SGE_MAX: usize = 1;
/// log2 of the entries of the largest send or receive queue.
pub const QUEUE_BITS_MAX: usize = 12;
/// log2 of the entries of the largest completion queue.
pub const CQ_ENTRY_BITS_MAX: usize = 15;
/// log2 of [`WQE_CACHE_ENTRIES`].
pub const WQE_CACHE_BITS: usize = 4;
/// Work requests of one queue that the device keeps on chip ahead of their use.
pub const WQE_CACHE_ENTRIES: usize = 1 << WQE_CACHE_BITS;
/// log2 of [`OUTSTANDING_MAX`].
pub const OUTSTANDING_BITS: usize = 7;
/// Sent but unacknowledged work requests that the device tracks per queue pair.
pub const OUTSTANDING_MAX: usize = 1 << OUTSTANDING_BITS;
/// log2 of [`READS_MAX`].
pub const READ_BITS: usize = 3;
/// RDMA Reads of one queue pair, each way: the greatest ORD and IRD.
pub const READS_MAX: usize = 1 << READ_BITS;
/// log2 of [`STREAM_RING_BYTES`], in the reference design. The device says its own in `SIZES`.
pub const STREAM_RING_BITS: usize = 15;
/// The same where block RAM is short: on boards for gigabit Ethernet without jumbo frames.
pub const STREAM_RING_BITS_SMALL: usize = 12;
/// Received TCP octets that wait on chip, per queue pair, for the rest of their FPDU.
pub const STREAM_RING_BYTES: usize = 1 << STREAM_RING_BITS;
/// log2 of [`FPDU_BUFFER_BYTES`].
pub const FPDU_BUFFER_BITS: usize = 15;
/// The buffer that stores FPDUs until their CRC is checked.
pub const FPDU_BUFFER_BYTES: usize = 1 << FPDU_BUFFER_BITS;
/// log2 of [`SEGMENT_BUFFER_BYTES`].
pub const SEGMENT_BUFFER_BITS: usize = 15;
/// The buffer that stores outgoing segments until their checksum is known.
pub const SEGMENT_BUFFER_BYTES: usize = 1 << SEGMENT_BUFFER_BITS;
/// The largest MTU (IP packet) in octets.
pub const MTU_MAX: usize = 9000;
/// The smallest MTU in octets (RFC 791: every host takes 576).
pub const MTU_MIN: usize = 576;
/// The largest Ethernet frame in octets, without frame check sequence.
pub const FRAME_BYTES_MAX: usize = MTU_MAX + 14;
/// The largest FPDU that the receiver takes, in octets on the stream, markers included.
pub const FPDU_BYTES_MAX: usize = fpdu_bytes_max(STREAM_RING_BYTES);
/// Payload read tags (reads in flight), and the most octets that one read asks for.
pub const PAYLOAD_TAGS: usize = 32;
/// The most octets that one DMA read asks for (the MRRS encodings above it are clamped).
pub const READ_REQUEST_BYTES_MAX: usize = 512;
/// The most payload octets of one DMA write TLP (the MPS encodings above it are clamped).
pub const WRITE_PAYLOAD_BYTES_MAX: usize = 512;
/// Octets that the datapath moves a clock.
pub const DATAPATH_BYTES: usize = 8;
/// The core clock of the reference design in hertz: 64 bits x 156.25 MHz = 10 Gb/s.
pub const CORE_CLOCK_HZ: u64 = 156_250_000;

/// [`FPDU_BYTES_MAX`] of a device whose stream rings have so many octets: the ring always has room
/// for an FPDU and for the rest of the segment in which it ends.
pub const fn fpdu_bytes_max(stream_ring_bytes: usize) -> usize {
    stream_ring_bytes / 2 - 384
}

/// The largest frame that such a device receives, without frame check sequence.
pub const fn frame_bytes_max(stream_ring_bytes: usize) -> usize {
    if FRAME_BYTES_MAX < stream_ring_bytes / 2 {
        FRAME_BYTES_MAX
    } else {
        stream_ring_bytes / 2
    }
}

const _: () = assert!(2 * FRAME_BYTES_MAX <= STREAM_RING_BYTES, "two frames fit in a stream ring");
const _: () = assert!(FPDU_BYTES_MAX < STREAM_RING_BYTES, "an FPDU fits in a stream ring");
const _: () = assert!(FPDU_BYTES_MAX < FPDU_BUFFER_BYTES, "an FPDU fits in the FPDU buffer");
const _: () = assert!(QP_COUNT <= CQ_COUNT * 4, "a CQ serves at most a few queue pairs");
