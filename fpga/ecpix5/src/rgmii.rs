//! The Reduced Gigabit Media Independent Interface: GMII on half the pins, at both edges.
//!
//! The PHY is a KSZ9031RNX. As it comes out of reset it delays the clock that it gives by 1.2 ns
//! against its data, and expects of the clock that it gets that it was delayed by the sender
//! (its data sheet, DS00002117, section 7.1). So what is received needs no delay here, and the
//! clock that is sent passes a [`PinDelay`] of 2 ns. Only 1000 Mb/s is spoken.
use crate::cells::{DoubleRateInput, DoubleRateOutput, PinDelay};
use ironwarp_hdl::mac::Gmii;
use ironwarp_hdl::pins::Ports;
use rust_hdl::prelude::*;

/// 2 ns in taps of 25 ps: what RGMII 2.0 says is typical between data and clock.
const TRANSMIT_CLOCK_TAPS: u8 = 80;

/// From the pins to GMII, two clocks later.
#[derive(LogicBlock, Ports)]
pub struct RgmiiReceiver {
    /// RXC.
    pub clock: Signal<In, Clock>,
    /// RXD: bits 3:0 of an octet at the rising edge, 7:4 at the falling edge.
    pub data: Signal<In, Bits<4>>,
    /// RX_CTL: RX_DV at the rising edge, RX_DV xor RX_ER at the falling edge.
    pub control: Signal<In, Bit>,
    pub gmii: Signal<Out, Gmii>,
    /// What the PHY says between frames: there is a link,
    pub link: Signal<Out, Bit>,
    /// and it has 1000 Mb/s.
    pub gigabit: Signal<Out, Bit>,
    data_input: [DoubleRateInput; 4],
    control_input: DoubleRateInput,
    octet: DFF<Gmii>,
    status: DFF<Bits<3>>,
    low: Signal<Local, Bits<4>>,
    high: Signal<Local, Bits<4>>,
    speed: Signal<Local, Bits<2>>,
    gigabit_code: Constant<Bits<2>>,
}

impl Default for RgmiiReceiver {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            data: Default::default(),
            control: Default::default(),
            gmii: Default::default(),
            link: Default::default(),
            gigabit: Default::default(),
            data_input: Default::default(),
            control_input: Default::default(),
            octet: Default::default(),
            status: Default::default(),
            low: Default::default(),
            high: Default::default(),
            speed: Default::default(),
            gigabit_code: Constant::new(0b10.into()),
        }
    }
}

impl Logic for RgmiiReceiver {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, octet, status);
        clock!(self, clock, control_input);
        self.control_input.pin.next = self.control.val();
        self.low.next = 0.into();
        self.high.next = 0.into();
        for i in 0..4 {
            self.data_input[i].clock.next = self.clock.val();
            self.data_input[i].pin.next = self.data.val().get_bit(i);
            self.low.next = self.low.val().replace_bit(i, self.data_input[i].rising.val());
            self.high.next = self.high.val().replace_bit(i, self.data_input[i].falling.val());
        }
        self.octet.d.next.data =
            bit_cast::<8, 4>(self.low.val()) | (bit_cast::<8, 4>(self.high.val()) << 4);
        self.octet.d.next.enable = self.control_input.rising.val();
        self.octet.d.next.error =
            self.control_input.rising.val() ^ self.control_input.falling.val();
        self.gmii.next = self.octet.q.val();

        if !self.octet.q.val().enable & !self.octet.q.val().error {
            self.status.d.next = bit_cast::<3, 8>(self.octet.q.val().data);
        }
        self.link.next = self.status.q.val().get_bit(0);
        self.speed.next = self.status.q.val().get_bits::<2>(1);
        self.gigabit.next = self.speed.val() == self.gigabit_code.val();
    }
}

