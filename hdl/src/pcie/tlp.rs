//! Transaction-layer packets: the numbers (PCI Express Base Specification, sections 2.2.1 to
//! 2.2.9).
//!
//! A header is big-endian; octet 0 holds `Fmt` in bits 7:5 and `Type` in bits 4:0. Data follows in
//! the order of addresses.

/// Octet 0 of a memory read with a 32-bit address (s. 2.2.1, table 2-3).
pub const MEMORY_READ_32: u8 = 0x00;
/// Octet 0 of a memory read with a 64-bit address.
pub const MEMORY_READ_64: u8 = 0x20;
/// Octet 0 of a locked memory read with a 32-bit address.
pub const LOCKED_READ_32: u8 = 0x01;
/// Octet 0 of a locked memory read with a 64-bit address.
pub const LOCKED_READ_64: u8 = 0x21;
/// Octet 0 of an I/O read.
pub const IO_READ: u8 = 0x02;
/// Octet 0 of an I/O write.
pub const IO_WRITE: u8 = 0x42;
/// Octet 0 of a memory write with a 32-bit address.
pub const MEMORY_WRITE_32: u8 = 0x40;
/// Octet 0 of a memory write with a 64-bit address.
pub const MEMORY_WRITE_64: u8 = 0x60;
/// Octet 0 of a read of configuration space, of the function itself.
pub const CONFIG_READ_0: u8 = 0x04;
/// Octet 0 of a write of configuration space, of the function itself.
pub const CONFIG_WRITE_0: u8 = 0x44;
/// Octet 0 of a read of configuration space behind a bridge.
pub const CONFIG_READ_1: u8 = 0x05;
/// Octet 0 of a write of configuration space behind a bridge.
pub const CONFIG_WRITE_1: u8 = 0x45;
/// Octet 0 of a deferrable memory write with a 32-bit address: non-posted.
pub const DEFERRABLE_32: u8 = 0x5b;
/// Octet 0 of a deferrable memory write with a 64-bit address.
pub const DEFERRABLE_64: u8 = 0x7b;
/// Octet 0 of an atomic fetch and add with a 32-bit address.
pub const FETCH_ADD_32: u8 = 0x4c;
/// Octet 0 of an atomic fetch and add with a 64-bit address.
pub const FETCH_ADD_64: u8 = 0x6c;
/// Octet 0 of an atomic swap with a 32-bit address.
pub const SWAP_32: u8 = 0x4d;
/// Octet 0 of an atomic swap with a 64-bit address.
pub const SWAP_64: u8 = 0x6d;
/// Octet 0 of an atomic compare and swap with a 32-bit address.
pub const COMPARE_32: u8 = 0x4e;
/// Octet 0 of an atomic compare and swap with a 64-bit address.
pub const COMPARE_64: u8 = 0x6e;
/// Octet 0 of a completion without data.
pub const COMPLETION: u8 = 0x0a;
/// Octet 0 of a completion with data.
pub const COMPLETION_DATA: u8 = 0x4a;
/// Octet 0 of a completion without data of a locked read.
pub const LOCKED_COMPLETION: u8 = 0x0b;

/// Completion status: Successful Completion (s. 2.2.9, table 2-29).
pub const STATUS_SUCCESS: u8 = 0;
/// Completion status: Unsupported Request.
pub const STATUS_UNSUPPORTED: u8 = 1;

/// Completion status: Completer Abort.
pub const STATUS_ABORT: u8 = 4;

// Tags. Every channel has more than it has reads under way: a slot of its store takes another one
// with every use, so that what comes too late or twice for a read does not fit the next. All 256
// are used: Extended Tag must be enabled (s. 2.2.6.2).

/// The first tag of the payload read channel.
pub const PAYLOAD_TAG: u8 = 0;
/// log2 of the tags of the payload read channel.
pub const PAYLOAD_TAG_BITS: usize = 7;
/// The first tag of the channel that fetches send work requests.
pub const SEND_TAG: u8 = 128;
/// The first tag of the channel that fetches receive work requests.
pub const RECEIVE_TAG: u8 = 160;
/// log2 of the tags of each of them.
pub const REQUEST_TAG_BITS: usize = 5;
/// The first tag of the channel that reads page lists.
pub const LINE_TAG: u8 = 192;
/// log2 of its tags.
pub const LINE_TAG_BITS: usize = 6;
