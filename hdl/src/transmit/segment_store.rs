//! Keeps segments until they are whole, and sums them up for the TCP checksum.
use crate::pins::Ports;
use crate::stream::*;
use crate::transmit::records::*;
use ironwarp_abi::limits::{DATAPATH_BYTES, SEGMENT_BUFFER_BITS, SEGMENT_BUFFER_BYTES};
use rust_hdl::prelude::*;

/// log2 of the beats in the segment buffer.
const STORE_BITS: usize = SEGMENT_BUFFER_BITS - 3;
const _: () = assert!(SEGMENT_BUFFER_BYTES == DATAPATH_BYTES << STORE_BITS);

/// Stores dense packets of even length; of each, tells a [`SegmentSummary`] when its last beat was
/// taken. A packet with `error` is only told of, not stored.
///
/// ```text
/// sink --> SkidBuffer --> PacketStore --> SkidBuffer --> source
///              +--> sum --> StreamFifo --> summary
/// ```
/// `source` is valid in every clock from a packet's first beat to its last.
#[derive(LogicBlock, Ports, Default)]
pub struct SegmentStore {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Beat>,
    pub summary: StreamSource<SegmentSummary>,
    pub source: StreamSource<Beat>,
    /// A segment is stored (a pulse, for the trace).
    pub stored: Signal<Out, Bit>,
    arriving: SkidBuffer<Beat>,
    store: PacketStore<STORE_BITS>,
    leaving: SkidBuffer<Beat>,
    summaries: StreamFifo<SegmentSummary, 4>,
    sum: DFF<Bits<32>>,
    bytes: DFF<Bits<16>>,
    data: Signal<Local, Bits<64>>,
    sum_now: Signal<Local, Bits<32>>,
    bytes_now: Signal<Local, Bits<16>>,
    taken: Signal<Local, Bit>,
}

impl Logic for SegmentStore {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, sum, bytes);
        clock!(self, clock, arriving, store, leaving, summaries);
        StreamSink::<Beat>::link(&mut self.sink, &mut self.arriving.sink);
        self.data.next = self.arriving.source.beat.val().data;
        self.sum_now.next = self.sum.q.val()
            + bit_cast::<32, 16>(self.data.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.data.val().get_bits::<16>(16))
            + bit_cast::<32, 16>(self.data.val().get_bits::<16>(32))
            + bit_cast::<32, 16>(self.data.val().get_bits::<16>(48));
        self.bytes_now.next =
            self.bytes.q.val() + bit_cast::<16, 4>(self.arriving.source.beat.val().bytes);
        self.arriving.source.ready.next =
            self.store.sink.ready.val() & self.summaries.sink.ready.val();
        self.taken.next = self.arriving.source.valid.val()
            & self.store.sink.ready.val()
            & self.summaries.sink.ready.val();
        self.store.sink.beat.next = self.arriving.source.beat.val();
        self.store.sink.valid.next = self.taken.val();
        self.summaries.sink.beat.next.sum = self.sum_now.val();
        self.summaries.sink.beat.next.bytes = self.bytes_now.val();
        self.summaries.sink.beat.next.error = self.arriving.source.beat.val().error;
        self.summaries.sink.valid.next = self.taken.val() & self.arriving.source.beat.val().last;
        self.stored.next = self.taken.val() & self.arriving.source.beat.val().last;
        if self.taken.val() {
            self.sum.d.next = self.sum_now.val();
            self.bytes.d.next = self.bytes_now.val();
            if self.arriving.source.beat.val().last {
                self.sum.d.next = 0.into();
                self.bytes.d.next = 0.into();
            }
        }
        StreamSource::<SegmentSummary>::link(&mut self.summary, &mut self.summaries.source);
        StreamSource::<Beat>::join(&mut self.store.source, &mut self.leaving.sink);
        StreamSource::<Beat>::link(&mut self.source, &mut self.leaving.source);
    }
}
