//! Puts the DDP/RDMAP header and MPA's length, pad and CRC field around a payload.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::*;
use crate::transmit::records::*;
use rust_hdl::prelude::*;

/// Which beat comes next.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum FramerState {
    /// Length, control octets, `first`.
    First,
    /// `second`.
    Second,
    /// `third`, and the sink's STag of a Read Request.
    Third,
    /// The sink's offset.
    Sink,
    /// The length, and the source's STag.
    Extent,
    /// The source's offset.
    Source,
    /// Payload; its last beat is padded with zeros to 4 or 8 octets.
    Payload,
    /// Four zero octets, where the CRC will be.
    Check,
}

/// Makes an FPDU without markers, its CRC field zero (RFC 5044 s. 4.2), of beats of 4 or 8 octets.
///
/// ```text
/// job: raw?  --yes--> Payload ------------------------------------------> First
///        |                                                                  ^
///        +---no--> First -> Second -> (Third if untagged) -> (Payload) -> Check
///                                        |                                  ^
///                                        +-> Sink -> Extent -> Source ------+ Read Request
/// ```
/// A raw job's payload passes as it is, but its last beat, too, gets 4 or 8 octets. The job is
/// taken with its last beat. Full rate, one clock.
#[derive(LogicBlock, Ports, Default)]
pub struct FpduFramer {
    pub clock: Signal<In, Clock>,
    pub job: StreamSink<FrameJob>,
    /// The payload of each job that is not `empty`: a dense packet.
    pub payload: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    state: DFF<FramerState>,
    head: DFF<Beat>,
    head_full: DFF<Bit>,
    bad: DFF<Bit>,
    free: Signal<Local, Bit>,
    host: Signal<Local, Bits<64>>,
    padded: Signal<Local, Bits<4>>,
    finish: Signal<Local, Bit>,
    swap: Swap,
    half: Literal<4, 4>,
    whole: Literal<4, 8>,
}

impl Logic for FpduFramer {
    //= rfc5044#4.2  ULPDU length, ULPDU, zero pad to a multiple of four, CRC.
    //= rfc5041#4.1
    //= rfc5040#4.1
    //= rfc5040#4.4
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, head, head_full, bad);
        self.source.beat.next = self.head.q.val();
        self.source.valid.next = self.head_full.q.val();
        self.free.next = self.source.ready.val() | !self.head_full.q.val();

        self.host.next = (bit_cast::<64, 16>(self.job.beat.val().ulpdu) << 48)
            | (bit_cast::<64, 16>(self.job.beat.val().control) << 32)
            | bit_cast::<64, 32>(self.job.beat.val().first);
        if self.state.q.val() == FramerState::Second {
            self.host.next = self.job.beat.val().second;
        }
        if self.state.q.val() == FramerState::Third {
            self.host.next = bit_cast::<64, 32>(self.job.beat.val().third) << 32;
            if self.job.beat.val().asks {
                self.host.next = (bit_cast::<64, 32>(self.job.beat.val().third) << 32)
                    | bit_cast::<64, 32>(self.job.beat.val().sink_stag);
            }
        }
        if self.state.q.val() == FramerState::Sink {
            self.host.next = self.job.beat.val().sink_offset;
        }
        if self.state.q.val() == FramerState::Extent {
            self.host.next = (bit_cast::<64, 32>(self.job.beat.val().length) << 32)
                | bit_cast::<64, 32>(self.job.beat.val().source_stag);
        }
        if self.state.q.val() == FramerState::Source {
            self.host.next = self.job.beat.val().source_offset;
        }
        self.swap.word.next = self.host.val();
        self.padded.next = self.whole.val();
        if self.payload.beat.val().bytes <= self.half.val() {
            self.padded.next = self.half.val();
        }

        self.finish.next = false;
        self.payload.ready.next = false;
        if self.free.val() {
            self.head_full.d.next = false;
            if self.job.valid.val() {
                self.head.d.next.data = self.swap.swapped.val();
                self.head.d.next.bytes = self.whole.val();
                self.head.d.next.last = false;
                self.head.d.next.error = false;
                self.head_full.d.next = true;
                match self.state.q.val() {
                    FramerState::First => {
                        self.bad.d.next = false;
                        self.state.d.next = FramerState::Second;
                        if self.job.beat.val().raw {
                            self.head_full.d.next = false;
                            self.state.d.next = FramerState::Payload;
                        }
                    }
                    FramerState::Second => {
                        self.state.d.next = FramerState::Payload;
                        if self.job.beat.val().empty {
                            self.state.d.next = FramerState::Check;
                        }
                        if self.job.beat.val().long {
                            self.state.d.next = FramerState::Third;
                        }
                    }
                    FramerState::Third => {
                        self.head.d.next.bytes = self.half.val();
                        self.state.d.next = FramerState::Payload;
                        if self.job.beat.val().empty {
                            self.state.d.next = FramerState::Check;
                        }
                        if self.job.beat.val().asks {
                            self.head.d.next.bytes = self.whole.val();
                            self.state.d.next = FramerState::Sink;
                        }
                    }
                    FramerState::Sink => {
                        self.state.d.next = FramerState::Extent;
                    }
                    FramerState::Extent => {
                        self.state.d.next = FramerState::Source;
                    }
                    FramerState::Source => {
                        self.state.d.next = FramerState::Check;
                    }
                    FramerState::Payload => {
                        self.payload.ready.next = true;
                        self.head.d.next = self.payload.beat.val();
                        self.head.d.next.bytes = self.padded.val();
                        self.head_full.d.next = self.payload.valid.val();
                        if !self.job.beat.val().raw {
                            self.head.d.next.last = false;
                            self.head.d.next.error = false;
                        }
                        if self.payload.valid.val() & self.payload.beat.val().last {
                            self.bad.d.next = self.payload.beat.val().error;
                            self.state.d.next = FramerState::Check;
                            if self.job.beat.val().raw {
                                self.finish.next = true;
                                self.state.d.next = FramerState::First;
                            }
                        }
                    }
                    FramerState::Check => {
                        self.head.d.next.data = 0.into();
                        self.head.d.next.bytes = self.half.val();
                        self.head.d.next.last = true;
                        self.head.d.next.error = self.bad.q.val();
                        self.finish.next = true;
                        self.state.d.next = FramerState::First;
                    }
                    _ => {
                        self.state.d.next = FramerState::First;
                    }
                }
            }
        }
        self.job.ready.next = self.finish.val();
    }
}
