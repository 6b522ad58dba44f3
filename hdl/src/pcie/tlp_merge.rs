//! Joins three streams of packets.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Sends whole packets: answers to the host first, which are few, then writes and reads, in turn
/// when both have one. While bus mastering is off, no write or read begins (PCI Express Base
/// Specification, s. 7.5.1.1.3). No clock is lost between two packets; the output is registered.
/// `ready` of a side depends on `valid` of the other sides only.
#[derive(LogicBlock, Ports, Default)]
pub struct TlpMerge {
    pub clock: Signal<In, Clock>,
    /// The function may send requests.
    pub bus_master: Signal<In, Bit>,
    /// Completions.
    pub answers: StreamSink<Beat>,
    /// Memory writes.
    pub posted: StreamSink<Beat>,
    /// Memory reads.
    pub reads: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    out: DFF<Beat>,
    out_full: DFF<Bit>,
    /// A packet has begun and not ended.
    midway: DFF<Bit>,
    /// That packet is an answer.
    answering: DFF<Bit>,
    /// The request that has begun, or the one that ended last, is a read.
    chose_reads: DFF<Bit>,
    free: Signal<Local, Bit>,
    open_answers: Signal<Local, Bit>,
    open_posted: Signal<Local, Bit>,
    open_reads: Signal<Local, Bit>,
    requests: Signal<Local, Bit>,
}

impl Logic for TlpMerge {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, out, out_full, midway, answering, chose_reads);
        self.source.beat.next = self.out.q.val();
        self.source.valid.next = self.out_full.q.val();
        self.free.next = self.source.ready.val() | !self.out_full.q.val();
        self.requests.next = self.bus_master.val() & !self.answers.valid.val();
        if self.midway.q.val() {
            self.open_answers.next = self.answering.q.val();
            self.open_posted.next = !self.answering.q.val() & !self.chose_reads.q.val();
            self.open_reads.next = !self.answering.q.val() & self.chose_reads.q.val();
        } else {
            self.open_answers.next = true;
            self.open_posted.next =
                self.requests.val() & (self.chose_reads.q.val() | !self.reads.valid.val());
            self.open_reads.next =
                self.requests.val() & (!self.chose_reads.q.val() | !self.posted.valid.val());
        }
        self.answers.ready.next = self.free.val() & self.open_answers.val();
        self.posted.ready.next = self.free.val() & self.open_posted.val();
        self.reads.ready.next = self.free.val() & self.open_reads.val();
        if self.free.val() {
            self.out_full.d.next = false;
            if self.answers.valid.val() & self.open_answers.val() {
                self.out_full.d.next = true;
                self.out.d.next = self.answers.beat.val();
                self.midway.d.next = !self.answers.beat.val().last;
                self.answering.d.next = true;
            } else if self.posted.valid.val() & self.open_posted.val() {
                self.out_full.d.next = true;
                self.out.d.next = self.posted.beat.val();
                self.midway.d.next = !self.posted.beat.val().last;
                self.answering.d.next = false;
                self.chose_reads.d.next = false;
            } else if self.reads.valid.val() & self.open_reads.val() {
                self.out_full.d.next = true;
                self.out.d.next = self.reads.beat.val();
                self.midway.d.next = !self.reads.beat.val().last;
                self.answering.d.next = false;
                self.chose_reads.d.next = true;
            }
        }
    }
}
