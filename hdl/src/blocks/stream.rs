//! The blocks of `stream` that stand alone.

use crate::stream::*;
use rust_hdl::prelude::Bits;

blocks! {
    skid_buffer: SkidBuffer::<Beat>::default(),
    half_buffer: HalfBuffer::<Beat>::default(),
    stream_fifo: StreamFifo::<Beat, 3>::default(),
    packet_store: PacketStore::<4>::default(),
    byte_packer: BytePacker::default(),
    word_packer: WordPacker::default(),
    synchroniser: Synchroniser::<Bits<3>>::default(),
    pulse_crossing: PulseCrossing::default(),
    clock_crossing: ClockCrossing::<Beat, 3, 4>::default(),
    merge2: Merge2::<Bits<32>>::default(),
    merge3: Merge3::<Bits<32>>::default(),
}
