//! Writes completion entries and interrupt messages, one at a time.
use super::records::Completion;
use super::ring_place::RingPlace;
use crate::control::records::MsixMessage;
use crate::pcie::records::WriteRequest;
use crate::queue::PriorityEncoder;
use crate::stream::beat::*;
use ironwarp_abi::queue::CompletionEntry;
use rust_hdl::prelude::*;

/// What the writer does.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Writing {
    /// Chooses: a queue that was armed, a message, an entry.
    Idle,
    /// The queue's state and context are read.
    Read,
    /// They are there.
    Look,
    /// Hands the entry or message to the write engine.
    Send,
    /// Raises the interrupt.
    Tell,
}

/// The first eight octets of a completion entry.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct EntryHead {
    pub qp: Bits<8>,
    pub kind: Bits<8>,
    pub status: Bits<8>,
    pub reserved: Bits<8>,
    pub request: Bits<16>,
    pub solicited: Bit,
    pub unused: Bits<15>,
}

/// Writes [`Completion`]s as `ironwarp_abi::queue::CompletionEntry` into their queue's ring, each
/// in one piece of 32 octets, and raises the queue's interrupt when it is armed and the write
/// engine has taken the entry, or when it is being armed and entries wait. A [`MsixMessage`]
/// becomes a write of four octets, behind the entries before it.
///
/// An entry for a queue that does not run is dropped. So is one for a queue that is full, and
/// `overflow` pulses: nothing that was not consumed is ever overwritten. Nine clocks an entry if
/// the write engine does not wait.
#[derive(LogicBlock)]
pub struct EntryWriter {
    pub clock: Signal<In, Clock>,
    pub completion: StreamSink<Completion>,
    pub message: StreamSink<MsixMessage>,
    pub write: StreamSource<WriteRequest>,
    pub write_data: StreamSource<Beat>,
    pub interrupt: StreamSource<Bits<8>>,
    /// The queue to look up; `ring_low` to `used` say what is known of it two clocks later.
    pub index: Signal<Out, Bits<4>>,
    /// The words of its context.
    pub ring_low: Signal<In, Bits<32>>,
    pub ring_high: Signal<In, Bits<32>>,
    pub shape: Signal<In, Bits<32>>,
    pub producer: Signal<In, Bits<16>>,
    pub used: Signal<In, Bits<16>>,
    pub active: Signal<In, Bits<16>>,
    pub armed: Signal<In, Bits<16>>,
    pub asked: Signal<In, Bits<16>>,
    /// The queue that `advance`, `disarm` and `looked` mean.
    pub own: Signal<Out, Bits<4>>,
    pub advance: Signal<Out, Bit>,
    pub producer_next: Signal<Out, Bits<16>>,
    pub disarm: Signal<Out, Bit>,
    pub looked: Signal<Out, Bit>,
    /// An entry went to the write engine.
    pub written: Signal<Out, Bit>,
    /// An interrupt message went to the write engine.
    pub interrupted: Signal<Out, Bit>,
    /// An entry was dropped since its queue was full.
    pub overflow: Signal<Out, Bit>,
    encoder: PriorityEncoder,
    place: RingPlace,
    state: DFF<Writing>,
    entry: DFF<Completion>,
    cq: DFF<Bits<4>>,
    checking: DFF<Bit>,
    is_message: DFF<Bit>,
    request: DFF<WriteRequest>,
    request_left: DFF<Bit>,
    data_left: DFF<Bit>,
    beat: DFF<Bits<2>>,
    word: DFF<Bits<32>>,
    phase: DFF<Bit>,
    vector: DFF<Bits<8>>,
    any_asked: Signal<Local, Bit>,
    pick: Signal<Local, Bits<4>>,
    idle: Signal<Local, Bit>,
    runs: Signal<Local, Bit>,
    is_armed: Signal<Local, Bit>,
    head: Signal<Local, EntryHead>,
    tail: Signal<Local, Bits<64>>,
    one: Constant<Bits<16>>,
    beat_one: Constant<Bits<2>>,
}

