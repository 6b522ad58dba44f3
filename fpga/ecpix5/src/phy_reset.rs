//! The PHY's reset pin.
use ironwarp_hdl::literal::Literal;
use ironwarp_hdl::pins::Ports;
use rust_hdl::prelude::*;

/// Low for the first 2^20 clocks: 16.8 ms at 62.5 MHz. The KSZ9031RNX wants 10 ms.
#[derive(LogicBlock, Ports, Default)]
pub struct PhyReset {
    pub clock: Signal<In, Clock>,
    /// Active low.
    pub reset_n: Signal<Out, Bit>,
    count: DFF<Bits<21>>,
    one: Literal<21, 1>,
}

impl Logic for PhyReset {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count);
        if !self.count.q.val().get_bit(20) {
            self.count.d.next = self.count.q.val() + self.one.val();
        }
        self.reset_n.next = self.count.q.val().get_bit(20);
    }
}
