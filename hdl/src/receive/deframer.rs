//! From octets in the rings to packets that were checked.
use crate::configuration::QpNumber;
use crate::control::records::{ContextWrite, QpDoorbell};
use crate::life::QpChange;
use crate::receive::crc_check::CrcCheck;
use crate::receive::ddp_check::DdpCheck;
use crate::receive::framer::Framer;
use crate::receive::marker_remover::MarkerRemover;
use crate::receive::notes::*;
use crate::receive::ring_reader::RingReader;
use crate::receive::ring_sizes::RingPosition;
use crate::stream::*;
use ironwarp_abi::limits::FPDU_BUFFER_BITS;
use rust_hdl::prelude::*;

/// ```text
/// grown, raw -> Framer -> RingReader -> CrcCheck -> MarkerRemover -> WordPacker -> DdpCheck
///                  ^peek       ^                       |    verdict FIFO ->^  |       |
///                  +-- ring ---+                       +----- head FIFO -->+  |       v
///                                                                arrival FIFO <+  FPDU buffer
/// ```
/// An arrival comes out after the whole packet has come in, so it says whether its CRC was good
/// before any of the payload is used (RFC 5044 s. 6).
#[derive(LogicBlock, Default)]
pub struct Deframer {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    pub grown: Signal<In, StreamGrown>,
    /// See [`Framer`].
    pub doorbell: Signal<In, QpDoorbell>,
    pub arrived: Signal<In, BuffersArrived>,
    pub raw_ends: Signal<In, Bit>,
    pub raw_returns: Signal<In, Bit>,
    /// Raw frames that are complete in ring 0.
    pub raw: StreamSink<RawFrame>,
    // To the ring.
    pub read_qp: Signal<Out, QpNumber>,
    pub read_at: Signal<Out, RingPosition>,
    pub read_data: Signal<In, Bits<64>>,
    pub taken: Signal<Out, StreamTaken>,
    /// A checked packet, whose payload is at `payload`.
    pub arrival: StreamSource<Arrival>,
    pub payload: StreamSource<Beat>,
    framer: Framer,
    reader: RingReader,
    crc: CrcCheck,
    markers: MarkerRemover,
    heads: StreamFifo<PacketHead, 3>,
    verdicts: StreamFifo<Bits<8>, 3>,
    packer: WordPacker,
    packed_skid: SkidBuffer<Beat>,
    ddp: DdpCheck,
    checked: SkidBuffer<Beat>,
    buffer: StreamFifo<Beat, { FPDU_BUFFER_BITS - 3 }>,
    arrivals: StreamFifo<Arrival, 4>,
}

impl Logic for Deframer {
    //= rfc5044#6  The CRC is checked before anything of the FPDU reaches DDP.
    #[hdl_gen]
    fn update(&mut self) {
        clock!(
            self,
            clock,
            framer,
            reader,
            crc,
            markers,
            heads,
            verdicts,
            packer,
            packed_skid,
            ddp,
            checked
        );
        clock!(self, clock, buffer, arrivals);
        self.framer.context_write.next = self.context_write.val();
        self.framer.change.next = self.change.val();
        self.reader.change.next = self.change.val();
        self.framer.grown.next = self.grown.val();
        self.framer.doorbell.next = self.doorbell.val();
        self.framer.arrived.next = self.arrived.val();
        self.framer.raw_ends.next = self.raw_ends.val();
        self.framer.raw_returns.next = self.raw_returns.val();
        StreamSink::<RawFrame>::link(&mut self.raw, &mut self.framer.raw);
        StreamSource::<PacketHead>::join(&mut self.framer.job, &mut self.reader.job);
        self.reader.peek.next = self.framer.peek.val();
        self.reader.peek_qp.next = self.framer.peek_qp.val();
        self.reader.peek_at.next = self.framer.peek_at.val();
        self.framer.peek_data.next = self.read_data.val();
        self.reader.read_data.next = self.read_data.val();
        self.read_qp.next = self.reader.read_qp.val();
        self.read_at.next = self.reader.read_at.val();
        self.taken.next = self.reader.taken.val();

        StreamSource::<Beat>::join(&mut self.reader.packet, &mut self.crc.sink);
        StreamSource::<Beat>::join(&mut self.crc.source, &mut self.markers.sink);
        StreamSource::<PacketHead>::join(&mut self.reader.head, &mut self.markers.head);
        StreamSource::<PacketHead>::join(&mut self.markers.next_head, &mut self.heads.sink);
        self.verdicts.sink.beat.next = self.markers.verdict.val();
        self.verdicts.sink.valid.next = self.markers.verdict_valid.val();
        self.markers.verdict_ready.next = self.verdicts.sink.ready.val();
        StreamSource::<Beat>::join(&mut self.markers.source, &mut self.packer.sink);
        StreamSource::<Beat>::join(&mut self.packer.source, &mut self.packed_skid.sink);
        StreamSource::<Beat>::join(&mut self.packed_skid.source, &mut self.ddp.sink);
        StreamSource::<PacketHead>::join(&mut self.heads.source, &mut self.ddp.head);
        StreamSource::<Bits<8>>::join(&mut self.verdicts.source, &mut self.ddp.verdict);
        StreamSource::<Beat>::join(&mut self.ddp.payload, &mut self.checked.sink);
        StreamSource::<Beat>::join(&mut self.checked.source, &mut self.buffer.sink);
        StreamSource::<Arrival>::join(&mut self.ddp.arrival, &mut self.arrivals.sink);
        StreamSource::<Beat>::link(&mut self.payload, &mut self.buffer.source);
        StreamSource::<Arrival>::link(&mut self.arrival, &mut self.arrivals.source);
    }
}
