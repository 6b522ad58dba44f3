//! Transaction-layer packets over a serial line (`ironwarp_abi::serial`), in the place of a board's
//! PCI Express.
//!
//! ```text
//!            +------------------------- SerialBridge --------------------------+
//! uart_rx -->| UartReceiver -> Unstuffer -> FrameReceiver -> PacketStore ------|--> pcie_in
//!            |                                   | acknowledge                 |
//!            |                               SerialSession                     |--> reset, ...
//!            |                                   v                             |
//! uart_tx <--| UartTransmitter <- Stuffer <- FrameSender <- ReplayStore <------|<-- pcie_out
//!            +-----------------------------------------------------------------+
//! ```
pub mod bridge;
pub mod frame_receiver;
pub mod frame_sender;
pub mod octet_crc;
pub mod records;
pub mod replay_store;
pub mod session;
pub mod stuffer;
pub mod uart_receiver;
pub mod uart_transmitter;
pub mod unstuffer;

pub use bridge::SerialBridge;
pub use records::{Arrived, FrameOctet, FrameStart};
pub use uart_receiver::UartReceiver;
pub use uart_transmitter::UartTransmitter;

#[cfg(test)]
mod tests;
