//! The MSI-X table and its pending bits.
use super::records::{MsixMessage, PageWrite};
use crate::memory::DualPortRam;
use crate::pins::Ports;
use crate::queue::PriorityEncoder;
use crate::stream::beat::*;
use ironwarp_abi::limits;
use rust_hdl::prelude::*;

/// Sixteen vectors (PCI Local Bus Specification 3.0, s. 6.8.2). An interrupt makes its vector
/// pending; a pending vector that is not masked sends its message and is pending no more. So an
/// interrupt of a masked vector waits for the mask to go, and interrupts in the meantime are one.
/// While the function may not send messages at all, every vector is as if masked (PCI Express Base
/// Specification, s. 7.7.2.2).
///
/// After power-on every vector is masked. A message takes three clocks.
#[derive(LogicBlock, Ports)]
pub struct MsixTable {
    pub clock: Signal<In, Clock>,
    /// The host's writes to the table.
    pub write: Signal<In, PageWrite>,
    /// The word of the table to read.
    pub read_word: Signal<In, Bits<10>>,
    /// That word, one clock later; zero beyond the table.
    pub read_data: Signal<Out, Bits<32>>,
    /// The pending bits.
    pub pending: Signal<Out, Bits<16>>,
    /// MSI-X is on, the function is not masked, and may write.
    pub enabled: Signal<In, Bit>,
    /// A vector; one that does not exist is ignored. Always ready.
    pub interrupt: StreamSink<Bits<8>>,
    pub message: StreamSource<MsixMessage>,
    /// For the host: address low and high, data.
    host: [DualPortRam<Bits<32>, 4>; 3],
    /// The same for the messages.
    own: [DualPortRam<Bits<32>, 4>; 3],
    unmasked: DFF<Bits<16>>,
    pending_bits: DFF<Bits<16>>,
    read: DFF<Bits<10>>,
    /// The entry of the vector that was chosen is read.
    reading: DFF<Bit>,
    out: DFF<MsixMessage>,
    out_full: DFF<Bit>,
    encoder: PriorityEncoder,
    candidates: Signal<Local, Bits<16>>,
    pick: Signal<Local, Bits<4>>,
    any: Signal<Local, Bit>,
    write_vector: Signal<Local, Bits<4>>,
    write_part: Signal<Local, Bits<2>>,
    write_here: Signal<Local, Bit>,
    write_mask: Signal<Local, Bits<16>>,
    set: Signal<Local, Bits<16>>,
    clear: Signal<Local, Bits<16>>,
    read_vector: Signal<Local, Bits<4>>,
    read_part: Signal<Local, Bits<2>>,
    part: [Constant<Bits<2>>; 3],
    control: Constant<Bits<2>>,
    first: Constant<Bits<16>>,
    words: Constant<Bits<10>>,
    vectors: Constant<Bits<8>>,
}

impl Default for MsixTable {
    fn default() -> Self {
        assert_eq!(limits::VECTOR_COUNT, 16, "the width of the pending bits");
        Self {
            clock: Default::default(),
            write: Default::default(),
            read_word: Default::default(),
            read_data: Default::default(),
            pending: Default::default(),
            enabled: Default::default(),
            interrupt: Default::default(),
            message: Default::default(),
            host: std::array::from_fn(|_| Default::default()),
            own: std::array::from_fn(|_| Default::default()),
            unmasked: Default::default(),
            pending_bits: Default::default(),
            read: Default::default(),
            reading: Default::default(),
            out: Default::default(),
            out_full: Default::default(),
            encoder: Default::default(),
            candidates: Default::default(),
            pick: Default::default(),
            any: Default::default(),
            write_vector: Default::default(),
            write_part: Default::default(),
            write_here: Default::default(),
            write_mask: Default::default(),
            set: Default::default(),
            clear: Default::default(),
            read_vector: Default::default(),
            read_part: Default::default(),
            part: std::array::from_fn(|n| Constant::new(n.to_bits())),
            control: Constant::new(3.into()),
            first: Constant::new(1.into()),
            words: Constant::new((4 * limits::VECTOR_COUNT).to_bits()),
            vectors: Constant::new(limits::VECTOR_COUNT.to_bits()),
        }
    }
}

