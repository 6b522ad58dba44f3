//! The board.
//!
//! ```text
//!            +------------------------------- Ecpix5 --------------------------------+
//!            |                                                                       |
//!   uart ----|-- SerialBridge <==TLPs==> Rnic <==frames==> Mac <==GMII==> Rgmii... --|---- PHY
//!            |         clock: Clocks.core, 62.5 MHz         | 125 MHz: Clocks.line,   |
//! clock_100 -|-- Clocks                                     | and rgmii_rx_clock      |
//!            +-----------------------------------------------------------------------+
//! ```
use crate::cells::GlobalBuffer;
use crate::clocks::Clocks;
use crate::lights::Lights;
use crate::phy_reset::PhyReset;
use crate::rgmii::{RgmiiReceiver, RgmiiTransmitter};
use ironwarp_hdl::mac::Mac;
use ironwarp_hdl::pins::Ports;
use ironwarp_hdl::serial::SerialBridge;
use ironwarp_hdl::stream::{Beat, StreamSource, Synchroniser};
use ironwarp_hdl::top::Rnic;
use rust_hdl::prelude::*;

/// The device's clocks that a bit lasts on the serial line: 3,000,000 baud, as near as 62.5 MHz
/// comes to it, which is 0.8 %.
pub const CLOCKS_PER_BIT: u32 = 21;

/// The whole board.
#[derive(LogicBlock, Ports)]
pub struct Ecpix5 {
    /// The oscillator; see [`Clocks::reference`].
    pub clock_100: Signal<In, Clock>,
    /// From the host.
    pub uart_rx: Signal<In, Bit>,
    /// To the host.
    pub uart_tx: Signal<Out, Bit>,
    /// The PHY's reset, active low.
    pub phy_reset_n: Signal<Out, Bit>,
    /// See [`Lights`]; lit when low.
    pub led: Signal<Out, Bits<12>>,
    /// RXC of RGMII.
    pub rgmii_rx_clock: Signal<In, Clock>,
    /// RXD: bits 3:0 of an octet at the rising edge, 7:4 at the falling edge.
    pub rgmii_rx_data: Signal<In, Bits<4>>,
    /// RX_CTL: RX_DV at the rising edge, RX_DV xor RX_ER at the falling edge.
    pub rgmii_rx_control: Signal<In, Bit>,
    /// TXC of RGMII, 2 ns behind its data.
    pub rgmii_tx_clock: Signal<Out, Bit>,
    /// TXD, as RXD.
    pub rgmii_tx_data: Signal<Out, Bits<4>>,
    /// TX_CTL, as RX_CTL.
    pub rgmii_tx_control: Signal<Out, Bit>,
    clocks: Clocks,
    reset: GlobalBuffer,
    bridge: SerialBridge,
    rnic: Rnic,
    mac: Mac,
    receiver: RgmiiReceiver,
    transmitter: RgmiiTransmitter,
    phy_reset: PhyReset,
    lights: Lights,
    link: Synchroniser<Bit>,
    gigabit: Synchroniser<Bit>,
    serial: Synchroniser<Bit>,
}

impl Ecpix5 {
    /// The board, with a serial line on which a bit lasts `clocks_per_bit` clocks of 62.5 MHz:
    /// [`CLOCKS_PER_BIT`] on the real one, fewer where a simulation is in a hurry.
    pub fn new(clocks_per_bit: u32) -> Self {
        Self {
            clock_100: Default::default(),
            uart_rx: Default::default(),
            uart_tx: Default::default(),
            phy_reset_n: Default::default(),
            led: Default::default(),
            rgmii_rx_clock: Default::default(),
            rgmii_rx_data: Default::default(),
            rgmii_rx_control: Default::default(),
            rgmii_tx_clock: Default::default(),
            rgmii_tx_data: Default::default(),
            rgmii_tx_control: Default::default(),
            clocks: Default::default(),
            reset: Default::default(),
            bridge: SerialBridge::new(clocks_per_bit),
            rnic: Default::default(),
            mac: Default::default(),
            receiver: Default::default(),
            transmitter: Default::default(),
            phy_reset: Default::default(),
            lights: Default::default(),
            link: Default::default(),
            gigabit: Default::default(),
            serial: Default::default(),
        }
    }
}

