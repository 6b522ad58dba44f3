//! Takes the work requests that were asked for, and checks what the host must leave zero.
use crate::configuration::QpNumber;
use crate::life::{LifeWatch, QpChange};
use crate::literal::Literal;
use crate::queue::records::*;
use crate::stream::*;
use ironwarp_abi::limits::WQE_CACHE_BITS;
use ironwarp_abi::record::Field;
use rust_hdl::prelude::*;

/// The bits of beat `n` of a record that lie outside every field.
pub fn reserved_bits(fields: &[Field], n: usize) -> u64 {
    (0..64).fold(0, |mask, bit| {
        let at = 64 * n + bit;
        let used =
            fields.iter().any(|field| (field.offset..field.offset + field.width).contains(&at));
        mask | u64::from(!used) << bit
    })
}

/// Sends the first four of the eight beats of a work request into the cache, and then what it found
/// out about all of them.
///
/// The work requests of a read are announced (`store`) together with the read's last beat. If the
/// bus refused the read, its first work request is one with `fault`, and the others are none.
/// What comes for an older generation of its queue pair is dropped, and what was asked for before
/// it went back. A clock before each read, its
/// queue pair is looked up. Two announcements are eight clocks apart, as eight beats are; after a
/// read that failed it rests so long.
#[derive(LogicBlock)]
pub struct FetchGather {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    pub ticket: StreamSink<FetchTicket>,
    pub data: StreamSink<Beat>,
    /// A fence has come out: every read before it is here (a pulse).
    pub fenced: Signal<Out, Bit>,
    /// Bit n: `word` is beat n of the work request at `place`.
    pub write: Signal<Out, Bits<4>>,
    pub word: Signal<Out, Bits<64>>,
    pub place: Signal<Out, CachePlace>,
    /// The last beat of that work request is here, or of a read that the bus refused: `findings`
    /// are complete.
    pub conclude: Signal<Out, Bit>,
    pub findings: Signal<Out, EntryFindings>,
    /// One clock after the last write: the work requests of `store.qp` up to the number `stored`
    /// are on chip.
    pub store: Signal<Out, QpNote>,
    pub stored: Signal<Out, Bits<16>>,
    /// The ticket's queue pair, and how often it has gone back, a clock later.
    pub pass_qp: Signal<Out, QpNumber>,
    pub pass: Signal<In, Bits<8>>,
    /// A read ends in this clock: in the next one there may be a `store`.
    pub ending: Signal<Out, Bit>,

    watch: LifeWatch,
    /// The ticket's queue pair has been looked up.
    known: DFF<Bit>,
    /// Clocks to rest, after a read that failed.
    rest: DFF<Bits<3>>,
    beat_number: DFF<Bits<3>>,
    entry_number: DFF<Bits<5>>,
    /// So far, of this work request.
    reserved: DFF<Bit>,
    done: DFF<QpNote>,
    reached: DFF<Bits<16>>,
    taken: Signal<Local, Bit>,
    spoiled: Signal<Local, Bit>,
    ended: Signal<Local, Bit>,
    failed: Signal<Local, Bit>,
    following: Signal<Local, Bits<5>>,
    number: Signal<Local, Bits<16>>,
    count: Signal<Local, Bits<5>>,
    spoiled_so_far: Signal<Local, Bit>,
    belongs: Signal<Local, Bit>,
    goes: Signal<Local, Bit>,
    first_bit: Literal<4, 1>,
    /// Bits that must be zero in beats 0 to 3; of the later ones, all.
    outside: [Constant<Bits<64>>; 4],
    one: Literal<5, 1>,
}

impl FetchGather {
    /// `fields`: those of the work request.
    pub fn new(fields: &[Field]) -> Self {
        Self {
            clock: Default::default(),
            change: Default::default(),
            ticket: Default::default(),
            data: Default::default(),
            fenced: Default::default(),
            write: Default::default(),
            word: Default::default(),
            place: Default::default(),
            conclude: Default::default(),
            findings: Default::default(),
            store: Default::default(),
            stored: Default::default(),
            pass_qp: Default::default(),
            pass: Default::default(),
            ending: Default::default(),
            watch: Default::default(),
            known: Default::default(),
            rest: Default::default(),
            beat_number: Default::default(),
            entry_number: Default::default(),
            reserved: Default::default(),
            done: Default::default(),
            reached: Default::default(),
            taken: Default::default(),
            spoiled: Default::default(),
            ended: Default::default(),
            failed: Default::default(),
            following: Default::default(),
            number: Default::default(),
            count: Default::default(),
            spoiled_so_far: Default::default(),
            belongs: Default::default(),
            goes: Default::default(),
            first_bit: Default::default(),
            outside: std::array::from_fn(|n| Constant::new(reserved_bits(fields, n).to_bits())),
            one: Default::default(),
        }
    }
}

