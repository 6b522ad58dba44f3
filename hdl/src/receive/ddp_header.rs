//! The first eight octets of an FPDU: what they say, and whether it may be said.
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_abi::status;
use ironwarp_wire::ddp;
use ironwarp_wire::rdmap::{self, queue, Opcode};
use rust_hdl::prelude::*;

/// Combinational. The bits are those of `ironwarp_wire::ddp` and `ironwarp_wire::rdmap`.
#[derive(LogicBlock, Ports, Default)]
pub struct DdpHeader {
    /// Octets 0 to 7 of the FPDU; octet 0 is bits 63:56.
    pub word: Signal<In, Bits<64>>,
    pub is_tagged: Signal<Out, Bit>,
    /// The DDP message ends with this segment.
    pub last: Signal<Out, Bit>,
    /// Send with Solicited Event, Read Request, Read Response, if `status` is success.
    pub solicited: Signal<Out, Bit>,
    pub request: Signal<Out, Bit>,
    pub response: Signal<Out, Bit>,
    /// The queue number that an untagged segment with this opcode must have.
    pub queue_number: Signal<Out, Bits<2>>,
    /// Octets of payload; zero if the ULPDU is too short for its header.
    pub payload: Signal<Out, Bits<16>>,
    /// Success, or what is wrong (`ironwarp_abi::status`).
    pub status: Signal<Out, Bits<8>>,
    length: Signal<Local, Bits<16>>,
    header: Signal<Local, Bits<16>>,
    opcode: Signal<Local, Bits<4>>,
    fits: Signal<Local, Bit>,
    tagged_header: Literal<16, { ddp::TAGGED_HEADER_BYTES as u64 }>,
    untagged_header: Literal<16, { ddp::UNTAGGED_HEADER_BYTES as u64 }>,
    ddp_version: Literal<2, { ddp::VERSION as u64 }>,
    rdmap_version: Literal<2, { rdmap::VERSION as u64 }>,
    write: Literal<4, { Opcode::Write as u64 }>,
    read_request: Literal<4, { Opcode::ReadRequest as u64 }>,
    read_response: Literal<4, { Opcode::ReadResponse as u64 }>,
    send: Literal<4, { Opcode::Send as u64 }>,
    send_solicited: Literal<4, { Opcode::SendSolicited as u64 }>,
    terminate: Literal<4, { Opcode::Terminate as u64 }>,
    send_queue: Literal<2, { queue::SEND as u64 }>,
    request_queue: Literal<2, { queue::READ_REQUEST as u64 }>,
    terminate_queue: Literal<2, { queue::TERMINATE as u64 }>,
    length_error: Literal<8, { status::MPA_LENGTH as u64 }>,
    tagged_version: Literal<8, { status::DDP_TAGGED_VERSION as u64 }>,
    untagged_version: Literal<8, { status::DDP_UNTAGGED_VERSION as u64 }>,
    rdmap_error: Literal<8, { status::RDMAP_VERSION as u64 }>,
    opcode_error: Literal<8, { status::RDMAP_OPCODE as u64 }>,
}

