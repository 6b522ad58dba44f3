//! The serial line's end on the board as one block.
use super::frame_receiver::FrameReceiver;
use super::frame_sender::FrameSender;
use super::records::FrameOctet;
use super::replay_store::ReplayStore;
use super::session::SerialSession;
use super::stuffer::Stuffer;
use super::uart_receiver::UartReceiver;
use super::uart_transmitter::UartTransmitter;
use super::unstuffer::Unstuffer;
use crate::pins::Ports;
use crate::stream::beat::*;
use crate::stream::PacketStore;
use ironwarp_abi::serial::RETRANSMIT_BITS_LOG2;
use rust_hdl::prelude::*;

/// The place of a PCI Express hard block: the streams, settings and reset of [`crate::top::Rnic`]
/// on one side, the two wires of a serial line on the other. What travels on the line is in
/// `ironwarp_abi::serial`; the picture is in [`crate::serial`].
///
/// A packet reaches `pcie_in` only when all of it has come and its CRC is good.
#[derive(LogicBlock, Ports)]
pub struct SerialBridge {
    pub clock: Signal<In, Clock>,
    /// The line from the host, of no clock in particular; set when idle.
    pub uart_rx: Signal<In, Bit>,
    /// The line to the host.
    pub uart_tx: Signal<Out, Bit>,
    /// To the device's `pcie_in`.
    pub pcie_in: StreamSource<Beat>,
    /// From the device's `pcie_out`.
    pub pcie_out: StreamSink<Beat>,
    /// As the device's inputs of the same names.
    pub max_payload: Signal<Out, Bits<3>>,
    pub max_read: Signal<Out, Bits<3>>,
    pub requester: Signal<Out, Bits<16>>,
    pub bus_master_enable: Signal<Out, Bit>,
    /// MSI-X is on, and not masked as a whole.
    pub msix_enable: Signal<Out, Bit>,
    /// The device must forget everything. At least 255 clocks, synchronous.
    pub reset: Signal<Out, Bit>,
    uart_receiver: UartReceiver,
    unstuffer: Unstuffer,
    receiver: FrameReceiver,
    store: PacketStore<9>,
    session: SerialSession,
    replay: ReplayStore,
    sender: FrameSender,
    stuffer: Stuffer,
    uart_transmitter: UartTransmitter,
    resetting: Signal<Local, Bit>,
}

impl SerialBridge {
    /// For a line with so many clocks a bit: at least 4, at most 65,535.
    ///
    /// # Panics
    /// Other numbers.
    pub fn new(clocks_per_bit: u32) -> Self {
        Self::with_patience(clocks_per_bit, clocks_per_bit << RETRANSMIT_BITS_LOG2)
    }

    /// The same, which sends a packet again that is not acknowledged within `patience` clocks.
    ///
    /// # Panics
    /// As [`SerialBridge::new`].
    pub fn with_patience(clocks_per_bit: u32, patience: u32) -> Self {
        Self {
            clock: Default::default(),
            uart_rx: Default::default(),
            uart_tx: Default::default(),
            pcie_in: Default::default(),
            pcie_out: Default::default(),
            max_payload: Default::default(),
            max_read: Default::default(),
            requester: Default::default(),
            bus_master_enable: Default::default(),
            msix_enable: Default::default(),
            reset: Default::default(),
            uart_receiver: UartReceiver::new(clocks_per_bit),
            unstuffer: Default::default(),
            receiver: Default::default(),
            store: Default::default(),
            session: Default::default(),
            replay: ReplayStore::new(patience),
            sender: Default::default(),
            stuffer: Default::default(),
            uart_transmitter: UartTransmitter::new(clocks_per_bit),
            resetting: Default::default(),
        }
    }
}

impl Logic for SerialBridge {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, uart_receiver, unstuffer, receiver, store, session);
        clock!(self, clock, replay, sender, stuffer, uart_transmitter);
        self.resetting.next = self.session.reset.val();
        self.reset.next = self.session.reset.val();
        self.max_payload.next = self.session.max_payload.val();
        self.max_read.next = self.session.max_read.val();
        self.requester.next = self.session.requester.val();
        self.bus_master_enable.next = self.session.bus_master_enable.val();
        self.msix_enable.next = self.session.msix_enable.val();

        // From the host.
        self.uart_receiver.line.next = self.uart_rx.val();
        self.unstuffer.line_octet.next = self.uart_receiver.octet.val();
        self.unstuffer.line_valid.next = self.uart_receiver.valid.val();
        self.unstuffer.line_broken.next = self.uart_receiver.broken.val();
        self.receiver.octet.next = self.unstuffer.octet.val();
        self.receiver.valid.next = self.unstuffer.valid.val();
        self.receiver.ended.next = self.unstuffer.ended.val();
        self.receiver.good.next = self.unstuffer.good.val();
        self.receiver.expected.next = self.session.expected.val();
        self.receiver.room.next = self.session.room.val();
        StreamSource::<Beat>::join(&mut self.receiver.packet, &mut self.store.sink);
        self.pcie_in.beat.next = self.store.source.beat.val();
        self.pcie_in.valid.next = self.store.source.valid.val();
        self.store.source.ready.next = self.pcie_in.ready.val() | self.resetting.val();

        // What was agreed.
        self.session.arrived.next = self.receiver.arrived.val();
        self.session.filled.next = self.store.filled.val();
        self.session.taken.next = self.store.source.valid.val()
            & self.pcie_in.ready.val()
            & self.store.source.beat.val().last;
        self.session.greeting.next = self.sender.greeting.val();
        self.session.confirming.next = self.sender.confirming.val();

        // To the host.
        StreamSink::<Beat>::link(&mut self.pcie_out, &mut self.replay.sink);
        self.replay.clear.next = self.resetting.val();
        self.replay.acknowledged.next = self.session.acknowledged.val();
        self.replay.acknowledge.next = self.receiver.arrived.val().acknowledge;
        self.replay.between.next = self.sender.between.val();
        StreamSource::<Beat>::join(&mut self.replay.source, &mut self.sender.packet);
        self.sender.number.next = self.replay.number.val();
        self.sender.greet.next = self.session.greet.val();
        self.sender.nonce.next = self.session.nonce.val();
        self.sender.confirm.next = self.session.confirm.val();
        self.sender.acknowledge.next = self.session.acknowledge.val();
        StreamSource::<FrameOctet>::join(&mut self.sender.source, &mut self.stuffer.sink);
        StreamSource::<Bits<8>>::join(&mut self.stuffer.source, &mut self.uart_transmitter.sink);
        self.uart_tx.next = self.uart_transmitter.line.val();
    }
}
