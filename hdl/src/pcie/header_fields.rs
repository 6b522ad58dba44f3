//! The fields of a packet's header.
use super::records::{BarRequest, CompletionBeat};
use super::tlp_kind::TlpKind;
use crate::configuration::BAR_BITS;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// The bits of an offset in BAR 0 beyond its low two octets.
const BAR_HIGH_BITS: usize = BAR_BITS - 16;

/// A bus address in BAR 0, put together from octets.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct BarAddress {
    pub low: Bits<8>,
    pub middle: Bits<8>,
    pub high: Bits<BAR_HIGH_BITS>,
}

/// A requester ID, put together from octets.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RequesterId {
    pub low: Bits<8>,
    pub high: Bits<8>,
}

/// Says what a packet asks of the device. Combinational.
#[derive(LogicBlock, Ports)]
pub struct HeaderFields {
    /// Our requester ID.
    pub requester: Signal<In, Bits<16>>,
    /// Header octets 0 to 7.
    pub head: Signal<In, Bits<64>>,
    /// Header octets 8 to 11, and 12 to 15 or the first data.
    pub tail: Signal<In, Bits<64>>,
    /// The header has 16 octets, else 12.
    pub wide: Signal<Out, Bit>,
    /// Double words of data, or asked for; 0 means 1024.
    pub length: Signal<Out, Bits<10>>,
    /// Of a memory request, the byte offset in BAR 0.
    pub address: Signal<Out, Bits<BAR_BITS>>,
    /// The packet is a memory write of one whole double word or of an aligned whole pair, and is
    /// not poisoned.
    pub writes: Signal<Out, Bit>,
    /// It is a memory write of one double word in which no octet counts: legal, and nothing to do
    /// (PCI Express Base Specification, s. 2.2.5).
    pub nothing: Signal<Out, Bit>,
    /// It is a non-posted request, this one.
    pub asks: Signal<Out, Bit>,
    pub request: Signal<Out, BarRequest>,
    /// It is a completion in our name that refuses a read ...
    pub refuses: Signal<Out, Bit>,
    /// ... or brings data.
    pub answers: Signal<Out, Bit>,
    /// The first record of that, not valid and without data.
    pub completion: Signal<Out, CompletionBeat>,
    kinds: TlpKind,
    dwords: Signal<Local, Bits<10>>,
    short: Signal<Local, BarAddress>,
    long: Signal<Local, BarAddress>,
    place: Signal<Local, Bits<BAR_BITS>>,
    asker: Signal<Local, RequesterId>,
    asked_by: Signal<Local, RequesterId>,
    asked_by_id: Signal<Local, Bits<16>>,
    first_enables: Signal<Local, Bits<4>>,
    last_enables: Signal<Local, Bits<4>>,
    one_dword: Signal<Local, Bit>,
    poisoned: Signal<Local, Bit>,
    double: Signal<Local, Bit>,
    success: Signal<Local, Bit>,
    ours: Signal<Local, Bit>,
    word_mask: Constant<Bits<8>>,
    one: Constant<Bits<10>>,
    all: Constant<Bits<4>>,
}

impl Default for HeaderFields {
    fn default() -> Self {
        Self {
            requester: Default::default(),
            head: Default::default(),
            tail: Default::default(),
            wide: Default::default(),
            length: Default::default(),
            address: Default::default(),
            writes: Default::default(),
            nothing: Default::default(),
            asks: Default::default(),
            request: Default::default(),
            refuses: Default::default(),
            answers: Default::default(),
            completion: Default::default(),
            kinds: Default::default(),
            dwords: Default::default(),
            short: Default::default(),
            long: Default::default(),
            place: Default::default(),
            asker: Default::default(),
            asked_by: Default::default(),
            asked_by_id: Default::default(),
            first_enables: Default::default(),
            last_enables: Default::default(),
            one_dword: Default::default(),
            poisoned: Default::default(),
            double: Default::default(),
            success: Default::default(),
            ours: Default::default(),
            word_mask: Constant::new(0xfc.into()),
            one: Constant::new(1.into()),
            all: Constant::new(15.into()),
        }
    }
}

