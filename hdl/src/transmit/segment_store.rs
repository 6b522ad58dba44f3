//! Keeps segments until they are whole, and sums them up for the TCP checksum.
use crate::stream::*;
use crate::transmit::records::*;
use ironwarp_abi::limits::{DATAPATH_BYTES, SEGMENT_BUFFER_BITS, SEGMENT_BUFFER_BYTES};
use rust_hdl::prelude::*;

/// log2 of the beats in the segment buffer.
const STORE_BITS: usize = SEGMENT_BUFFER_BITS - 3;
const _: () = assert!(SEGMENT_BUFFER_BYTES == DATAPATH_BYTES << STORE_BITS);

/// Stores dense packets of even length; of each, tells a [`SegmentSummary`] when its last beat was
/// taken. A packet with `error` is only told of, not stored.
#[derive(LogicBlock, Default)]
pub struct SegmentStore {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Beat>,
    pub summary: StreamSource<SegmentSummary>,
    pub source: StreamSource<Beat>,
    /// A segment is stored (a pulse, for the trace).
    pub stored: Signal<Out, Bit>,
    store: PacketStore<STORE_BITS>,
    summaries: StreamFifo<SegmentSummary, 5>,
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
        clock!(self, clock, store, summaries);
        self.data.next = self.sink.beat.val().data;
        self.sum_now.next = self.sum.q.val()
            + bit_cast::<32, 16>(self.data.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.data.val().get_bits::<16>(16))
            + bit_cast::<32, 16>(self.data.val().get_bits::<16>(32))
            + bit_cast::<32, 16>(self.data.val().get_bits::<16>(48));
        self.bytes_now.next = self.bytes.q.val() + bit_cast::<16, 4>(self.sink.beat.val().bytes);
        self.sink.ready.next = self.store.sink.ready.val() & self.summaries.sink.ready.val();
        self.taken.next =
            self.sink.valid.val() & self.store.sink.ready.val() & self.summaries.sink.ready.val();
        self.store.sink.beat.next = self.sink.beat.val();
        self.store.sink.valid.next = self.taken.val();
        self.summaries.sink.beat.next.sum = self.sum_now.val();
        self.summaries.sink.beat.next.bytes = self.bytes_now.val();
        self.summaries.sink.beat.next.error = self.sink.beat.val().error;
        self.summaries.sink.valid.next = self.taken.val() & self.sink.beat.val().last;
        self.stored.next = self.taken.val() & self.sink.beat.val().last;
        if self.taken.val() {
            self.sum.d.next = self.sum_now.val();
            self.bytes.d.next = self.bytes_now.val();
            if self.sink.beat.val().last {
                self.sum.d.next = 0.into();
                self.bytes.d.next = 0.into();
            }
        }
        StreamSource::<SegmentSummary>::link(&mut self.summary, &mut self.summaries.source);
        StreamSource::<Beat>::link(&mut self.source, &mut self.store.source);
    }
}
