//! Takes packets apart.
use super::header_fields::HeaderFields;
use super::records::{BarRequest, BarWrite, CompletionBeat};
use crate::configuration::BAR_BITS;
use crate::pins::Ports;
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
    /// The second double word of a memory write with a short header.
    WriteSecond,
    /// More data of a completion.
    CompletionData,
    /// Nothing of interest.
    Rest,
}

/// Unpacks packets.
///
/// * A memory write of one whole double word becomes a [`BarWrite`], one of an aligned pair of them
///   becomes two, the lower first. One of one double word without any octet is legal and does
///   nothing (PCI Express Base Specification, s. 2.2.5).
/// * A memory read of a double word, or of an aligned whole pair, becomes a supported
///   [`BarRequest`]; any other non-posted request becomes one that is not supported (s. 2.3.1).
/// * A completion in our name becomes [`CompletionBeat`]s.
/// * Anything else is dropped, and `unexpected` pulses; so are completions of requests that are not
///   ours (s. 2.3.2) or end before their length.
///
/// Packets keep their order: a [`BarRequest`] is offered after the [`BarWrite`]s before it were
/// taken. A beat a clock; the input waits for a clock after a write or request, and as long as one
/// is not taken.
#[derive(LogicBlock, Ports)]
pub struct TlpReceiver {
    pub clock: Signal<In, Clock>,
    /// Our requester ID.
    pub requester: Signal<In, Bits<16>>,
    pub sink: StreamSink<Beat>,
    pub bar_write: StreamSource<BarWrite>,
    pub bar_request: StreamSource<BarRequest>,
    pub completion: Signal<Out, CompletionBeat>,
    pub unexpected: Signal<Out, Bit>,
    state: DFF<Expect>,
    head: DFF<Bits<64>>,
    write: DFF<BarWrite>,
    write_full: DFF<Bit>,
    /// Behind `write` comes one of the double word after it.
    pair: DFF<Bit>,
    second: DFF<Bits<32>>,
    request: DFF<BarRequest>,
    request_full: DFF<Bit>,
    data: DFF<CompletionBeat>,
    /// Double words that the completion has left.
    rest: DFF<Bits<10>>,
    odd: DFF<Bit>,
    fields: HeaderFields,
    beat: Signal<Local, Bits<64>>,
    one_dword: Signal<Local, Bit>,
    cut: Signal<Local, Bit>,
    ready: Signal<Local, Bit>,
    one: Constant<Bits<10>>,
    two: Constant<Bits<10>>,
    next_word: Constant<Bits<BAR_BITS>>,
}

impl Default for TlpReceiver {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            requester: Default::default(),
            sink: Default::default(),
            bar_write: Default::default(),
            bar_request: Default::default(),
            completion: Default::default(),
            unexpected: Default::default(),
            state: Default::default(),
            head: Default::default(),
            write: Default::default(),
            write_full: Default::default(),
            pair: Default::default(),
            second: Default::default(),
            request: Default::default(),
            request_full: Default::default(),
            data: Default::default(),
            rest: Default::default(),
            odd: Default::default(),
            fields: Default::default(),
            beat: Default::default(),
            one_dword: Default::default(),
            cut: Default::default(),
            ready: Default::default(),
            one: Constant::new(1.into()),
            two: Constant::new(2.into()),
            next_word: Constant::new(4.into()),
        }
    }
}

