//! Tells what a write to BAR 0 means.
use super::records::{CqDoorbell, PageWrite, QpDoorbell, Wipe};
use crate::configuration::*;
use crate::literal::Literal;
use crate::pcie::records::BarWrite;
use crate::pins::Ports;
use crate::stream::beat::*;
use ironwarp_abi::{limits, registers};
use rust_hdl::prelude::*;

/// The width of a page's number in its area.
pub(super) const PAGE_BITS: usize = AREA_BITS - registers::DOORBELL_PAGE_BITS;
/// The width of a count of pages.
const COUNT_BITS: usize = PAGE_BITS + 1;

/// A page of the first area.
pub(super) const fn page(address: u32) -> u64 {
    assert!(address >> AREA_BITS == 0, "the page is in the first area");
    (address >> registers::DOORBELL_PAGE_BITS) as u64
}

/// A word of a page.
const fn page_word(address: u32) -> u64 {
    (address / 4) as u64
}

const _: () = assert!(registers::DOORBELL_PAGE_BITS == 12, "the kernels' pages");
const _: () = assert!(OBJECT_BITS >= 8, "the index of a wipe names every word of the MSI-X table");

/// Sorts writes by their address; what comes out is a broadcast, one clock after the write was
/// taken. A doorbell of an object that does not exist is refused; addresses that mean nothing are
/// ignored.
///
/// A write a clock, but behind one to a register, until it is known what it begins: then as long as
/// `hold` says.
#[derive(LogicBlock, Ports, Default)]
pub struct BarDecoder {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<BarWrite>,
    /// What an earlier write has begun must be done before the next is taken.
    pub hold: Signal<In, Bit>,
    /// A write to a register is on its way: what it begins will `hold` after this.
    pub busy: Signal<Out, Bit>,
    /// Clears the MSI-X vector of a number; no write may come in the same clock.
    pub wipe: Signal<In, Wipe>,
    pub qp_doorbell: Signal<Out, QpDoorbell>,
    pub cq_doorbell: Signal<Out, CqDoorbell>,
    /// A write to the page of the registers.
    pub register_write: Signal<Out, PageWrite>,
    /// A write to the page of the MSI-X table.
    pub msix_write: Signal<Out, PageWrite>,
    /// A write to the page of the context window.
    pub window_write: Signal<Out, PageWrite>,
    /// A write was refused.
    pub refused: Signal<Out, Bit>,
    qp_bell: DFF<QpDoorbell>,
    cq_bell: DFF<CqDoorbell>,
    register_out: DFF<PageWrite>,
    msix_out: DFF<PageWrite>,
    window_out: DFF<PageWrite>,
    refused_out: DFF<Bit>,
    /// Clocks until a write to a register is seen in `hold`.
    pause: DFF<Bits<2>>,
    takes: Signal<Local, Bit>,
    ready: Signal<Local, Bit>,
    address: Signal<Local, Bits<BAR_BITS>>,
    shifted: Signal<Local, Bits<BAR_BITS>>,
    area: Signal<Local, Bits<2>>,
    page: Signal<Local, Bits<PAGE_BITS>>,
    page_word: Signal<Local, Bits<10>>,
    written: Signal<Local, PageWrite>,
    in_registers: Signal<Local, Bit>,
    is_bell: Signal<Local, Bit>,
    is_second: Signal<Local, Bit>,
    at_qp: Signal<Local, Bit>,
    at_cq: Signal<Local, Bit>,
    has_qp: Signal<Local, Bit>,
    has_cq: Signal<Local, Bit>,
    wiped_part: Signal<Local, Bits<2>>,
    area_bits: Literal<8, { AREA_BITS as u64 }>,
    register_area: Literal<2, 0>,
    qp_area: Literal<2, { registers::AREA_QP as u64 }>,
    cq_area: Literal<2, { registers::AREA_CQ as u64 }>,
    qp_count: Literal<COUNT_BITS, { QP_COUNT as u64 }>,
    cq_count: Literal<COUNT_BITS, { CQ_COUNT as u64 }>,
    register_page: Literal<PAGE_BITS, 0>,
    msix_page: Literal<PAGE_BITS, { page(registers::MSIX_TABLE) }>,
    window_page: Literal<PAGE_BITS, { page(registers::CONTEXT_WINDOW) }>,
    send: Literal<10, { page_word(registers::DOORBELL_SEND) }>,
    receive: Literal<10, { page_word(registers::DOORBELL_RECEIVE) }>,
    consumed: Literal<10, { page_word(registers::DOORBELL_CONSUMED) }>,
    arm: Literal<10, { page_word(registers::DOORBELL_ARM) }>,
    clocks: Literal<2, 2>,
    one: Literal<2, 1>,
    msix_words: Literal<OBJECT_BITS, { 4 * limits::VECTOR_COUNT as u64 }>,
    msix_control: Literal<2, 3>,
    masked: Literal<32, 1>,
}

