//! The one stream interface of the datapath: 64-bit beats with valid/ready flow control.
use crate::pins::Pin;
use rust_hdl::prelude::*;

/// One beat of a packet. Byte 0, the first on the wire, is `data` bits 7:0.
///
/// A stream of beats is *dense*: every beat but a packet's last carries eight octets.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Beat {
    /// The octets; those beyond `bytes` are zero.
    pub data: Bits<64>,
    /// How many octets count, from byte 0: 1 to 8.
    pub bytes: Bits<4>,
    /// The packet ends with this beat.
    pub last: Bit,
    /// With `last`: the packet is bad and must have no effect.
    pub error: Bit,
}

/// The end that sends. A record moves on a clock edge where `valid` and `ready` are both set; once
/// offered, it stays offered, unchanged, until it is taken.
#[derive(Clone, Debug, Default, LogicInterface)]
#[join = "StreamSink"]
pub struct StreamSource<T: Synth> {
    /// The record that is offered.
    pub beat: Signal<Out, T>,
    /// `beat` is offered.
    pub valid: Signal<Out, Bit>,
    /// The other end takes `beat` at the next clock edge if it is offered. May depend on nothing
    /// that this end drives in the same clock.
    pub ready: Signal<In, Bit>,
}

/// The end that takes.
#[derive(Clone, Debug, Default, LogicInterface)]
#[join = "StreamSource"]
pub struct StreamSink<T: Synth> {
    /// The record that is offered.
    pub beat: Signal<In, T>,
    /// `beat` is offered.
    pub valid: Signal<In, Bit>,
    /// This end takes `beat` at the next clock edge if it is offered.
    pub ready: Signal<Out, Bit>,
}
