//! The registers that the host writes.
use super::fields::{low, word};
use super::records::{CommitCommand, CqCommand, FenceCommand, PageWrite, QpCommand};
use crate::configuration::*;
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_abi::limits::{FLOW_KEY_BITS, NUMBER_BITS};
use ironwarp_abi::registers;
use rust_hdl::prelude::*;

const _: () = {
    use registers::*;
    assert!(low(&QP_CONTROL, "index") == 0 && low(&QP_CONTROL, "enable") == 24);
    assert!(low(&CQ_CONTROL, "index") == 0 && low(&CQ_CONTROL, "enable") == 24);
    assert!(low(&COMMIT, "index") == 0 && low(&COMMIT, "table") == 24);
    assert!(low(&QUERY_QP, "index") == 0 && low(&FENCE_QUEUE, "cq") == 0);
    assert!(low(&FENCE, "number") == 0 && NUMBER_BITS == 24);
};

/// The width of a count of objects.
const COUNT_BITS: usize = NUMBER_BITS + 1;

/// The three words of the flow table's key.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct FlowKey {
    pub low: Bits<32>,
    pub middle: Bits<32>,
    pub high: Bits<32>,
}

/// Keeps the registers that read back, and turns the others into broadcasts, one clock after the
/// write. What names an object that does not exist is refused.
#[derive(LogicBlock, Ports, Default)]
pub struct RegisterFile {
    pub clock: Signal<In, Clock>,
    /// Writes to the page of the registers.
    pub write: Signal<In, PageWrite>,
    /// `TIME_BASE`.
    pub clocks_per_microsecond: Signal<Out, Bits<16>>,
    /// `TIME_BASE` was written.
    pub restart_time: Signal<Out, Bit>,
    /// `COMPLETION_TIMEOUT`.
    pub completion_timeout: Signal<Out, Bits<24>>,
    /// `RETRANSMIT_MIN`.
    pub retransmit_min: Signal<Out, Bits<24>>,
    /// `MAC_HIGH` and `MAC_LOW`; the first octet is in the highest byte.
    pub mac_address: Signal<Out, Bits<48>>,
    /// `QUERY_QP`.
    pub query_qp: Signal<Out, QpNumber>,
    /// `FENCE_QUEUE`.
    pub fence_queue: Signal<Out, CqNumber>,
    /// `FLOW_KEY_0` in the low bits, `FLOW_KEY_1`, `FLOW_KEY_2`.
    pub flow_key: Signal<Out, Bits<FLOW_KEY_BITS>>,
    /// `QP_CONTROL` was written.
    pub qp_command: Signal<Out, QpCommand>,
    /// `CQ_CONTROL` was written.
    pub cq_command: Signal<Out, CqCommand>,
    /// `COMMIT` was written.
    pub commit: Signal<Out, CommitCommand>,
    /// `FENCE` was written.
    pub fence: Signal<Out, FenceCommand>,
    /// A write was refused.
    pub refused: Signal<Out, Bit>,
    time_base: DFF<Bits<16>>,
    restart: DFF<Bit>,
    /// The completion timeout as it differs from its value after a reset.
    timeout: DFF<Bits<24>>,
    /// The least retransmission timeout, likewise.
    retransmit: DFF<Bits<24>>,
    mac_low: DFF<Bits<32>>,
    mac_high: DFF<Bits<16>>,
    query: DFF<QpNumber>,
    fence_cq: DFF<CqNumber>,
    key: DFF<FlowKey>,
    qp_out: DFF<QpCommand>,
    cq_out: DFF<CqCommand>,
    commit_out: DFF<CommitCommand>,
    fence_out: DFF<FenceCommand>,
    refused_out: DFF<Bit>,
    data: Signal<Local, Bits<32>>,
    number: Signal<Local, Bits<NUMBER_BITS>>,
    has_qp: Signal<Local, Bit>,
    has_cq: Signal<Local, Bit>,
    time_base_word: Literal<10, { word(&registers::TIME_BASE) }>,
    timeout_word: Literal<10, { word(&registers::COMPLETION_TIMEOUT) }>,
    timeout_reset: Literal<24, { registers::COMPLETION_TIMEOUT_RESET as u64 }>,
    retransmit_word: Literal<10, { word(&registers::RETRANSMIT_MIN) }>,
    retransmit_reset: Literal<24, { registers::RETRANSMIT_MIN_RESET as u64 }>,
    mac_low_word: Literal<10, { word(&registers::MAC_LOW) }>,
    mac_high_word: Literal<10, { word(&registers::MAC_HIGH) }>,
    qp_control_word: Literal<10, { word(&registers::QP_CONTROL) }>,
    cq_control_word: Literal<10, { word(&registers::CQ_CONTROL) }>,
    commit_word: Literal<10, { word(&registers::COMMIT) }>,
    query_word: Literal<10, { word(&registers::QUERY_QP) }>,
    fence_queue_word: Literal<10, { word(&registers::FENCE_QUEUE) }>,
    fence_word: Literal<10, { word(&registers::FENCE) }>,
    key_low_word: Literal<10, { word(&registers::FLOW_KEY_0) }>,
    key_middle_word: Literal<10, { word(&registers::FLOW_KEY_1) }>,
    key_high_word: Literal<10, { word(&registers::FLOW_KEY_2) }>,
    qp_count: Literal<COUNT_BITS, { QP_COUNT as u64 }>,
    cq_count: Literal<COUNT_BITS, { CQ_COUNT as u64 }>,
}

