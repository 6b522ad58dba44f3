//! Turns an STag and a tagged offset into a bus address, or refuses.
//!
//! ```text
//!            index               key, domain, rights, offset + length
//! Idle ------------> Subtract ------------------------------------> Judge --> Answer --> Idle
//!  take the question   words of the region are there                 choose     until taken
//! ```
use crate::control::records::ContextWrite;
use crate::memory::ContextTable;
use crate::protect::records::*;
use crate::stream::beat::*;
use ironwarp_abi::context::table;
use ironwarp_abi::limits::MR_BITS;
use rust_hdl::prelude::*;

/// What the gate does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum GateState {
    Idle,
    Subtract,
    Judge,
    Answer,
}

/// One question at a time, answered three clocks after it was taken.
#[derive(LogicBlock)]
pub struct Gate {
    pub clock: Signal<In, Clock>,
    /// The host's writes of memory region records.
    pub context_write: Signal<In, ContextWrite>,
    pub question: StreamSink<GateQuestion>,
    pub answer: StreamSource<GateAnswer>,
    regions: ContextTable<MR_BITS, 8>,
    state: DFF<GateState>,
    asked: DFF<GateQuestion>,
    given: DFF<GateAnswer>,
    /// Offset minus the region's base.
    relative: DFF<Bits<64>>,
    /// Offset plus length, 65 bits.
    sum: DFF<Bits<65>>,
    bus: DFF<Bits<64>>,
    size: DFF<Bits<32>>,
    below: DFF<Bit>,
    stranger: DFF<Bit>,
    trespass: DFF<Bit>,
    forbidden: DFF<Bit>,
    index: Signal<Local, Bits<32>>,
    stag: Signal<Local, Bits<32>>,
    base: Signal<Local, Bits<64>>,
    rights: Signal<Local, Bits<4>>,
    granted: Signal<Local, Bits<4>>,
    relative_end: Signal<Local, Bits<65>>,
    sum_low: Signal<Local, Bits<64>>,
    wraps: Signal<Local, Bit>,
    outside: Signal<Local, Bit>,
    refuse_stag: Constant<Bits<3>>,
    refuse_domain: Constant<Bits<3>>,
    refuse_rights: Constant<Bits<3>>,
    refuse_bounds: Constant<Bits<3>>,
    refuse_wrap: Constant<Bits<3>>,
}

impl Default for Gate {
    fn default() -> Self {
        let refusal = |code: u64| Constant::new(code.to_bits());
        Self {
            clock: Default::default(),
            context_write: Default::default(),
            question: Default::default(),
            answer: Default::default(),
            regions: ContextTable::new(table::MEMORY_REGION, 0),
            state: Default::default(),
            asked: Default::default(),
            given: Default::default(),
            relative: Default::default(),
            sum: Default::default(),
            bus: Default::default(),
            size: Default::default(),
            below: Default::default(),
            stranger: Default::default(),
            trespass: Default::default(),
            forbidden: Default::default(),
            index: Default::default(),
            stag: Default::default(),
            base: Default::default(),
            rights: Default::default(),
            granted: Default::default(),
            relative_end: Default::default(),
            sum_low: Default::default(),
            wraps: Default::default(),
            outside: Default::default(),
            refuse_stag: refusal(refusal::STAG),
            refuse_domain: refusal(refusal::DOMAIN),
            refuse_rights: refusal(refusal::RIGHTS),
            refuse_bounds: refusal(refusal::BOUNDS),
            refuse_wrap: refusal(refusal::WRAP),
        }
    }
}

impl Logic for Gate {
    //= rfc5041#7.1  STag, domain, access, bounds, wrap: checked before anything is placed.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, asked, given, relative, sum, bus, size);
        dff_setup!(self, clock, below, stranger, trespass, forbidden);
        clock!(self, clock, regions);
        self.regions.context_write.next = self.context_write.val();
        self.index.next = self.question.beat.val().stag;
        self.regions.index.next = self.index.val().get_bits::<MR_BITS>(0);
        self.question.ready.next = self.state.q.val() == GateState::Idle;
        self.answer.valid.next = self.state.q.val() == GateState::Answer;
        self.answer.beat.next = self.given.q.val();

