//! From a segment's job to its octets, stored.
use crate::control::records::ContextWrite;
use crate::pcie::records::ReadRequest;
use crate::pins::Ports;
use crate::protect::records::{Extent, PageLine, Piece};
use crate::protect::PageWalker;
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
///          +--> PageWalker --> PayloadRead --^
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct SegmentPath {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    /// The maximum read request size: 128 octets << n.
    pub max_read: Signal<In, Bits<3>>,
    pub job: StreamSink<SegmentJob>,
    /// What must be known of each segment, in the same order, before it is stored.
    pub send: StreamSource<SendJob>,
    /// Reads of payload, and their answers in the same order.
    pub payload_read: StreamSource<ReadRequest>,
    pub payload_data: StreamSink<Beat>,
    /// Reads of lines of page lists, one at a time.
    pub line: StreamSource<PageLine>,
    pub line_data: StreamSink<Beat>,
    pub summary: StreamSource<SegmentSummary>,
    pub segment: StreamSource<Beat>,
    /// Pulses, for the trace: a segment is taken, the first beat of a payload has come, a segment
    /// is stored.
    pub started: Signal<Out, Bit>,
    pub reading: Signal<Out, Bit>,
    pub stored: Signal<Out, Bit>,
    jobs: JobFork,
    pages: PageWalker,
    payload: PayloadRead,
    writer: StreamWriter,
    store: SegmentStore,
}

impl Logic for SegmentPath {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, jobs, pages, payload, writer, store);
        self.pages.context_write.next = self.context_write.val();
        self.payload.max_read.next = self.max_read.val();
        StreamSink::<SegmentJob>::link(&mut self.job, &mut self.jobs.sink);
        StreamSource::<SendJob>::link(&mut self.send, &mut self.jobs.send);
        StreamSource::<Extent>::join(&mut self.jobs.read, &mut self.pages.extent);
        StreamSource::<Piece>::join(&mut self.pages.piece, &mut self.payload.job);
        StreamSource::<PageLine>::link(&mut self.line, &mut self.pages.line);
        StreamSink::<Beat>::link(&mut self.line_data, &mut self.pages.data);
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
