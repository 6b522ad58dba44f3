//! Takes packets apart.
use super::records::{BarRequest, BarWrite, CompletionBeat};
use crate::configuration::BAR_BITS;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// What the next beat is.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Expect {
    /// Header octets 0 to 7.
    Head,
    /// Header octets 8 to 11, and 12 to 15 or the first data.
    Tail,
    /// The data of a memory write with a long header.
    WriteData,
    /// More data of a completion.
    CompletionData,
    /// Nothing of interest.
    Rest,
}

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

/// Tells the kinds of packets apart (PCI Express Base Specification, s. 2.2.1) and unpacks them.
///
/// * A memory write of one whole double word becomes a [`BarWrite`].
/// * A memory read of one double word becomes a supported [`BarRequest`]; any other non-posted
///   memory
///   or I/O request becomes one that is not supported.
/// * A completion becomes [`CompletionBeat`]s.
/// * Anything else is dropped, and `unexpected` pulses.
///
/// Packets keep their order: a [`BarRequest`] is offered after the [`BarWrite`]s before it were
/// taken. A beat a clock; the input waits for a clock after a write or request, and as long as one
/// is not taken.
#[derive(LogicBlock)]
pub struct TlpReceiver {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Beat>,
    pub bar_write: StreamSource<BarWrite>,
    pub bar_request: StreamSource<BarRequest>,
    pub completion: Signal<Out, CompletionBeat>,
    pub unexpected: Signal<Out, Bit>,
    state: DFF<Expect>,
    head: DFF<Bits<64>>,
    write: DFF<BarWrite>,
    write_full: DFF<Bit>,
    request: DFF<BarRequest>,
    request_full: DFF<Bit>,
    data: DFF<CompletionBeat>,
    /// Double words that the completion has left.
    rest: DFF<Bits<10>>,
    odd: DFF<Bit>,
    kind: Signal<Local, Bits<8>>,
    length: Signal<Local, Bits<10>>,
    one_dword: Signal<Local, Bit>,
    poisoned: Signal<Local, Bit>,
    write_ok: Signal<Local, Bit>,
    success: Signal<Local, Bit>,
    non_posted: Signal<Local, Bit>,
    address_short: Signal<Local, BarAddress>,
    address_long: Signal<Local, BarAddress>,
    requester: Signal<Local, RequesterId>,
    beat: Signal<Local, Bits<64>>,
    ready: Signal<Local, Bit>,
    word_mask: Constant<Bits<8>>,
    one: Constant<Bits<10>>,
    two: Constant<Bits<10>>,
}

impl Default for TlpReceiver {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            sink: Default::default(),
            bar_write: Default::default(),
            bar_request: Default::default(),
            completion: Default::default(),
            unexpected: Default::default(),
            state: Default::default(),
            head: Default::default(),
            write: Default::default(),
            write_full: Default::default(),
            request: Default::default(),
            request_full: Default::default(),
            data: Default::default(),
            rest: Default::default(),
            odd: Default::default(),
            kind: Default::default(),
            length: Default::default(),
            one_dword: Default::default(),
            poisoned: Default::default(),
            write_ok: Default::default(),
            success: Default::default(),
            non_posted: Default::default(),
            address_short: Default::default(),
            address_long: Default::default(),
            requester: Default::default(),
            beat: Default::default(),
            ready: Default::default(),
            word_mask: Constant::new(0xfc.into()),
            one: Constant::new(1.into()),
            two: Constant::new(2.into()),
        }
    }
}