impl Logic for FetchGather {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, known, rest, beat_number, entry_number, reserved, done, reached);
        clock!(self, clock, watch);
        self.watch.change.next = self.change.val();
        self.watch.look.next = !self.known.q.val();
        self.watch.qp.next = self.ticket.beat.val().qp;
        self.known.d.next = self.ticket.valid.val() & !self.rest.q.val().any();
        if self.rest.q.val().any() {
            self.rest.d.next = self.rest.q.val() - 1;
        }
        self.fenced.next =
            self.known.q.val() & self.ticket.valid.val() & self.ticket.beat.val().fence;
        self.data.ready.next = self.known.q.val() & !self.ticket.beat.val().fence;
        self.taken.next = self.data.valid.val() & self.data.ready.val();
        self.word.next = self.data.beat.val().data;
        self.ended.next = self.taken.val() & self.data.beat.val().last;
        self.failed.next = self.ended.val() & self.data.beat.val().error;
        self.ticket.ready.next = self.ended.val() | self.fenced.val();

        self.spoiled.next = self.data.beat.val().data.any();
        for i in 0..4 {
            if self.beat_number.q.val().index() == i {
                self.spoiled.next = (self.data.beat.val().data & self.outside[i].val()).any();
            }
        }
        // A read that failed has one work request, its first.
        self.number.next =
            self.ticket.beat.val().first + bit_cast::<16, 5>(self.entry_number.q.val());
        self.count.next = self.ticket.beat.val().count;
        if self.failed.val() {
            self.rest.d.next = 7.into();
            self.number.next = self.ticket.beat.val().first;
            self.count.next = self.one.val();
        }
        self.place.next.slot = self.number.val().get_bits::<WQE_CACHE_BITS>(0);
        self.place.next.qp = self.ticket.beat.val().qp;
        self.spoiled_so_far.next =
            self.spoiled.val() | (self.reserved.q.val() & self.beat_number.q.val().any());
        self.following.next = self.entry_number.q.val() + self.one.val();
        if self.taken.val() {
            self.beat_number.d.next = self.beat_number.q.val() + 1;
            self.reserved.d.next = self.spoiled_so_far.val();
            if self.beat_number.q.val() == 7 {
                self.entry_number.d.next = self.following.val();
            }
        }

        self.findings.next.reserved = self.spoiled_so_far.val();
        self.findings.next.fault = self.failed.val();
        self.findings.next.number = self.number.val();
        self.pass_qp.next = self.ticket.beat.val().qp;
        self.ending.next = self.ended.val();
        self.belongs.next = (self.watch.life_now.val().generation
            == self.ticket.beat.val().generation)
            & (self.pass.val() == self.ticket.beat.val().pass);
        self.goes.next = self.taken.val() & self.belongs.val();
        self.write.next = 0.into();
        if self.goes.val() & !self.beat_number.q.val().get_bit(2) {
            self.write.next = self.first_bit.val() << self.beat_number.q.val();
        }
        self.conclude.next =
            self.goes.val() & ((self.beat_number.q.val() == 7) | self.failed.val());
        self.done.d.next.valid = self.ended.val() & self.belongs.val();
        self.done.d.next.qp = self.ticket.beat.val().qp;
        self.reached.d.next = self.ticket.beat.val().first + bit_cast::<16, 5>(self.count.val());
        if self.ended.val() | self.fenced.val() {
            self.beat_number.d.next = 0.into();
            self.entry_number.d.next = 0.into();
            self.known.d.next = false;
        }
        self.store.next = self.done.q.val();
        self.stored.next = self.reached.q.val();
    }
}