impl Logic for TlpReceiver {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, head, write, write_full, pair, second);
        dff_setup!(self, clock, request, request_full, data, rest, odd);
        self.bar_write.beat.next = self.write.q.val();
        self.bar_write.valid.next = self.write_full.q.val();
        self.bar_request.beat.next = self.request.q.val();
        self.bar_request.valid.next = self.request_full.q.val();
        self.completion.next = self.data.q.val();
        self.unexpected.next = self.odd.q.val();
        self.ready.next = !self.write_full.q.val() & !self.request_full.q.val();
        self.sink.ready.next = self.ready.val();
        if self.bar_write.ready.val() {
            self.write_full.d.next = self.pair.q.val();
            self.pair.d.next = false;
            if self.pair.q.val() {
                self.write.d.next.address = self.write.q.val().address | self.next_word.val();
                self.write.d.next.data = self.second.q.val();
            }
        }
        if self.bar_request.ready.val() {
            self.request_full.d.next = false;
        }

        self.beat.next = self.sink.beat.val().data;
        self.fields.requester.next = self.requester.val();
        self.fields.head.next = self.head.q.val();
        self.fields.tail.next = self.beat.val();
        self.one_dword.next = self.fields.length.val() == self.one.val();

        self.data.d.next.valid = false;
        self.odd.d.next = false;
        self.cut.next = false;
        if self.ready.val() & self.sink.valid.val() {
            match self.state.q.val() {
                Expect::Head => {
                    self.head.d.next = self.beat.val();
                    self.state.d.next = Expect::Tail;
                }
                Expect::Tail => {
                    self.state.d.next = Expect::Rest;
                    self.rest.d.next = self.fields.length.val() - self.one.val();
                    self.write.d.next.address = self.fields.address.val();
                    self.write.d.next.data = self.beat.val().get_bits::<32>(32);
                    self.request.d.next = self.fields.request.val();
                    self.data.d.next = self.fields.completion.val();
                    if self.fields.asks.val() {
                        self.request_full.d.next = true;
                    } else if self.fields.writes.val() {
                        self.state.d.next = Expect::WriteData;
                        if !self.fields.wide.val() & self.one_dword.val() {
                            self.state.d.next = Expect::Rest;
                            self.write_full.d.next = true;
                        } else if !self.fields.wide.val() {
                            self.state.d.next = Expect::WriteSecond;
                        }
                    } else if self.fields.refuses.val() {
                        self.data.d.next.valid = true;
                    } else if self.fields.answers.val() {
                        self.data.d.next.valid = true;
                        self.data.d.next.high = true;
                        self.data.d.next.last = self.one_dword.val() | self.sink.beat.val().last;
                        self.cut.next = (self.sink.beat.val().last & !self.one_dword.val())
                            | (self.sink.beat.val().bytes < 8);
                        if !self.one_dword.val() {
                            self.state.d.next = Expect::CompletionData;
                        }
                    } else {
                        self.odd.d.next = !self.fields.nothing.val();
                    }
                }
                Expect::WriteData => {
                    self.state.d.next = Expect::Rest;
                    self.write.d.next.data = self.beat.val().get_bits::<32>(0);
                    self.second.d.next = self.beat.val().get_bits::<32>(32);
                    self.write_full.d.next = true;
                    self.pair.d.next = self.rest.q.val() == self.one.val();
                }
                Expect::WriteSecond => {
                    self.state.d.next = Expect::Rest;
                    self.second.d.next = self.beat.val().get_bits::<32>(0);
                    self.write_full.d.next = true;
                    self.pair.d.next = true;
                }
                Expect::CompletionData => {
                    self.data.d.next.valid = true;
                    self.data.d.next.first = false;
                    self.data.d.next.data = self.beat.val();
                    self.data.d.next.low = true;
                    self.data.d.next.high = self.rest.q.val() != self.one.val();
                    self.data.d.next.last =
                        (self.rest.q.val() <= self.two.val()) | self.sink.beat.val().last;
                    self.cut.next = self.sink.beat.val().last
                        & ((self.rest.q.val() > self.two.val())
                            | ((self.rest.q.val() == self.two.val())
                                & (self.sink.beat.val().bytes < 8)));
                    self.rest.d.next = self.rest.q.val() - self.two.val();
                    if self.rest.q.val() <= self.two.val() {
                        self.state.d.next = Expect::Rest;
                    }
                }
                Expect::Rest => {}
            }
            if self.cut.val() {
                self.data.d.next.cut = true;
                self.odd.d.next = true;
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
