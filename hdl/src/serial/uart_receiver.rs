//! Octets from a serial line.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Eight data bits, low bit first, no parity, one stop bit. Every bit is sampled in its middle.
///
/// ```text
/// line -> two flip-flops -> middle of the start bit? -> 8 x shift -> stop bit good?
/// ```
#[derive(LogicBlock, Ports)]
pub struct UartReceiver {
    pub clock: Signal<In, Clock>,
    /// The line, of no clock in particular; set when idle.
    pub line: Signal<In, Bit>,
    /// The octet, with `valid`.
    pub octet: Signal<Out, Bits<8>>,
    /// An octet has arrived, for one clock.
    pub valid: Signal<Out, Bit>,
    /// Something has arrived whose stop bit was clear, for one clock.
    pub broken: Signal<Out, Bit>,
    /// The line upside down, so that it is idle at power-on.
    arriving: DFF<Bit>,
    low: DFF<Bit>,
    /// Bits to sample yet, from the start bit on; 0 while the line is idle.
    bits: DFF<Bits<4>>,
    /// Clocks until the next sample.
    pause: DFF<Bits<16>>,
    shift: DFF<Bits<8>>,
    done: DFF<Bit>,
    failed: DFF<Bit>,
    bits_less: Signal<Local, Bits<4>>,
    pause_less: Signal<Local, Bits<16>>,
    shifted: Signal<Local, Bits<8>>,
    high: Signal<Local, Bit>,
    ten: Constant<Bits<4>>,
    one_bit: Constant<Bits<4>>,
    one: Constant<Bits<16>>,
    half: Constant<Bits<16>>,
    whole: Constant<Bits<16>>,
}

impl UartReceiver {
    /// For a line with so many clocks a bit.
    ///
    /// # Panics
    /// Fewer than 4 clocks, where the middle of a bit is no longer found, or more than 65,535.
    pub fn new(clocks_per_bit: u32) -> Self {
        assert!((4..=0xffff).contains(&clocks_per_bit), "a bit has 4 to 65,535 clocks");
        Self {
            clock: Default::default(),
            line: Default::default(),
            octet: Default::default(),
            valid: Default::default(),
            broken: Default::default(),
            arriving: Default::default(),
            low: Default::default(),
            bits: Default::default(),
            pause: Default::default(),
            shift: Default::default(),
            done: Default::default(),
            failed: Default::default(),
            bits_less: Default::default(),
            pause_less: Default::default(),
            shifted: Default::default(),
            high: Default::default(),
            ten: Constant::new(10.into()),
            one_bit: Constant::new(1.into()),
            one: Constant::new(1.into()),
            half: Constant::new(u64::from(clocks_per_bit / 2 - 1).to_bits()),
            whole: Constant::new(u64::from(clocks_per_bit - 1).to_bits()),
        }
    }
}

impl Logic for UartReceiver {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, arriving, low, bits, pause, shift, done, failed);
        self.arriving.d.next = !self.line.val();
        self.low.d.next = self.arriving.q.val();
        self.octet.next = self.shift.q.val();
        self.valid.next = self.done.q.val();
        self.broken.next = self.failed.q.val();
        self.bits_less.next = self.bits.q.val() - self.one_bit.val();
        self.pause_less.next = self.pause.q.val() - self.one.val();
        self.high.next = !self.low.q.val();
        self.shifted.next = self.shift.q.val() >> 1;

        self.done.d.next = false;
        self.failed.d.next = false;
        if self.bits.q.val() == 0 {
            if self.low.q.val() {
                self.bits.d.next = self.ten.val();
                self.pause.d.next = self.half.val();
            }
        } else if self.pause.q.val() != 0 {
            self.pause.d.next = self.pause_less.val();
        } else {
            self.bits.d.next = self.bits_less.val();
            self.pause.d.next = self.whole.val();
            if self.bits.q.val() == 1 {
                self.done.d.next = !self.low.q.val();
                self.failed.d.next = self.low.q.val();
            } else if self.bits.q.val() != self.ten.val() {
                self.shift.d.next = self.shifted.val().replace_bit(7, self.high.val());
            } else if !self.low.q.val() {
                self.bits.d.next = 0.into();
            }
        }
    }
}
