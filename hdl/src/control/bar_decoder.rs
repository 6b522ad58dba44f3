//! Tells what a write to BAR 0 means.
use super::records::{doorbell_kind, ContextWrite, Doorbell, PageWrite, Wipe, EVERY_TABLE};
use crate::literal::Literal;
use crate::pcie::records::BarWrite;
use crate::stream::beat::*;
use ironwarp_abi::{context::table, limits, registers};
use rust_hdl::prelude::*;

/// Sorts writes by their address; what comes out is a broadcast, one clock after the write was
/// taken. A write a clock. Objects that do not exist, and addresses that mean nothing, are ignored.
#[derive(LogicBlock)]
pub struct BarDecoder {
    pub clock: Signal<In, Clock>,
    /// Always ready.
    pub sink: StreamSink<BarWrite>,
    /// Clears the contexts and the MSI-X vector of a number; no write may come in the same clock.
    pub wipe: Signal<In, Wipe>,
    pub context_write: Signal<Out, ContextWrite>,
    pub doorbell: Signal<Out, Doorbell>,
    /// A write to the first page.
    pub register_write: Signal<Out, PageWrite>,
    /// A write to the page of the MSI-X table.
    pub msix_write: Signal<Out, PageWrite>,
    context_out: DFF<ContextWrite>,
    doorbell_out: DFF<Doorbell>,
    register_out: DFF<PageWrite>,
    msix_out: DFF<PageWrite>,
    address: Signal<Local, Bits<20>>,
    index: Signal<Local, Bits<8>>,
    table_number: Signal<Local, Bits<4>>,
    page: Signal<Local, Bits<8>>,
    page_word: Signal<Local, Bits<10>>,
    object: Signal<Local, Bits<8>>,
    wiped_part: Signal<Local, Bits<2>>,
    qp_bell: Signal<Local, Bit>,
    cq_bell: Signal<Local, Bit>,
    qp_table: Constant<Bits<4>>,
    cq_table: Constant<Bits<4>>,
    mr_table: Constant<Bits<4>>,
    flow_table: Constant<Bits<4>>,
    qp_count: Constant<Bits<9>>,
    cq_count: Constant<Bits<9>>,
    flow_count: Constant<Bits<9>>,
    qp_pages: Constant<Bits<2>>,
    cq_pages: Constant<Bits<2>>,
    register_page: Constant<Bits<8>>,
    msix_page: Constant<Bits<8>>,
    first_word: Constant<Bits<10>>,
    second_word: Constant<Bits<10>>,
    send: Constant<Bits<2>>,
    receive: Constant<Bits<2>>,
    consumed: Constant<Bits<2>>,
    arm: Constant<Bits<2>>,
    every_table: Literal<4, EVERY_TABLE>,
    msix_words: Literal<8, { 4 * limits::VECTOR_COUNT as u64 }>,
    msix_control: Literal<2, 3>,
    masked: Literal<32, 1>,
}

impl Default for BarDecoder {
    fn default() -> Self {
        use registers::*;
        assert_eq!((DOORBELL_SEND, DOORBELL_RECEIVE), (0, 4));
        assert_eq!((DOORBELL_CONSUMED, DOORBELL_ARM), (0, 4));
        assert_eq!((DOORBELL_PAGE, CONTEXT_STRIDE), (4096, 256));
        Self {
            clock: Default::default(),
            sink: Default::default(),
            wipe: Default::default(),
            context_write: Default::default(),
            doorbell: Default::default(),
            register_write: Default::default(),
            msix_write: Default::default(),
            context_out: Default::default(),
            doorbell_out: Default::default(),
            register_out: Default::default(),
            msix_out: Default::default(),
            address: Default::default(),
            index: Default::default(),
            table_number: Default::default(),
            page: Default::default(),
            page_word: Default::default(),
            object: Default::default(),
            wiped_part: Default::default(),
            qp_bell: Default::default(),
            cq_bell: Default::default(),
            qp_table: Constant::new(table::QUEUE_PAIR.to_bits()),
            cq_table: Constant::new(table::COMPLETION_QUEUE.to_bits()),
            mr_table: Constant::new(table::MEMORY_REGION.to_bits()),
            flow_table: Constant::new(table::FLOW.to_bits()),
            qp_count: Constant::new(limits::QP_COUNT.to_bits()),
            cq_count: Constant::new(limits::CQ_COUNT.to_bits()),
            flow_count: Constant::new(limits::FLOW_COUNT.to_bits()),
            qp_pages: Constant::new((QP_DOORBELLS >> 18).to_bits()),
            cq_pages: Constant::new((CQ_DOORBELLS >> 18).to_bits()),
            register_page: Constant::new(0.into()),
            msix_page: Constant::new((MSIX_TABLE >> 12).to_bits()),
            first_word: Constant::new(0.into()),
            second_word: Constant::new(1.into()),
            send: Constant::new(doorbell_kind::SEND.to_bits()),
            receive: Constant::new(doorbell_kind::RECEIVE.to_bits()),
            consumed: Constant::new(doorbell_kind::CONSUMED.to_bits()),
            arm: Constant::new(doorbell_kind::ARM.to_bits()),
            every_table: Default::default(),
            msix_words: Default::default(),
            msix_control: Default::default(),
            masked: Default::default(),
        }
    }
}

