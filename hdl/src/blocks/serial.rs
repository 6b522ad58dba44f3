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
    uart_receiver: UartReceiver::new(4),
    uart_transmitter: UartTransmitter::new(4),
    octet_crc: OctetCrc::default(),
    unstuffer: Unstuffer::default(),
    stuffer: Stuffer::default(),
    frame_receiver: FrameReceiver::default(),
    frame_sender: FrameSender::default(),
    replay_store: ReplayStore::new(100),
    serial_session: SerialSession::default(),
    serial_bridge: SerialBridge::new(4),
}
