//! Cuts a read request into memory reads.
use super::records::{ReadPiece, ReadRequest};
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Cuts at addresses that are multiples of the maximum read request size, so that a piece, widened
/// to whole double words, never exceeds that size nor crosses a 4 KiB boundary (PCI Express Base
/// Specification, s. 2.2.7). Sizes above 512 are taken as 512. A piece every two clocks.
#[derive(LogicBlock, Ports)]
pub struct ReadSplitter {
    pub clock: Signal<In, Clock>,
    /// The maximum read request size as in the Device Control register: 128 << `max_read`.
    pub max_read: Signal<In, Bits<3>>,
    pub sink: StreamSink<ReadRequest>,
    pub source: StreamSource<ReadPiece>,
    address: DFF<Bits<64>>,
    rest: DFF<Bits<10>>,
    offset: DFF<Bits<3>>,
    piece: DFF<ReadPiece>,
    piece_full: DFF<Bit>,
    block: Signal<Local, Bits<10>>,
    midway: Signal<Local, Bits<10>>,
    room: Signal<Local, Bits<10>>,
    count: Signal<Local, Bits<10>>,
    busy: Signal<Local, Bit>,
    one: Constant<Bits<10>>,
}

impl Default for ReadSplitter {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            max_read: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            address: Default::default(),
            rest: Default::default(),
            offset: Default::default(),
            piece: Default::default(),
            piece_full: Default::default(),
            block: Default::default(),
            midway: Default::default(),
            room: Default::default(),
            count: Default::default(),
            busy: Default::default(),
            one: Constant::new(1.into()),
        }
    }
}

impl Logic for ReadSplitter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, address, rest, offset, piece, piece_full);
        self.busy.next = self.rest.q.val().any();
        self.sink.ready.next = !self.busy.val();
        self.source.beat.next = self.piece.q.val();
        self.source.valid.next = self.piece_full.q.val();

        self.block.next = 512.into();
        if self.max_read.val() == 0 {
            self.block.next = 128.into();
        } else if self.max_read.val() == 1 {
            self.block.next = 256.into();
        }
        self.midway.next = bit_cast::<10, 9>(self.address.q.val().get_bits::<9>(0))
            & (self.block.val() - self.one.val());
        self.room.next = self.block.val() - self.midway.val();
        self.count.next = self.rest.q.val();
        if self.room.val() < self.rest.q.val() {
            self.count.next = self.room.val();
        }

        if self.source.ready.val() {
            self.piece_full.d.next = false;
        }
        if self.busy.val() {
            if !self.piece_full.q.val() {
                self.piece_full.d.next = true;
                self.piece.d.next.address = self.address.q.val();
                self.piece.d.next.bytes = self.count.val();
                self.piece.d.next.offset = self.offset.q.val();
                self.piece.d.next.last = self.count.val() == self.rest.q.val();
                self.address.d.next = self.address.q.val() + bit_cast::<64, 10>(self.count.val());
                self.rest.d.next = self.rest.q.val() - self.count.val();
            }
        } else if self.sink.valid.val() {
            self.address.d.next = self.sink.beat.val().address;
            self.rest.d.next = self.sink.beat.val().bytes;
            self.offset.d.next = bit_cast::<3, 64>(self.sink.beat.val().address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    #[test]
    fn pieces_join_to_the_request_and_stay_in_their_block() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = ReadSplitter::default();
            uut.connect_all();
            let max_read = rng.random_range(0..6u64);
            uut.max_read.next = max_read.to_bits();
            let block = 128 << max_read.min(2);
            for _ in 0..40 {
                let address: u64 = rng.random::<u64>() >> rng.random_range(1..33);
                let bytes = rng.random_range(1..=512u64);
                uut.sink.beat.next =
                    ReadRequest { address: address.to_bits(), bytes: bytes.to_bits() };
                uut.sink.valid.next = true;
                let (mut at, mut done, mut clocks) = (address, false, 0);
                while !done {
                    uut.source.ready.next = rng.random_bool(0.6);
                    settle!(uut);
                    let taken = uut.sink.valid.val() && uut.sink.ready.val();
                    if uut.source.valid.val() && uut.source.ready.val() {
                        let piece = uut.source.beat.val();
                        let (start, count) = (piece.address.to_u64(), piece.bytes.to_u64());
                        assert_eq!(start, at, "SEED={seed}");
                        assert_eq!(start / block, (start + count - 1) / block, "SEED={seed}");
                        assert_eq!(piece.offset.to_u64(), address % 8);
                        at += count;
                        done = at == address + bytes;
                        assert!(piece.last == done && count > 0, "SEED={seed}");
                    }
                    edge!(uut);
                    if taken {
                        uut.sink.valid.next = false;
                    }
                    clocks += 1;
                    assert!(clocks < 200, "SEED={seed}: stuck");
                }
            }
        }
    }
}
