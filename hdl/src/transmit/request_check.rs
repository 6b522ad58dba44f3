//! Is this send work request one that the device can do?
use crate::configuration::{QpNumber, QP_BITS};
use crate::literal::Literal;
use crate::pins::Ports;
use crate::queue::QueueEntry;
use ironwarp_abi::limits::{FRAME_BYTES_MAX, RAW_QP};
use ironwarp_abi::queue::opcode;
use ironwarp_abi::status;
use ironwarp_wire::ethernet;
use rust_hdl::prelude::*;

/// What a send work request is.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct SortedRequest {
    /// It is in order; if not, `status` says why (`ironwarp_abi::status`).
    pub good: Bit,
    pub status: Bits<8>,
    /// A raw frame.
    pub raw: Bit,
    /// An RDMA Write.
    pub write: Bit,
    /// An RDMA Read; if none of the three, it is a Send.
    pub read: Bit,
    /// The Send asks for a solicited event.
    pub solicited: Bit,
    /// A completion is wanted.
    pub signaled: Bit,
}

/// Checks what the host wrote into a send work request, and sorts it. Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct RequestCheck {
    pub qp: Signal<In, QpNumber>,
    pub entry: Signal<In, QueueEntry>,
    /// The queue pair may have RDMA Reads outstanding.
    pub reads: Signal<In, Bit>,
    pub sorted: Signal<Out, SortedRequest>,
    control: Signal<Local, Bits<32>>,
    opcode: Signal<Local, Bits<8>>,
    known: Signal<Local, Bit>,
    has_remote: Signal<Local, Bit>,
    remote: Signal<Local, Bit>,
    stag: Signal<Local, Bits<32>>,
    offset: Signal<Local, Bits<64>>,
    size: Signal<Local, Bit>,
    status: Signal<Local, Bits<8>>,
    raw_qp: Literal<QP_BITS, { RAW_QP as u64 }>,
    op_write: Literal<8, { opcode::WRITE as u64 }>,
    op_send: Literal<8, { opcode::SEND as u64 }>,
    op_solicited: Literal<8, { opcode::SEND_SOLICITED as u64 }>,
    op_read: Literal<8, { opcode::READ as u64 }>,
    op_raw: Literal<8, { opcode::RAW_FRAME as u64 }>,
    shortest: Literal<32, { ethernet::HEADER_BYTES as u64 }>,
    longest: Literal<32, { FRAME_BYTES_MAX as u64 }>,
    success: Literal<8, { status::SUCCESS as u64 }>,
    bad_opcode: Literal<8, { status::BAD_OPCODE as u64 }>,
    reserved: Literal<8, { status::RESERVED_FIELD as u64 }>,
    dma_fault: Literal<8, { status::DMA_FAULT as u64 }>,
    raw_length: Literal<8, { status::RAW_LENGTH as u64 }>,
}

impl Logic for RequestCheck {
    #[hdl_gen]
    fn update(&mut self) {
        self.control.next = self.entry.val().control;
        self.stag.next = self.entry.val().remote_stag;
        self.offset.next = self.entry.val().remote_offset;
        self.opcode.next = self.control.val().get_bits::<8>(0);
        self.sorted.next.signaled = self.control.val().get_bit(8);
        self.sorted.next.write = self.opcode.val() == self.op_write.val();
        self.sorted.next.read = self.opcode.val() == self.op_read.val();
        self.sorted.next.solicited = self.opcode.val() == self.op_solicited.val();
        self.sorted.next.raw = self.opcode.val() == self.op_raw.val();
        self.known.next = (self.opcode.val() == self.op_write.val())
            | (self.opcode.val() == self.op_send.val())
            | (self.opcode.val() == self.op_solicited.val())
            | ((self.opcode.val() == self.op_read.val()) & self.reads.val());
        if self.qp.val() == self.raw_qp.val() {
            self.known.next = self.opcode.val() == self.op_raw.val();
        }
        self.has_remote.next =
            (self.opcode.val() == self.op_write.val()) | (self.opcode.val() == self.op_read.val());
        self.remote.next =
            !self.has_remote.val() & (self.stag.val().any() | self.offset.val().any());
        self.size.next = (self.entry.val().length >= self.shortest.val())
            & (self.entry.val().length <= self.longest.val());

        self.status.next = self.success.val();
        if (self.opcode.val() == self.op_raw.val()) & !self.size.val() {
            self.status.next = self.raw_length.val();
        }
        if self.entry.val().reserved | self.remote.val() {
            self.status.next = self.reserved.val();
        }
        if !self.known.val() {
            self.status.next = self.bad_opcode.val();
        }
        if self.entry.val().fault {
            self.status.next = self.dma_fault.val();
        }
        self.sorted.next.status = self.status.val();
        self.sorted.next.good = self.status.val() == self.success.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    fn ask(qp: u64, entry: QueueEntry) -> u8 {
        ask_with(qp, entry, true)
    }

    fn ask_with(qp: u64, entry: QueueEntry, reads: bool) -> u8 {
        let mut uut = RequestCheck::default();
        uut.connect_all();
        uut.qp.next = qp.to_bits();
        uut.entry.next = entry;
        uut.reads.next = reads;
        settle!(uut);
        let sorted = uut.sorted.val();
        assert_eq!(sorted.good, sorted.status == 0);
        sorted.status.to_u64() as u8
    }

    fn entry(opcode: u8, length: u64) -> QueueEntry {
        let (control, length) = (u64::from(opcode).to_bits(), length.to_bits());
        QueueEntry { control, length, ..Default::default() }
    }

    #[test]
    fn names_what_is_wrong() {
        for code in 0..=255 {
            let known =
                [opcode::WRITE, opcode::SEND, opcode::SEND_SOLICITED, opcode::READ].contains(&code);
            let expected = if known { status::SUCCESS } else { status::BAD_OPCODE };
            assert_eq!(ask(3, entry(code, 0)), expected, "opcode {code}");
            let raw = code == opcode::RAW_FRAME;
            let expected = if raw { status::SUCCESS } else { status::BAD_OPCODE };
            assert_eq!(ask(0, entry(code, 60)), expected, "opcode {code}");
        }
        for (length, good) in [(0, false), (13, false), (14, true), (9014, true), (9015, false)] {
            let expected = if good { status::SUCCESS } else { status::RAW_LENGTH };
            assert_eq!(ask(0, entry(opcode::RAW_FRAME, length)), expected, "{length} octets");
        }
        let send = entry(opcode::SEND, 5);
        assert_eq!(ask(3, QueueEntry { reserved: true, ..send }), status::RESERVED_FIELD);
        assert_eq!(ask(3, QueueEntry { fault: true, ..send }), status::DMA_FAULT);
        let remote = QueueEntry { remote_stag: 1.into(), ..send };
        assert_eq!(ask(3, remote), status::RESERVED_FIELD);
        let remote = QueueEntry { remote_offset: (1 << 63).into(), ..send };
        assert_eq!(ask(3, remote), status::RESERVED_FIELD);
        let write = QueueEntry { remote_offset: 9.into(), ..entry(opcode::WRITE, 5) };
        assert_eq!(ask(3, write), status::SUCCESS);
        let read = QueueEntry { remote_stag: 9.into(), ..entry(opcode::READ, 5) };
        assert_eq!(ask(3, read), status::SUCCESS);
        assert_eq!(ask_with(3, read, false), status::BAD_OPCODE);
        assert_eq!(ask(0, read), status::BAD_OPCODE);
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("request_check", &mut RequestCheck::default());
    }
}
