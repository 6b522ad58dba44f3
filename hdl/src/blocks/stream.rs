//! The blocks of `stream` that stand alone.

use crate::stream::*;
use rust_hdl::prelude::Bits;

blocks! {
    skid_buffer: SkidBuffer::<Beat>::default(), [clock, sink, source];
    half_buffer: HalfBuffer::<Beat>::default(), [clock, sink, source];
    stream_fifo: StreamFifo::<Beat, 3>::default(), [clock, sink, source];
    packet_store: PacketStore::<4>::default(), [clock, sink, source, filled];
    byte_packer: BytePacker::default(), [clock, sink, source];
    word_packer: WordPacker::default(), [clock, sink, source];
    synchroniser: Synchroniser::<Bits<3>>::default(), [clock, foreign, known];
    pulse_crossing: PulseCrossing::default(), [sink_clock, sink, source_clock, source];
    clock_crossing: ClockCrossing::<Beat, 3, 4>::default(),
        [sink_clock, sink, source_clock, source];
    merge2: Merge2::<Bits<32>>::default(), [clock, sink_a, sink_b, source];
}
