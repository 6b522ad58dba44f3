//! Makes packets of memory reads.
use super::records::ReadIssue;
use super::request_header::RequestHeader;
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// A [`ReadIssue`] becomes a memory read packet of two beats. Two clocks a read; the output is
/// registered.
#[derive(LogicBlock, Ports, Default)]
pub struct ReadTlp {
    pub clock: Signal<In, Clock>,
    /// Our requester ID.
    pub requester: Signal<In, Bits<16>>,
    pub sink: StreamSink<ReadIssue>,
    pub source: StreamSource<Beat>,
    header: RequestHeader,
    out: DFF<Beat>,
    out_full: DFF<Bit>,
    second: DFF<Bit>,
    tail: DFF<Bits<64>>,
    wide: DFF<Bit>,
    free: Signal<Local, Bit>,
}

impl Logic for ReadTlp {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, out, out_full, second, tail, wide);
        self.header.write.next = false;
        self.header.address.next = self.sink.beat.val().address;
        self.header.dwords.next = self.sink.beat.val().dwords;
        self.header.first_enables.next = self.sink.beat.val().first_enables;
        self.header.last_enables.next = self.sink.beat.val().last_enables;
        self.header.tag.next = self.sink.beat.val().tag;
        self.header.requester.next = self.requester.val();

        self.source.beat.next = self.out.q.val();
        self.source.valid.next = self.out_full.q.val();
        self.free.next = self.source.ready.val() | !self.out_full.q.val();
        self.sink.ready.next = self.free.val() & !self.second.q.val();
        if self.free.val() {
            self.out.d.next.error = false;
            self.out_full.d.next = false;
            if self.second.q.val() {
                self.out_full.d.next = true;
                self.out.d.next.data = self.tail.q.val();
                self.out.d.next.bytes = 4.into();
                if self.wide.q.val() {
                    self.out.d.next.bytes = 8.into();
                }
                self.out.d.next.last = true;
                self.second.d.next = false;
            } else if self.sink.valid.val() {
                self.out_full.d.next = true;
                self.out.d.next.data = self.header.head.val();
                self.out.d.next.bytes = 8.into();
                self.out.d.next.last = false;
                self.tail.d.next = self.header.tail.val();
                self.wide.d.next = self.header.wide.val();
                self.second.d.next = true;
            }
        }
    }
}
