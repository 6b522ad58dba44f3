//! The registers that the host writes.
use super::records::{Command, PageWrite};
use crate::literal::Literal;
use ironwarp_abi::{limits, registers};
use rust_hdl::prelude::*;

/// Keeps the registers that read back, and turns the others into broadcasts, one clock after the
/// write. Commands for objects that do not exist are ignored.
#[derive(LogicBlock)]
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
    /// `MAC_HIGH` and `MAC_LOW`; the first octet is in the highest byte.
    pub mac_address: Signal<Out, Bits<48>>,
    /// `QUERY_QP`.
    pub query_qp: Signal<Out, Bits<8>>,
    /// `QP_CONTROL` was written.
    pub qp_command: Signal<Out, Command>,
    /// `CQ_CONTROL` was written.
    pub cq_command: Signal<Out, Command>,
    time_base: DFF<Bits<16>>,
    restart: DFF<Bit>,
    /// The completion timeout as it differs from its value after a reset.
    timeout: DFF<Bits<24>>,
    mac_low: DFF<Bits<32>>,
    mac_high: DFF<Bits<16>>,
    query: DFF<Bits<8>>,
    qp_out: DFF<Command>,
    cq_out: DFF<Command>,
    data: Signal<Local, Bits<32>>,
    index: Signal<Local, Bits<9>>,
    time_base_word: Constant<Bits<10>>,
    timeout_word: Constant<Bits<10>>,
    timeout_reset: Literal<24, { registers::COMPLETION_TIMEOUT_RESET as u64 }>,
    mac_low_word: Constant<Bits<10>>,
    mac_high_word: Constant<Bits<10>>,
    query_word: Constant<Bits<10>>,
    qp_control_word: Constant<Bits<10>>,
    cq_control_word: Constant<Bits<10>>,
    qp_count: Constant<Bits<9>>,
    cq_count: Constant<Bits<9>>,
}

/// A register's number in its page.
pub(super) fn word<const N: usize>(register: &registers::Register) -> Constant<Bits<N>> {
    Constant::new((register.address / 4).to_bits())
}

impl Default for RegisterFile {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            write: Default::default(),
            clocks_per_microsecond: Default::default(),
            restart_time: Default::default(),
            completion_timeout: Default::default(),
            mac_address: Default::default(),
            query_qp: Default::default(),
            qp_command: Default::default(),
            cq_command: Default::default(),
            time_base: Default::default(),
            restart: Default::default(),
            timeout: Default::default(),
            mac_low: Default::default(),
            mac_high: Default::default(),
            query: Default::default(),
            qp_out: Default::default(),
            cq_out: Default::default(),
            data: Default::default(),
            index: Default::default(),
            time_base_word: word(&registers::TIME_BASE),
            timeout_word: word(&registers::COMPLETION_TIMEOUT),
            timeout_reset: Default::default(),
            mac_low_word: word(&registers::MAC_LOW),
            mac_high_word: word(&registers::MAC_HIGH),
            query_word: word(&registers::QUERY_QP),
            qp_control_word: word(&registers::QP_CONTROL),
            cq_control_word: word(&registers::CQ_CONTROL),
            qp_count: Constant::new(limits::QP_COUNT.to_bits()),
            cq_count: Constant::new(limits::CQ_COUNT.to_bits()),
        }
    }
}

impl Logic for RegisterFile {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, time_base, restart, timeout, mac_low, mac_high, query);
        dff_setup!(self, clock, qp_out, cq_out);
        self.clocks_per_microsecond.next = self.time_base.q.val();
        self.restart_time.next = self.restart.q.val();
        self.completion_timeout.next = self.timeout.q.val() ^ self.timeout_reset.val();
        self.mac_address.next = bit_cast::<48, 32>(self.mac_low.q.val())
            | (bit_cast::<48, 16>(self.mac_high.q.val()) << 32);
        self.query_qp.next = self.query.q.val();
        self.qp_command.next = self.qp_out.q.val();
        self.cq_command.next = self.cq_out.q.val();

        self.data.next = self.write.val().data;
        self.index.next = bit_cast::<9, 8>(self.data.val().get_bits::<8>(0));
        self.restart.d.next = false;
        self.qp_out.d.next.valid = false;
        self.qp_out.d.next.index = self.data.val().get_bits::<8>(0);
        self.qp_out.d.next.enable = self.data.val().get_bit(8);
        self.cq_out.d.next.valid = false;
        self.cq_out.d.next.index = self.data.val().get_bits::<8>(0);
        self.cq_out.d.next.enable = self.data.val().get_bit(8);
        if self.write.val().valid {
            if self.write.val().word == self.time_base_word.val() {
                self.time_base.d.next = self.data.val().get_bits::<16>(0);
                self.restart.d.next = true;
            } else if self.write.val().word == self.timeout_word.val() {
                self.timeout.d.next = self.data.val().get_bits::<24>(0) ^ self.timeout_reset.val();
            } else if self.write.val().word == self.mac_low_word.val() {
                self.mac_low.d.next = self.data.val();
            } else if self.write.val().word == self.mac_high_word.val() {
                self.mac_high.d.next = self.data.val().get_bits::<16>(0);
            } else if self.write.val().word == self.query_word.val() {
                self.query.d.next = self.data.val().get_bits::<8>(0);
            } else if self.write.val().word == self.qp_control_word.val() {
                self.qp_out.d.next.valid = self.index.val() < self.qp_count.val();
            } else if self.write.val().word == self.cq_control_word.val() {
                self.cq_out.d.next.valid = self.index.val() < self.cq_count.val();
            }
        }
    }
}