impl Logic for HeaderFields {
    #[hdl_gen]
    fn update(&mut self) {
        self.kinds.kind.next = self.head.val().get_bits::<8>(0);
        self.wide.next = self.kinds.wide.val();
        self.dwords.next = bit_cast::<10, 8>(self.head.val().get_bits::<8>(24))
            | (bit_cast::<10, 2>(self.head.val().get_bits::<2>(16)) << 8);
        self.length.next = self.dwords.val();
        self.one_dword.next = self.dwords.val() == 1;
        self.poisoned.next = self.head.val().get_bit(22);
        self.first_enables.next = self.head.val().get_bits::<4>(56);
        self.last_enables.next = self.head.val().get_bits::<4>(60);
        self.short.next.low = self.tail.val().get_bits::<8>(24) & self.word_mask.val();
        self.short.next.middle = self.tail.val().get_bits::<8>(16);
        self.short.next.high = self.tail.val().get_bits::<BAR_HIGH_BITS>(8);
        self.long.next.low = self.tail.val().get_bits::<8>(56) & self.word_mask.val();
        self.long.next.middle = self.tail.val().get_bits::<8>(48);
        self.long.next.high = self.tail.val().get_bits::<BAR_HIGH_BITS>(40);
        self.place.next = self.short.val().into();
        if self.kinds.wide.val() {
            self.place.next = self.long.val().into();
        }
        self.address.next = self.place.val();

        // What may be done to a register, or to two: all octets of each (s. 7.7.2).
        self.double.next = (self.dwords.val() == 2)
            & !self.place.val().get_bit(2)
            & (self.first_enables.val() == 15)
            & (self.last_enables.val() == 15);
        self.writes.next = self.kinds.write.val()
            & !self.poisoned.val()
            & (self.double.val() | (self.one_dword.val() & (self.first_enables.val() == 15)));
        self.nothing.next = self.kinds.write.val()
            & self.one_dword.val()
            & (self.first_enables.val() == 0)
            & (self.last_enables.val() == 0);

        // Requests that are to be answered.
        self.asks.next = self.kinds.read.val()
            | self.kinds.locked.val()
            | self.kinds.fetch.val()
            | self.kinds.compare.val()
            | self.kinds.other.val();
        self.asker.next.low = self.head.val().get_bits::<8>(40);
        self.asker.next.high = self.head.val().get_bits::<8>(32);
        self.request.next.address = self.place.val();
        self.request.next.requester = self.asker.val().into();
        self.request.next.tag = self.head.val().get_bits::<8>(48);
        self.request.next.traffic = self.head.val().get_bits::<3>(12);
        self.request.next.attributes = self.head.val().get_bits::<2>(20);
        self.request.next.dwords = self.dwords.val();
        self.request.next.enables = self.first_enables.val();
        self.request.next.last_enables = self.last_enables.val();
        self.request.next.memory = self.kinds.read.val() | self.kinds.locked.val();
        self.request.next.locked = self.kinds.locked.val();
        self.request.next.supported =
            self.kinds.read.val() & (self.one_dword.val() | self.double.val());
        // The Byte Count of what is no read: the operand, or four (s. 2.2.9).
        if self.kinds.fetch.val() | self.kinds.compare.val() | self.kinds.other.val() {
            self.request.next.enables = self.all.val();
            self.request.next.last_enables = self.all.val();
        }
        if self.kinds.compare.val() {
            self.request.next.dwords = self.dwords.val() >> 1;
        } else if self.kinds.other.val() {
            self.request.next.dwords = self.one.val();
        }

        // Completions.
        self.success.next = self.head.val().get_bits::<3>(53) == 0;
        self.asked_by.next.low = self.tail.val().get_bits::<8>(8);
        self.asked_by.next.high = self.tail.val().get_bits::<8>(0);
        self.asked_by_id.next = self.asked_by.val().into();
        self.ours.next = self.asked_by_id.val() == self.requester.val();
        self.refuses.next = (self.kinds.completion.val() | self.kinds.completion_data.val())
            & self.ours.val()
            & !self.success.val();
        self.answers.next = self.kinds.completion_data.val() & self.ours.val() & self.success.val();
        self.completion.next.valid = false;
        self.completion.next.tag = self.tail.val().get_bits::<8>(16);
        self.completion.next.first = true;
        self.completion.next.last = true;
        self.completion.next.refused = !self.success.val();
        self.completion.next.poisoned = self.poisoned.val();
        self.completion.next.cut = false;
        self.completion.next.count = bit_cast::<12, 8>(self.head.val().get_bits::<8>(56))
            | (bit_cast::<12, 4>(self.head.val().get_bits::<4>(48)) << 8);
        self.completion.next.lower_address = self.tail.val().get_bits::<7>(24);
        self.completion.next.dwords = self.dwords.val();
        self.completion.next.data = self.tail.val();
        self.completion.next.low = false;
        self.completion.next.high = false;
    }
}