impl Logic for RegisterFile {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, time_base, restart, timeout, retransmit, mac_low, mac_high, query);
        dff_setup!(self, clock, fence_cq, key, qp_out, cq_out, commit_out, fence_out, refused_out);
        self.clocks_per_microsecond.next = self.time_base.q.val();
        self.restart_time.next = self.restart.q.val();
        self.completion_timeout.next = self.timeout.q.val() ^ self.timeout_reset.val();
        self.retransmit_min.next = self.retransmit.q.val() ^ self.retransmit_reset.val();
        self.mac_address.next = bit_cast::<48, 32>(self.mac_low.q.val())
            | (bit_cast::<48, 16>(self.mac_high.q.val()) << 32);
        self.query_qp.next = self.query.q.val();
        self.fence_queue.next = self.fence_cq.q.val();
        self.flow_key.next = self.key.q.val().into();
        self.qp_command.next = self.qp_out.q.val();
        self.cq_command.next = self.cq_out.q.val();
        self.commit.next = self.commit_out.q.val();
        self.fence.next = self.fence_out.q.val();
        self.refused.next = self.refused_out.q.val();

        self.data.next = self.write.val().data;
        self.number.next = self.data.val().get_bits::<NUMBER_BITS>(0);
        self.has_qp.next =
            bit_cast::<COUNT_BITS, NUMBER_BITS>(self.number.val()) < self.qp_count.val();
        self.has_cq.next =
            bit_cast::<COUNT_BITS, NUMBER_BITS>(self.number.val()) < self.cq_count.val();
        self.restart.d.next = false;
        self.refused_out.d.next = false;
        self.qp_out.d.next.valid = false;
        self.qp_out.d.next.qp = bit_cast::<QP_BITS, NUMBER_BITS>(self.number.val());
        self.qp_out.d.next.enable = self.data.val().get_bit(24);
        self.cq_out.d.next.valid = false;
        self.cq_out.d.next.cq = bit_cast::<CQ_BITS, NUMBER_BITS>(self.number.val());
        self.cq_out.d.next.enable = self.data.val().get_bit(24);
        self.commit_out.d.next.valid = false;
        self.commit_out.d.next.index = self.number.val();
        self.commit_out.d.next.table = self.data.val().get_bits::<4>(24);
        self.fence_out.d.next.valid = false;
        self.fence_out.d.next.number = self.data.val().get_bits::<16>(0);
        if self.write.val().valid {
            if self.write.val().word == self.time_base_word.val() {
                self.time_base.d.next = self.data.val().get_bits::<16>(0);
                self.restart.d.next = true;
            } else if self.write.val().word == self.timeout_word.val() {
                self.timeout.d.next = self.data.val().get_bits::<24>(0) ^ self.timeout_reset.val();
            } else if self.write.val().word == self.retransmit_word.val() {
                self.retransmit.d.next =
                    self.data.val().get_bits::<24>(0) ^ self.retransmit_reset.val();
            } else if self.write.val().word == self.mac_low_word.val() {
                self.mac_low.d.next = self.data.val();
            } else if self.write.val().word == self.mac_high_word.val() {
                self.mac_high.d.next = self.data.val().get_bits::<16>(0);
            } else if self.write.val().word == self.qp_control_word.val() {
                self.qp_out.d.next.valid = self.has_qp.val();
                self.refused_out.d.next = !self.has_qp.val();
            } else if self.write.val().word == self.cq_control_word.val() {
                self.cq_out.d.next.valid = self.has_cq.val();
                self.refused_out.d.next = !self.has_cq.val();
            } else if self.write.val().word == self.commit_word.val() {
                self.commit_out.d.next.valid = true;
            } else if self.write.val().word == self.query_word.val() {
                self.refused_out.d.next = !self.has_qp.val();
                if self.has_qp.val() {
                    self.query.d.next = bit_cast::<QP_BITS, NUMBER_BITS>(self.number.val());
                }
            } else if self.write.val().word == self.fence_queue_word.val() {
                self.refused_out.d.next = !self.has_cq.val();
                if self.has_cq.val() {
                    self.fence_cq.d.next = bit_cast::<CQ_BITS, NUMBER_BITS>(self.number.val());
                }
            } else if self.write.val().word == self.fence_word.val() {
                self.fence_out.d.next.valid = true;
            } else if self.write.val().word == self.key_low_word.val() {
                self.key.d.next.low = self.data.val();
            } else if self.write.val().word == self.key_middle_word.val() {
                self.key.d.next.middle = self.data.val();
            } else if self.write.val().word == self.key_high_word.val() {
                self.key.d.next.high = self.data.val();
            }
        }
    }
}
