//! What the board's lights tell.
use ironwarp_hdl::literal::Literal;
use ironwarp_hdl::pins::Ports;
use rust_hdl::prelude::*;

/// Red, green and blue of the four lights, each lit when low.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct LightPins {
    pub red0: Bit,
    pub green0: Bit,
    pub blue0: Bit,
    pub red1: Bit,
    pub green1: Bit,
    pub blue1: Bit,
    pub red2: Bit,
    pub green2: Bit,
    pub blue2: Bit,
    pub red3: Bit,
    pub green3: Bit,
    pub blue3: Bit,
}

/// | light | green | red | blue |
/// |---|---|---|---|
/// | 0 | blinks: the clocks run | the device is being reset | |
/// | 1 | a link of 1000 Mb/s | a link of another speed, which is of no use | |
/// | 2 | a frame passed | a frame was damaged or lost | |
/// | 3 | | | the serial line moves |
///
/// What lasts but a clock is shown for 2^22 clocks, 67 ms at 62.5 MHz.
#[derive(LogicBlock, Ports, Default)]
pub struct Lights {
    pub clock: Signal<In, Clock>,
    pub resetting: Signal<In, Bit>,
    pub link: Signal<In, Bit>,
    pub gigabit: Signal<In, Bit>,
    pub frame: Signal<In, Bit>,
    pub trouble: Signal<In, Bit>,
    pub serial: Signal<In, Bit>,
    pub led: Signal<Out, Bits<12>>,
    clocks: DFF<Bits<26>>,
    frames: Stretcher,
    troubles: Stretcher,
    serials: Stretcher,
    resets: Stretcher,
    pins: Signal<Local, LightPins>,
    one: Literal<26, 1>,
}

impl Logic for Lights {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, clocks);
        clock!(self, clock, frames, troubles, serials, resets);
        self.clocks.d.next = self.clocks.q.val() + self.one.val();
        self.frames.pulse.next = self.frame.val();
        self.troubles.pulse.next = self.trouble.val();
        self.serials.pulse.next = self.serial.val();
        self.resets.pulse.next = self.resetting.val();
        self.pins.next.red0 = !self.resets.lasting.val();
        self.pins.next.green0 = self.clocks.q.val().get_bit(25);
        self.pins.next.blue0 = true;
        self.pins.next.red1 = !self.link.val() | self.gigabit.val();
        self.pins.next.green1 = !self.link.val() | !self.gigabit.val();
        self.pins.next.blue1 = true;
        self.pins.next.red2 = !self.troubles.lasting.val();
        self.pins.next.green2 = !self.frames.lasting.val();
        self.pins.next.blue2 = true;
        self.pins.next.red3 = true;
        self.pins.next.green3 = true;
        self.pins.next.blue3 = !self.serials.lasting.val();
        self.led.next = self.pins.val().into();
    }
}

/// Makes a pulse long enough to be seen.
#[derive(LogicBlock, Default)]
pub struct Stretcher {
    pub clock: Signal<In, Clock>,
    pub pulse: Signal<In, Bit>,
    /// Set for 2^22 clocks after `pulse`.
    pub lasting: Signal<Out, Bit>,
    left: DFF<Bits<23>>,
    full: Literal<23, { 1 << 22 }>,
    one: Literal<23, 1>,
}

impl Logic for Stretcher {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, left);
        self.lasting.next = self.left.q.val().any();
        if self.pulse.val() {
            self.left.d.next = self.full.val();
        } else if self.left.q.val().any() {
            self.left.d.next = self.left.q.val() - self.one.val();
        }
    }
}