        self.stag.next = self.asked.q.val().stag;
        self.base.next = (bit_cast::<64, 32>(self.regions.words[1].val()) << 32)
            | bit_cast::<64, 32>(self.regions.words[0].val());
        self.rights.next = self.regions.words[6].val().get_bits::<4>(16);
        self.granted.next = self.rights.val() >> self.asked.q.val().right;
        self.relative_end.next = bit_cast::<65, 64>(self.relative.q.val())
            + bit_cast::<65, 32>(self.asked.q.val().length);
        self.sum_low.next = self.sum.q.val().get_bits::<64>(0);
        self.wraps.next = self.sum.q.val().get_bit(64) & self.sum_low.val().any();
        self.outside.next =
            self.below.q.val() | (self.relative_end.val() > bit_cast::<65, 32>(self.size.q.val()));

        match self.state.q.val() {
            GateState::Idle => {
                self.asked.d.next = self.question.beat.val();
                if self.question.valid.val() {
                    self.state.d.next = GateState::Subtract;
                }
            }
            GateState::Subtract => {
                self.relative.d.next = self.asked.q.val().offset - self.base.val();
                self.below.d.next = self.asked.q.val().offset < self.base.val();
                self.sum.d.next = bit_cast::<65, 64>(self.asked.q.val().offset)
                    + bit_cast::<65, 32>(self.asked.q.val().length);
                self.bus.d.next = (bit_cast::<64, 32>(self.regions.words[5].val()) << 32)
                    | bit_cast::<64, 32>(self.regions.words[4].val());
                self.size.d.next = self.regions.words[2].val();
                self.stranger.d.next = !self.regions.words[7].val().get_bit(0)
                    | (self.regions.words[3].val().get_bits::<24>(0)
                        != self.stag.val().get_bits::<24>(8));
                self.trespass.d.next =
                    self.regions.words[6].val().get_bits::<16>(0) != self.asked.q.val().pd;
                self.forbidden.d.next = !self.granted.val().get_bit(0);
                self.state.d.next = GateState::Judge;
            }
            GateState::Judge => {
                self.given.d.next.refusal = 0.into();
                self.given.d.next.address = self.bus.q.val() + self.relative.q.val();
                if self.outside.val() {
                    self.given.d.next.refusal = self.refuse_bounds.val();
                }
                if self.wraps.val() {
                    self.given.d.next.refusal = self.refuse_wrap.val();
                }
                if self.forbidden.q.val() {
                    self.given.d.next.refusal = self.refuse_rights.val();
                }
                if self.trespass.q.val() {
                    self.given.d.next.refusal = self.refuse_domain.val();
                }
                if self.stranger.q.val() {
                    self.given.d.next.refusal = self.refuse_stag.val();
                }
                if self.outside.val()
                    | self.wraps.val()
                    | self.forbidden.q.val()
                    | self.trespass.q.val()
                    | self.stranger.q.val()
                {
                    self.given.d.next.address = 0.into();
                }
                if !self.asked.q.val().length.any() {
                    self.given.d.next.refusal = 0.into();
                    self.given.d.next.address = 0.into();
                }
                self.state.d.next = GateState::Answer;
            }
            GateState::Answer => {
                if self.answer.ready.val() {
                    self.state.d.next = GateState::Idle;
                }
            }
            _ => {
                self.state.d.next = GateState::Idle;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::MemoryRegionContext;
    use rand::Rng;

    fn write(uut: &mut Gate, index: u64, region: &MemoryRegionContext) {
        for (word, data) in region.to_words().into_iter().enumerate() {
            uut.context_write.next = ContextWrite {
                valid: true,
                table: u64::from(table::MEMORY_REGION).to_bits(),
                index: index.to_bits(),
                word: (word as u64).to_bits(),
                data: u64::from(data).to_bits(),
            };
            tick!(*uut);
        }
        uut.context_write.next = Default::default();
    }

    fn ask(uut: &mut Gate, question: GateQuestion) -> (u64, u64) {
        uut.question.beat.next = question;
        uut.question.valid.next = true;
        uut.answer.ready.next = true;
        for _ in 0..10 {
            settle!(*uut);
            if uut.answer.valid.val() {
                let answer = uut.answer.beat.val();
                edge!(*uut);
                return (answer.refusal.to_u64(), answer.address.to_u64());
            }
            let taken = uut.question.ready.val();
            edge!(*uut);
            uut.question.valid.next = uut.question.valid.val() && !taken;
        }
        panic!("no answer");
    }

    /// The rules in the order of RFC 5041 s. 7.1, in Rust's widest integers.
    fn judge(region: &MemoryRegionContext, question: &GateQuestion) -> (u64, u64) {
        let (offset, length) = (question.offset.to_u64() as u128, question.length.to_u64() as u128);
        let (base, size) = (region.base as u128, region.length as u128);
        let rights =
            [region.local_read, region.local_write, region.remote_read, region.remote_write];
        if length == 0 {
            (refusal::NONE, 0)
        } else if !region.valid || u64::from(region.key) != question.stag.to_u64() >> MR_BITS {
            (refusal::STAG, 0)
        } else if u64::from(region.pd) != question.pd.to_u64() {
            (refusal::DOMAIN, 0)
        } else if !rights[question.right.to_u64() as usize] {
            (refusal::RIGHTS, 0)
        } else if offset + length > 1 << 64 {
            (refusal::WRAP, 0)
        } else if offset < base || offset + length > base + size {
            (refusal::BOUNDS, 0)
        } else {
            (refusal::NONE, region.bus_address + (offset - base) as u64)
        }
    }

    //= rfc5041#7.1
    //= type=test
    #[test]
    fn judges_as_the_rules_say() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = Gate::default();
            uut.connect_all();
            let mut seen = [0; 6];
            let magnitude = rng.random_range(4..32);
            let length: u32 = rng.random_range(1..1 << magnitude);
            let top = u64::MAX - u64::from(length) + 1;
            let region = MemoryRegionContext {
                base: *[0, 1 << 40, top, rng.random_range(0..top)].get(seed as usize % 4).unwrap(),
                length,
                key: rng.random_range(1..1 << 24),
                bus_address: rng.random::<u64>() >> 1,
                pd: rng.random(),
                local_read: rng.random(),
                local_write: rng.random(),
                remote_read: rng.random(),
                remote_write: rng.random(),
                valid: rng.random_bool(0.9),
            };
            write(&mut uut, 3, &region);
            for _ in 0..300 {
                let near = [0, u64::from(length), rng.random_range(0..=u64::from(length))];
                let slack = rng.random_range(0..4_u64).wrapping_sub(2);
                let offset = region.base.wrapping_add(near[rng.random_range(0..3)]);
                let octets = [0, 1, length, rng.random_range(0..=length), u32::MAX];
                let key = u64::from(region.key) ^ u64::from(rng.random_bool(0.05));
                let question = GateQuestion {
                    stag: (key << MR_BITS | 3).to_bits(),
                    pd: u64::from(region.pd ^ u16::from(rng.random_bool(0.05))).to_bits(),
                    right: rng.random_range(0..4_u64).to_bits(),
                    offset: offset.wrapping_add(slack).to_bits(),
                    length: u64::from(octets[rng.random_range(0..5)]).to_bits(),
                };
                let expected = judge(&region, &question);
                seen[expected.0 as usize] += 1;
                assert_eq!(ask(&mut uut, question), expected, "SEED={seed} {question:?}");
            }
            assert!(seen.iter().filter(|count| **count > 0).count() > 1, "SEED={seed} {seen:?}");
        }
    }
}
