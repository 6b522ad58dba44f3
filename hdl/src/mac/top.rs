//! The MAC as one block.
use super::delimiter::Delimiter;
use super::device_gate::DeviceGate;
use super::frame_sender::FrameSender;
use super::octet_packer::OctetPacker;
use super::overflow_guard::OverflowGuard;
use super::pause_receiver::PauseReceiver;
use super::pause_timer::PauseTimer;
use super::receive_check::ReceiveCheck;
use super::records::*;
use super::type_wait::TypeWait;
use crate::pins::Ports;
use crate::stream::*;
use rust_hdl::prelude::*;

/// See the [module's documentation](super).
///
/// Frames from the line go to the device as they come, with `error` on the last beat of one that
/// is bad; frames of MAC Control, PAUSE among them, do not. `to_device` may stop, at the price of
/// frames.
///
/// Frames of the device begin on the line as soon as their first beat has crossed: eight octets of
/// preamble leave while the second follows, and a beat lasts eight clocks of 125 MHz there. So a
/// device that holds `valid` from a frame's first beat to its last, at 15.625 MHz or more, never
/// lets the line wait.
#[derive(LogicBlock, Ports, Default)]
pub struct Mac {
    /// 125 MHz of the peer, as the PHY recovered it.
    pub receive_clock: Signal<In, Clock>,
    /// What the PHY received, in `receive_clock`.
    pub gmii_receive: Signal<In, Gmii>,
    /// 125 MHz of our own.
    pub transmit_clock: Signal<In, Clock>,
    /// What the PHY is to send, in `transmit_clock`.
    pub gmii_transmit: Signal<Out, Gmii>,
    /// The device's clock.
    pub clock: Signal<In, Clock>,
    /// The device is being reset, in its clock. The frame that it was sending ends with TX_ER, and
    /// the rest of one that it was receiving is dropped; the MAC itself goes on.
    pub device_reset: Signal<In, Bit>,
    /// Frames from the line, without frame check sequence.
    pub to_device: StreamSource<Beat>,
    /// Frames to the line, without frame check sequence.
    pub from_device: StreamSink<Beat>,
    /// What happened, in the device's clock.
    pub counts: Signal<Out, MacCounts>,
    /// The station's address, its first octet in bits 47:40, in the device's clock: PAUSE to it is
    /// obeyed. It may change at any time.
    pub station: Signal<In, Bits<48>>,
    delimiter: Delimiter,
    check: ReceiveCheck,
    pause: PauseReceiver,
    type_wait: TypeWait,
    packer: OctetPacker,
    guard: OverflowGuard,
    inward: ClockCrossing<Beat, 4, 5>,
    outward: ClockCrossing<Beat, 4, 5>,
    quanta: ClockCrossing<Bits<16>, 2, 3>,
    stations: ClockCrossing<Bits<48>, 1, 2>,
    station_there: DFF<Bits<48>>,
    gate: DeviceGate,
    timer: PauseTimer,
    sender: FrameSender,
    damaged: PulseCrossing,
    misfit: PulseCrossing,
    paused: PulseCrossing,
    overflow: PulseCrossing,
    underrun: PulseCrossing,
}

impl Logic for Mac {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, receive_clock, station_there);
        clock!(self, receive_clock, delimiter, check, pause, type_wait, packer, guard);
        clock!(self, transmit_clock, timer, sender);
        clock!(self, clock, gate);
        self.gate.device_reset.next = self.device_reset.val();
        self.inward.sink_clock.next = self.receive_clock.val();
        self.inward.source_clock.next = self.clock.val();
        self.outward.sink_clock.next = self.clock.val();
        self.outward.source_clock.next = self.transmit_clock.val();
        self.quanta.sink_clock.next = self.receive_clock.val();
        self.quanta.source_clock.next = self.transmit_clock.val();

        // From the line to the device.
        self.delimiter.gmii.next = self.gmii_receive.val();
        self.check.octet.next = self.delimiter.octet.val();
        self.pause.octet.next = self.delimiter.octet.val();
        self.pause.verdict.next = self.check.verdict.val();
        self.type_wait.octet.next = self.delimiter.octet.val();
        self.type_wait.verdict.next = self.check.verdict.val();
        self.type_wait.overlong.next = self.check.overlong.val();
        self.packer.octet.next = self.type_wait.late_octet.val();
        self.packer.verdict.next = self.type_wait.late_verdict.val();
        self.packer.overlong.next = self.type_wait.late_overlong.val();
        self.pause.left.next = self.type_wait.late_verdict.val().valid;
        self.packer.suppress.next = self.pause.suppress.val();
        self.guard.beat.next = self.packer.beat.val();
        self.guard.beat_valid.next = self.packer.beat_valid.val();
        StreamSource::<Beat>::join(&mut self.guard.source, &mut self.inward.sink);
        StreamSource::<Beat>::join(&mut self.inward.source, &mut self.gate.from_line);
        StreamSource::<Beat>::link(&mut self.to_device, &mut self.gate.to_device);

        // From the device to the line.
        StreamSink::<Beat>::link(&mut self.from_device, &mut self.gate.from_device);
        StreamSource::<Beat>::join(&mut self.gate.to_line, &mut self.outward.sink);
        StreamSource::<Beat>::join(&mut self.outward.source, &mut self.sender.sink);
        self.gmii_transmit.next = self.sender.gmii.val();

        // Whose PAUSE is obeyed: always on its way across, so that it is whole on the other side.
        self.stations.sink_clock.next = self.clock.val();
        self.stations.source_clock.next = self.receive_clock.val();
        self.stations.sink.beat.next = self.station.val();
        self.stations.sink.valid.next = true;
        self.stations.source.ready.next = true;
        if self.stations.source.valid.val() {
            self.station_there.d.next = self.stations.source.beat.val();
        }
        self.pause.station.next = self.station_there.q.val();

        // What the peer asks for.
        self.quanta.sink.beat.next = self.pause.quanta.val();
        self.quanta.sink.valid.next = self.pause.pause.val();
        StreamSource::<Bits<16>>::join(&mut self.quanta.source, &mut self.timer.sink);
        self.timer.sending.next = self.sender.sending.val();
        self.sender.hold.next = self.timer.hold.val();

        // What is counted.
        self.damaged.sink_clock.next = self.receive_clock.val();
        self.damaged.source_clock.next = self.clock.val();
        self.damaged.sink.next = self.check.verdict.val().valid & self.check.verdict.val().damaged;
        self.counts.next.damaged = self.damaged.source.val();
        self.misfit.sink_clock.next = self.receive_clock.val();
        self.misfit.source_clock.next = self.clock.val();
        self.misfit.sink.next = self.check.verdict.val().valid & self.check.verdict.val().misfit;
        self.counts.next.misfit = self.misfit.source.val();
        self.paused.sink_clock.next = self.receive_clock.val();
        self.paused.source_clock.next = self.clock.val();
        self.paused.sink.next = self.pause.pause.val();
        self.counts.next.pause = self.paused.source.val();
        self.overflow.sink_clock.next = self.receive_clock.val();
        self.overflow.source_clock.next = self.clock.val();
        self.overflow.sink.next = self.guard.overflow.val();
        self.underrun.sink_clock.next = self.transmit_clock.val();
        self.underrun.source_clock.next = self.clock.val();
        self.underrun.sink.next = self.sender.underrun.val();
        self.counts.next.lost = self.overflow.source.val() | self.underrun.source.val();
    }
}
