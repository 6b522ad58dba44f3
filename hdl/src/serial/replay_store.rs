//! Packets on their way out, kept until the other end has acknowledged them.
use crate::literal::Literal;
use crate::memory::DualPortRam;
use crate::pins::Ports;
use crate::stream::beat::*;
use ironwarp_abi::serial::WINDOW;
use rust_hdl::prelude::*;

/// Where a beat lies: a slot of 128 beats for each packet of the window.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Place {
    pub beat: Bits<7>,
    pub slot: Bits<2>,
}

/// The window of go-back-N, in block RAM. Packets have at most 128 beats.
///
/// ```text
/// oldest .. read .. written: acknowledged next, sent next, filled next
/// ```
/// The three move between frames only (`between`), but for what a packet's last beat does: a slot
/// is not freed while it is read.
#[derive(LogicBlock, Ports)]
pub struct ReplayStore {
    pub clock: Signal<In, Clock>,
    /// Packets to send; one that ends with `error` vanishes.
    pub sink: StreamSink<Beat>,
    /// The packet to send now.
    pub source: StreamSource<Beat>,
    /// Its number.
    pub number: Signal<Out, Bits<8>>,
    /// No packet is being taken from `source`.
    pub between: Signal<In, Bit>,
    /// `acknowledge` has come from the other end: what it has not yet taken. Numbers that it cannot
    /// mean are passed over.
    pub acknowledged: Signal<In, Bit>,
    pub acknowledge: Signal<In, Bits<8>>,
    /// Forget everything.
    pub clear: Signal<In, Bit>,
    ram: DualPortRam<Beat, 9>,
    oldest: DFF<Bits<8>>,
    read: DFF<Bits<8>>,
    read_beat: DFF<Bits<7>>,
    written: DFF<Bits<8>>,
    written_beat: DFF<Bits<7>>,
    /// `written`, a clock later: a read in the clock of the write is not defined.
    visible: DFF<Bits<8>>,
    /// The last acknowledgement that made sense.
    known: DFF<Bits<8>>,
    /// Clocks since the oldest packet was sent or another became the oldest.
    age: DFF<Bits<32>>,
    level: Signal<Local, Bits<8>>,
    claimed: Signal<Local, Bits<8>>,
    told: Signal<Local, Bits<8>>,
    sent: Signal<Local, Bits<8>>,
    taken: Signal<Local, Bit>,
    write_place: Signal<Local, Place>,
    read_place: Signal<Local, Place>,
    written_more: Signal<Local, Bits<8>>,
    written_beat_more: Signal<Local, Bits<7>>,
    read_more: Signal<Local, Bits<8>>,
    read_beat_more: Signal<Local, Bits<7>>,
    read_next: Signal<Local, Bits<8>>,
    read_beat_next: Signal<Local, Bits<7>>,
    age_more: Signal<Local, Bits<32>>,
    patience: Constant<Bits<32>>,
    window: Literal<8, { WINDOW as u64 }>,
    one: Literal<8, 1>,
    one_beat: Literal<7, 1>,
    one_clock: Literal<32, 1>,
}

impl ReplayStore {
    /// Sends again what is not acknowledged within so many clocks.
    pub fn new(patience: u32) -> Self {
        const { assert!(WINDOW == 4, "a slot's number has two bits") };
        Self {
            clock: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            number: Default::default(),
            between: Default::default(),
            acknowledged: Default::default(),
            acknowledge: Default::default(),
            clear: Default::default(),
            ram: Default::default(),
            oldest: Default::default(),
            read: Default::default(),
            read_beat: Default::default(),
            written: Default::default(),
            written_beat: Default::default(),
            visible: Default::default(),
            known: Default::default(),
            age: Default::default(),
            level: Default::default(),
            claimed: Default::default(),
            told: Default::default(),
            sent: Default::default(),
            taken: Default::default(),
            write_place: Default::default(),
            read_place: Default::default(),
            written_more: Default::default(),
            written_beat_more: Default::default(),
            read_more: Default::default(),
            read_beat_more: Default::default(),
            read_next: Default::default(),
            read_beat_next: Default::default(),
            age_more: Default::default(),
            patience: Constant::new(u64::from(patience).to_bits()),
            window: Default::default(),
            one: Default::default(),
            one_beat: Default::default(),
            one_clock: Default::default(),
        }
    }
}

