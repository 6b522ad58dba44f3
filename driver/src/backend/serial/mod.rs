//! A board behind a serial line: this computer is the root complex, in software.
//!
//! ```text
//!   Serial (PciFunction) -> Board: RootComplex <-packets-> SerialLink <-octets-> Tty
//! ```

mod board;
mod function;
mod port;
mod tty;

pub use board::Board;
pub use function::Serial;
pub use port::SerialPort;
