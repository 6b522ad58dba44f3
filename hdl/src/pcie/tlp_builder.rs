//! Joins headers and data to packets.
use super::records::TlpHeader;
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Where in a packet the builder is.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Building {
    /// Header octets 0 to 7.
    Head,
    /// Header octets 8 to 15, or 8 to 11 and the first double word of the data.
    Tail,
    /// Data.
    Body,
}

/// Sends a header and as many double words of data as it says, again and again.
///
/// The data of one request is one packet on `data`, dense from the first octet of its first double
/// word; the packets that it is cut into all begin at a double word. A short header puts the data
/// four octets out of step with the beats: `carry` keeps a double word that waits for its beat.
/// No clock is lost inside a packet or between two; the output is registered.
#[derive(LogicBlock, Ports)]
pub struct TlpBuilder {
    pub clock: Signal<In, Clock>,
    pub header: StreamSink<TlpHeader>,
    pub data: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    /// The last packet of a write leaves in this clock.
    pub left: Signal<Out, Bit>,
    state: DFF<Building>,
    tail: DFF<Bits<64>>,
    wide: DFF<Bit>,
    ending: DFF<Bit>,
    /// Double words that the packet has left.
    rest: DFF<Bits<8>>,
    carry: DFF<Bits<32>>,
    carry_full: DFF<Bit>,
    out: DFF<Beat>,
    out_full: DFF<Bit>,
    free: Signal<Local, Bit>,
    /// The beat takes two double words, or one.
    want_two: Signal<Local, Bit>,
    want_one: Signal<Local, Bit>,
    /// It needs a beat of `data`.
    want_beat: Signal<Local, Bit>,
    go: Signal<Local, Bit>,
    lower: Signal<Local, Bits<32>>,
    upper: Signal<Local, Bits<32>>,
    incoming: Signal<Local, Bits<64>>,
    one: Constant<Bits<8>>,
    two: Constant<Bits<8>>,
}

impl Default for TlpBuilder {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            header: Default::default(),
            data: Default::default(),
            source: Default::default(),
            left: Default::default(),
            state: Default::default(),
            tail: Default::default(),
            wide: Default::default(),
            ending: Default::default(),
            rest: Default::default(),
            carry: Default::default(),
            carry_full: Default::default(),
            out: Default::default(),
            out_full: Default::default(),
            free: Default::default(),
            want_two: Default::default(),
            want_one: Default::default(),
            want_beat: Default::default(),
            go: Default::default(),
            lower: Default::default(),
            upper: Default::default(),
            incoming: Default::default(),
            one: Constant::new(1.into()),
            two: Constant::new(2.into()),
        }
    }
}

impl Logic for TlpBuilder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, tail, wide, ending, rest, carry, carry_full);
        dff_setup!(self, clock, out, out_full);
        self.source.beat.next = self.out.q.val();
        self.source.valid.next = self.out_full.q.val();
        self.free.next = self.source.ready.val() | !self.out_full.q.val();
        self.left.next = self.source.ready.val()
            & self.out_full.q.val()
            & self.out.q.val().last
            & self.ending.q.val();
        self.header.ready.next = self.free.val() & (self.state.q.val() == Building::Head);

        // What this beat takes of the data.
        self.want_two.next =
            (self.state.q.val() == Building::Body) & (self.rest.q.val() != self.one.val());
        self.want_one.next = ((self.state.q.val() == Building::Body)
            & (self.rest.q.val() == self.one.val()))
            | ((self.state.q.val() == Building::Tail)
                & !self.wide.q.val()
                & self.rest.q.val().any());
        self.want_beat.next =
            self.want_two.val() | (self.want_one.val() & !self.carry_full.q.val());
        self.data.ready.next = self.free.val() & self.want_beat.val();
        self.go.next = self.free.val() & (self.data.valid.val() | !self.want_beat.val());
        self.incoming.next = self.data.beat.val().data;
        self.lower.next = self.incoming.val().get_bits::<32>(0);
        self.upper.next = self.incoming.val().get_bits::<32>(32);
        if self.carry_full.q.val() {
            self.lower.next = self.carry.q.val();
            self.upper.next = self.incoming.val().get_bits::<32>(0);
        }
        if self.go.val() {
            if self.want_beat.val() {
                self.carry.d.next = self.incoming.val().get_bits::<32>(32);
            }
            if self.want_one.val() {
                // A request's last double word leaves nothing behind.
                self.carry_full.d.next = !self.carry_full.q.val()
                    & (!self.data.beat.val().last | (self.data.beat.val().bytes > 4));
            } else if self.want_two.val() & self.data.beat.val().last {
                self.carry_full.d.next = self.carry_full.q.val() & (self.data.beat.val().bytes > 4);
            }
        }

        if self.free.val() {
            self.out_full.d.next = false;
        }
        self.out.d.next.error = false;
        match self.state.q.val() {
            Building::Head => {
                if self.free.val() & self.header.valid.val() {
                    self.out_full.d.next = true;
                    self.out.d.next.data = self.header.beat.val().head;
                    self.out.d.next.bytes = 8.into();
                    self.out.d.next.last = false;
                    self.tail.d.next = self.header.beat.val().tail;
                    self.wide.d.next = self.header.beat.val().wide;
                    self.ending.d.next = self.header.beat.val().last;
                    self.rest.d.next = self.header.beat.val().dwords;
                    self.state.d.next = Building::Tail;
                }
            }
            Building::Tail => {
                if self.go.val() {
                    self.out_full.d.next = true;
                    self.out.d.next.data = self.tail.q.val();
                    self.out.d.next.bytes = 8.into();
                    self.out.d.next.last = false;
                    self.state.d.next = Building::Body;
                    if self.want_one.val() {
                        self.out.d.next.data =
                            self.tail.q.val() | (bit_cast::<64, 32>(self.lower.val()) << 32);
                        self.rest.d.next = self.rest.q.val() - self.one.val();
                        if self.rest.q.val() == self.one.val() {
                            self.out.d.next.last = true;
                            self.state.d.next = Building::Head;
                        }
                    } else if !self.rest.q.val().any() {
                        self.out.d.next.last = true;
                        self.state.d.next = Building::Head;
                        if !self.wide.q.val() {
                            self.out.d.next.bytes = 4.into();
                        }
                    }
                }
            }
            Building::Body => {
                if self.go.val() {
                    self.out_full.d.next = true;
                    self.out.d.next.data = bit_cast::<64, 32>(self.lower.val());
                    self.out.d.next.bytes = 4.into();
                    self.out.d.next.last = self.rest.q.val() <= self.two.val();
                    self.rest.d.next = self.rest.q.val() - self.two.val();
                    if self.want_two.val() {
                        self.out.d.next.data = bit_cast::<64, 32>(self.lower.val())
                            | (bit_cast::<64, 32>(self.upper.val()) << 32);
                        self.out.d.next.bytes = 8.into();
                    }
                    if self.rest.q.val() <= self.two.val() {
                        self.state.d.next = Building::Head;
                    }
                }
            }
        }
    }
}
