//! What DDP says about a packet, its message and its receive work request.
use crate::configuration::CqNumber;
use crate::literal::Literal;
use crate::pins::Ports;
use crate::protect::records::{right, GateQuestion};
use crate::queue::QueueEntry;
use crate::receive::notes::{packet_kind, Arrival, Delivery};
use ironwarp_abi::status;
use ironwarp_wire::rdmap::read_request::HEADER_BYTES;
use rust_hdl::prelude::*;

/// Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct MessageCheck {
    pub packet: Signal<In, Arrival>,
    /// The queue pair's oldest receive work request, if `has_entry`.
    pub entry: Signal<In, QueueEntry>,
    pub has_entry: Signal<In, Bit>,
    /// One more Read Request of the queue pair may be held.
    pub has_room: Signal<In, Bit>,
    /// A Read Response is the next piece of what was asked for.
    pub fits: Signal<In, Bit>,
    /// What is expected: MSN in bits 63:32, MO in bits 31:0.
    pub expected: Signal<In, Bits<64>>,
    /// The queue pair's protection domain.
    pub pd: Signal<In, Bits<16>>,
    /// The queue pair's receive CQ.
    pub cq: Signal<In, CqNumber>,
    /// Success, or what is wrong (`ironwarp_abi::status`): first what was found before.
    pub verdict: Signal<Out, Bits<8>>,
    /// What the gate is asked.
    pub question: Signal<Out, GateQuestion>,
    /// What is expected after this packet.
    pub expected_next: Signal<Out, Bits<64>>,
    /// The delivery that drops the packet's payload and tells nobody.
    pub delivery: Signal<Out, Delivery>,
    found: Signal<Local, Bits<8>>,
    offset: Signal<Local, Bits<64>>,
    place: Signal<Local, Bits<32>>,
    message_end: Signal<Local, Bits<33>>,
    msn: Signal<Local, Bits<32>>,
    msn_after: Signal<Local, Bits<32>>,
    one: Literal<32, 1>,
    kind_raw: Literal<2, { packet_kind::RAW }>,
    kind_event: Literal<2, { packet_kind::EVENT }>,
    remote_write: Literal<2, { right::REMOTE_WRITE }>,
    local_write: Literal<2, { right::LOCAL_WRITE }>,
    msn_error: Literal<8, { status::DDP_MSN as u64 }>,
    mo_error: Literal<8, { status::DDP_MO as u64 }>,
    no_buffer: Literal<8, { status::DDP_NO_BUFFER as u64 }>,
    read_request: Literal<8, { status::RDMAP_READ_REQUEST as u64 }>,
    read_response: Literal<8, { status::RDMAP_READ_RESPONSE as u64 }>,
    request_bytes: Literal<16, { HEADER_BYTES as u64 }>,
    too_long: Literal<8, { status::DDP_TOO_LONG as u64 }>,
    fault: Literal<8, { status::DMA_FAULT as u64 }>,
    reserved: Literal<8, { status::RESERVED_FIELD as u64 }>,
}

