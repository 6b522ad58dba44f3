//! The Verilated top.

use std::path::Path;
use verilator_sys::{VerilatedModel, WaveformError};

/// What `verilator-sys` has made of the RTL.
mod verilated {
    include!(concat!(env!("OUT_DIR"), "/ecpix5.rs"));
}

/// Picoseconds of a clock of the line, 125 MHz.
const PICOSECONDS: u64 = 8_000;

/// Two nibbles and two control bits: what an RGMII carries in a clock of 125 MHz, at the rising and
/// at the falling edge (RGMII 2.0 s. 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edges {
    /// The octet: low nibble at the rising edge, high nibble at the falling one.
    pub octet: u8,
    /// Valid, at the rising edge.
    pub valid: bool,
    /// Valid, exclusive or error, at the falling edge.
    pub valid_or_error: bool,
}

/// What drives the board's inputs in a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Driven {
    /// From the PHY.
    pub rgmii: Edges,
    /// From the host.
    pub uart_rx: bool,
}

/// What the board drives in the same clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// To the PHY.
    pub rgmii: Edges,
    /// To the host.
    pub uart_tx: bool,
}

/// The board, as it is after power-on.
#[derive(Debug, Default)]
pub struct Board {
    model: verilated::Ecpix5,
    clock: u64,
}

impl Board {
    /// A new board.
    pub fn new() -> Self {
        Self::default()
    }

    /// Clocks of 125 MHz since power-on; two of them are a core clock.
    pub fn clock(&self) -> u64 {
        self.clock
    }

    /// A clock of 125 MHz.
    pub fn cycle(&mut self, driven: Driven) -> Sampled {
        let now = self.clock * PICOSECONDS;
        let model = &mut self.model;
        model.set_uart_rx(driven.uart_rx);
        model.set_rgmii_rx_data(driven.rgmii.octet & 15);
        model.set_rgmii_rx_control(driven.rgmii.valid);
        model.set_clock_100(true);
        model.set_rgmii_rx_clock(true);
        model.eval();
        model.dump(now);
        let (low, valid) = (model.rgmii_tx_data(), model.rgmii_tx_control());
        model.set_rgmii_rx_data(driven.rgmii.octet >> 4);
        model.set_rgmii_rx_control(driven.rgmii.valid_or_error);
        model.set_clock_100(false);
        model.set_rgmii_rx_clock(false);
        model.eval();
        model.dump(now + PICOSECONDS / 2);
        let octet = low & 15 | model.rgmii_tx_data() << 4;
        let rgmii = Edges { octet, valid, valid_or_error: model.rgmii_tx_control() };
        self.clock += 1;
        Sampled { rgmii, uart_tx: model.uart_tx() }
    }

    /// Starts a waveform of everything in the board, `.vcd` or `.fst`.
    ///
    /// # Errors
    /// An unknown extension, or a file that cannot be written.
    pub fn open_waveform(&mut self, path: &Path) -> Result<(), WaveformError> {
        self.model.open_waveform(path)
    }

    /// Finishes the waveform, if one is open.
    ///
    /// # Errors
    /// The first error that writing the file met.
    pub fn close_waveform(&mut self) -> Result<(), WaveformError> {
        self.model.close_waveform()
    }
}