impl Default for EntryWriter {
    fn default() -> Self {
        assert_eq!(CompletionEntry::BYTES, 32, "the writer's four beats");
        Self {
            clock: Default::default(),
            completion: Default::default(),
            message: Default::default(),
            write: Default::default(),
            write_data: Default::default(),
            interrupt: Default::default(),
            index: Default::default(),
            ring_low: Default::default(),
            ring_high: Default::default(),
            shape: Default::default(),
            producer: Default::default(),
            used: Default::default(),
            active: Default::default(),
            armed: Default::default(),
            asked: Default::default(),
            own: Default::default(),
            advance: Default::default(),
            producer_next: Default::default(),
            disarm: Default::default(),
            looked: Default::default(),
            written: Default::default(),
            interrupted: Default::default(),
            overflow: Default::default(),
            encoder: Default::default(),
            place: Default::default(),
            state: Default::default(),
            entry: Default::default(),
            cq: Default::default(),
            checking: Default::default(),
            is_message: Default::default(),
            request: Default::default(),
            request_left: Default::default(),
            data_left: Default::default(),
            beat: Default::default(),
            word: Default::default(),
            phase: Default::default(),
            vector: Default::default(),
            any_asked: Default::default(),
            pick: Default::default(),
            idle: Default::default(),
            runs: Default::default(),
            is_armed: Default::default(),
            head: Default::default(),
            tail: Default::default(),
            one: Constant::new(1.into()),
            beat_one: Constant::new(1.into()),
        }
    }
}