impl Logic for ReplayStore {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            oldest,
            read,
            read_beat,
            written,
            written_beat,
            visible,
            known,
            age
        );
        clock!(self, clock, ram);

        // In.
        self.level.next = self.written.q.val() - self.oldest.q.val();
        self.sink.ready.next = self.level.val() != self.window.val();
        self.taken.next = self.sink.valid.val() & (self.level.val() != self.window.val());
        self.write_place.next.beat = self.written_beat.q.val();
        self.write_place.next.slot = self.written.q.val().get_bits::<2>(0);
        self.ram.write_address.next = self.write_place.val().into();
        self.ram.write_data.next = self.sink.beat.val();
        self.ram.write_enable.next = self.taken.val();
        self.written_more.next = self.written.q.val() + self.one.val();
        self.written_beat_more.next = self.written_beat.q.val() + self.one_beat.val();
        if self.taken.val() {
            self.written_beat.d.next = self.written_beat_more.val();
            if self.sink.beat.val().last {
                self.written_beat.d.next = 0.into();
                if !self.sink.beat.val().error {
                    self.written.d.next = self.written_more.val();
                }
            }
        }
        self.visible.d.next = self.written.q.val();

        // Acknowledged.
        self.claimed.next = self.acknowledge.val() - self.oldest.q.val();
        if self.acknowledged.val() & (self.claimed.val() <= self.level.val()) {
            self.known.d.next = self.acknowledge.val();
        }

        // Out.
        self.source.beat.next = self.ram.read_data.val();
        self.source.valid.next = self.read.q.val() != self.visible.q.val();
        self.number.next = self.read.q.val();
        self.read_more.next = self.read.q.val() + self.one.val();
        self.read_beat_more.next = self.read_beat.q.val() + self.one_beat.val();
        self.told.next = self.known.q.val() - self.oldest.q.val();
        self.sent.next = self.read.q.val() - self.oldest.q.val();
        self.age_more.next = self.age.q.val() + self.one_clock.val();
        self.read_next.next = self.read.q.val();
        self.read_beat_next.next = self.read_beat.q.val();
        if self.source.ready.val() & (self.read.q.val() != self.visible.q.val()) {
            self.read_beat_next.next = self.read_beat_more.val();
            if self.ram.read_data.val().last {
                self.read_beat_next.next = 0.into();
                self.read_next.next = self.read_more.val();
            }
        }
        if self.age.q.val() != self.patience.val() {
            self.age.d.next = self.age_more.val();
        }
        if self.between.val() {
            if self.told.val() != 0 {
                self.oldest.d.next = self.known.q.val();
                self.age.d.next = 0.into();
                if self.sent.val() < self.told.val() {
                    self.read_next.next = self.known.q.val();
                }
            } else if self.sent.val() == 0 {
                self.age.d.next = 0.into();
            } else if self.age.q.val() == self.patience.val() {
                self.read_next.next = self.oldest.q.val();
                self.age.d.next = 0.into();
            }
        }
        if self.clear.val() {
            self.written.d.next = 0.into();
            self.written_beat.d.next = 0.into();
            self.visible.d.next = 0.into();
            self.known.d.next = 0.into();
            self.oldest.d.next = 0.into();
            self.read_next.next = 0.into();
            self.read_beat_next.next = 0.into();
        }
        self.read.d.next = self.read_next.val();
        self.read_beat.d.next = self.read_beat_next.val();
        self.read_place.next.beat = self.read_beat_next.val();
        self.read_place.next.slot = self.read_next.val().get_bits::<2>(0);
        self.ram.read_address.next = self.read_place.val().into();
    }
}
