//! Finds the frames in what the PHY sends.
use super::records::{Gmii, ReceivedOctet};
use super::{PREAMBLE, START};
use crate::literal::Literal;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Where in the line's signal we are.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Hearing {
    /// Silence, or a preamble that may still be cut short at its front.
    Silence,
    /// A frame.
    Frame,
    /// Something that did not begin as a frame does: not listened to until it ends.
    Noise,
}

/// Takes away preamble and start frame delimiter (IEEE 802.3 section 3.2.1 and 3.2.2). One clock.
#[derive(LogicBlock, Ports, Default)]
pub struct Delimiter {
    pub clock: Signal<In, Clock>,
    pub gmii: Signal<In, Gmii>,
    pub octet: Signal<Out, ReceivedOctet>,
    state: DFF<Hearing>,
    damaged: DFF<Bit>,
    out: DFF<ReceivedOctet>,
    preamble: Literal<8, PREAMBLE>,
    start: Literal<8, START>,
}

impl Logic for Delimiter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, damaged, out);
        self.octet.next = self.out.q.val();
        self.out.d.next.data = self.gmii.val().data;
        self.out.d.next.valid = false;
        self.out.d.next.end = false;
        self.out.d.next.damaged = self.damaged.q.val();
        match self.state.q.val() {
            Hearing::Silence => {
                self.damaged.d.next = false;
                if self.gmii.val().enable {
                    if self.gmii.val().error {
                        self.state.d.next = Hearing::Noise;
                    } else if self.gmii.val().data == self.start.val() {
                        self.state.d.next = Hearing::Frame;
                    } else if self.gmii.val().data != self.preamble.val() {
                        self.state.d.next = Hearing::Noise;
                    }
                }
            }
            Hearing::Frame => {
                if self.gmii.val().enable {
                    self.out.d.next.valid = true;
                    if self.gmii.val().error {
                        self.damaged.d.next = true;
                    }
                } else {
                    self.out.d.next.end = true;
                    self.state.d.next = Hearing::Silence;
                }
            }
            _ => {
                if !self.gmii.val().enable {
                    self.state.d.next = Hearing::Silence;
                }
            }
        }
    }
}
