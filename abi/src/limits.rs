//! The sizes of the device, each named once; hardware, model and driver derive from them.

/// The width of an object's number wherever host and device name one: queue pairs, completion
/// queues, and the index in an STag. A device has fewer: see
/// [`Configuration`](crate::configuration::Configuration).
pub const NUMBER_BITS: usize = 24;
/// The queue pair whose work requests are whole Ethernet frames (the slow path).
pub const RAW_QP: usize = 0;
/// The width of a queue pair's generation: its starts since the reset, modulo 2^8.
pub const GENERATION_BITS: usize = 8;
/// The width of the consumer's key in an STag: its low bits.
pub const KEY_BITS: usize = 8;
/// The width of the key of the flow table's hash.
pub const FLOW_KEY_BITS: usize = 96;
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
/// log2 of the unit in which the size of a reassembly ring is said, in octets.
pub const REASSEMBLY_UNIT_BITS: u32 = 12;
/// log2 of the most units that a reassembly ring can have.
pub const REASSEMBLY_BITS_MAX: u32 = 15;
/// log2 of [`FPDU_BUFFER_BYTES`].
pub const FPDU_BUFFER_BITS: usize = 15;
/// The buffer that stores FPDUs until their CRC is checked.
pub const FPDU_BUFFER_BYTES: usize = 1 << FPDU_BUFFER_BITS;
/// log2 of [`SEGMENT_BUFFER_BYTES`].
pub const SEGMENT_BUFFER_BITS: usize = 15;
/// The buffer that stores outgoing segments until their checksum is known.
pub const SEGMENT_BUFFER_BYTES: usize = 1 << SEGMENT_BUFFER_BITS;
/// log2 of the smallest page of a page list.
pub const PAGE_BITS_MIN: usize = 12;
/// log2 of the largest page of a page list.
pub const PAGE_BITS_MAX: usize = 31;
/// A region that is a page list has fewer than 2^44 octets: the device counts no further.
pub const PAGED_LENGTH_BITS: usize = 44;
/// Octets of an entry of a page list.
pub const PAGE_ENTRY_BYTES: usize = 8;
/// The device reads a page list in lines of so many octets, each at a multiple of that.
pub const PAGE_LINE_BYTES: usize = 64;
/// The largest MTU (IP packet) in octets.
pub const MTU_MAX: usize = 9000;
/// The smallest MTU in octets (RFC 791: every host takes 576).
pub const MTU_MIN: usize = 576;
/// The largest Ethernet frame in octets, without frame check sequence.
pub const FRAME_BYTES_MAX: usize = MTU_MAX + 14;
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
/// Received octets lie on chip in words of this many; what is not a multiple loses a part of one.
pub const WINDOW_UNIT: usize = 64;
