//! Finds PAUSE frames, and every frame of MAC Control.
use super::records::{ReceiveVerdict, ReceivedOctet};
use crate::literal::Literal;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// The address that is PAUSE's own (IEEE 802.3 annex 31B.1).
const ADDRESS: [u8; 6] = [0x01, 0x80, 0xc2, 0x00, 0x00, 0x01];
/// The type of MAC Control (IEEE 802.3 section 31.4.1.3), and the opcode of PAUSE.
const CONTROL: [u8; 4] = [0x88, 0x08, 0x00, 0x01];

/// Reads along with the frames: destination, source, type, opcode, and then PAUSE's quanta, high
/// octet first.
///
/// PAUSE is obeyed if it comes to PAUSE's address or to the station's own (IEEE 802.3 section
/// 31B.3.3). Frames of MAC Control are the MAC's alone, whatever their opcode (section 31.5.2), and
/// so is what comes to PAUSE's address: bridges do not forward it either.
#[derive(LogicBlock, Ports)]
pub struct PauseReceiver {
    pub clock: Signal<In, Clock>,
    pub octet: Signal<In, ReceivedOctet>,
    pub verdict: Signal<In, ReceiveVerdict>,
    /// The station's address, its first octet in bits 47:40.
    pub station: Signal<In, Bits<48>>,
    /// The frame's last beat leaves in this clock.
    pub left: Signal<In, Bit>,
    /// The frame is the MAC's alone; at the latest from after its fourteenth octet, until `left`.
    pub suppress: Signal<Out, Bit>,
    /// For one clock: a good PAUSE frame has come,
    pub pause: Signal<Out, Bit>,
    /// and asks for silence for so many times 512 bit times.
    pub quanta: Signal<Out, Bits<16>>,
    index: DFF<Bits<5>>,
    /// The destination is not PAUSE's,
    other: DFF<Bit>,
    /// and not the station's.
    foreign: DFF<Bit>,
    /// Type or opcode is not PAUSE's.
    unlike: DFF<Bit>,
    ours: DFF<Bit>,
    asked: DFF<Bits<16>>,
    own: Signal<Local, Bits<8>>,
    known: Signal<Local, Bits<8>>,
    addressing: Signal<Local, Bit>,
    typing: Signal<Local, Bit>,
    differs: Signal<Local, Bit>,
    differs_own: Signal<Local, Bit>,
    number: [Constant<Bits<5>>; 6],
    control_number: [Constant<Bits<5>>; 4],
    form: [Constant<Bits<8>>; 6],
    control: [Constant<Bits<8>>; 4],
    station_octet: [Signal<Local, Bits<8>>; 6],
    address_end: Literal<5, 5>,
    type_end: Literal<5, 13>,
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
            station: Default::default(),
            left: Default::default(),
            suppress: Default::default(),
            pause: Default::default(),
            quanta: Default::default(),
            index: Default::default(),
            other: Default::default(),
            foreign: Default::default(),
            unlike: Default::default(),
            ours: Default::default(),
            asked: Default::default(),
            own: Default::default(),
            known: Default::default(),
            addressing: Default::default(),
            typing: Default::default(),
            differs: Default::default(),
            differs_own: Default::default(),
            number: std::array::from_fn(|n| Constant::new(n.to_bits())),
            control_number: std::array::from_fn(|n| Constant::new((n + 12).to_bits())),
            form: ADDRESS.map(|octet| Constant::new(octet.to_bits())),
            control: CONTROL.map(|octet| Constant::new(octet.to_bits())),
            station_octet: Default::default(),
            address_end: Default::default(),
            type_end: Default::default(),
            form_end: Default::default(),
            frame_end: Default::default(),
            one: Default::default(),
        }
    }
}

impl Logic for PauseReceiver {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, index, other, foreign, unlike, ours, asked);
        self.station_octet[0].next = self.station.val().get_bits::<8>(40);
        self.station_octet[1].next = self.station.val().get_bits::<8>(32);
        self.station_octet[2].next = self.station.val().get_bits::<8>(24);
        self.station_octet[3].next = self.station.val().get_bits::<8>(16);
        self.station_octet[4].next = self.station.val().get_bits::<8>(8);
        self.station_octet[5].next = self.station.val().get_bits::<8>(0);

        // What the octet should be.
        self.addressing.next = false;
        self.typing.next = false;
        self.own.next = 0.into();
        self.known.next = 0.into();
        for i in 0..6 {
            if self.index.q.val() == self.number[i].val() {
                self.addressing.next = true;
                self.own.next = self.station_octet[i].val();
                self.known.next = self.form[i].val();
            }
        }
        for i in 0..4 {
            if self.index.q.val() == self.control_number[i].val() {
                self.typing.next = true;
                self.known.next = self.control[i].val();
            }
        }
        self.differs.next = self.octet.val().data != self.known.val();
        self.differs_own.next = self.octet.val().data != self.own.val();

        if self.left.val() {
            self.ours.d.next = false;
        }
        if self.octet.val().valid & (self.index.q.val() != self.frame_end.val()) {
            self.index.d.next = self.index.q.val() + self.one.val();
            if self.addressing.val() {
                self.other.d.next = self.other.q.val() | self.differs.val();
                self.foreign.d.next = self.foreign.q.val() | self.differs_own.val();
            }
            if self.typing.val() {
                self.unlike.d.next = self.unlike.q.val() | self.differs.val();
            }
            if (self.index.q.val() == self.address_end.val())
                & !self.other.q.val()
                & !self.differs.val()
            {
                self.ours.d.next = true;
            }
            if (self.index.q.val() == self.type_end.val())
                & !self.unlike.q.val()
                & !self.differs.val()
            {
                self.ours.d.next = true;
            }
            if self.index.q.val() >= self.form_end.val() {
                self.asked.d.next =
                    (self.asked.q.val() << 8) | bit_cast::<16, 8>(self.octet.val().data);
            }
        }
        if self.verdict.val().valid {
            self.index.d.next = 0.into();
            self.other.d.next = false;
            self.foreign.d.next = false;
            self.unlike.d.next = false;
        }
        self.suppress.next = self.ours.q.val();
        self.quanta.next = self.asked.q.val();
        self.pause.next = self.verdict.val().valid
            & !self.verdict.val().damaged
            & !self.verdict.val().misfit
            & !(self.other.q.val() & self.foreign.q.val())
            & !self.unlike.q.val()
            & (self.index.q.val() == self.frame_end.val());
    }
}
