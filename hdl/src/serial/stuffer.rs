//! Frames into the octets of a serial line.
use super::octet_crc::OctetCrc;
use super::records::FrameOctet;
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::beat::*;
use ironwarp_abi::serial::{ESCAPE, ESCAPED, FLAG};
use rust_hdl::prelude::*;

/// What is on its way to the line.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Stuffing {
    /// Nothing; the opening flag when a frame comes.
    Idle,
    Frame,
    Check,
    /// The closing flag.
    Close,
}

/// Puts flags around a frame, the CRC behind it, and escapes where an octet needs one.
#[derive(LogicBlock, Ports, Default)]
pub struct Stuffer {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<FrameOctet>,
    pub source: StreamSource<Bits<8>>,
    crc: OctetCrc,
    state: DFF<Stuffing>,
    /// The escape of the present octet is sent.
    escape: DFF<Bit>,
    /// Octets of the CRC that are sent.
    checked: DFF<Bits<2>>,
    check: Signal<Local, Bits<32>>,
    plain: Signal<Local, Bits<8>>,
    special: Signal<Local, Bit>,
    stuffed: Signal<Local, Bits<8>>,
    offered: Signal<Local, Bit>,
    checked_more: Signal<Local, Bits<2>>,
    flag: Literal<8, { FLAG as u64 }>,
    escape_octet: Literal<8, { ESCAPE as u64 }>,
    escaped: Literal<8, { ESCAPED as u64 }>,
    one: Literal<2, 1>,
    ones: Literal<32, 0xffff_ffff>,
}

impl Logic for Stuffer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, escape, checked);
        clock!(self, clock, crc);
        self.check.next = self.crc.remainder.val() ^ self.ones.val();
        self.plain.next = self.sink.beat.val().octet;
        self.offered.next = self.sink.valid.val();
        if self.state.q.val() == Stuffing::Check {
            self.offered.next = true;
            match self.checked.q.val().index() {
                0 => self.plain.next = self.check.val().get_bits::<8>(0),
                1 => self.plain.next = self.check.val().get_bits::<8>(8),
                2 => self.plain.next = self.check.val().get_bits::<8>(16),
                _ => self.plain.next = self.check.val().get_bits::<8>(24),
            }
        }
        self.special.next =
            (self.plain.val() == self.flag.val()) | (self.plain.val() == self.escape_octet.val());
        self.stuffed.next = self.plain.val();
        if self.special.val() {
            self.stuffed.next = self.escape_octet.val();
        }
        if self.escape.q.val() {
            self.stuffed.next = self.plain.val() ^ self.escaped.val();
        }
        self.checked_more.next = self.checked.q.val() + self.one.val();

        self.source.beat.next = self.stuffed.val();
        self.source.valid.next = self.offered.val();
        self.sink.ready.next = false;
        self.crc.octet.next = self.plain.val();
        self.crc.valid.next = false;
        self.crc.restart.next = false;
        match self.state.q.val() {
            Stuffing::Idle => {
                self.source.beat.next = self.flag.val();
                self.crc.restart.next = true;
                self.checked.d.next = 0.into();
                if self.sink.valid.val() & self.source.ready.val() {
                    self.state.d.next = Stuffing::Frame;
                }
            }
            Stuffing::Frame => {
                if self.offered.val() & self.source.ready.val() {
                    self.escape.d.next = self.special.val() & !self.escape.q.val();
                    if !self.special.val() | self.escape.q.val() {
                        self.sink.ready.next = true;
                        self.crc.valid.next = true;
                        if self.sink.beat.val().last {
                            self.state.d.next = Stuffing::Check;
                        }
                    }
                }
            }
            Stuffing::Check => {
                if self.source.ready.val() {
                    self.escape.d.next = self.special.val() & !self.escape.q.val();
                    if !self.special.val() | self.escape.q.val() {
                        self.checked.d.next = self.checked_more.val();
                        if self.checked.q.val() == 3 {
                            self.state.d.next = Stuffing::Close;
                        }
                    }
                }
            }
            Stuffing::Close => {
                self.source.beat.next = self.flag.val();
                self.source.valid.next = true;
                if self.source.ready.val() {
                    self.state.d.next = Stuffing::Idle;
                }
            }
        }
    }
}
