//! Puts headers before stored segments.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::*;
use crate::transmit::records::*;
use rust_hdl::prelude::*;

/// What [`FrameAssembler`] sends in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum AssemblerState {
    /// The six octets of the destination: then all other words lie 8 octets apart. Or nothing,
    /// before a raw frame or a segment that is discarded.
    Destination,
    Source,
    Network,
    Address,
    Ports,
    Numbers,
    Control,
    /// The stored segment.
    Body,
}

/// Sends each header and its stored segment as one frame.
///
/// ```text
/// header --> Destination -> Source -> .. -> Control -> Body --> BytePacker --> source
/// segment --------------------------------------------^
/// ```
/// A frame begins only when its segment is there, and the first beat, the short one, only fills the
/// packer: from then on `source` is valid in every clock to the frame's end. A fence waits for its
/// turn, and until all before it has left.
#[derive(LogicBlock, Ports, Default)]
pub struct FrameAssembler {
    pub clock: Signal<In, Clock>,
    pub header: StreamSink<FrameHeader>,
    /// Stored segments: valid in every clock from a segment's first beat to its last.
    pub segment: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    /// A fence has come out: every frame before it has left (a pulse).
    pub fenced: Signal<Out, Bit>,
    headers: HalfBuffer<FrameHeader>,
    packer: BytePacker,
    swap: Swap,
    state: DFF<AssemblerState>,
    /// Of the header that was taken when its segment's turn came.
    raw: DFF<Bit>,
    discard: DFF<Bit>,
    tail: DFF<Bits<4>>,
    /// Frames whose end is in the packer.
    unsent: DFF<Bits<2>>,
    enters: Signal<Local, Bit>,
    leaves: Signal<Local, Bit>,
    record: Signal<Local, FrameHeader>,
    ends: Signal<Local, Bit>,
    word: Signal<Local, Bits<64>>,
    short: Literal<4, 6>,
    whole: Literal<4, 8>,
}

impl Logic for FrameAssembler {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, raw, discard, tail, unsent);
        clock!(self, clock, headers, packer);
        StreamSink::<FrameHeader>::link(&mut self.header, &mut self.headers.sink);
        StreamSource::<Beat>::link(&mut self.source, &mut self.packer.source);
        self.record.next = self.headers.source.beat.val();
        self.headers.source.ready.next = false;
        self.segment.ready.next = false;
        self.fenced.next = false;
        self.packer.sink.valid.next = false;
        self.packer.sink.beat.next.bytes = self.whole.val();
        self.packer.sink.beat.next.last = false;
        self.packer.sink.beat.next.error = false;
        self.ends.next = self.segment.valid.val() & self.segment.beat.val().last;
        if self.state.q.val() != AssemblerState::Body {
            self.raw.d.next = self.record.val().raw;
            self.discard.d.next = self.record.val().discard;
            self.tail.d.next = self.record.val().tail;
        }

        self.word.next = bit_cast::<64, 48>(self.record.val().destination) << 16;
        match self.state.q.val() {
            AssemblerState::Destination => {
                if self.record.val().fence {
                    self.fenced.next = self.headers.source.valid.val() & !self.unsent.q.val().any();
                    self.headers.source.ready.next = !self.unsent.q.val().any();
                } else if self.headers.source.valid.val()
                    & (self.record.val().raw | self.record.val().discard)
                {
                    self.headers.source.ready.next = true;
                    self.state.d.next = AssemblerState::Body;
                } else if self.headers.source.valid.val() {
                    self.packer.sink.beat.next.bytes = self.short.val();
                    self.packer.sink.valid.next = self.record.val().bare | self.segment.valid.val();
                    if self.packer.sink.ready.val()
                        & (self.record.val().bare | self.segment.valid.val())
                    {
                        self.state.d.next = AssemblerState::Source;
                    }
                }
            }
            AssemblerState::Source => {
                self.word.next = self.record.val().source;
                self.packer.sink.valid.next = true;
                if self.packer.sink.ready.val() {
                    self.state.d.next = AssemblerState::Network;
                }
            }
            AssemblerState::Network => {
                self.word.next = self.record.val().network;
                self.packer.sink.valid.next = true;
                if self.packer.sink.ready.val() {
                    self.state.d.next = AssemblerState::Address;
                }
            }
            AssemblerState::Address => {
                self.word.next = self.record.val().address;
                self.packer.sink.valid.next = true;
                if self.packer.sink.ready.val() {
                    self.state.d.next = AssemblerState::Ports;
                }
            }
            AssemblerState::Ports => {
                self.word.next = self.record.val().ports;
                self.packer.sink.valid.next = true;
                if self.packer.sink.ready.val() {
                    self.state.d.next = AssemblerState::Numbers;
                }
            }
            AssemblerState::Numbers => {
                self.word.next = self.record.val().numbers;
                self.packer.sink.valid.next = true;
                if self.packer.sink.ready.val() {
                    self.state.d.next = AssemblerState::Control;
                }
            }
            AssemblerState::Control => {
                self.word.next = self.record.val().control;
                self.packer.sink.valid.next = true;
                self.packer.sink.beat.next.last = self.record.val().bare;
                if self.packer.sink.ready.val() {
                    self.headers.source.ready.next = true;
                    self.state.d.next = AssemblerState::Body;
                    if self.record.val().bare {
                        self.state.d.next = AssemblerState::Destination;
                    }
                }
            }
            AssemblerState::Body => {}
            _ => {
                self.state.d.next = AssemblerState::Destination;
            }
        }
        self.swap.word.next = self.word.val();
        self.packer.sink.beat.next.data = self.swap.swapped.val();

        // The segment, with or without a header before it, or for nobody.
        if self.state.q.val() == AssemblerState::Body {
            self.packer.sink.beat.next = self.segment.beat.val();
            self.packer.sink.beat.next.error = false;
            if self.raw.q.val() & self.segment.beat.val().last {
                self.packer.sink.beat.next.bytes = self.tail.q.val();
            }
            self.packer.sink.valid.next = self.segment.valid.val() & !self.discard.q.val();
            self.segment.ready.next = self.packer.sink.ready.val() | self.discard.q.val();
            if self.ends.val() & (self.packer.sink.ready.val() | self.discard.q.val()) {
                self.state.d.next = AssemblerState::Destination;
            }
        }

        self.enters.next = self.packer.sink.valid.val()
            & self.packer.sink.ready.val()
            & self.packer.sink.beat.val().last;
        self.leaves.next =
            self.source.valid.val() & self.source.ready.val() & self.source.beat.val().last;
        if self.enters.val() & !self.leaves.val() {
            self.unsent.d.next = self.unsent.q.val() + 1;
        }
        if self.leaves.val() & !self.enters.val() {
            self.unsent.d.next = self.unsent.q.val() - 1;
        }
    }
}
