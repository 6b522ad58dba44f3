//! What the two ends of the serial line have agreed on.
use super::records::Arrived;
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_abi::serial::{kind, WINDOW};
use rust_hdl::prelude::*;

/// Begins a session, counts packets, and says when an answer is due.
#[derive(LogicBlock, Ports, Default)]
pub struct SerialSession {
    pub clock: Signal<In, Clock>,
    pub arrived: Signal<In, Arrived>,
    /// A packet of the host has gone to the device, for one clock.
    pub taken: Signal<In, Bit>,
    /// Packets of the host wait or are on their way to the device.
    pub filled: Signal<In, Bit>,
    /// The number of the host's next packet.
    pub expected: Signal<Out, Bits<8>>,
    /// There is room for it.
    pub room: Signal<Out, Bit>,
    /// The number of the first packet of the host that the device has not taken.
    pub acknowledge: Signal<Out, Bits<8>>,
    /// The host's own acknowledgement has come: `arrived` has it.
    pub acknowledged: Signal<Out, Bit>,
    /// `OPENED` is due, with `nonce`, until `greeting` says that it is begun.
    pub greet: Signal<Out, Bit>,
    pub nonce: Signal<Out, Bits<16>>,
    pub greeting: Signal<In, Bit>,
    /// An acknowledgement is due, until `confirming` says that one is begun.
    pub confirm: Signal<Out, Bit>,
    pub confirming: Signal<In, Bit>,
    /// The host's settings.
    pub max_payload: Signal<Out, Bits<3>>,
    pub max_read: Signal<Out, Bits<3>>,
    pub requester: Signal<Out, Bits<16>>,
    pub bus_master_enable: Signal<Out, Bit>,
    pub msix_enable: Signal<Out, Bit>,
    /// The device and the packets of both directions must go: a session begins. For 255 clocks at
    /// least, which is less than a frame lasts, and until no packet of the host is left.
    pub reset: Signal<Out, Bit>,
    open: DFF<Bit>,
    resetting: DFF<Bits<8>>,
    /// `resetting` is not zero: a bit of its own, for it goes far.
    busy: DFF<Bit>,
    expected_number: DFF<Bits<8>>,
    taken_number: DFF<Bits<8>>,
    confirm_due: DFF<Bit>,
    greet_due: DFF<Bit>,
    nonce_given: DFF<Bits<16>>,
    settings: DFF<Bits<8>>,
    requester_given: DFF<Bits<16>>,
    is_open: Signal<Local, Bit>,
    is_packet: Signal<Local, Bit>,
    is_acknowledge: Signal<Local, Bit>,
    pending: Signal<Local, Bits<8>>,
    expected_more: Signal<Local, Bits<8>>,
    taken_more: Signal<Local, Bits<8>>,
    resetting_less: Signal<Local, Bits<8>>,
    open_kind: Literal<8, { kind::OPEN as u64 }>,
    packet_kind: Literal<8, { kind::PACKET as u64 }>,
    acknowledge_kind: Literal<8, { kind::ACKNOWLEDGE as u64 }>,
    window: Literal<8, { WINDOW as u64 }>,
    reset_clocks: Literal<8, 255>,
    one: Literal<8, 1>,
}

impl Logic for SerialSession {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            open,
            resetting,
            busy,
            expected_number,
            taken_number,
            confirm_due,
            greet_due,
            nonce_given,
            settings,
            requester_given
        );
        self.reset.next = self.busy.q.val();
        self.expected.next = self.expected_number.q.val();
        self.acknowledge.next = self.taken_number.q.val();
        self.pending.next = self.expected_number.q.val() - self.taken_number.q.val();
        self.room.next = self.open.q.val() & (self.pending.val() != self.window.val());
        self.greet.next = self.greet_due.q.val() & !self.busy.q.val();
        self.nonce.next = self.nonce_given.q.val();
        self.confirm.next = self.confirm_due.q.val() & !self.busy.q.val();
        self.max_payload.next = self.settings.q.val().get_bits::<3>(0);
        self.max_read.next = self.settings.q.val().get_bits::<3>(4);
        self.bus_master_enable.next = self.settings.q.val().get_bit(3);
        self.msix_enable.next = self.settings.q.val().get_bit(7);
        self.requester.next = self.requester_given.q.val();
        self.expected_more.next = self.expected_number.q.val() + self.one.val();
        self.taken_more.next = self.taken_number.q.val() + self.one.val();
        self.resetting_less.next = self.resetting.q.val() - self.one.val();

        self.is_open.next =
            self.arrived.val().valid & (self.arrived.val().kind == self.open_kind.val());
        self.is_packet.next = self.arrived.val().valid
            & self.open.q.val()
            & (self.arrived.val().kind == self.packet_kind.val());
        self.is_acknowledge.next = self.arrived.val().valid
            & self.open.q.val()
            & (self.arrived.val().kind == self.acknowledge_kind.val());
        self.acknowledged.next = self.is_packet.val() | self.is_acknowledge.val();

        if self.greeting.val() {
            self.greet_due.d.next = false;
        }
        if self.confirming.val() {
            self.confirm_due.d.next = false;
        }
        if self.is_packet.val() | self.is_acknowledge.val() {
            self.settings.d.next = self.arrived.val().detail;
        }
        if self.is_packet.val() {
            if self.arrived.val().stored {
                self.expected_number.d.next = self.expected_more.val();
            } else {
                self.confirm_due.d.next = true;
            }
        }
        if self.taken.val() & !self.busy.q.val() {
            self.taken_number.d.next = self.taken_more.val();
            self.confirm_due.d.next = true;
        }
        if self.busy.q.val() & ((self.resetting.q.val() != 1) | !self.filled.val()) {
            self.resetting.d.next = self.resetting_less.val();
            self.busy.d.next = self.resetting.q.val() != 1;
        }
        if self.is_open.val() {
            self.open.d.next = true;
            self.resetting.d.next = self.reset_clocks.val();
            self.busy.d.next = true;
            self.expected_number.d.next = 0.into();
            self.taken_number.d.next = 0.into();
            self.confirm_due.d.next = false;
            self.greet_due.d.next = true;
            self.nonce_given.d.next = self.arrived.val().nonce;
            self.settings.d.next = self.arrived.val().detail;
            self.requester_given.d.next = self.arrived.val().requester;
        }
    }
}