impl Logic for BarDecoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, context_out, doorbell_out, register_out, msix_out);
        self.sink.ready.next = true;
        self.context_write.next = self.context_out.q.val();
        self.doorbell.next = self.doorbell_out.q.val();
        self.register_write.next = self.register_out.q.val();
        self.msix_write.next = self.msix_out.q.val();

        self.address.next = self.sink.beat.val().address;
        self.table_number.next = self.address.val().get_bits::<4>(16);
        self.index.next = self.address.val().get_bits::<8>(8);
        self.page.next = self.address.val().get_bits::<8>(12);
        self.page_word.next = self.address.val().get_bits::<10>(2);
        self.wiped_part.next = bit_cast::<2, 8>(self.wipe.val().index);
        self.object.next = bit_cast::<8, 6>(self.address.val().get_bits::<6>(12));

        self.context_out.d.next.table = self.table_number.val();
        self.context_out.d.next.index = self.index.val();
        self.context_out.d.next.word = self.address.val().get_bits::<6>(2);
        self.context_out.d.next.data = self.sink.beat.val().data;
        self.context_out.d.next.valid = self.sink.valid.val()
            & (((self.table_number.val() == self.qp_table.val())
                & (bit_cast::<9, 8>(self.index.val()) < self.qp_count.val()))
                | ((self.table_number.val() == self.cq_table.val())
                    & (bit_cast::<9, 8>(self.index.val()) < self.cq_count.val()))
                | (self.table_number.val() == self.mr_table.val())
                | ((self.table_number.val() == self.flow_table.val())
                    & (bit_cast::<9, 8>(self.index.val()) < self.flow_count.val())));

        self.register_out.d.next.word = self.page_word.val();
        self.register_out.d.next.data = self.sink.beat.val().data;
        self.register_out.d.next.valid =
            self.sink.valid.val() & (self.page.val() == self.register_page.val());
        self.msix_out.d.next.word = self.page_word.val();
        self.msix_out.d.next.data = self.sink.beat.val().data;
        self.msix_out.d.next.valid =
            self.sink.valid.val() & (self.page.val() == self.msix_page.val());

        if self.wipe.val().valid {
            self.context_out.d.next.valid = true;
            self.context_out.d.next.table = self.every_table.val();
            self.context_out.d.next.index = self.wipe.val().index;
            self.context_out.d.next.data = 0.into();
            // The table's words as they are after power-on: addresses are zero, vectors masked.
            self.msix_out.d.next.valid = self.wipe.val().index < self.msix_words.val();
            self.msix_out.d.next.word = bit_cast::<10, 8>(self.wipe.val().index);
            self.msix_out.d.next.data = 0.into();
            if self.wiped_part.val() == self.msix_control.val() {
                self.msix_out.d.next.data = self.masked.val();
            }
        }

        self.qp_bell.next = self.sink.valid.val()
            & (self.address.val().get_bits::<2>(18) == self.qp_pages.val())
            & (bit_cast::<9, 8>(self.object.val()) < self.qp_count.val());
        self.cq_bell.next = self.sink.valid.val()
            & (self.address.val().get_bits::<2>(18) == self.cq_pages.val())
            & (bit_cast::<9, 8>(self.object.val()) < self.cq_count.val());
        self.doorbell_out.d.next.valid = false;
        self.doorbell_out.d.next.index = self.object.val();
        self.doorbell_out.d.next.value = bit_cast::<16, 32>(self.sink.beat.val().data);
        if self.page_word.val() == self.first_word.val() {
            self.doorbell_out.d.next.valid = self.qp_bell.val() | self.cq_bell.val();
            self.doorbell_out.d.next.kind = self.send.val();
            if self.cq_bell.val() {
                self.doorbell_out.d.next.kind = self.consumed.val();
            }
        } else if self.page_word.val() == self.second_word.val() {
            self.doorbell_out.d.next.valid = self.qp_bell.val() | self.cq_bell.val();
            self.doorbell_out.d.next.kind = self.receive.val();
            if self.cq_bell.val() {
                self.doorbell_out.d.next.kind = self.arm.val();
            }
        }
    }
}