impl Logic for TlpReceiver {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            head,
            write,
            write_full,
            request,
            request_full,
            data,
            rest,
            odd
        );
        self.bar_write.beat.next = self.write.q.val();
        self.bar_write.valid.next = self.write_full.q.val();
        self.bar_request.beat.next = self.request.q.val();
        self.bar_request.valid.next = self.request_full.q.val();
        self.completion.next = self.data.q.val();
        self.unexpected.next = self.odd.q.val();
        self.ready.next = !self.write_full.q.val() & !self.request_full.q.val();
        self.sink.ready.next = self.ready.val();
        if self.bar_write.ready.val() {
            self.write_full.d.next = false;
        }
        if self.bar_request.ready.val() {
            self.request_full.d.next = false;
        }

        // The header's fields; `head` holds octets 0 to 7, `beat` octets 8 to 15.
        self.beat.next = self.sink.beat.val().data;
        self.kind.next = self.head.q.val().get_bits::<8>(0);
        self.length.next = bit_cast::<10, 8>(self.head.q.val().get_bits::<8>(24))
            | (bit_cast::<10, 2>(self.head.q.val().get_bits::<2>(16)) << 8);
        self.one_dword.next = self.length.val() == 1;
        self.poisoned.next = self.head.q.val().get_bit(22);
        self.write_ok.next = self.one_dword.val()
            & !self.poisoned.val()
            & (self.head.q.val().get_bits::<8>(56) == 15);
        self.success.next = (self.head.q.val().get_bits::<3>(53) == 0) & !self.poisoned.val();
        self.non_posted.next = (self.kind.val() == 0)
            | (self.kind.val() == 32)
            | (self.kind.val() == 1)
            | (self.kind.val() == 33)
            | (self.kind.val() == 2)
            | (self.kind.val() == 66);
        self.address_short.next.low = self.beat.val().get_bits::<8>(24) & self.word_mask.val();
        self.address_short.next.middle = self.beat.val().get_bits::<8>(16);
        self.address_short.next.high = self.beat.val().get_bits::<BAR_HIGH_BITS>(8);
        self.address_long.next.low = self.beat.val().get_bits::<8>(56) & self.word_mask.val();
        self.address_long.next.middle = self.beat.val().get_bits::<8>(48);
        self.address_long.next.high = self.beat.val().get_bits::<BAR_HIGH_BITS>(40);
        self.requester.next.low = self.head.q.val().get_bits::<8>(40);
        self.requester.next.high = self.head.q.val().get_bits::<8>(32);

        self.data.d.next.valid = false;
        self.odd.d.next = false;
        if self.ready.val() & self.sink.valid.val() {
            match self.state.q.val() {
                Expect::Head => {
                    self.head.d.next = self.beat.val();
                    self.state.d.next = Expect::Tail;
                }
                Expect::Tail => {
                    self.state.d.next = Expect::Rest;
                    self.rest.d.next = self.length.val() - self.one.val();
                    self.write.d.next.address = self.address_short.val().into();
                    self.write.d.next.data = self.beat.val().get_bits::<32>(32);
                    self.request.d.next.address = self.address_short.val().into();
                    if self.kind.val().get_bit(5) {
                        self.write.d.next.address = self.address_long.val().into();
                        self.request.d.next.address = self.address_long.val().into();
                    }
                    self.request.d.next.requester = self.requester.val().into();
                    self.request.d.next.tag = self.head.q.val().get_bits::<8>(48);
                    self.request.d.next.traffic = self.head.q.val().get_bits::<3>(12);
                    self.request.d.next.attributes = self.head.q.val().get_bits::<2>(20);
                    self.request.d.next.enables = self.head.q.val().get_bits::<4>(56);
                    self.request.d.next.supported =
                        self.one_dword.val() & ((self.kind.val() == 0) | (self.kind.val() == 32));
                    self.data.d.next.tag = self.beat.val().get_bits::<8>(16);
                    self.data.d.next.first = true;
                    self.data.d.next.last = true;
                    self.data.d.next.good = false;
                    self.data.d.next.data = self.beat.val();
                    self.data.d.next.low = false;
                    self.data.d.next.high = false;
                    if self.non_posted.val() {
                        self.request_full.d.next = true;
                    } else if (self.kind.val() == 64) & self.write_ok.val() {
                        self.write_full.d.next = true;
                    } else if (self.kind.val() == 96) & self.write_ok.val() {
                        self.state.d.next = Expect::WriteData;
                    } else if self.kind.val() == 10 {
                        self.data.d.next.valid = true;
                    } else if self.kind.val() == 74 {
                        self.data.d.next.valid = true;
                        self.data.d.next.good = self.success.val();
                        self.data.d.next.high = true;
                        self.data.d.next.last = self.one_dword.val() | self.sink.beat.val().last;
                        if !self.one_dword.val() {
                            self.state.d.next = Expect::CompletionData;
                        }
                    } else {
                        self.odd.d.next = true;
                    }
                }
                Expect::WriteData => {
                    self.state.d.next = Expect::Rest;
                    self.write.d.next.data = self.beat.val().get_bits::<32>(0);
                    self.write_full.d.next = true;
                }
                Expect::CompletionData => {
                    self.data.d.next.valid = true;
                    self.data.d.next.first = false;
                    self.data.d.next.data = self.beat.val();
                    self.data.d.next.low = true;
                    self.data.d.next.high = self.rest.q.val() != self.one.val();
                    self.data.d.next.last =
                        (self.rest.q.val() <= self.two.val()) | self.sink.beat.val().last;
                    self.rest.d.next = self.rest.q.val() - self.two.val();
                    if self.rest.q.val() <= self.two.val() {
                        self.state.d.next = Expect::Rest;
                    }
                }
                Expect::Rest => {}
            }
            if self.sink.beat.val().last {
                self.state.d.next = Expect::Head;
                if self.state.q.val() == Expect::Head {
                    self.odd.d.next = true;
                }
            }
        }
    }
}
