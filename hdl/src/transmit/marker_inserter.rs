//! Puts MPA markers into the stream.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::*;
use crate::transmit::records::*;
use rust_hdl::prelude::*;

/// Puts a marker at every 512th octet of the stream (RFC 5044 s. 4.3). Dense packets of whole
/// 32-bit words go in; beats of 4 or 8 octets come out.
///
/// ```text
/// position  508         512          516
///          | 4 octets  | marker     | the other 4 octets |
///                       0, distance from the FPDU's length field
/// ```
/// A marker that falls before an FPDU belongs to it and has distance 0; one that would fall after
/// it belongs to the next. Each marker costs a clock, and another one if it cuts a beat.
#[derive(LogicBlock, Ports, Default)]
pub struct MarkerInserter {
    pub clock: Signal<In, Clock>,
    /// One for every packet; taken with the packet's last beat.
    pub job: StreamSink<StreamJob>,
    pub sink: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    /// Something of the packet has left; `position` is where the stream stands.
    begun: DFF<Bit>,
    position: DFF<Bits<9>>,
    /// Octets from the FPDU's length field on; it has left if `underway`.
    distance: DFF<Bits<16>>,
    underway: DFF<Bit>,
    /// The first half of the beat has left.
    half: DFF<Bit>,
    head: DFF<Beat>,
    head_full: DFF<Bit>,
    free: Signal<Local, Bit>,
    now: Signal<Local, Bits<9>>,
    octets: Signal<Local, Bits<4>>,
    data: Signal<Local, Bits<64>>,
    high: Signal<Local, Bits<32>>,
    high_octet: Signal<Local, Bits<8>>,
    low_octet: Signal<Local, Bits<8>>,
    due: Signal<Local, Bit>,
    cut: Signal<Local, Bit>,
    consume: Signal<Local, Bit>,
    moved: Signal<Local, Bit>,
    word: Literal<4, 4>,
    beat: Literal<4, 8>,
    less: Literal<9, 508>,
}

impl Logic for MarkerInserter {
    //= rfc5044#4.3
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, begun, position, distance, underway, half, head, head_full);
        self.source.beat.next = self.head.q.val();
        self.source.valid.next = self.head_full.q.val();
        self.free.next = self.source.ready.val() | !self.head_full.q.val();

        self.now.next = self.job.beat.val().position;
        if self.begun.q.val() {
            self.now.next = self.position.q.val();
        }
        self.data.next = self.sink.beat.val().data;
        self.high.next = self.data.val().get_bits::<32>(32);
        self.high_octet.next = self.distance.q.val().get_bits::<8>(8);
        self.low_octet.next = self.distance.q.val().get_bits::<8>(0);
        self.due.next = self.job.beat.val().markers & (self.now.val() == 0);
        self.cut.next = self.job.beat.val().markers
            & (self.now.val() == self.less.val())
            & (self.sink.beat.val().bytes == self.beat.val())
            & !self.half.q.val();
        self.moved.next = self.free.val() & self.job.valid.val() & self.sink.valid.val();
        self.consume.next = self.moved.val() & !self.due.val() & !self.cut.val();

        self.octets.next = self.sink.beat.val().bytes;
        if self.free.val() {
            self.head_full.d.next = self.moved.val();
            self.head.d.next = self.sink.beat.val();
            if self.half.q.val() {
                self.head.d.next.data = bit_cast::<64, 32>(self.high.val());
                self.octets.next = self.word.val();
            }
            if self.cut.val() {
                self.head.d.next.data = bit_cast::<64, 32>(self.data.val().get_bits::<32>(0));
                self.octets.next = self.word.val();
                self.head.d.next.last = false;
                self.head.d.next.error = false;
            }
            if self.due.val() {
                self.head.d.next.data = (bit_cast::<64, 8>(self.low_octet.val()) << 24)
                    | (bit_cast::<64, 8>(self.high_octet.val()) << 16);
                self.octets.next = self.word.val();
                self.head.d.next.last = false;
                self.head.d.next.error = false;
            }
            self.head.d.next.bytes = self.octets.val();
        }
        if self.moved.val() {
            self.begun.d.next = true;
            self.position.d.next = self.now.val() + bit_cast::<9, 4>(self.octets.val());
            if self.underway.q.val() | !self.due.val() {
                self.distance.d.next = self.distance.q.val() + bit_cast::<16, 4>(self.octets.val());
                self.underway.d.next = true;
            }
            if !self.due.val() {
                self.half.d.next = self.cut.val();
            }
            if self.consume.val() & self.sink.beat.val().last {
                self.begun.d.next = false;
                self.underway.d.next = false;
                self.distance.d.next = 0.into();
            }
        }
        self.sink.ready.next = self.consume.val();
        self.job.ready.next = self.consume.val() & self.sink.beat.val().last;
    }
}
