//! Puts the CRC into an FPDU.
use crate::literal::Literal;
use crate::mpa::Crc32c;
use crate::pins::Ports;
use crate::stream::*;
use crate::transmit::records::*;
use rust_hdl::prelude::*;

/// Replaces the last four octets of a packet by the CRC32c of all before them, markers included
/// (RFC 5044 s. 4.4). Dense packets of whole 32-bit words; a job without `crc` passes unchanged.
/// Full rate, one clock: the CRC register and the beat register move together.
#[derive(LogicBlock, Ports, Default)]
pub struct CrcInserter {
    pub clock: Signal<In, Clock>,
    /// One for every packet; taken with the packet's last beat.
    pub job: StreamSink<StreamJob>,
    pub sink: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    crc: Crc32c,
    begun: DFF<Bit>,
    insert: DFF<Bit>,
    head: DFF<Beat>,
    head_full: DFF<Bit>,
    free: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    short: Signal<Local, Bit>,
    data: Signal<Local, Bits<64>>,
    low: Signal<Local, Bits<32>>,
    word: Literal<4, 4>,
}

impl Logic for CrcInserter {
    //= rfc5044#4.4
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, begun, insert, head, head_full);
        clock!(self, clock, crc);
        self.free.next = self.source.ready.val() | !self.head_full.q.val();
        self.sink.ready.next = self.free.val() & self.job.valid.val();
        self.taken.next = self.free.val() & self.job.valid.val() & self.sink.valid.val();
        self.job.ready.next = self.taken.val() & self.sink.beat.val().last;
        self.short.next = self.sink.beat.val().bytes <= self.word.val();

        self.crc.first.next = !self.begun.q.val();
        self.crc.half.next = self.sink.beat.val().last | self.short.val();
        self.crc.data.next = self.sink.beat.val().data;
        self.crc.valid.next = self.taken.val() & !(self.sink.beat.val().last & self.short.val());
        if self.free.val() {
            self.head_full.d.next = self.taken.val();
            self.head.d.next = self.sink.beat.val();
            self.insert.d.next = self.job.beat.val().crc & self.sink.beat.val().last;
        }
        if self.taken.val() {
            self.begun.d.next = !self.sink.beat.val().last;
        }

        self.data.next = self.head.q.val().data;
        self.low.next = self.data.val().get_bits::<32>(0);
        self.source.beat.next = self.head.q.val();
        if self.insert.q.val() {
            if self.head.q.val().bytes == self.word.val() {
                self.source.beat.next.data = bit_cast::<64, 32>(self.crc.crc.val());
            } else {
                self.source.beat.next.data = (bit_cast::<64, 32>(self.crc.crc.val()) << 32)
                    | bit_cast::<64, 32>(self.low.val());
            }
        }
        self.source.valid.next = self.head_full.q.val();
    }
}
