//! Where sending stands on every queue pair.
use crate::configuration::QpNumber;
use crate::life::{LifeTable, QpChange};
use crate::literal::Literal;
use crate::pins::Ports;
use crate::transmit::records::*;
use rust_hdl::prelude::*;

/// The [`SendState`] of every queue pair: it begins at zero with each life, and a segment moves it
/// on.
#[derive(LogicBlock, Ports, Default)]
pub struct SendStates {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    pub qp: Signal<In, QpNumber>,
    /// The state of `qp`, a clock later.
    pub state: Signal<Out, SendState>,
    /// A segment of `qp` is handed on; the rest says which. Not after a change since it was read.
    pub commit: Signal<In, Bit>,
    /// Octets of the stream after it.
    pub after: Signal<In, Bits<32>>,
    /// It is a raw frame: no sequence number moves.
    pub raw: Signal<In, Bit>,
    /// Octets of payload.
    pub payload: Signal<In, Bits<16>>,
    /// The message ends with it.
    pub last: Signal<In, Bit>,
    /// The message is an RDMA Write or a Read Response: no message sequence number moves.
    pub write: Signal<In, Bit>,
    /// The message is a Read Request, which has sequence numbers of its own.
    pub read: Signal<In, Bit>,
    /// The state of `qp` is `to` from now on, but for `furthest`.
    pub rewind: Signal<In, Bit>,
    pub to: Signal<In, SendState>,
    /// SND.NXT moves.
    pub sent: Signal<Out, SendNext>,
    states: LifeTable<SendState>,
    current: Signal<Local, SendState>,
    ahead: Signal<Local, Bits<32>>,
    one: Literal<32, 1>,
}

impl Logic for SendStates {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, states);
        self.states.change.next = self.change.val();
        self.states.read_qp.next = self.qp.val();
        self.current.next = self.states.read_record.val();
        self.state.next = self.current.val();

        self.states.write.next = self.commit.val() | self.rewind.val();
        self.states.write_qp.next = self.qp.val();
        self.states.write_record.next = self.current.val();
        if !self.raw.val() {
            self.states.write_record.next.position = self.after.val();
        }
        self.states.write_record.next.offset =
            self.current.val().offset + bit_cast::<32, 16>(self.payload.val());
        if self.last.val() {
            self.states.write_record.next.offset = 0.into();
            if self.read.val() {
                self.states.write_record.next.reads = self.current.val().reads + self.one.val();
            } else if !self.write.val() {
                self.states.write_record.next.sends = self.current.val().sends + self.one.val();
            }
        }
        // What is sent again was counted.
        self.ahead.next = self.after.val() - self.current.val().furthest;
        self.sent.next.valid = self.commit.val()
            & !self.raw.val()
            & self.ahead.val().any()
            & !self.ahead.val().get_bit(31);
        if self.sent.val().valid {
            self.states.write_record.next.furthest = self.after.val();
        }
        if self.rewind.val() {
            self.states.write_record.next = self.to.val();
            self.states.write_record.next.furthest = self.current.val().furthest;
        }
        self.sent.next.qp = self.qp.val();
        self.sent.next.position = self.after.val();
    }
}
