//! The blocks of `mac` that stand alone.

use crate::mac::*;

blocks! {
    mac_fcs: Fcs::default(), [clock, restart, valid, octet, shift, value, good];
    mac_delimiter: Delimiter::default(), [clock, gmii, octet];
    mac_receive_check: ReceiveCheck::default(), [clock, octet, verdict, overlong];
    mac_pause_receiver: PauseReceiver::default(),
        [clock, octet, verdict, station, left, suppress, pause, quanta];
    mac_type_wait: TypeWait::default(),
        [clock, octet, verdict, overlong, late_octet, late_verdict, late_overlong];
    mac_octet_packer: OctetPacker::default(),
        [clock, octet, verdict, overlong, suppress, beat, beat_valid];
    mac_overflow_guard: OverflowGuard::default(), [clock, beat, beat_valid, source, overflow];
    mac_pause_timer: PauseTimer::default(), [clock, sink, sending, hold];
    mac_frame_sender: FrameSender::default(), [clock, sink, hold, gmii, sending, underrun];
    mac_device_gate: DeviceGate::default(),
        [clock, device_reset, from_line, to_device, from_device, to_line];
    mac: Mac::default(),
        [receive_clock, gmii_receive, transmit_clock, gmii_transmit, clock, device_reset,
         to_device, from_device, counts, station];
}
