//! From a segment's job to its octets, stored.
use crate::pcie::records::ReadRequest;
use crate::pins::Ports;
use crate::stream::*;
use crate::transmit::job_fork::JobFork;
use crate::transmit::payload_read::PayloadRead;
use crate::transmit::records::*;
use crate::transmit::segment_store::SegmentStore;
use crate::transmit::stream_writer::StreamWriter;
use rust_hdl::prelude::*;

/// Builds segments in their order.
///
/// ```text
/// job --> JobFork --+--> send
///          |  |
///          |  +--> StreamWriter --> SegmentStore --> summary, segment
///          +--> PayloadRead --^
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct SegmentPath {
    pub clock: Signal<In, Clock>,
    /// The maximum read request size: 128 octets << n.
    pub max_read: Signal<In, Bits<3>>,
    pub job: StreamSink<SegmentJob>,
    /// What must be known of each segment, in the same order, before it is stored.
    pub send: StreamSource<SendJob>,
    /// Reads of payload, and their answers in the same order.
    pub payload_read: StreamSource<ReadRequest>,
    pub payload_data: StreamSink<Beat>,
    pub summary: StreamSource<SegmentSummary>,
    pub segment: StreamSource<Beat>,
    /// Pulses, for the trace: a segment is taken, the first beat of a payload has come, a segment
    /// is stored.
    pub started: Signal<Out, Bit>,
    pub reading: Signal<Out, Bit>,
    pub stored: Signal<Out, Bit>,
    jobs: JobFork,
    payload: PayloadRead,
    writer: StreamWriter,
    store: SegmentStore,
}

impl Logic for SegmentPath {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, jobs, payload, writer, store);
        self.payload.max_read.next = self.max_read.val();
        StreamSink::<SegmentJob>::link(&mut self.job, &mut self.jobs.sink);
        StreamSource::<SendJob>::link(&mut self.send, &mut self.jobs.send);
        StreamSource::<ReadJob>::join(&mut self.jobs.read, &mut self.payload.job);
        StreamSource::<FrameJob>::join(&mut self.jobs.frame, &mut self.writer.frame);
        StreamSource::<StreamJob>::join(&mut self.jobs.marker, &mut self.writer.marker);
        StreamSource::<StreamJob>::join(&mut self.jobs.check, &mut self.writer.check);
        StreamSource::<ReadRequest>::link(&mut self.payload_read, &mut self.payload.read);
        StreamSink::<Beat>::link(&mut self.payload_data, &mut self.payload.data);
        StreamSource::<Beat>::join(&mut self.payload.source, &mut self.writer.payload);
        StreamSource::<Beat>::join(&mut self.writer.source, &mut self.store.sink);
        StreamSource::<SegmentSummary>::link(&mut self.summary, &mut self.store.summary);
        StreamSource::<Beat>::link(&mut self.segment, &mut self.store.source);
        self.started.next = self.jobs.started.val();
        self.reading.next = self.payload.started.val();
        self.stored.next = self.store.stored.val();
    }
}
