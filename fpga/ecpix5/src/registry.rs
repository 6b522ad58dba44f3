//! The blocks of the board that stand alone, and the whole.

use crate::lights::Lights;
use crate::phy_reset::PhyReset;
use crate::rgmii::{RgmiiReceiver, RgmiiTransmitter};
use ironwarp_hdl_board::verilog::edge::Edge;

ironwarp_hdl_board::blocks! {
    ecpix5_phy_reset: PhyReset::default(), [clock, reset_n];
    ecpix5_lights: Lights::default(),
        [clock, resetting, link, gigabit, frame, trouble, serial, led];
    ecpix5_rgmii_receiver: RgmiiReceiver::default(),
        [clock, data, control, gmii, link, gigabit];
    ecpix5_rgmii_transmitter: RgmiiTransmitter::default(),
        [clock, gmii, pin_clock, data, control];
}

mod ecpix5 {
    use crate::top::{Ecpix5, CLOCKS_PER_BIT};

    ironwarp_hdl_board::blocks! {
        ecpix5: Ecpix5::new(CLOCKS_PER_BIT),
            [clock_100, uart_rx, uart_tx, phy_reset_n, led, rgmii_rx_clock, rgmii_rx_data,
             rgmii_rx_control, rgmii_tx_clock, rgmii_tx_data, rgmii_tx_control];
    }
}

/// The board as others see it.
const EDGE: Edge = Edge { structure: "Ecpix5", sources: &[include_str!("top.rs")], bits: &[] };

/// The whole board.
pub fn whole() -> Vec<ironwarp_hdl_board::BlockEntry> {
    ecpix5::blocks().into_iter().map(|entry| entry.with_edge(&EDGE)).collect()
}
