//! Reads host memory: many reads in flight, answers in order.
use super::byte_shift::ByteShift;
use super::completion_store::CompletionStore;
use super::read_issuer::ReadIssuer;
use super::read_out::ReadOut;
use super::read_splitter::ReadSplitter;
use super::records::{CompletionBeat, ReadIssue, ReadPiece, ReadRequest, ShiftBeat};
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// `2^T` memory reads in flight (`A` = T + 6), with `2^W` tags.
///
/// ```text
/// request -> ReadSplitter -> ReadIssuer ------> issue (memory reads)
///                               | open   ^ busy
///                               v        |
/// completion -> CompletionStore -> ReadOut -> ByteShift -> data
/// ```
/// Every request gives one dense packet on `data`, in the order of the requests, its first octet in
/// byte 0. `error` with `last` if a read was refused, poisoned or not answered in time; the octets
/// then mean nothing.
#[derive(LogicBlock)]
pub struct ReadChannel<const T: usize, const A: usize, const W: usize> {
    pub clock: Signal<In, Clock>,
    /// Maximum read request size, as in the Device Control register.
    pub max_read: Signal<In, Bits<3>>,
    /// Reads may be sent; while not, requests wait, and no read grows older.
    pub bus_master: Signal<In, Bit>,
    /// Comes twice within the completion timeout.
    pub pulse: Signal<In, Bit>,
    pub request: StreamSink<ReadRequest>,
    pub data: StreamSource<Beat>,
    /// Memory reads to be sent.
    pub issue: StreamSource<ReadIssue>,
    pub completion: Signal<In, CompletionBeat>,
    /// The first record of a completion two clocks ago was one that a read of this channel waits
    /// for.
    pub known: Signal<Out, Bit>,
    splitter: ReadSplitter,
    issuer: ReadIssuer<T, W>,
    store: CompletionStore<T, A>,
    read_out: ReadOut<T, A>,
    shift: ByteShift,
}

impl<const T: usize, const A: usize, const W: usize> ReadChannel<T, A, W> {
    /// With the tags `base .. base + 2^W`.
    pub fn new(base: u8) -> Self {
        Self {
            clock: Default::default(),
            max_read: Default::default(),
            bus_master: Default::default(),
            pulse: Default::default(),
            request: Default::default(),
            data: Default::default(),
            issue: Default::default(),
            completion: Default::default(),
            known: Default::default(),
            splitter: Default::default(),
            issuer: ReadIssuer::new(base),
            store: Default::default(),
            read_out: Default::default(),
            shift: Default::default(),
        }
    }
}

impl<const T: usize, const A: usize, const W: usize> Logic for ReadChannel<T, A, W> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, splitter, issuer, store, read_out, shift);
        self.splitter.max_read.next = self.max_read.val();
        StreamSink::<ReadRequest>::link(&mut self.request, &mut self.splitter.sink);
        StreamSource::<ReadPiece>::join(&mut self.splitter.source, &mut self.issuer.sink);
        StreamSource::<ReadIssue>::link(&mut self.issue, &mut self.issuer.source);
        self.store.completion.next = self.completion.val();
        self.known.next = self.store.known.val();
        self.store.open.next = self.issuer.open.val();
        self.store.opened.next = self.issuer.opened.val();
        self.read_out.open.next = self.issuer.open.val();
        self.read_out.opened.next = self.issuer.opened.val();
        self.read_out.done.next = self.store.done.val();
        self.read_out.failed.next = self.store.failed.val();
        self.store.read_address.next = self.read_out.read_address.val();
        self.read_out.read_data.next = self.store.read_data.val();
        self.issuer.enabled.next = self.bus_master.val();
        self.issuer.busy.next = self.store.busy.val();
        self.issuer.quarantined.next = self.store.quarantined.val();
        self.store.still.next = !self.bus_master.val();
        self.store.pulse.next = self.pulse.val();
        self.store.retired.next = self.read_out.retired.val();
        self.store.retired_slot.next = self.read_out.retired_slot.val();
        StreamSource::<ShiftBeat>::join(&mut self.read_out.source, &mut self.shift.sink);
        StreamSource::<Beat>::link(&mut self.data, &mut self.shift.source);
    }
}