impl Logic for EntryWriter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, entry, cq, checking, is_message, request);
        dff_setup!(self, clock, request_left, data_left, beat, word, phase, vector);
        // Who is next.
        self.encoder.wanted.next = self.asked.val();
        self.any_asked.next = self.encoder.any.val();
        self.pick.next = self.encoder.highest.val();
        self.idle.next = self.state.q.val() == Writing::Idle;
        self.message.ready.next = self.idle.val() & !self.any_asked.val();
        self.completion.ready.next =
            self.idle.val() & !self.any_asked.val() & !self.message.valid.val();
        self.index.next = bit_cast::<4, 8>(self.completion.beat.val().cq);
        if self.any_asked.val() {
            self.index.next = self.pick.val();
        }
        if !self.idle.val() {
            self.index.next = self.cq.q.val();
        }

        // Its queue.
        self.place.ring_low.next = self.ring_low.val();
        self.place.ring_high.next = self.ring_high.val();
        self.place.shape.next = self.shape.val();
        self.place.producer.next = self.producer.val();
        self.runs.next = self.active.val().get_bit(self.cq.q.val().index());
        self.is_armed.next = self.armed.val().get_bit(self.cq.q.val().index());
        self.own.next = self.cq.q.val();
        self.advance.next = false;
        self.producer_next.next = self.producer.val() + self.one.val();
        self.disarm.next = false;
        self.looked.next = false;
        self.written.next = false;
        self.interrupted.next = false;
        self.overflow.next = false;

        // What is written.
        self.head.next.qp = self.entry.q.val().qp;
        self.head.next.kind = self.entry.q.val().kind;
        self.head.next.status = self.entry.q.val().status;
        self.head.next.reserved = 0.into();
        self.head.next.request = self.entry.q.val().request;
        self.head.next.solicited = self.entry.q.val().solicited;
        self.head.next.unused = 0.into();
        self.tail.next = 0.into();
        if self.phase.q.val() {
            self.tail.next = bit_cast::<64, 16>(self.one.val()) << 63;
        }
        self.write.beat.next = self.request.q.val();
        self.write.valid.next = self.request_left.q.val();
        self.write_data.valid.next = self.data_left.q.val();
        self.write_data.beat.next.data = self.head.val().into();
        self.write_data.beat.next.bytes = 8.into();
        self.write_data.beat.next.last = self.beat.q.val() == 3;
        self.write_data.beat.next.error = false;
        if self.is_message.q.val() {
            self.write_data.beat.next.data = bit_cast::<64, 32>(self.word.q.val());
            self.write_data.beat.next.bytes = 4.into();
            self.write_data.beat.next.last = true;
        } else if self.beat.q.val() == 1 {
            self.write_data.beat.next.data = bit_cast::<64, 32>(self.entry.q.val().length)
                | (bit_cast::<64, 32>(self.entry.q.val().sequence) << 32);
        } else if self.beat.q.val() == 2 {
            self.write_data.beat.next.data = 0.into();
        } else if self.beat.q.val() == 3 {
            self.write_data.beat.next.data = self.tail.val();
        }
        self.interrupt.beat.next = self.vector.q.val();
        self.interrupt.valid.next = self.state.q.val() == Writing::Tell;

        match self.state.q.val() {
            Writing::Idle => {
                self.beat.d.next = 0.into();
                self.cq.d.next = bit_cast::<4, 8>(self.completion.beat.val().cq);
                self.checking.d.next = self.any_asked.val();
                self.is_message.d.next = false;
                if self.any_asked.val() {
                    self.cq.d.next = self.pick.val();
                    self.state.d.next = Writing::Read;
                } else if self.message.valid.val() {
                    self.is_message.d.next = true;
                    self.word.d.next = self.message.beat.val().data;
                    self.request.d.next.address = self.message.beat.val().address;
                    self.request.d.next.bytes = 4.into();
                    self.request_left.d.next = true;
                    self.data_left.d.next = true;
                    self.state.d.next = Writing::Send;
                } else if self.completion.valid.val() {
                    self.entry.d.next = self.completion.beat.val();
                    self.state.d.next = Writing::Read;
                }
            }
            Writing::Read => {
                self.state.d.next = Writing::Look;
            }
            Writing::Look => {
                self.vector.d.next = self.shape.val().get_bits::<8>(8);
                self.state.d.next = Writing::Idle;
                if self.checking.q.val() {
                    self.looked.next = true;
                    if self.runs.val() & self.is_armed.val() & self.used.val().any() {
                        self.disarm.next = true;
                        self.state.d.next = Writing::Tell;
                    }
                } else if self.runs.val() {
                    if self.used.val() >= self.place.entries.val() {
                        self.overflow.next = true;
                    } else {
                        self.advance.next = true;
                        self.request.d.next.address = self.place.address.val();
                        self.request.d.next.bytes = 32.into();
                        self.request_left.d.next = true;
                        self.data_left.d.next = true;
                        self.phase.d.next = self.place.phase.val();
                        self.state.d.next = Writing::Send;
                    }
                }
            }
            Writing::Send => {
                if self.write.ready.val() {
                    self.request_left.d.next = false;
                }
                if self.data_left.q.val() & self.write_data.ready.val() {
                    self.beat.d.next = self.beat.q.val() + self.beat_one.val();
                    self.data_left.d.next = !self.is_message.q.val() & (self.beat.q.val() != 3);
                }
                if !self.request_left.q.val() & !self.data_left.q.val() {
                    self.state.d.next = Writing::Idle;
                    self.written.next = !self.is_message.q.val();
                    self.interrupted.next = self.is_message.q.val();
                    if !self.is_message.q.val() & self.is_armed.val() {
                        self.disarm.next = true;
                        self.state.d.next = Writing::Tell;
                    }
                }
            }
            Writing::Tell => {
                if self.interrupt.ready.val() {
                    self.state.d.next = Writing::Idle;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    /// The last slots before the producer index wraps, and the first behind it, in rings of any
    /// size.
    #[test]
    fn place_and_phase_follow_the_producer_index() {
        for log2 in 0..16u64 {
            for producer in [0u64, 1, (1 << log2) - 1, 1 << log2, 0x7fff, 0x8000, 0xffff] {
                let mut uut = EntryWriter::default();
                uut.connect_all();
                uut.ring_low.next = 0xffff_f000_u32.to_bits();
                uut.ring_high.next = 7.into();
                uut.shape.next = log2.to_bits();
                uut.producer.next = producer.to_bits();
                uut.active.next = 1.into();
                uut.completion.valid.next = true;
                tick!(uut);
                uut.completion.valid.next = false;
                tick!(uut);
                settle!(uut);
                assert!(uut.advance.val());
                assert_eq!(uut.producer_next.val().to_u64(), (producer + 1) & 0xffff);
                edge!(uut);
                uut.write.ready.next = true;
                uut.write_data.ready.next = true;
                settle!(uut);
                let place = 0x7_ffff_f000 + 32 * (producer % (1 << log2));
                assert_eq!(uut.write.beat.val().address.to_u64(), place);
                for _ in 0..3 {
                    edge!(uut);
                }
                let phase = producer >> log2 & 1 == 0;
                assert!(uut.write_data.valid.val() && uut.write_data.beat.val().last);
                assert_eq!(uut.write_data.beat.val().data.to_u64(), u64::from(phase) << 63);
            }
        }
    }
}
