//! The device's pins, as a clock sees them.

use crate::error::Error;
use std::path::Path;

/// One transfer of a stream: up to 8 octets of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// The octets; the first is in bits 7:0. Octets beyond `bytes` mean nothing.
    pub data: u64,
    /// How many octets are valid, 1 to 8; 8 on every beat but the last.
    pub bytes: u8,
    /// The packet ends with this beat.
    pub last: bool,
    /// With `last`: the whole packet must be discarded.
    pub error: bool,
}

impl Beat {
    /// Beat `index` of the packet `octets`, or nothing past its end.
    pub fn of(octets: &[u8], index: usize) -> Option<Self> {
        let rest = octets.get(8 * index..).filter(|rest| !rest.is_empty())?;
        let bytes = rest.len().min(8);
        let mut word = [0; 8];
        word[..bytes].copy_from_slice(&rest[..bytes]);
        Some(Self {
            data: u64::from_le_bytes(word),
            bytes: bytes as u8,
            last: rest.len() <= 8,
            error: false,
        })
    }

    /// The beat as the 70 bits of the pins: data, count, last, error from bit 0 up.
    pub fn to_bits(self) -> u128 {
        u128::from(self.data)
            | u128::from(self.bytes & 15) << 64
            | u128::from(self.last) << 68
            | u128::from(self.error) << 69
    }

    /// The beat from the 70 bits of the pins.
    pub fn from_bits(bits: u128) -> Self {
        Self {
            data: bits as u64,
            bytes: (bits >> 64) as u8 & 15,
            last: bits >> 68 & 1 == 1,
            error: bits >> 69 & 1 == 1,
        }
    }
}

/// What the world drives in one clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Core clocks since the world began; for waveforms.
    pub clock: u64,
    /// The device is reset.
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