impl Logic for MsixTable {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, unmasked, pending_bits, read, reading, out, out_full);
        // The host's side.
        self.write_vector.next = bit_cast::<4, 10>(self.write.val().word >> 2);
        self.write_part.next = bit_cast::<2, 10>(self.write.val().word);
        self.write_here.next = self.write.val().valid & (self.write.val().word < self.words.val());
        self.write_mask.next = self.first.val() << self.write_vector.val();
        for i in 0..3 {
            self.host[i].clock.next = self.clock.val();
            self.host[i].read_address.next = self.read_word.val().get_bits::<4>(2);
            self.host[i].write_address.next = self.write_vector.val();
            self.host[i].write_data.next = self.write.val().data;
            self.host[i].write_enable.next =
                self.write_here.val() & (self.write_part.val() == self.part[i].val());
            self.own[i].clock.next = self.clock.val();
            self.own[i].write_address.next = self.write_vector.val();
            self.own[i].write_data.next = self.write.val().data;
            self.own[i].write_enable.next =
                self.write_here.val() & (self.write_part.val() == self.part[i].val());
        }
        if self.write_here.val() & (self.write_part.val() == self.control.val()) {
            self.unmasked.d.next = self.unmasked.q.val() | self.write_mask.val();
            if (self.write.val().data & 1) == 1 {
                self.unmasked.d.next = self.unmasked.q.val() & !self.write_mask.val();
            }
        }
        self.read.d.next = self.read_word.val();
        self.read_vector.next = self.read.q.val().get_bits::<4>(2);
        self.read_part.next = self.read.q.val().get_bits::<2>(0);
        self.read_data.next = 0.into();
        if self.read.q.val() < self.words.val() {
            for i in 0..3 {
                if self.read_part.val() == self.part[i].val() {
                    self.read_data.next = self.host[i].read_data.val();
                }
            }
            if (self.read_part.val() == self.control.val())
                & !self.unmasked.q.val().get_bit(self.read_vector.val().index())
            {
                self.read_data.next = 1.into();
            }
        }
        self.pending.next = self.pending_bits.q.val();

        // The interrupts' side.
        self.interrupt.ready.next = true;
        self.set.next = 0.into();
        if self.interrupt.valid.val() & (self.interrupt.beat.val() < self.vectors.val()) {
            self.set.next = self.first.val() << bit_cast::<4, 8>(self.interrupt.beat.val());
        }
        self.candidates.next = self.pending_bits.q.val() & self.unmasked.q.val();
        self.encoder.wanted.next = self.candidates.val();
        self.any.next = self.encoder.any.val();
        self.pick.next = self.encoder.highest.val();
        for i in 0..3 {
            self.own[i].read_address.next = self.pick.val();
        }
        self.clear.next = 0.into();
        self.message.beat.next = self.out.q.val();
        self.message.valid.next = self.out_full.q.val();
        if self.message.ready.val() {
            self.out_full.d.next = false;
        }
        if !self.out_full.q.val() {
            // The entry of the chosen vector is there in the next clock.
            if self.reading.q.val() {
                self.reading.d.next = false;
                self.out_full.d.next = true;
                self.out.d.next.address = bit_cast::<64, 32>(self.own[0].read_data.val())
                    | (bit_cast::<64, 32>(self.own[1].read_data.val()) << 32);
                self.out.d.next.data = self.own[2].read_data.val();
            } else if self.any.val() & self.enabled.val() {
                self.clear.next = self.first.val() << self.pick.val();
                self.reading.d.next = true;
            }
        }
        self.pending_bits.d.next = (self.pending_bits.q.val() & !self.clear.val()) | self.set.val();
    }
}
