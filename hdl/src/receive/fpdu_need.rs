//! Does the FPDU that starts here need a receive work request?
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_wire::rdmap::Opcode;
use rust_hdl::prelude::*;

/// Reads the control octets out of the first eight octets of an FPDU. Combinational. What is wrong
/// in them ends the queue pair later, so they need not be checked here.
#[derive(LogicBlock, Ports, Default)]
pub struct FpduNeed {
    /// The octets; the first one is bits 7:0.
    pub data: Signal<In, Bits<64>>,
    /// A marker stands before the length field.
    pub marker: Signal<In, Bit>,
    /// The FPDU is of a Send, whose place a receive work request names ...
    pub needs: Signal<Out, Bit>,
    /// ... and the last one, which uses it up.
    pub last: Signal<Out, Bit>,
    control: Signal<Local, Bits<16>>,
    opcode: Signal<Local, Bits<4>>,
    send: Literal<4, { Opcode::Send as u64 }>,
    send_solicited: Literal<4, { Opcode::SendSolicited as u64 }>,
}

impl Logic for FpduNeed {
    //= rfc5040#4.3  Only Sends go to a buffer that the receiver has posted.
    #[hdl_gen]
    fn update(&mut self) {
        self.control.next = self.data.val().get_bits::<16>(16);
        if self.marker.val() {
            self.control.next = self.data.val().get_bits::<16>(48);
        }
        // DDP's octet comes first: T is its bit 7, L its bit 6.
        self.opcode.next = self.control.val().get_bits::<4>(8);
        self.needs.next = !self.control.val().get_bit(7)
            & ((self.opcode.val() == self.send.val())
                | (self.opcode.val() == self.send_solicited.val()));
        self.last.next = self.control.val().get_bit(6);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_wire::ddp::{TaggedRepr, UntaggedRepr};

    #[test]
    fn sends_alone_need_one() {
        let mut uut = FpduNeed::default();
        crate::queue::elaborate("fpdu_need", &mut uut);
        for code in 0..8_u8 {
            for (last, marker) in [(false, false), (false, true), (true, false), (true, true)] {
                let ulp_control = 0x40 | code;
                let untagged = UntaggedRepr {
                    last,
                    ulp_control,
                    ulp_word: 0,
                    queue: 0,
                    message: 1,
                    offset: 0,
                };
                let tagged = TaggedRepr { last, ulp_control, stag: 0, offset: 0 };
                let sends = [Opcode::Send as u8, Opcode::SendSolicited as u8].contains(&code);
                for (header, needs) in
                    [(untagged.emit().to_vec(), sends), (tagged.emit().to_vec(), false)]
                {
                    let mut octets = [0; 8];
                    let at = if marker { 6 } else { 2 };
                    octets[at..at + 2].copy_from_slice(&header[..2]);
                    uut.data.next = u64::from_le_bytes(octets).to_bits();
                    uut.marker.next = marker;
                    assert!(simulate(&mut uut, 10));
                    assert_eq!((uut.needs.val(), uut.last.val()), (needs, last), "{code}");
                }
            }
        }
    }
}