impl Logic for DdpHeader {
    //= rfc5041#4.1  T, L, DV; rfc5040#4.1  RV, opcode.
    #[hdl_gen]
    fn update(&mut self) {
        self.is_tagged.next = self.word.val().get_bit(47);
        self.last.next = self.word.val().get_bit(46);
        self.length.next = self.word.val().get_bits::<16>(48);
        self.header.next = self.untagged_header.val();
        if self.word.val().get_bit(47) {
            self.header.next = self.tagged_header.val();
        }
        self.fits.next = self.length.val() >= self.header.val();
        self.payload.next = 0.into();
        if self.fits.val() {
            self.payload.next = self.length.val() - self.header.val();
        }
        self.opcode.next = self.word.val().get_bits::<4>(32);
        self.solicited.next = self.opcode.val() == self.send_solicited.val();
        self.request.next = self.opcode.val() == self.read_request.val();
        self.response.next = self.opcode.val() == self.read_response.val();
        self.queue_number.next = self.send_queue.val();
        if self.request.val() {
            self.queue_number.next = self.request_queue.val();
        }
        if self.opcode.val() == self.terminate.val() {
            self.queue_number.next = self.terminate_queue.val();
        }

        // The first finding counts.
        self.status.next = 0.into();
        if self.word.val().get_bit(47) {
            if (self.opcode.val() != self.write.val())
                & (self.opcode.val() != self.read_response.val())
            {
                self.status.next = self.opcode_error.val();
            }
        } else if (self.opcode.val() != self.send.val())
            & (self.opcode.val() != self.send_solicited.val())
            & (self.opcode.val() != self.read_request.val())
            & (self.opcode.val() != self.terminate.val())
        {
            self.status.next = self.opcode_error.val();
        }
        if self.word.val().get_bits::<2>(38) != self.rdmap_version.val() {
            self.status.next = self.rdmap_error.val();
        }
        if self.word.val().get_bits::<2>(40) != self.ddp_version.val() {
            self.status.next = self.untagged_version.val();
            if self.word.val().get_bit(47) {
                self.status.next = self.tagged_version.val();
            }
        }
        if !self.fits.val() {
            self.status.next = self.length_error.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_wire::ddp::Segment;

    /// What the header's first octets are worth, by the views of `ironwarp_wire`.
    fn judge(ulpdu: &[u8]) -> u8 {
        let Ok(segment) = Segment::new(ulpdu) else { return status::MPA_LENGTH };
        let tagged = matches!(segment, Segment::Tagged(_));
        if segment.version() != ddp::VERSION {
            return if tagged { status::DDP_TAGGED_VERSION } else { status::DDP_UNTAGGED_VERSION };
        }
        if rdmap::version(segment.ulp_control()) != rdmap::VERSION {
            return status::RDMAP_VERSION;
        }
        match Opcode::of(segment.ulp_control()) {
            Ok(opcode) if opcode.is_tagged() == tagged && !opcode.invalidates() => status::SUCCESS,
            _ => status::RDMAP_OPCODE,
        }
    }

    //= rfc5041#4.1
    //= type=test
    #[test]
    fn agrees_with_the_wire_for_every_control_field() {
        let mut uut = DdpHeader::default();
        uut.connect_all();
        for control in 0..=0xffff_u16 {
            let length = [0, 2, 13, 14, 17, 18, 200][usize::from(control) % 7];
            let mut ulpdu = vec![0; 256];
            ulpdu[..2].copy_from_slice(&control.to_be_bytes());
            let word = (length as u64) << 48 | u64::from(control) << 32;
            uut.word.next = word.to_bits();
            assert!(simulate(&mut uut, 10));
            let tagged = control >> 15 == 1;
            let header = if tagged { 14 } else { 18 };
            assert_eq!(uut.is_tagged.val(), tagged);
            assert_eq!(uut.last.val(), control >> 14 & 1 == 1);
            assert_eq!(uut.solicited.val(), control & 15 == 5);
            let payload = (length as u64).saturating_sub(header);
            assert_eq!(uut.payload.val(), payload.to_bits::<16>(), "{control:04x} {length}");
            let expected = if length < 2 { status::MPA_LENGTH } else { judge(&ulpdu[..length]) };
            assert_eq!(uut.status.val().to_u64(), u64::from(expected), "{control:04x} {length}");
            if expected == status::SUCCESS {
                let opcode = Opcode::of(control as u8).unwrap();
                assert_eq!(uut.request.val(), opcode == Opcode::ReadRequest);
                assert_eq!(uut.response.val(), opcode == Opcode::ReadResponse);
                let queue = opcode.queue().unwrap_or(uut.queue_number.val().to_u64() as u32);
                assert_eq!(uut.queue_number.val().to_u64(), u64::from(queue), "{control:04x}");
            }
        }
    }
}
