//! The blocks of `mac` that stand alone.

use crate::mac::*;

blocks! {
    mac_fcs: Fcs::default(),
    mac_delimiter: Delimiter::default(),
    mac_receive_check: ReceiveCheck::default(),
    mac_pause_receiver: PauseReceiver::default(),
    mac_type_wait: TypeWait::default(),
    mac_octet_packer: OctetPacker::default(),
    mac_overflow_guard: OverflowGuard::default(),
    mac_pause_timer: PauseTimer::default(),
    mac_frame_sender: FrameSender::default(),
    mac_device_gate: DeviceGate::default(),
    mac: Mac::default(),
}
