//! Transaction-layer packets over a serial line, for boards without PCI Express.
//!
//! Octets with eight data bits, no parity, one stop bit. Frames lie between [`FLAG`]s, with octet
//! stuffing as in RFC 1662 s. 4.2: it works octet by octet, where COBS must know up to 254 octets
//! ahead, and after any noise the next flag begins a good frame. A frame is
//!
//! ```text
//! kind | sequence | acknowledge | detail | body ... | CRC32c, low octet first
//! ```
//!
//! The CRC covers everything before it. It has 32 bits since the body is written to a computer's
//! memory: 16 would let one damaged frame in 65,536 pass.
//!
//! | kind | from | sequence | acknowledge | detail | body |
//! |---|---|---|---|---|---|
//! | [`kind::OPEN`] | host | nonce, low | nonce, high | settings | requester, low octet first |
//! | [`kind::OPENED`] | device | nonce, low | nonce, high | [`VERSION`] | [`IDENTITY`] |
//! | [`kind::PACKET`] | both | number | see below | settings | a TLP in wire order |
//! | [`kind::ACKNOWLEDGE`] | both | zero | see below | settings | none |
//!
//! **Session.** `OPEN` resets the device and both ends of the line; `OPENED` with its nonce says
//! that this is done. The host repeats `OPEN` until then and ignores every other frame. A device
//! that was never opened ignores everything else.
//!
//! **Settings** of the host are what its configuration space says: Max_Payload_Size in bits 2:0 and
//! Max_Read_Request_Size in bits 6:4, each in the code of PCI Express device control; Bus Master
//! Enable in bit 3; and in bit 7 that MSI-X is on and the function not masked. They hold from the
//! frame that says so. The device's are zero.
//!
//! **Delivery.** Packets are numbered from zero, modulo 256. `acknowledge` is the number of the
//! first packet that its sender has not yet taken; at most [`WINDOW`] packets may be without
//! acknowledgement, which is the flow control in both directions. A packet that is damaged, or not
//! the next one, is dropped; one that was taken before is acknowledged again. A sender whose oldest
//! packet is not acknowledged in time sends all of them again.

/// Begins and ends a frame.
pub const FLAG: u8 = 0x7e;
/// The next octet was changed by [`ESCAPED`].
pub const ESCAPE: u8 = 0x7d;
/// What an octet that is [`FLAG`] or [`ESCAPE`] is changed by (exclusive or).
pub const ESCAPED: u8 = 0x20;
/// Version of this format.
pub const VERSION: u8 = 2;
/// The body of [`kind::OPENED`].
pub const IDENTITY: [u8; 4] = *b"IWRP";
/// Octets before the body.
pub const HEADER_BYTES: usize = 4;
/// Packets that may be unacknowledged.
pub const WINDOW: usize = 4;
/// The longest TLP in octets: a header of 16, and 512 of data.
pub const PACKET_BYTES_MAX: usize = 16 + 512;
/// The rate of a board in bits a second.
pub const BAUD: u32 = 3_000_000;
/// Core clocks of a board that make a microsecond, rounded: its core runs at 62.5 MHz.
pub const BOARD_CLOCKS_PER_MICROSECOND: u16 = 62;
/// Bit times after which the device sends an unacknowledged packet again, as a power of two: 22 ms
/// at 3 Mbit/s, more than a USB bridge holds octets back.
pub const RETRANSMIT_BITS_LOG2: u32 = 16;

/// Kinds of frames.
pub mod kind {
    /// The host begins a session.
    pub const OPEN: u8 = 1;
    /// The device has begun it.
    pub const OPENED: u8 = 2;
    /// A TLP.
    pub const PACKET: u8 = 3;
    /// Nothing but an acknowledgement and settings.
    pub const ACKNOWLEDGE: u8 = 4;
}
