//! The Verilated board ECPIX-5 as a Rust object, and what is at its pins: a PHY that carries
//! frames, and a serial line that is a pseudo-terminal.
//!
//! ```text
//!   driver = pseudo-terminal = UartPartner -- pins -- Board -- pins -- RgmiiPartner = FramePort
//! ```
//! [`Bench`] is all of it. It runs as long as the board has something to do, and sleeps otherwise.

pub mod bench;
pub mod board;
pub mod pseudo_terminal;
pub mod rgmii;
pub mod uart;

pub use bench::{Bench, FramePort, Source};
pub use board::{Board, Driven, Sampled};
pub use pseudo_terminal::PseudoTerminal;
pub use rgmii::{Fault, RgmiiPartner};
pub use uart::UartPartner;