impl Logic for MessageCheck {
    //= rfc5041#7.1  The checks of untagged segments: MSN, MO, buffer, length.
    #[hdl_gen]
    fn update(&mut self) {
        self.offset.next = self.packet.val().offset;
        self.place.next = self.offset.val().get_bits::<32>(0);
        self.message_end.next =
            bit_cast::<33, 32>(self.place.val()) + bit_cast::<33, 16>(self.packet.val().length);
        self.msn.next = self.expected.val().get_bits::<32>(32);
        self.msn_after.next = self.msn.val() + self.one.val();

        // The last assignment is the first finding.
        self.found.next = 0.into();
        if self.packet.val().tagged {
            if self.packet.val().response & !self.fits.val() {
                self.found.next = self.read_response.val();
            }
        } else if self.packet.val().request {
            if !self.packet.val().last | (self.packet.val().length != self.request_bytes.val()) {
                self.found.next = self.read_request.val();
            }
            if self.place.val().any() {
                self.found.next = self.mo_error.val();
            }
            if !self.has_room.val() {
                self.found.next = self.no_buffer.val();
            }
        } else {
            if self.message_end.val() > bit_cast::<33, 32>(self.entry.val().length) {
                self.found.next = self.too_long.val();
            }
            if (self.packet.val().kind != self.kind_raw.val())
                & (self.place.val() != self.expected.val().get_bits::<32>(0))
            {
                self.found.next = self.mo_error.val();
            }
            if self.entry.val().reserved {
                self.found.next = self.reserved.val();
            }
            if self.entry.val().fault {
                self.found.next = self.fault.val();
            }
            if !self.has_entry.val() {
                self.found.next = self.no_buffer.val();
            }
        }
        if !self.packet.val().tagged
            & (self.packet.val().kind != self.kind_raw.val())
            & (self.offset.val().get_bits::<32>(32) != self.msn.val())
        {
            self.found.next = self.msn_error.val();
        }
        if self.packet.val().status.any() | (self.packet.val().kind == self.kind_event.val()) {
            self.found.next = self.packet.val().status;
        }

        self.verdict.next = self.found.val();
        self.question.next.stag = self.packet.val().stag;
        self.question.next.offset = self.packet.val().offset;
        self.question.next.right = self.remote_write.val();
        self.question.next.pd = self.pd.val();
        self.question.next.length = bit_cast::<32, 16>(self.packet.val().length);
        if self.packet.val().response {
            self.question.next.right = self.local_write.val();
        }
        if self.packet.val().request {
            // The source is asked about when it is read.
            self.question.next.length = 0.into();
        }
        if !self.packet.val().tagged {
            self.question.next.stag = self.entry.val().local_stag;
            self.question.next.offset =
                self.entry.val().local_offset + bit_cast::<64, 32>(self.place.val());
            self.question.next.right = self.local_write.val();
        }

        self.delivery.next.fence = false;
        self.delivery.next.qp = self.packet.val().qp;
        self.delivery.next.generation = self.packet.val().generation;
        self.delivery.next.length = self.packet.val().length;
        self.delivery.next.write = false;
        self.delivery.next.address = 0.into();
        self.delivery.next.paged = false;
        self.delivery.next.ask = false;
        self.delivery.next.done = false;
        self.delivery.next.complete = false;
        self.delivery.next.request = self.entry.val().number;
        self.delivery.next.message = self.message_end.val().get_bits::<32>(0);
        self.delivery.next.solicited = self.packet.val().solicited;
        self.delivery.next.event = false;
        self.delivery.next.status = self.found.val();
        self.delivery.next.sequence = self.packet.val().sequence;
        self.delivery.next.cq = self.cq.val();

        // The message goes on at MO, or the next one begins.
        self.expected_next.next =
            (bit_cast::<64, 32>(self.msn.val()) << 32) | bit_cast::<64, 33>(self.message_end.val());
        if self.packet.val().last {
            self.expected_next.next = bit_cast::<64, 32>(self.msn_after.val()) << 32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    /// The rules in their order (RFC 5041 s. 7.1, and what this device adds).
    fn judge(
        packet: &Arrival,
        entry: Option<&QueueEntry>,
        (has_room, fits): (bool, bool),
        (msn, mo): (u64, u64),
    ) -> u8 {
        let event = packet.kind == packet_kind::EVENT;
        if packet.status.to_u64() != 0 || event {
            return packet.status.to_u64() as u8;
        }
        if packet.tagged {
            let wrong = packet.response && !fits;
            return if wrong { status::RDMAP_READ_RESPONSE } else { status::SUCCESS };
        }
        let place = packet.offset.to_u64() & 0xffff_ffff;
        let raw = packet.kind == packet_kind::RAW;
        if !raw && packet.offset.to_u64() >> 32 != msn {
            return status::DDP_MSN;
        }
        if packet.request {
            let whole = packet.last && packet.length.to_u64() == 28;
            return match (has_room, place, whole) {
                (false, _, _) => status::DDP_NO_BUFFER,
                (_, 1.., _) => status::DDP_MO,
                (_, _, false) => status::RDMAP_READ_REQUEST,
                _ => status::SUCCESS,
            };
        }
        let Some(entry) = entry else { return status::DDP_NO_BUFFER };
        if entry.fault {
            status::DMA_FAULT
        } else if entry.reserved {
            status::RESERVED_FIELD
        } else if !raw && place != mo {
            status::DDP_MO
        } else if place + packet.length.to_u64() > entry.length.to_u64() {
            status::DDP_TOO_LONG
        } else {
            status::SUCCESS
        }
    }

    //= rfc5041#7.1
    //= type=test
    #[test]
    fn judges_as_the_rules_say() {
        let mut rng = rng(3);
        let mut uut = MessageCheck::default();
        uut.connect_all();
        for _ in 0..20_000 {
            let (msn, mo) = (rng.random_range(0..3_u64), rng.random_range(0..3_u64) * 1000);
            let tagged = rng.random_bool(0.2);
            let request = !tagged && rng.random_bool(0.3);
            let octets = [28, rng.random_range(0..1500)][rng.random_range(0..2)];
            let offset = (rng.random_range(0..3_u64) << 32) + rng.random_range(0..3_u64) * 1000;
            let packet = Arrival {
                kind: if tagged || request { 0 } else { rng.random_range(0..3_u64) }.to_bits(),
                status: (rng.random_range(0..8_u64) / 7 * 32).to_bits(),
                tagged,
                last: rng.random(),
                stag: u64::from(rng.random::<u32>()).to_bits(),
                offset: offset.to_bits(),
                length: (octets as u64).to_bits(),
                request,
                response: tagged && rng.random(),
                ..Default::default()
            };
            let entry = QueueEntry {
                length: rng.random_range(0..4000_u64).to_bits(),
                local_offset: rng.random::<u64>().to_bits(),
                local_stag: u64::from(rng.random::<u32>()).to_bits(),
                reserved: rng.random_bool(0.1),
                fault: rng.random_bool(0.1),
                ..Default::default()
            };
            let has = rng.random_bool(0.8);
            let read = (rng.random_bool(0.8), rng.random::<bool>());
            uut.packet.next = packet;
            uut.entry.next = entry;
            uut.has_entry.next = has;
            uut.has_room.next = read.0;
            uut.fits.next = read.1;
            uut.expected.next = (msn << 32 | mo).to_bits();
            settle!(uut);
            let expected = judge(&packet, has.then_some(&entry), read, (msn, mo));
            assert_eq!(uut.verdict.val().to_u64(), u64::from(expected), "{packet:?} {entry:?}");
            let (place, length) = (offset & 0xffff_ffff, packet.length.to_u64());
            let question = uut.question.val();
            if tagged {
                assert_eq!((question.stag, question.offset), (packet.stag, packet.offset));
                let right = if packet.response { right::LOCAL_WRITE } else { right::REMOTE_WRITE };
                assert_eq!(question.right.to_u64(), right);
            } else if request {
                assert_eq!(question.length.to_u64(), 0);
            } else {
                let at = entry.local_offset.to_u64().wrapping_add(place);
                assert_eq!((question.stag, question.offset.to_u64()), (entry.local_stag, at));
                assert_eq!(question.right.to_u64(), right::LOCAL_WRITE);
            }
            let after = if packet.last { (msn + 1) << 32 } else { msn << 32 | (place + length) };
            assert_eq!(uut.expected_next.val().to_u64(), after);
            assert_eq!(uut.delivery.val().message.to_u64(), place + length);
        }
    }
}
