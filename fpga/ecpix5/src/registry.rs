//! The blocks of the board that stand alone, and the whole.

use crate::lights::Lights;
use crate::phy_reset::PhyReset;
use crate::rgmii::{RgmiiReceiver, RgmiiTransmitter};
use ironwarp_hdl::verilog::edge::Edge;

ironwarp_hdl::blocks! {
    ecpix5_phy_reset: PhyReset::default(),
    ecpix5_lights: Lights::default(),
    ecpix5_rgmii_receiver: RgmiiReceiver::default(),
    ecpix5_rgmii_transmitter: RgmiiTransmitter::default(),
}

mod ecpix5 {
    use crate::top::{Ecpix5, CLOCKS_PER_BIT};

    ironwarp_hdl::blocks! {
        ecpix5: Ecpix5::new(CLOCKS_PER_BIT),
    }
}

/// The board as others see it.
const EDGE: Edge = Edge { structure: "Ecpix5", sources: &[include_str!("top.rs")], bits: &[] };

/// The whole board.
pub fn whole() -> Vec<ironwarp_hdl::BlockEntry> {
    ecpix5::blocks().into_iter().map(|entry| entry.with_edge(&EDGE)).collect()
}