impl Logic for Ecpix5 {
    #[hdl_gen]
    fn update(&mut self) {
        // Clocks and resets.
        self.clocks.reference.next = self.clock_100.val();
        self.bridge.clock.next = self.clocks.core.val();
        self.rnic.clock.next = self.clocks.core.val();
        self.phy_reset.clock.next = self.clocks.core.val();
        self.lights.clock.next = self.clocks.core.val();
        self.link.clock.next = self.clocks.core.val();
        self.gigabit.clock.next = self.clocks.core.val();
        self.serial.clock.next = self.clocks.core.val();
        self.mac.clock.next = self.clocks.core.val();
        self.mac.transmit_clock.next = self.clocks.line.val();
        self.transmitter.clock.next = self.clocks.line.val();
        self.mac.receive_clock.next = self.rgmii_rx_clock.val();
        self.receiver.clock.next = self.rgmii_rx_clock.val();
        self.reset.here.next = self.bridge.reset.val();
        self.rnic.reset.next = self.reset.everywhere.val();
        self.mac.device_reset.next = self.bridge.reset.val();
        self.phy_reset_n.next = self.phy_reset.reset_n.val();

        // The host.
        self.bridge.uart_rx.next = self.uart_rx.val();
        self.uart_tx.next = self.bridge.uart_tx.val();
        StreamSource::<Beat>::join(&mut self.bridge.pcie_in, &mut self.rnic.pcie_in);
        StreamSource::<Beat>::join(&mut self.rnic.pcie_out, &mut self.bridge.pcie_out);
        self.rnic.max_payload.next = self.bridge.max_payload.val();
        self.rnic.max_read.next = self.bridge.max_read.val();
        self.rnic.requester.next = self.bridge.requester.val();
        self.rnic.bus_master_enable.next = self.bridge.bus_master_enable.val();
        self.rnic.msix_enable.next = self.bridge.msix_enable.val();
        self.rnic.msix_function_mask.next = false;
        // The line loses nothing, and takes as long as it takes.
        self.rnic.completion_timeout_disable.next = true;

        // The line.
        StreamSource::<Beat>::join(&mut self.mac.to_device, &mut self.rnic.mac_in);
        StreamSource::<Beat>::join(&mut self.rnic.mac_out, &mut self.mac.from_device);
        self.mac.station.next = self.rnic.mac_address.val();
        self.rnic.mac_counts.next = self.mac.counts.val();
        self.receiver.data.next = self.rgmii_rx_data.val();
        self.receiver.control.next = self.rgmii_rx_control.val();
        self.mac.gmii_receive.next = self.receiver.gmii.val();
        self.transmitter.gmii.next = self.mac.gmii_transmit.val();
        self.rgmii_tx_clock.next = self.transmitter.pin_clock.val();
        self.rgmii_tx_data.next = self.transmitter.data.val();
        self.rgmii_tx_control.next = self.transmitter.control.val();

        // What a person sees.
        self.link.foreign.next = self.receiver.link.val();
        self.gigabit.foreign.next = self.receiver.gigabit.val();
        self.serial.foreign.next = self.uart_rx.val();
        self.lights.resetting.next = self.bridge.reset.val();
        self.lights.link.next = self.link.known.val();
        self.lights.gigabit.next = self.gigabit.known.val();
        self.lights.frame.next = self.mac.to_device.valid.val() | self.rnic.mac_out.valid.val();
        self.lights.trouble.next = self.mac.counts.val().damaged
            | self.mac.counts.val().misfit
            | self.mac.counts.val().lost;
        self.lights.serial.next = !self.serial.known.val() | !self.bridge.uart_tx.val();
        self.led.next = self.lights.led.val();
    }
}
