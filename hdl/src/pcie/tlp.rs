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
/// Octet 0 of a completion without data.
pub const COMPLETION: u8 = 0x0a;
/// Octet 0 of a completion with data.
pub const COMPLETION_DATA: u8 = 0x4a;

/// Completion status: Successful Completion (s. 2.2.9, table 2-29).
pub const STATUS_SUCCESS: u8 = 0;
/// Completion status: Unsupported Request.
pub const STATUS_UNSUPPORTED: u8 = 1;

/// The first tag of the payload read channel; it has `limits::PAYLOAD_TAGS`.
pub const PAYLOAD_TAG: u8 = 0;
/// The first tag of the channel that fetches send work requests; it has 4.
pub const SEND_TAG: u8 = 32;
/// The first tag of the channel that fetches receive work requests; it has 4.
pub const RECEIVE_TAG: u8 = 36;
