//! Verilator for Rust programs, in two halves.
//!
//! *The `build` half* is for build scripts: [`build::Models`] takes Verilog text, runs `verilator`
//! and the C++ compiler, and writes a Rust file with one safe type per module.
//!
//! *The `runtime` half* is for the programs that use those types. It compiles Verilator's own
//! runtime once, and has what the types share: [`Instance`], [`VerilatedModel`] and waveforms.
//!
//! ```toml
//! [dependencies]
//! verilator-sys = { workspace = true, features = ["runtime"] }
//! [build-dependencies]
//! verilator-sys = { workspace = true, features = ["build"] }
//! ```
//!
//! Every instance has a simulation context of its own, so instances are independent, may live on
//! different threads ([`Send`]), and never share time or state.

#[cfg(any(feature = "build", feature = "runtime"))]
mod port;
#[cfg(any(feature = "build", feature = "runtime"))]
pub use port::{Direction, Port};

#[cfg(feature = "build")]
pub mod build;
#[cfg(any(feature = "build", feature = "runtime"))]
pub mod find;

#[cfg(feature = "runtime")]
mod fst;
#[cfg(feature = "runtime")]
mod instance;
#[cfg(feature = "runtime")]
mod waveform;
#[cfg(feature = "runtime")]
pub use instance::{Instance, Vtable, Word};
#[cfg(feature = "runtime")]
pub use waveform::WaveformError;

/// A Verilated model behind one face, whatever its ports: for harnesses that drive any module.
///
/// Values are little-endian 32-bit words: bit `n` of a port is bit `n % 32` of word `n / 32`.
#[cfg(feature = "runtime")]
pub trait VerilatedModel: Send {
    /// The module's name, as the build script called it.
    fn name(&self) -> &'static str;
    /// The ports, in the order of declaration. Indices below are into this slice.
    fn ports(&self) -> &'static [Port];
    /// Drives an input port. Bits beyond the port's width are dropped; missing words are zero.
    ///
    /// # Panics
    /// When there is no such port.
    fn set_port(&mut self, port: usize, value: &[u32]);
    /// Reads a port into `value`; words beyond the port's width become zero.
    ///
    /// # Panics
    /// When there is no such port.
    fn port(&self, port: usize, value: &mut [u32]);
    /// Lets the model settle after inputs changed; a rising clock is a change like any other.
    fn eval(&mut self);
    /// Starts a waveform, `.vcd` or `.fst` by the file's extension, replacing any that is open.
    ///
    /// # Errors
    /// An unknown extension, a file that cannot be written, or a model built without waveforms.
    fn open_waveform(&mut self, path: &std::path::Path) -> Result<(), WaveformError>;
    /// Writes the values that changed, at `time` in picoseconds. Nothing if no waveform is open.
    fn dump(&mut self, time: u64);
    /// Finishes the waveform, if one is open.
    ///
    /// # Errors
    /// The first error that writing the file met.
    fn close_waveform(&mut self) -> Result<(), WaveformError>;
}
