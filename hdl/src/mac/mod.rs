//! A gigabit Ethernet MAC (IEEE 802.3, full duplex), between GMII and the device's streams.
//!
//! ```text
//!   receive_clock                                                        |   clock
//! gmii -> Delimiter -+-> ReceiveCheck --+-> TypeWait -> OctetPacker ->    |                 |
//!                    |                  |   OverflowGuard -> ClockCrossing -----------------+
//!                    +-> PauseReceiver -+ <------------ ClockCrossing <- station            |
//!                              |                                         |             DeviceGate
//!   transmit_clock       ClockCrossing -> PauseTimer                     |               |   ^
//!                                            | hold                      |               v   |
//! gmii <-------------------------------- FrameSender <---- ClockCrossing <---------------+  device
//! ```
pub mod delimiter;
pub mod device_gate;
pub mod fcs;
pub mod frame_sender;
pub mod octet_packer;
pub mod overflow_guard;
pub mod pause_receiver;
pub mod pause_timer;
pub mod receive_check;
pub mod records;
pub mod top;
pub mod type_wait;

pub use delimiter::Delimiter;
pub use device_gate::DeviceGate;
pub use fcs::Fcs;
pub use frame_sender::FrameSender;
pub use octet_packer::OctetPacker;
pub use overflow_guard::OverflowGuard;
pub use pause_receiver::PauseReceiver;
pub use pause_timer::PauseTimer;
pub use receive_check::ReceiveCheck;
pub use records::{Gmii, MacCounts};
pub use top::Mac;
pub use type_wait::TypeWait;

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod tests;

use ironwarp_abi::limits::FRAME_BYTES_MAX;

/// An octet of the preamble, seven of which precede a frame.
pub const PREAMBLE: u64 = 0x55;
/// The start frame delimiter.
pub const START: u64 = 0xd5;
/// Octets of the check sequence.
const FCS_BYTES: u64 = 4;
/// Octets of the shortest frame, check sequence included.
pub const SHORTEST: u64 = 64;
/// Octets of the longest frame, check sequence included.
pub const LONGEST: u64 = FRAME_BYTES_MAX as u64 + FCS_BYTES;
/// Octets of silence between frames.
pub const GAP: u64 = 12;
