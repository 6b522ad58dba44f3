//! The blocks of `serial` that stand alone.

use crate::serial::bridge::SerialBridge;
use crate::serial::frame_receiver::FrameReceiver;
use crate::serial::frame_sender::FrameSender;
use crate::serial::octet_crc::OctetCrc;
use crate::serial::replay_store::ReplayStore;
use crate::serial::session::SerialSession;
use crate::serial::stuffer::Stuffer;
use crate::serial::uart_receiver::UartReceiver;
use crate::serial::uart_transmitter::UartTransmitter;
use crate::serial::unstuffer::Unstuffer;

blocks! {
    uart_receiver: UartReceiver::new(4), [clock, line, octet, valid, broken];
    uart_transmitter: UartTransmitter::new(4), [clock, sink, line];
    octet_crc: OctetCrc::default(), [clock, restart, valid, octet, remainder];
    unstuffer: Unstuffer::default(),
        [clock, line_octet, line_valid, line_broken, octet, valid, ended, good];
    stuffer: Stuffer::default(), [clock, sink, source];
    frame_receiver: FrameReceiver::default(),
        [clock, octet, valid, ended, good, expected, room, packet, arrived];
    frame_sender: FrameSender::default(),
        [clock, greet, nonce, confirm, acknowledge, greeting, confirming, packet, number,
         between, source];
    replay_store: ReplayStore::new(100),
        [clock, sink, source, number, between, acknowledged, acknowledge, clear];
    serial_session: SerialSession::default(),
        [clock, arrived, taken, filled, expected, room, acknowledge, acknowledged, greet, nonce,
         greeting, confirm, confirming, max_payload, max_read, requester,
         bus_master_enable, msix_enable, reset];
    serial_bridge: SerialBridge::new(4),
        [clock, uart_rx, uart_tx, pcie_in, pcie_out, max_payload, max_read, requester,
         bus_master_enable, msix_enable, reset];
}
