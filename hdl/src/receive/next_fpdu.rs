//! What is known of the next FPDU of a stream, as far as it has come.
use crate::configuration::QpNumber;
use crate::control::records::ContextWrite;
use crate::life::QpChange;
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::receive::fpdu_need::FpduNeed;
use crate::receive::fpdu_size::FpduSize;
use crate::receive::fpdu_start::FpduStart;
use crate::receive::notes::{FpduFacts, StreamGrown};
use crate::receive::stream_span::StreamSpan;
use rust_hdl::prelude::*;

/// ```text
/// clock   0    `qp` is there
///         1    `look`
///         2    `facts`, `begun` and `between`, until the next `look`; the FPDU is asked for
///         4    `peek_data`
///         6    `total` and what stands below it
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct NextFpdu {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub grown: Signal<In, StreamGrown>,
    /// The queue pair.
    pub qp: Signal<In, QpNumber>,
    pub look: Signal<In, Bit>,
    pub facts: Signal<Out, FpduFacts>,
    /// The length field is there.
    pub begun: Signal<Out, Bit>,
    /// A stream that ends here ends between two FPDUs.
    pub between: Signal<Out, Bit>,
    /// The first eight octets.
    pub peek_data: Signal<In, Bits<64>>,
    /// Octets of the FPDU, markers included.
    pub total: Signal<Out, Bits<17>>,
    /// More than the device takes.
    pub too_long: Signal<Out, Bit>,
    /// All of them are there.
    pub whole: Signal<Out, Bit>,
    /// See [`FpduNeed`].
    pub needs: Signal<Out, Bit>,
    pub last: Signal<Out, Bit>,
    /// The FPDU is taken: the next one of `qp` starts behind it. Not when the queue pair's life has
    /// changed since it was looked at.
    pub advance: Signal<In, Bit>,
    span: StreamSpan,
    markers: QpField<1, { field_number("receive_markers") }>,
    crc: QpField<1, { field_number("crc") }>,
    start: FpduStart,
    size: FpduSize,
    need: FpduNeed,
    known: DFF<FpduFacts>,
    // What the control octets say, a clock ago and two clocks ago.
    needs_one: DFF<Bit>,
    ends: DFF<Bit>,
    needs_then: DFF<Bit>,
    ends_then: DFF<Bit>,
}

impl Logic for NextFpdu {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, known, needs_one, ends, needs_then, ends_then);
        clock!(self, clock, span, markers, crc, size);
        self.span.context_write.next = self.context_write.val();
        self.span.change.next = self.change.val();
        self.span.grown.next = self.grown.val();
        self.span.qp.next = self.qp.val();
        self.span.advance.next = self.advance.val();
        self.span.beyond.next =
            self.known.q.val().start + bit_cast::<32, 17>(self.size.total.val());
        self.markers.context_write.next = self.context_write.val();
        self.markers.qp.next = self.qp.val();
        self.crc.context_write.next = self.context_write.val();
        self.crc.qp.next = self.qp.val();
        if self.look.val() {
            self.known.d.next.markers = self.markers.value.val().any();
            self.known.d.next.crc = self.crc.value.val().any();
            self.known.d.next.position = self.span.position.val().get_bits::<9>(0);
            self.known.d.next.start = self.span.first.val();
            self.known.d.next.available = self.span.available.val();
            self.known.d.next.end = self.span.stream_end.val();
            self.known.d.next.finished = self.span.finished.val();
        }
        self.facts.next = self.known.q.val();
        self.start.position.next = bit_cast::<32, 9>(self.known.q.val().position);
        self.start.available.next = self.known.q.val().available;
        self.start.markers.next = self.known.q.val().markers;
        self.begun.next = self.start.begun.val();
        self.between.next = self.start.between.val();

        self.size.data.next = self.peek_data.val();
        self.size.markers.next = self.known.q.val().markers;
        self.size.position.next = self.known.q.val().position;
        self.need.data.next = self.peek_data.val();
        self.need.marker.next = self.known.q.val().markers & !self.known.q.val().position.any();
        self.needs_one.d.next = self.need.needs.val();
        self.ends.d.next = self.need.last.val();
        self.needs_then.d.next = self.needs_one.q.val();
        self.ends_then.d.next = self.ends.q.val();
        self.total.next = self.size.total.val();
        self.too_long.next = self.size.too_long.val();
        self.whole.next = self.known.q.val().available >= bit_cast::<32, 17>(self.size.total.val());
        self.needs.next = self.needs_then.q.val();
        self.last.next = self.ends_then.q.val();
    }
}