impl Logic for BarDecoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, qp_bell, cq_bell, register_out, msix_out, window_out);
        dff_setup!(self, clock, refused_out, pause);
        self.ready.next = !self.pause.q.val().any() & !self.hold.val();
        self.sink.ready.next = self.ready.val();
        self.busy.next = self.pause.q.val().any();
        self.takes.next = self.sink.valid.val() & self.ready.val();
        self.qp_doorbell.next = self.qp_bell.q.val();
        self.cq_doorbell.next = self.cq_bell.q.val();
        self.register_write.next = self.register_out.q.val();
        self.msix_write.next = self.msix_out.q.val();
        self.window_write.next = self.window_out.q.val();
        self.refused.next = self.refused_out.q.val();

        // Where?
        self.address.next = self.sink.beat.val().address;
        self.shifted.next = self.address.val() >> self.area_bits.val();
        self.area.next = bit_cast::<2, BAR_BITS>(self.shifted.val());
        self.page.next = self.address.val().get_bits::<PAGE_BITS>(12);
        self.page_word.next = self.address.val().get_bits::<10>(2);
        self.in_registers.next = self.takes.val() & (self.area.val() == self.register_area.val());
        self.written.next.valid = false;
        self.written.next.word = self.page_word.val();
        self.written.next.data = self.sink.beat.val().data;

        self.register_out.d.next = self.written.val();
        self.msix_out.d.next = self.written.val();
        self.window_out.d.next = self.written.val();
        if self.pause.q.val().any() {
            self.pause.d.next = self.pause.q.val() - self.one.val();
        }
        if self.in_registers.val() & (self.page.val() == self.register_page.val()) {
            self.register_out.d.next.valid = true;
            self.pause.d.next = self.clocks.val();
        }
        if self.in_registers.val() & (self.page.val() == self.msix_page.val()) {
            self.msix_out.d.next.valid = true;
        }
        if self.in_registers.val() & (self.page.val() == self.window_page.val()) {
            self.window_out.d.next.valid = true;
        }

        self.wiped_part.next = bit_cast::<2, OBJECT_BITS>(self.wipe.val().index);
        if self.wipe.val().valid {
            // The table's words as they are after power-on: addresses are zero, vectors masked.
            self.msix_out.d.next.valid = self.wipe.val().index < self.msix_words.val();
            self.msix_out.d.next.word = bit_cast::<10, OBJECT_BITS>(self.wipe.val().index);
            self.msix_out.d.next.data = 0.into();
            if self.wiped_part.val() == self.msix_control.val() {
                self.msix_out.d.next.data = self.masked.val();
            }
        }

        // Doorbells.
        self.at_qp.next = self.takes.val() & (self.area.val() == self.qp_area.val());
        self.at_cq.next = self.takes.val() & (self.area.val() == self.cq_area.val());
        self.is_bell.next = false;
        self.is_second.next = false;
        if self.at_qp.val() {
            self.is_second.next = self.page_word.val() == self.receive.val();
            self.is_bell.next = (self.page_word.val() == self.send.val()) | self.is_second.val();
        }
        if self.at_cq.val() {
            self.is_second.next = self.page_word.val() == self.arm.val();
            self.is_bell.next =
                (self.page_word.val() == self.consumed.val()) | self.is_second.val();
        }
        self.has_qp.next = bit_cast::<COUNT_BITS, PAGE_BITS>(self.page.val()) < self.qp_count.val();
        self.has_cq.next = bit_cast::<COUNT_BITS, PAGE_BITS>(self.page.val()) < self.cq_count.val();
        self.qp_bell.d.next.valid = self.is_bell.val() & self.at_qp.val() & self.has_qp.val();
        self.qp_bell.d.next.receive = self.is_second.val();
        self.qp_bell.d.next.qp = bit_cast::<QP_BITS, PAGE_BITS>(self.page.val());
        self.qp_bell.d.next.posted = bit_cast::<16, 32>(self.sink.beat.val().data);
        self.cq_bell.d.next.valid = self.is_bell.val() & self.at_cq.val() & self.has_cq.val();
        self.cq_bell.d.next.arm = self.is_second.val();
        self.cq_bell.d.next.cq = bit_cast::<CQ_BITS, PAGE_BITS>(self.page.val());
        self.cq_bell.d.next.consumed = bit_cast::<16, 32>(self.sink.beat.val().data);
        self.refused_out.d.next = self.is_bell.val()
            & ((self.at_qp.val() & !self.has_qp.val()) | (self.at_cq.val() & !self.has_cq.val()));
    }
}
