//! From beats to frames on the line.
use super::fcs::Fcs;
use super::records::Gmii;
use super::{GAP, PREAMBLE, START};
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// What the line is given.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Sending {
    /// Nothing: the last clock of the gap, or longer.
    Silence,
    Preamble,
    /// The frame's octets.
    Frame,
    /// Zeros, as the frame is too short.
    Pad,
    /// The frame check sequence.
    Check,
    /// Nothing: the rest of a frame that failed is taken and forgotten.
    Discard,
    /// Nothing: as much of the gap as must be.
    Gap,
}

/// Sends each packet as a frame (IEEE 802.3 clause 3): preamble, octets, padding to 60 octets,
/// frame check sequence, gap of 12 octets; back to back without a clock of loss.
///
/// The beats of a frame must come in time, one every eight clocks. If one does not, or if the
/// packet ends with `error`, the frame ends with an octet with TX_ER and has no check sequence.
#[derive(LogicBlock, Ports, Default)]
pub struct FrameSender {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Beat>,
    /// Do not begin a frame.
    pub hold: Signal<In, Bit>,
    pub gmii: Signal<Out, Gmii>,
    /// A frame is being sent: from the first octet of its preamble to its last, two clocks before
    /// `gmii`.
    pub sending: Signal<Out, Bit>,
    /// For one clock: a beat did not come in time.
    pub underrun: Signal<Out, Bit>,
    fcs: Fcs,
    state: DFF<Sending>,
    /// Clocks in the state, or the octet of the beat.
    count: DFF<Bits<4>>,
    /// Octets of the frame, as far as the shortest goes.
    length: DFF<Bits<6>>,
    /// One clock of the line before the check sequence is known.
    next: DFF<Gmii>,
    /// `next` is of the frame, so that the check sequence covers it.
    covered: DFF<Bit>,
    /// `next` is an octet of the check sequence.
    check: DFF<Bit>,
    out: DFF<Gmii>,
    late: DFF<Bit>,
    count_next: Signal<Local, Bits<4>>,
    length_next: Signal<Local, Bits<6>>,
    filled: Signal<Local, Bit>,
    shift: Signal<Local, Bits<7>>,
    shifted: Signal<Local, Bits<64>>,
    value: Signal<Local, Bits<32>>,
    one: Literal<4, 1>,
    preamble_end: Literal<4, 7>,
    check_end: Literal<4, 3>,
    gap_end: Literal<4, { GAP - 2 }>,
    preamble: Literal<8, PREAMBLE>,
    start: Literal<8, START>,
    one_octet: Literal<6, 1>,
    padded: Literal<6, 60>,
}

impl Logic for FrameSender {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, count, length, next, covered, check, out, late);
        clock!(self, clock, fcs);
        self.count_next.next = self.count.q.val() + self.one.val();
        self.length_next.next = self.length.q.val();
        if self.length.q.val() != self.padded.val() {
            self.length_next.next = self.length.q.val() + self.one_octet.val();
        }
        self.filled.next = self.length_next.val() == self.padded.val();
        self.shift.next = bit_cast::<7, 4>(self.count.q.val()) << 3;
        self.shifted.next = self.sink.beat.val().data >> self.shift.val();

        self.sink.ready.next = false;
        self.late.d.next = false;
        self.next.d.next.data = 0.into();
        self.next.d.next.enable = false;
        self.next.d.next.error = false;
        self.covered.d.next = false;
        self.check.d.next = false;
        self.count.d.next = self.count_next.val();
        match self.state.q.val() {
            Sending::Silence => {
                self.count.d.next = 0.into();
                self.length.d.next = 0.into();
                if self.sink.valid.val() & !self.hold.val() {
                    self.state.d.next = Sending::Preamble;
                }
            }
            Sending::Preamble => {
                self.next.d.next.enable = true;
                self.next.d.next.data = self.preamble.val();
                if self.count.q.val() == self.preamble_end.val() {
                    self.next.d.next.data = self.start.val();
                    self.count.d.next = 0.into();
                    self.state.d.next = Sending::Frame;
                }
            }
            Sending::Frame => {
                self.next.d.next.enable = true;
                self.next.d.next.data = self.shifted.val().get_bits::<8>(0);
                self.covered.d.next = true;
                self.length.d.next = self.length_next.val();
                if !self.sink.valid.val() {
                    self.next.d.next.error = true;
                    self.late.d.next = true;
                    self.state.d.next = Sending::Discard;
                } else if self.count_next.val() == self.sink.beat.val().bytes {
                    self.sink.ready.next = true;
                    self.count.d.next = 0.into();
                    if self.sink.beat.val().last {
                        if self.sink.beat.val().error {
                            self.next.d.next.error = true;
                            self.state.d.next = Sending::Gap;
                        } else if self.filled.val() {
                            self.state.d.next = Sending::Check;
                        } else {
                            self.state.d.next = Sending::Pad;
                        }
                    }
                }
            }
            Sending::Pad => {
                self.next.d.next.enable = true;
                self.covered.d.next = true;
                self.length.d.next = self.length_next.val();
                self.count.d.next = 0.into();
                if self.filled.val() {
                    self.state.d.next = Sending::Check;
                }
            }
            Sending::Check => {
                self.next.d.next.enable = true;
                self.check.d.next = true;
                if self.count.q.val() == self.check_end.val() {
                    self.count.d.next = 0.into();
                    self.state.d.next = Sending::Gap;
                }
            }
            Sending::Discard => {
                self.sink.ready.next = true;
                self.count.d.next = 0.into();
                if self.sink.valid.val() & self.sink.beat.val().last {
                    self.state.d.next = Sending::Gap;
                }
            }
            _ => {
                if self.count.q.val() == self.gap_end.val() {
                    self.state.d.next = Sending::Silence;
                }
            }
        }

        self.fcs.octet.next = self.next.q.val().data;
        self.fcs.valid.next = self.covered.q.val();
        self.fcs.shift.next = self.check.q.val();
        self.fcs.restart.next =
            self.next.q.val().enable & !self.covered.q.val() & !self.check.q.val();
        self.value.next = self.fcs.value.val();
        self.out.d.next = self.next.q.val();
        if self.check.q.val() {
            self.out.d.next.data = self.value.val().get_bits::<8>(0);
        }
        self.gmii.next = self.out.q.val();
        self.sending.next = (self.state.q.val() == Sending::Preamble)
            | (self.state.q.val() == Sending::Frame)
            | (self.state.q.val() == Sending::Pad)
            | (self.state.q.val() == Sending::Check);
        self.underrun.next = self.late.q.val();
    }
}
