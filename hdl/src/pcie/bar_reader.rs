//! Answers the host's reads.
use super::records::{BarCompletion, BarRequest};
use crate::configuration::BAR_BITS;
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// What the reader does.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Reading {
    /// Waits for a request.
    Idle,
    /// Asks for the register.
    Ask,
    /// Waits for its value.
    Wait,
    /// Offers the completion.
    Answer,
}

/// Header octets 0 to 7 of a completion, in wire order.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct CompletionHead {
    pub kind: Bits<8>,
    pub reserved: Bits<4>,
    pub traffic: Bits<4>,
    pub unused: Bits<4>,
    pub attributes: Bits<4>,
    pub length: Bits<8>,
    pub completer_high: Bits<8>,
    pub completer_low: Bits<8>,
    pub count_high: Bits<5>,
    pub status: Bits<3>,
    pub count: Bits<8>,
}

/// Header octets 8 to 11 of a completion, in wire order.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct CompletionTail {
    pub requester_high: Bits<8>,
    pub requester_low: Bits<8>,
    pub tag: Bits<8>,
    pub lower_address: Bits<8>,
}

/// One request at a time: asks the register file, twice for a pair of registers, and makes the
/// completion (PCI Express Base Specification, s. 2.2.9). Byte Count and Lower Address follow the
/// byte enables (tables 2-32, 2-33), so a zero-length read, which flushes writes, counts one. A
/// request that is not supported is answered with Unsupported Request; Byte Count and Lower Address
/// are then those of a read that succeeds (s. 2.3.1.1), and a locked read gets a CplLk.
#[derive(LogicBlock, Ports, Default)]
pub struct BarReader {
    pub clock: Signal<In, Clock>,
    /// Our completer ID.
    pub completer: Signal<In, Bits<16>>,
    pub sink: StreamSink<BarRequest>,
    /// The register that is read, a byte offset in BAR 0.
    pub bar_read: StreamSource<Bits<BAR_BITS>>,
    /// Its value: one for every address taken from `bar_read`.
    pub bar_answer: StreamSink<Bits<32>>,
    pub source: StreamSource<BarCompletion>,
    state: DFF<Reading>,
    request: DFF<BarRequest>,
    low: DFF<Bits<32>>,
    high: DFF<Bits<32>>,
    /// The second register of a pair is read.
    second: DFF<Bit>,
    head: Signal<Local, CompletionHead>,
    tail: Signal<Local, CompletionTail>,
    pair: Signal<Local, Bit>,
    ending: Signal<Local, Bits<4>>,
    first_octet: Signal<Local, Bits<2>>,
    last_octet: Signal<Local, Bits<2>>,
    octets: Signal<Local, Bits<12>>,
    next_word: Literal<BAR_BITS, 4>,
    three: Literal<12, 3>,
}

impl Logic for BarReader {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, request, low, high, second);
        self.sink.ready.next = self.state.q.val() == Reading::Idle;
        self.bar_read.beat.next = self.request.q.val().address;
        if self.second.q.val() {
            self.bar_read.beat.next = self.request.q.val().address | self.next_word.val();
        }
        self.bar_read.valid.next = self.state.q.val() == Reading::Ask;
        self.bar_answer.ready.next = self.state.q.val() == Reading::Wait;
        self.source.valid.next = self.state.q.val() == Reading::Answer;

        self.pair.next = self.request.q.val().dwords == 2;
        self.first_octet.next = 0.into();
        if (self.request.q.val().enables & 3) == 2 {
            self.first_octet.next = 1.into();
        } else if (self.request.q.val().enables & 7) == 4 {
            self.first_octet.next = 2.into();
        } else if self.request.q.val().enables == 8 {
            self.first_octet.next = 3.into();
        }
        self.ending.next = self.request.q.val().last_enables;
        if self.request.q.val().dwords == 1 {
            self.ending.next = self.request.q.val().enables;
        }
        self.last_octet.next = 0.into();
        if self.ending.val() >= 8 {
            self.last_octet.next = 3.into();
        } else if self.ending.val() >= 4 {
            self.last_octet.next = 2.into();
        } else if self.ending.val() >= 2 {
            self.last_octet.next = 1.into();
        }
        // 4096 octets are written as zero.
        self.octets.next = (bit_cast::<12, 10>(self.request.q.val().dwords) << 2)
            + bit_cast::<12, 2>(self.last_octet.val())
            - bit_cast::<12, 2>(self.first_octet.val())
            - self.three.val();

        self.head.next.kind = 10.into();
        if self.request.q.val().locked {
            self.head.next.kind = 11.into();
        }
        self.head.next.reserved = 0.into();
        self.head.next.traffic = bit_cast::<4, 3>(self.request.q.val().traffic);
        self.head.next.unused = 0.into();
        self.head.next.attributes = bit_cast::<4, 2>(self.request.q.val().attributes);
        self.head.next.length = 0.into();
        self.head.next.completer_high = self.completer.val().get_bits::<8>(8);
        self.head.next.completer_low = self.completer.val().get_bits::<8>(0);
        self.head.next.count_high = bit_cast::<5, 4>(self.octets.val().get_bits::<4>(8));
        self.head.next.status = 1.into();
        self.head.next.count = self.octets.val().get_bits::<8>(0);
        self.tail.next.requester_high = bit_cast::<8, 16>(self.request.q.val().requester >> 8);
        self.tail.next.requester_low = bit_cast::<8, 16>(self.request.q.val().requester);
        self.tail.next.tag = self.request.q.val().tag;
        self.tail.next.lower_address = 0.into();
        if self.request.q.val().memory {
            self.tail.next.lower_address = (bit_cast::<8, BAR_BITS>(self.request.q.val().address)
                & 124)
                | bit_cast::<8, 2>(self.first_octet.val());
        }
        self.source.beat.next.dwords = 0.into();
        if self.request.q.val().supported {
            self.head.next.kind = 74.into();
            self.head.next.length = bit_cast::<8, 10>(self.request.q.val().dwords);
            self.head.next.status = 0.into();
            self.source.beat.next.dwords = bit_cast::<2, 10>(self.request.q.val().dwords);
        }
        self.source.beat.next.head = self.head.val().into();
        self.source.beat.next.tail = self.tail.val().into();
        self.source.beat.next.data =
            bit_cast::<64, 32>(self.low.q.val()) | (bit_cast::<64, 32>(self.high.q.val()) << 32);

        match self.state.q.val() {
            Reading::Idle => {
                self.second.d.next = false;
                if self.sink.valid.val() {
                    self.request.d.next = self.sink.beat.val();
                    self.state.d.next = Reading::Answer;
                    if self.sink.beat.val().supported {
                        self.state.d.next = Reading::Ask;
                    }
                }
            }
            Reading::Ask => {
                if self.bar_read.ready.val() {
                    self.state.d.next = Reading::Wait;
                }
            }
            Reading::Wait => {
                if self.bar_answer.valid.val() {
                    self.high.d.next = self.bar_answer.beat.val();
                    if !self.second.q.val() {
                        self.low.d.next = self.bar_answer.beat.val();
                    }
                    self.state.d.next = Reading::Answer;
                    if self.pair.val() & !self.second.q.val() {
                        self.second.d.next = true;
                        self.state.d.next = Reading::Ask;
                    }
                }
            }
            Reading::Answer => {
                if self.source.ready.val() {
                    self.state.d.next = Reading::Idle;
                }
            }
        }
    }
}
