//! Octets to a serial line.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Eight data bits, low bit first, no parity, one stop bit; no pause while octets pause.
#[derive(LogicBlock, Ports)]
pub struct UartTransmitter {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Bits<8>>,
    /// The line: set when idle.
    pub line: Signal<Out, Bit>,
    /// The line upside down, so that it is idle at power-on.
    low: DFF<Bit>,
    /// Bits to send yet, that on the line included.
    bits: DFF<Bits<4>>,
    /// Clocks that the bit on the line still lasts.
    pause: DFF<Bits<16>>,
    shift: DFF<Bits<8>>,
    bits_less: Signal<Local, Bits<4>>,
    pause_less: Signal<Local, Bits<16>>,
    shifted: Signal<Local, Bits<8>>,
    ten: Constant<Bits<4>>,
    one_bit: Constant<Bits<4>>,
    one: Constant<Bits<16>>,
    whole: Constant<Bits<16>>,
}

impl UartTransmitter {
    /// For a line with so many clocks a bit.
    ///
    /// # Panics
    /// No clock, or more than 65,535.
    pub fn new(clocks_per_bit: u32) -> Self {
        assert!((1..=0xffff).contains(&clocks_per_bit), "a bit has 1 to 65,535 clocks");
        Self {
            clock: Default::default(),
            sink: Default::default(),
            line: Default::default(),
            low: Default::default(),
            bits: Default::default(),
            pause: Default::default(),
            shift: Default::default(),
            bits_less: Default::default(),
            pause_less: Default::default(),
            shifted: Default::default(),
            ten: Constant::new(10.into()),
            one_bit: Constant::new(1.into()),
            one: Constant::new(1.into()),
            whole: Constant::new(u64::from(clocks_per_bit - 1).to_bits()),
        }
    }
}

impl Logic for UartTransmitter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, low, bits, pause, shift);
        self.line.next = !self.low.q.val();
        self.bits_less.next = self.bits.q.val() - self.one_bit.val();
        self.pause_less.next = self.pause.q.val() - self.one.val();
        self.shifted.next = self.shift.q.val() >> 1;
        self.sink.ready.next = self.bits.q.val() == 0;
        if self.bits.q.val() == 0 {
            if self.sink.valid.val() {
                self.low.d.next = true;
                self.shift.d.next = self.sink.beat.val();
                self.bits.d.next = self.ten.val();
                self.pause.d.next = self.whole.val();
            }
        } else if self.pause.q.val() != 0 {
            self.pause.d.next = self.pause_less.val();
        } else {
            // Ones follow the octet: the stop bit.
            self.low.d.next = !self.shift.q.val().get_bit(0);
            self.shift.d.next = self.shifted.val().replace_bit(7, true);
            self.bits.d.next = self.bits_less.val();
            self.pause.d.next = self.whole.val();
        }
    }
}
