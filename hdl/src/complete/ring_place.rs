//! Where the next entry of a completion queue goes.
use rust_hdl::prelude::*;

/// Place and phase of an entry from its queue's context and producer index. Combinational.
#[derive(LogicBlock)]
pub struct RingPlace {
    /// The words of `ironwarp_abi::context::CompletionQueueContext`.
    pub ring_low: Signal<In, Bits<32>>,
    pub ring_high: Signal<In, Bits<32>>,
    pub shape: Signal<In, Bits<32>>,
    /// Entries written so far, modulo 2^16.
    pub producer: Signal<In, Bits<16>>,
    /// The entry's bus address.
    pub address: Signal<Out, Bits<64>>,
    /// The entry's phase bit: set in the first pass through the ring, and in every other.
    pub phase: Signal<Out, Bit>,
    /// Entries of the ring.
    pub entries: Signal<Out, Bits<16>>,
    log2: Signal<Local, Bits<4>>,
    count: Signal<Local, Bits<16>>,
    slot: Signal<Local, Bits<16>>,
    offset: Signal<Local, Bits<64>>,
    base: Signal<Local, Bits<64>>,
    passes: Signal<Local, Bits<16>>,
    one: Constant<Bits<16>>,
}

impl Default for RingPlace {
    fn default() -> Self {
        Self {
            ring_low: Default::default(),
            ring_high: Default::default(),
            shape: Default::default(),
            producer: Default::default(),
            address: Default::default(),
            phase: Default::default(),
            entries: Default::default(),
            log2: Default::default(),
            count: Default::default(),
            slot: Default::default(),
            offset: Default::default(),
            base: Default::default(),
            passes: Default::default(),
            one: Constant::new(1.into()),
        }
    }
}

impl Logic for RingPlace {
    #[hdl_gen]
    fn update(&mut self) {
        self.log2.next = self.shape.val().get_bits::<4>(0);
        self.count.next = self.one.val() << self.log2.val();
        self.slot.next = self.producer.val() & (self.count.val() - self.one.val());
        self.offset.next = bit_cast::<64, 16>(self.slot.val()) << 5;
        self.base.next = bit_cast::<64, 32>(self.ring_low.val())
            | (bit_cast::<64, 32>(self.ring_high.val()) << 32);
        self.passes.next = self.producer.val() >> self.log2.val();
        self.address.next = self.base.val() + self.offset.val();
        self.phase.next = !self.passes.val().get_bit(0);
        self.entries.next = self.count.val();
    }
}
