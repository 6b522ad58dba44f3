//! From octets to beats.
use super::records::{ReceiveVerdict, ReceivedOctet};
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::beat::Beat;
use rust_hdl::prelude::*;

/// The octets of a beat, the first on the wire first.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Lanes {
    pub octet0: Bits<8>,
    pub octet1: Bits<8>,
    pub octet2: Bits<8>,
    pub octet3: Bits<8>,
    pub octet4: Bits<8>,
    pub octet5: Bits<8>,
    pub octet6: Bits<8>,
    pub octet7: Bits<8>,
}

/// Takes the frame check sequence off each frame and packs the rest into dense beats.
///
/// The last four octets wait in `line` until it is known that more follow. A full beat waits until
/// the next octet comes, or the verdict, as only that tells whether it is the last.
#[derive(LogicBlock, Ports)]
pub struct OctetPacker {
    pub clock: Signal<In, Clock>,
    pub octet: Signal<In, ReceivedOctet>,
    pub verdict: Signal<In, ReceiveVerdict>,
    /// Nothing more is to become of the frame's octets.
    pub overlong: Signal<In, Bit>,
    /// Nothing at all is to become of the frame; from its thirteenth octet to its verdict.
    pub suppress: Signal<In, Bit>,
    /// The beat that `beat_valid` offers for one clock.
    pub beat: Signal<Out, Beat>,
    pub beat_valid: Signal<Out, Bit>,
    line: DFF<Bits<32>>,
    waiting: DFF<Bits<3>>,
    lane: [DFF<Bits<8>>; 8],
    count: DFF<Bits<4>>,
    push: Signal<Local, Bit>,
    full: Signal<Local, Bit>,
    leave: Signal<Local, Bit>,
    place: Signal<Local, Bits<4>>,
    lanes: Signal<Local, Lanes>,
    lane_number: [Constant<Bits<4>>; 8],
    line_full: Literal<3, 4>,
    one_waiting: Literal<3, 1>,
    beat_full: Literal<4, 8>,
    one: Literal<4, 1>,
}

impl Default for OctetPacker {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            octet: Default::default(),
            verdict: Default::default(),
            overlong: Default::default(),
            suppress: Default::default(),
            beat: Default::default(),
            beat_valid: Default::default(),
            line: Default::default(),
            waiting: Default::default(),
            lane: Default::default(),
            count: Default::default(),
            push: Default::default(),
            full: Default::default(),
            leave: Default::default(),
            place: Default::default(),
            lanes: Default::default(),
            lane_number: std::array::from_fn(|n| Constant::new(n.to_bits())),
            line_full: Default::default(),
            one_waiting: Default::default(),
            beat_full: Default::default(),
            one: Default::default(),
        }
    }
}

impl Logic for OctetPacker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, line, waiting, count);
        if self.octet.val().valid {
            self.line.d.next =
                (self.line.q.val() >> 8) | (bit_cast::<32, 8>(self.octet.val().data) << 24);
            if self.waiting.q.val() != self.line_full.val() {
                self.waiting.d.next = self.waiting.q.val() + self.one_waiting.val();
            }
        }
        self.push.next = self.octet.val().valid
            & (self.waiting.q.val() == self.line_full.val())
            & !self.overlong.val();
        self.full.next = self.count.q.val() == self.beat_full.val();
        self.leave.next = self.verdict.val().valid | (self.push.val() & self.full.val());

        self.place.next = self.count.q.val();
        if self.full.val() {
            self.place.next = 0.into();
        }
        for i in 0..8 {
            self.lane[i].clock.next = self.clock.val();
            self.lane[i].d.next = self.lane[i].q.val();
            if self.leave.val() {
                self.lane[i].d.next = 0.into();
            }
            if self.push.val() & (self.place.val() == self.lane_number[i].val()) {
                self.lane[i].d.next = self.line.q.val().get_bits::<8>(0);
            }
        }
        if self.push.val() {
            self.count.d.next = self.place.val() + self.one.val();
        }
        if self.verdict.val().valid {
            self.count.d.next = 0.into();
            self.waiting.d.next = 0.into();
        }

        self.lanes.next.octet0 = self.lane[0].q.val();
        self.lanes.next.octet1 = self.lane[1].q.val();
        self.lanes.next.octet2 = self.lane[2].q.val();
        self.lanes.next.octet3 = self.lane[3].q.val();
        self.lanes.next.octet4 = self.lane[4].q.val();
        self.lanes.next.octet5 = self.lane[5].q.val();
        self.lanes.next.octet6 = self.lane[6].q.val();
        self.lanes.next.octet7 = self.lane[7].q.val();
        self.beat.next.data = self.lanes.val().into();
        self.beat.next.bytes = self.count.q.val();
        self.beat.next.last = self.verdict.val().valid;
        self.beat.next.error =
            self.verdict.val().valid & (self.verdict.val().damaged | self.verdict.val().misfit);
        self.beat_valid.next = self.leave.val() & self.count.q.val().any() & !self.suppress.val();
    }
}
