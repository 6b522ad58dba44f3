//! The device's pins, as a clock sees them.

use crate::error::Error;
use crate::Beat;
use std::path::Path;

/// What the world drives in one clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Core clocks since the world began; for waveforms.
    pub clock: u64,
    /// The device is reset at the rising edge; what it drives until then counts. A packet that this
    /// cuts on its way out ends later with `error`; what still comes of one that it cuts on its
    /// way in is dropped.
    pub reset: bool,
    /// A beat of a TLP from the root complex, if one is offered.
    pub pcie_in: Option<Beat>,
    /// The root complex takes a beat.
    pub pcie_out_ready: bool,
    /// A beat of a frame from the MAC, without preamble and frame check sequence.
    pub mac_in: Option<Beat>,
    /// The MAC takes a beat.
    pub mac_out_ready: bool,
    /// Largest payload of a TLP: 128 << `max_payload` octets.
    pub max_payload: u8,
    /// Largest read request: 128 << `max_read` octets.
    pub max_read: u8,
    /// The function's bus, device and function number.
    pub requester: u16,
    /// The function may send requests.
    pub bus_master_enable: bool,
    /// MSI-X is on.
    pub msix_enable: bool,
    /// All vectors are masked together.
    pub msix_function_mask: bool,
    /// Reads of the device wait for ever.
    pub completion_timeout_disable: bool,
}

/// What the device drives in the same clock, just before the rising edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// The device takes the beat of `pcie_in`.
    pub pcie_in_ready: bool,
    /// A beat of a TLP from the device.
    pub pcie_out: Option<Beat>,
    /// The device takes the beat of `mac_in`; always true by design.
    pub mac_in_ready: bool,
    /// A beat of a frame to the MAC.
    pub mac_out: Option<Beat>,
    /// The stations passed in this clock: a bit each, as in `ironwarp_abi::trace`.
    pub trace: u16,
}

/// A device at its pins: the Verilated RNIC, or something in its place.
pub trait Pins: Send {
    /// One core clock: drives `inputs`, lets the device settle, samples what it drives, then
    /// raises the clock. A stream moves when its valid and its ready were both true.
    fn clock(&mut self, inputs: &Inputs) -> Outputs;

    /// Starts a waveform of the device's insides, `.vcd` or `.fst` by the file's extension.
    ///
    /// # Errors
    /// A device that cannot, an unknown extension, or a file that cannot be written.
    fn open_waveform(&mut self, path: &Path) -> Result<(), Error> {
        Err(Error::NoWaveform { path: path.to_owned() })
    }

    /// Finishes the waveform, if one is open.
    ///
    /// # Errors
    /// The first error that writing the file met.
    fn close_waveform(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
