//! A first-in first-out buffer between two clocks.
use crate::pins::Ports;
use crate::stream::beat::*;
use crate::stream::synchroniser::Synchroniser;
use rust_hdl::prelude::*;

/// `2^A` records, `P = A + 1`; full rate of the slower clock if `A` is 3 or more.
///
/// ```text
/// sink_clock                    |   source_clock
/// sink -> [ RAM: written        |   read ] -> source
///           written_gray -------+-> Synchroniser -> valid
///           ready <- Synchroniser <-+- read_gray
/// ```
/// The positions cross in a Gray code, so that one that is caught while it changes is the old or
/// the new. A position that has crossed was written one clock of the source or more ago, so the
/// memory is never read where it is just being written.
#[derive(LogicBlock, Ports)]
pub struct ClockCrossing<T: Synth, const A: usize, const P: usize> {
    pub sink_clock: Signal<In, Clock>,
    pub sink: StreamSink<T>,
    pub source_clock: Signal<In, Clock>,
    pub source: StreamSource<T>,
    ram: RAM<T, A>,
    written: DFF<Bits<P>>,
    written_gray: DFF<Bits<P>>,
    read: DFF<Bits<P>>,
    read_gray: DFF<Bits<P>>,
    written_there: Synchroniser<Bits<P>>,
    read_here: Synchroniser<Bits<P>>,
    room: Signal<Local, Bit>,
    ahead: Signal<Local, Bits<P>>,
    filled: Signal<Local, Bit>,
    written_next: Signal<Local, Bits<P>>,
    written_half: Signal<Local, Bits<P>>,
    read_next: Signal<Local, Bits<P>>,
    read_half: Signal<Local, Bits<P>>,
    /// How the Gray codes of two positions differ that are `2^A` apart: in the two highest bits.
    full: Constant<Bits<P>>,
    one: Constant<Bits<P>>,
}

impl<T: Synth, const A: usize, const P: usize> Default for ClockCrossing<T, A, P> {
    fn default() -> Self {
        assert!(A >= 1 && P == A + 1, "a position has one bit more than an address");
        Self {
            sink_clock: Default::default(),
            sink: Default::default(),
            source_clock: Default::default(),
            source: Default::default(),
            ram: Default::default(),
            written: Default::default(),
            written_gray: Default::default(),
            read: Default::default(),
            read_gray: Default::default(),
            written_there: Default::default(),
            read_here: Default::default(),
            room: Default::default(),
            ahead: Default::default(),
            filled: Default::default(),
            written_next: Default::default(),
            written_half: Default::default(),
            read_next: Default::default(),
            read_half: Default::default(),
            full: Constant::new((3_u64 << (A - 1)).to_bits()),
            one: Constant::new(1.into()),
        }
    }
}

impl<T: Synth, const A: usize, const P: usize> Logic for ClockCrossing<T, A, P> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, sink_clock, written, written_gray);
        dff_setup!(self, source_clock, read, read_gray);
        clock!(self, sink_clock, read_here);
        clock!(self, source_clock, written_there);
        self.ram.write_clock.next = self.sink_clock.val();
        self.ram.read_clock.next = self.source_clock.val();

        self.read_here.foreign.next = self.read_gray.q.val();
        self.ahead.next = self.written_gray.q.val() ^ self.read_here.known.val();
        self.room.next = self.ahead.val() != self.full.val();
        self.sink.ready.next = self.room.val();
        self.written_next.next = self.written.q.val();
        if self.sink.valid.val() & self.room.val() {
            self.written_next.next = self.written.q.val() + self.one.val();
        }
        self.written_half.next = self.written_next.val() >> 1;
        self.written.d.next = self.written_next.val();
        self.written_gray.d.next = self.written_next.val() ^ self.written_half.val();
        self.ram.write_address.next = bit_cast::<A, P>(self.written.q.val());
        self.ram.write_data.next = self.sink.beat.val();
        self.ram.write_enable.next = self.sink.valid.val() & self.room.val();

        self.written_there.foreign.next = self.written_gray.q.val();
        self.filled.next = self.written_there.known.val() != self.read_gray.q.val();
        self.source.valid.next = self.filled.val();
        self.source.beat.next = self.ram.read_data.val();
        self.read_next.next = self.read.q.val();
        if self.source.ready.val() & self.filled.val() {
            self.read_next.next = self.read.q.val() + self.one.val();
        }
        self.read_half.next = self.read_next.val() >> 1;
        self.read.d.next = self.read_next.val();
        self.read_gray.d.next = self.read_next.val() ^ self.read_half.val();
        self.ram.read_address.next = bit_cast::<A, P>(self.read_next.val());
    }
}
