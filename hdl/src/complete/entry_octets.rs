//! A completion entry as it lies in host memory.
use super::records::Completion;
use crate::configuration::QP_BITS;
use crate::pins::Ports;
use crate::stream::*;
use ironwarp_abi::limits::NUMBER_BITS;
use ironwarp_abi::queue::CompletionEntry;
use rust_hdl::prelude::*;

/// Words 0 and 1 of `ironwarp_abi::queue::CompletionEntry`.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct EntryHead {
    pub qp: Bits<NUMBER_BITS>,
    pub kind: Bits<8>,
    pub request: Bits<16>,
    pub status: Bits<8>,
    pub generation: Bits<8>,
}

/// Words 2 and 3.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct EntryMiddle {
    pub length: Bits<32>,
    pub sequence: Bits<32>,
}

/// Words 6 and 7.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct EntryTail {
    pub reserved: Bits<32>,
    pub solicited: Bit,
    pub unused: Bits<30>,
    pub phase: Bit,
}

const _: () = assert!(CompletionEntry::BYTES == 32, "an entry is four beats");

/// The four beats of an entry, or the one of an interrupt message. Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct EntryOctets {
    pub entry: Signal<In, Completion>,
    pub phase: Signal<In, Bit>,
    /// Which beat.
    pub number: Signal<In, Bits<2>>,
    /// It is no entry but the message `word`.
    pub is_message: Signal<In, Bit>,
    pub word: Signal<In, Bits<32>>,
    pub beat: Signal<Out, Beat>,
    head: Signal<Local, EntryHead>,
    middle: Signal<Local, EntryMiddle>,
    tail: Signal<Local, EntryTail>,
}

impl Logic for EntryOctets {
    #[hdl_gen]
    fn update(&mut self) {
        self.head.next.qp = bit_cast::<NUMBER_BITS, QP_BITS>(self.entry.val().qp);
        self.head.next.kind = self.entry.val().kind;
        self.head.next.request = self.entry.val().request;
        self.head.next.status = self.entry.val().status;
        self.head.next.generation = self.entry.val().generation;
        self.middle.next.length = self.entry.val().length;
        self.middle.next.sequence = self.entry.val().sequence;
        self.tail.next.reserved = 0.into();
        self.tail.next.solicited = self.entry.val().solicited;
        self.tail.next.unused = 0.into();
        self.tail.next.phase = self.phase.val();

        self.beat.next.bytes = 8.into();
        self.beat.next.last = self.number.val() == 3;
        self.beat.next.error = false;
        self.beat.next.data = 0.into();
        if self.number.val() == 0 {
            self.beat.next.data = self.head.val().into();
        } else if self.number.val() == 1 {
            self.beat.next.data = self.middle.val().into();
        } else if self.number.val() == 3 {
            self.beat.next.data = self.tail.val().into();
        }
        if self.is_message.val() {
            self.beat.next.data = bit_cast::<64, 32>(self.word.val());
            self.beat.next.bytes = 4.into();
            self.beat.next.last = true;
        }
    }
}
