//! The Verilated RTL behind [`Pins`].

use crate::{Beat, Error, Pins};
use std::path::Path;
use verilator_sys::VerilatedModel;

/// What `verilator-sys` has made of the RTL.
mod verilated {
    include!(concat!(env!("OUT_DIR"), "/rnic.rs"));
}

/// The RNIC, as it is after power-on.
#[derive(Debug, Default)]
pub struct Rnic {
    model: verilated::Rnic,
}

impl Rnic {
    /// A new device.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Drives one clock of a Verilated type that has the RNIC's ports, and gives its [`Outputs`].
///
/// A macro, since Verilated types have no trait for their ports by name: a test bench may Verilate
/// the RNIC in another way.
///
/// [`Outputs`]: crate::Outputs
#[macro_export]
macro_rules! clock_rnic {
    ($model:expr, $inputs:expr) => {{
        let (model, inputs): (_, &$crate::Inputs) = (&mut $model, $inputs);
        let now = inputs.clock * $crate::time::PICOSECONDS;
        model.set_reset(inputs.reset);
        // An idle stream keeps its last beat: what does not change costs nothing to settle.
        model.set_pcie_in_valid(inputs.pcie_in.is_some());
        if let Some(beat) = inputs.pcie_in {
            model.set_pcie_in_beat($crate::rnic::words(beat));
        }
        model.set_mac_in_valid(inputs.mac_in.is_some());
        if let Some(beat) = inputs.mac_in {
            model.set_mac_in_beat($crate::rnic::words(beat));
        }
        model.set_pcie_out_ready(inputs.pcie_out_ready);
        model.set_mac_out_ready(inputs.mac_out_ready);
        model.set_max_payload(inputs.max_payload);
        model.set_max_read(inputs.max_read);
        model.set_requester(inputs.requester);
        model.set_bus_master_enable(inputs.bus_master_enable);
        model.set_msix_enable(inputs.msix_enable);
        model.set_msix_function_mask(inputs.msix_function_mask);
        model.set_completion_timeout_disable(inputs.completion_timeout_disable);
        model.set_clock(false);
        model.eval();
        let beat = $crate::rnic::beat;
        let outputs = $crate::Outputs {
            pcie_in_ready: model.pcie_in_ready(),
            pcie_out: model.pcie_out_valid().then(|| beat(model.pcie_out_beat())),
            mac_in_ready: model.mac_in_ready(),
            mac_out: model.mac_out_valid().then(|| beat(model.mac_out_beat())),
            trace: model.stations(),
        };
        model.dump(now);
        model.set_clock(true);
        model.eval();
        model.dump(now + $crate::time::PICOSECONDS / 2);
        outputs
    }};
}

/// A beat as the words of a port.
pub fn words(beat: Beat) -> [u32; 3] {
    let bits = beat.to_bits();
    [bits as u32, (bits >> 32) as u32, (bits >> 64) as u32]
}

/// A beat from the words of a port.
pub fn beat(words: [u32; 3]) -> Beat {
    let [low, middle, high] = words.map(u128::from);
    Beat::from_bits(low | middle << 32 | high << 64)
}

impl Pins for Rnic {
    fn clock(&mut self, inputs: &crate::Inputs) -> crate::Outputs {
        clock_rnic!(self.model, inputs)
    }

    fn open_waveform(&mut self, path: &Path) -> Result<(), Error> {
        self.model.open_waveform(path).map_err(|error| Error::Waveform(error.into()))
    }

    fn close_waveform(&mut self) -> Result<(), Error> {
        self.model.close_waveform().map_err(|error| Error::Waveform(error.into()))
    }
}