/// From GMII to the pins, one clock later.
#[derive(LogicBlock, Ports)]
pub struct RgmiiTransmitter {
    pub clock: Signal<In, Clock>,
    pub gmii: Signal<In, Gmii>,
    /// TXC: `clock`, delayed by 2 ns.
    pub pin_clock: Signal<Out, Bit>,
    /// TXD, as RXD.
    pub data: Signal<Out, Bits<4>>,
    /// TX_CTL, as RX_CTL.
    pub control: Signal<Out, Bit>,
    clock_output: DoubleRateOutput,
    clock_delay: PinDelay,
    data_output: [DoubleRateOutput; 4],
    control_output: DoubleRateOutput,
    low: Signal<Local, Bits<4>>,
    high: Signal<Local, Bits<4>>,
}

impl Default for RgmiiTransmitter {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            gmii: Default::default(),
            pin_clock: Default::default(),
            data: Default::default(),
            control: Default::default(),
            clock_output: Default::default(),
            clock_delay: PinDelay::new(TRANSMIT_CLOCK_TAPS),
            data_output: Default::default(),
            control_output: Default::default(),
            low: Default::default(),
            high: Default::default(),
        }
    }
}

impl Logic for RgmiiTransmitter {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, clock_output, control_output);
        self.clock_output.high.next = true;
        self.clock_output.low.next = false;
        self.clock_delay.now.next = self.clock_output.pin.val();
        self.pin_clock.next = self.clock_delay.later.val();
        self.control_output.high.next = self.gmii.val().enable;
        self.control_output.low.next = self.gmii.val().enable ^ self.gmii.val().error;
        self.control.next = self.control_output.pin.val();
        self.low.next = bit_cast::<4, 8>(self.gmii.val().data);
        self.high.next = bit_cast::<4, 8>(self.gmii.val().data >> 4);
        self.data.next = 0.into();
        for i in 0..4 {
            self.data_output[i].clock.next = self.clock.val();
            self.data_output[i].high.next = self.low.val().get_bit(i);
            self.data_output[i].low.next = self.high.val().get_bit(i);
            self.data.next = self.data.val().replace_bit(i, self.data_output[i].pin.val());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ends on one clock, pin to pin; `seen` is what arrives.
    fn pass(sent: &[Gmii]) -> (Vec<Gmii>, RgmiiReceiver) {
        let mut out = RgmiiTransmitter::default();
        let mut back = RgmiiReceiver::default();
        out.connect_all();
        back.connect_all();
        let mut seen = vec![];
        for gmii in sent {
            out.gmii.next = *gmii;
            assert!(simulate(&mut out, 10));
            seen.push(back.gmii.val());
            for clk in [true, false] {
                out.clock.next = Clock { clk };
                assert!(simulate(&mut out, 10));
                assert_eq!(out.pin_clock.val(), clk);
                // The data's time is the clock's; the PHY's clock comes later.
                back.data.next = out.data.val();
                back.control.next = out.control.val();
                assert!(simulate(&mut back, 10));
                back.clock.next = Clock { clk };
                assert!(simulate(&mut back, 10));
            }
        }
        (seen, back)
    }

    #[test]
    fn what_goes_out_comes_back() {
        let octet =
            |n: u64| Gmii { data: (n * 41 % 256).to_bits(), enable: n % 3 != 0, error: n % 5 == 0 };
        let sent: Vec<Gmii> = (0..300).map(octet).collect();
        let (seen, _) = pass(&sent);
        let delay = 3;
        assert_eq!(seen[delay..], sent[..sent.len() - delay]);
    }

    #[test]
    fn the_link_is_known_between_frames() {
        for (status, link, gigabit) in
            [(0b1101_u8, true, true), (0b1011, true, false), (0, false, false)]
        {
            let status = status | status << 4;
            let idle = Gmii { data: status.to_bits(), enable: false, error: false };
            let frame = Gmii { data: 0xff_u8.to_bits(), enable: true, error: false };
            let (_, receiver) = pass(&[[idle; 9], [frame; 9]].concat());
            assert_eq!((receiver.link.val(), receiver.gigabit.val()), (link, gigabit));
        }
    }
}
