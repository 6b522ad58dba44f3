//! Where the next entry of a completion queue goes.
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_abi::context::CompletionQueueContext;
use ironwarp_abi::queue::CompletionEntry;
use rust_hdl::prelude::*;

/// log2 of an entry's octets.
const ENTRY_BITS: u64 = 5;
const _: () =
    assert!(CompletionEntry::BYTES == 1 << ENTRY_BITS && CompletionQueueContext::WORDS == 3);

/// Place and phase of an entry from its queue's context and producer index. Combinational.
#[derive(LogicBlock, Ports, Default)]
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
    /// Entries that the ring takes: all its places but one, which is kept for the last.
    pub entries: Signal<Out, Bits<16>>,
    log2: Signal<Local, Bits<4>>,
    count: Signal<Local, Bits<16>>,
    mask: Signal<Local, Bits<16>>,
    slot: Signal<Local, Bits<16>>,
    offset: Signal<Local, Bits<64>>,
    base: Signal<Local, Bits<64>>,
    passes: Signal<Local, Bits<16>>,
    one: Literal<16, 1>,
    entry_bits: Literal<4, ENTRY_BITS>,
}

impl Logic for RingPlace {
    #[hdl_gen]
    fn update(&mut self) {
        self.log2.next = self.shape.val().get_bits::<4>(0);
        self.count.next = self.one.val() << self.log2.val();
        self.mask.next = self.count.val() - self.one.val();
        self.slot.next = self.producer.val() & self.mask.val();
        self.offset.next = bit_cast::<64, 16>(self.slot.val()) << self.entry_bits.val();
        self.base.next = bit_cast::<64, 32>(self.ring_low.val())
            | (bit_cast::<64, 32>(self.ring_high.val()) << 32);
        self.passes.next = self.producer.val() >> self.log2.val();
        self.address.next = self.base.val() + self.offset.val();
        self.phase.next = !self.passes.val().get_bit(0);
        self.entries.next = self.mask.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::settle;

    /// The last slots before the producer index wraps, and the first behind it, in rings of any
    /// size.
    #[test]
    fn place_and_phase_follow_the_producer_index() {
        for log2 in 0..16_u64 {
            for producer in [0_u64, 1, (1 << log2) - 1, 1 << log2, 0x7fff, 0x8000, 0xffff] {
                let mut uut = RingPlace::default();
                uut.connect_all();
                uut.ring_low.next = 0xffff_f000_u64.to_bits();
                uut.ring_high.next = 7.into();
                uut.shape.next = (log2 | 0xff00).to_bits();
                uut.producer.next = producer.to_bits();
                settle!(uut);
                let place = 0x7_ffff_f000 + 32 * (producer % (1 << log2));
                assert_eq!(uut.address.val().to_u64(), place);
                assert_eq!(uut.phase.val(), producer >> log2 & 1 == 0);
                assert_eq!(uut.entries.val().to_u64(), (1 << log2) - 1);
            }
        }
    }
}
