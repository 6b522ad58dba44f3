//! Finds PAUSE frames.
use super::records::{ReceiveVerdict, ReceivedOctet};
use crate::literal::Literal;
use rust_hdl::prelude::*;

/// What a PAUSE frame has in its first sixteen octets (IEEE 802.3 annex 31B): destination
/// 01-80-C2-00-00-01, any source, type 0x8808, opcode 0x0001. The number of quanta follows, high
/// octet first.
const FORM: [Option<u8>; 16] = [
    Some(0x01),
    Some(0x80),
    Some(0xc2),
    Some(0x00),
    Some(0x00),
    Some(0x01),
    None,
    None,
    None,
    None,
    None,
    None,
    Some(0x88),
    Some(0x08),
    Some(0x00),
    Some(0x01),
];

/// Reads along with the frames. Those for the address of PAUSE are the MAC's alone: bridges do not
/// forward them either, and nothing in the device asks for them.
#[derive(LogicBlock)]
pub struct PauseReceiver {
    pub clock: Signal<In, Clock>,
    pub octet: Signal<In, ReceivedOctet>,
    pub verdict: Signal<In, ReceiveVerdict>,
    /// The frame is for the address of PAUSE; from its seventh octet to its verdict.
    pub suppress: Signal<Out, Bit>,
    /// For one clock: a good PAUSE frame has come,
    pub pause: Signal<Out, Bit>,
    /// and asks for silence for so many times 512 bit times.
    pub quanta: Signal<Out, Bits<16>>,
    index: DFF<Bits<5>>,
    other: DFF<Bit>,
    address: DFF<Bit>,
    asked: DFF<Bits<16>>,
    differs: Signal<Local, Bit>,
    number: [Constant<Bits<5>>; 16],
    form: [Constant<Bits<8>>; 16],
    any: [Constant<Bit>; 16],
    address_end: Literal<5, 5>,
    form_end: Literal<5, 16>,
    frame_end: Literal<5, 18>,
    one: Literal<5, 1>,
}

impl Default for PauseReceiver {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            octet: Default::default(),
            verdict: Default::default(),
            suppress: Default::default(),
            pause: Default::default(),
            quanta: Default::default(),
            index: Default::default(),
            other: Default::default(),
            address: Default::default(),
            asked: Default::default(),
            differs: Default::default(),
            number: std::array::from_fn(|n| Constant::new(n.to_bits())),
            form: FORM.map(|octet| Constant::new(octet.unwrap_or_default().to_bits())),
            any: FORM.map(|octet| Constant::new(octet.is_none())),
            address_end: Default::default(),
            form_end: Default::default(),
            frame_end: Default::default(),
            one: Default::default(),
        }
    }
}

impl Logic for PauseReceiver {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, index, other, address, asked);
        self.differs.next = false;
        for i in 0..16 {
            if (self.index.q.val() == self.number[i].val()) & !self.any[i].val() {
                self.differs.next = self.octet.val().data != self.form[i].val();
            }
        }
        if self.octet.val().valid & (self.index.q.val() != self.frame_end.val()) {
            self.index.d.next = self.index.q.val() + self.one.val();
            self.other.d.next = self.other.q.val() | self.differs.val();
            if self.index.q.val() == self.address_end.val() {
                self.address.d.next = !self.other.q.val() & !self.differs.val();
            }
            if self.index.q.val() >= self.form_end.val() {
                self.asked.d.next =
                    (self.asked.q.val() << 8) | bit_cast::<16, 8>(self.octet.val().data);
            }
        }
        if self.verdict.val().valid {
            self.index.d.next = 0.into();
            self.other.d.next = false;
            self.address.d.next = false;
        }
        self.suppress.next = self.address.q.val();
        self.quanta.next = self.asked.q.val();
        self.pause.next = self.verdict.val().valid
            & !self.verdict.val().damaged
            & !self.verdict.val().misfit
            & !self.other.q.val()
            & (self.index.q.val() == self.frame_end.val());
    }
}
