//! Frames out of the octets of a serial line.
use super::octet_crc::{OctetCrc, RESIDUE};
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_abi::serial::{ESCAPE, ESCAPED, FLAG};
use rust_hdl::prelude::*;

/// Takes escapes and the CRC away, and says at a frame's end whether it was good. Four octets are
/// held back, since the last four are the CRC. Octets between flags that are too few for a CRC and
/// one more are passed over in silence.
#[derive(LogicBlock, Ports, Default)]
pub struct Unstuffer {
    pub clock: Signal<In, Clock>,
    /// An octet from the line, with `valid`.
    pub line_octet: Signal<In, Bits<8>>,
    pub line_valid: Signal<In, Bit>,
    /// Something came that is no octet.
    pub line_broken: Signal<In, Bit>,
    /// An octet of the frame, with `valid`.
    pub octet: Signal<Out, Bits<8>>,
    pub valid: Signal<Out, Bit>,
    /// The frame has ended, for one clock; in none in which `valid` is set.
    pub ended: Signal<Out, Bit>,
    /// With `ended`: it has arrived as it was sent.
    pub good: Signal<Out, Bit>,
    crc: OctetCrc,
    escape: DFF<Bit>,
    spoiled: DFF<Bit>,
    held: DFF<Bits<32>>,
    count: DFF<Bits<3>>,
    begun: DFF<Bit>,
    octet_out: DFF<Bits<8>>,
    valid_out: DFF<Bit>,
    end_out: DFF<Bit>,
    good_out: DFF<Bit>,
    plain: Signal<Local, Bits<8>>,
    joined: Signal<Local, Bits<32>>,
    count_more: Signal<Local, Bits<3>>,
    intact: Signal<Local, Bit>,
    flag: Literal<8, { FLAG as u64 }>,
    escape_octet: Literal<8, { ESCAPE as u64 }>,
    escaped: Literal<8, { ESCAPED as u64 }>,
    residue: Literal<32, { RESIDUE as u64 }>,
    one: Literal<3, 1>,
}

impl Logic for Unstuffer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, escape, spoiled, held, count, begun, octet_out, valid_out, end_out,
            good_out
        );
        clock!(self, clock, crc);
        self.octet.next = self.octet_out.q.val();
        self.valid.next = self.valid_out.q.val();
        self.ended.next = self.end_out.q.val();
        self.good.next = self.good_out.q.val();

        self.plain.next = self.line_octet.val();
        if self.escape.q.val() {
            self.plain.next = self.line_octet.val() ^ self.escaped.val();
        }
        self.joined.next = (self.held.q.val() >> 8) | (bit_cast::<32, 8>(self.plain.val()) << 24);
        self.count_more.next = self.count.q.val() + self.one.val();
        self.intact.next = (self.crc.remainder.val() == self.residue.val())
            & !self.spoiled.q.val()
            & !self.escape.q.val();
        self.crc.octet.next = self.plain.val();
        self.crc.valid.next = false;
        self.crc.restart.next = false;

        self.valid_out.d.next = false;
        self.end_out.d.next = false;
        self.good_out.d.next = self.intact.val();
        if self.line_broken.val() {
            self.spoiled.d.next = true;
        }
        if self.line_valid.val() {
            if self.line_octet.val() == self.flag.val() {
                self.end_out.d.next = self.begun.q.val();
                self.begun.d.next = false;
                self.escape.d.next = false;
                self.spoiled.d.next = false;
                self.count.d.next = 0.into();
                self.crc.restart.next = true;
            } else if self.line_octet.val() == self.escape_octet.val() {
                self.escape.d.next = true;
            } else {
                self.escape.d.next = false;
                self.crc.valid.next = true;
                self.held.d.next = self.joined.val();
                if self.count.q.val() == 4 {
                    self.octet_out.d.next = self.held.q.val().get_bits::<8>(0);
                    self.valid_out.d.next = true;
                    self.begun.d.next = true;
                } else {
                    self.count.d.next = self.count_more.val();
                }
            }
        }
    }
}
