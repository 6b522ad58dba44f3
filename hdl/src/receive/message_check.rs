//! What DDP says about a packet, its message and its receive work request.
use crate::literal::Literal;
use crate::protect::records::{right, GateQuestion};
use crate::queue::QueueEntry;
use crate::receive::notes::{packet_kind, Arrival, Delivery};
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// Combinational.
#[derive(LogicBlock, Default)]
pub struct MessageCheck {
    pub packet: Signal<In, Arrival>,
    /// The queue pair's oldest receive work request, if `has_entry`.
    pub entry: Signal<In, QueueEntry>,
    pub has_entry: Signal<In, Bit>,
    /// What is expected: MSN in bits 63:32, MO in bits 31:0.
    pub expected: Signal<In, Bits<64>>,
    /// The queue pair's protection domain.
    pub pd: Signal<In, Bits<16>>,
    /// The queue pair's receive CQ.
    pub cq: Signal<In, Bits<8>>,
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
        if !self.packet.val().tagged {
            if self.message_end.val() > bit_cast::<33, 32>(self.entry.val().length) {
                self.found.next = self.too_long.val();
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
            if self.packet.val().kind != self.kind_raw.val() {
                if self.place.val() != self.expected.val().get_bits::<32>(0) {
                    self.found.next = self.mo_error.val();
                }
                if self.offset.val().get_bits::<32>(32) != self.msn.val() {
                    self.found.next = self.msn_error.val();
                }
            }
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
        if !self.packet.val().tagged {
            self.question.next.stag = self.entry.val().local_stag;
            self.question.next.offset =
                self.entry.val().local_offset + bit_cast::<64, 32>(self.place.val());
            self.question.next.right = self.local_write.val();
        }

        self.delivery.next.qp = self.packet.val().qp;
        self.delivery.next.length = self.packet.val().length;
        self.delivery.next.write = false;
        self.delivery.next.address = 0.into();
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
