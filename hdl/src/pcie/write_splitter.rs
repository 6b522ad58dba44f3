//! Cuts a write into packets.
use super::byte_enables::ByteEnables;
use super::records::{TlpHeader, WriteRequest};
use super::request_header::RequestHeader;
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Gives the header of every packet of a write: cut at 4 KiB boundaries (PCI Express Base
/// Specification, s. 2.2.7) and so that the data, widened to whole double words, does not exceed
/// the maximum payload size (s. 2.2.2). Two clocks a packet, and one
/// a request; the output is registered.
#[derive(LogicBlock, Ports)]
pub struct WriteSplitter {
    pub clock: Signal<In, Clock>,
    /// The maximum payload size as in the Device Control register: 128 << `max_payload`; above 512
    /// it is taken as 512.
    pub max_payload: Signal<In, Bits<3>>,
    /// Our requester ID.
    pub requester: Signal<In, Bits<16>>,
    pub sink: StreamSink<WriteRequest>,
    pub source: StreamSource<TlpHeader>,
    enables: ByteEnables,
    header: RequestHeader,
    address: DFF<Bits<64>>,
    rest: DFF<Bits<16>>,
    chunk: DFF<Bits<10>>,
    measured: DFF<Bit>,
    out: DFF<TlpHeader>,
    out_full: DFF<Bit>,
    limit: Signal<Local, Bits<13>>,
    page_room: Signal<Local, Bits<13>>,
    payload_room: Signal<Local, Bits<13>>,
    room: Signal<Local, Bits<13>>,
    free: Signal<Local, Bit>,
    busy: Signal<Local, Bit>,
    page: Constant<Bits<13>>,
}

impl Default for WriteSplitter {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            max_payload: Default::default(),
            requester: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            enables: Default::default(),
            header: Default::default(),
            address: Default::default(),
            rest: Default::default(),
            chunk: Default::default(),
            measured: Default::default(),
            out: Default::default(),
            out_full: Default::default(),
            limit: Default::default(),
            page_room: Default::default(),
            payload_room: Default::default(),
            room: Default::default(),
            free: Default::default(),
            busy: Default::default(),
            page: Constant::new(4096.into()),
        }
    }
}

impl Logic for WriteSplitter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, address, rest, chunk, measured, out, out_full);
        self.source.beat.next = self.out.q.val();
        self.source.valid.next = self.out_full.q.val();
        self.free.next = self.source.ready.val() | !self.out_full.q.val();
        self.busy.next = self.rest.q.val().any();
        self.sink.ready.next = self.free.val() & !self.busy.val();

        // How many octets the next packet takes.
        self.limit.next = 512.into();
        if self.max_payload.val() == 0 {
            self.limit.next = 128.into();
        } else if self.max_payload.val() == 1 {
            self.limit.next = 256.into();
        }
        self.page_room.next =
            self.page.val() - bit_cast::<13, 12>(self.address.q.val().get_bits::<12>(0));
        self.payload_room.next =
            self.limit.val() - bit_cast::<13, 2>(self.address.q.val().get_bits::<2>(0));
        self.room.next = self.payload_room.val();
        if self.page_room.val() < self.payload_room.val() {
            self.room.next = self.page_room.val();
        }

        // Its header.
        self.enables.offset.next = self.address.q.val().get_bits::<2>(0);
        self.enables.bytes.next = self.chunk.q.val();
        self.header.write.next = true;
        self.header.address.next = self.address.q.val();
        self.header.dwords.next = self.enables.dwords.val();
        self.header.first_enables.next = self.enables.first.val();
        self.header.last_enables.next = self.enables.last.val();
        self.header.tag.next = 0.into();
        self.header.requester.next = self.requester.val();

        if self.source.ready.val() {
            self.out_full.d.next = false;
        }
        if self.busy.val() {
            if !self.measured.q.val() {
                self.measured.d.next = true;
                self.chunk.d.next = bit_cast::<10, 13>(self.room.val());
                if self.rest.q.val() < bit_cast::<16, 13>(self.room.val()) {
                    self.chunk.d.next = bit_cast::<10, 16>(self.rest.q.val());
                }
            } else if self.free.val() {
                self.measured.d.next = false;
                self.out_full.d.next = true;
                self.out.d.next.head = self.header.head.val();
                self.out.d.next.tail = self.header.tail.val();
                self.out.d.next.wide = self.header.wide.val();
                self.out.d.next.dwords = self.enables.dwords.val();
                self.out.d.next.last = self.rest.q.val() == bit_cast::<16, 10>(self.chunk.q.val());
                self.address.d.next = self.address.q.val() + bit_cast::<64, 10>(self.chunk.q.val());
                self.rest.d.next = self.rest.q.val() - bit_cast::<16, 10>(self.chunk.q.val());
            }
        } else if self.free.val() & self.sink.valid.val() {
            self.address.d.next = self.sink.beat.val().address;
            self.rest.d.next = self.sink.beat.val().bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcie::records::WriteRequest;
    use crate::pcie::root_complex::Tlp;
    use crate::stream::bench::*;
    use rand::Rng;

    /// The packets' octets join to the write's, whatever the size and place.
    #[test]
    fn packets_join_to_the_write() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = WriteSplitter::default();
            uut.connect_all();
            let max_payload = rng.random_range(0..4u64);
            let limit = 128 << max_payload.min(2);
            uut.max_payload.next = max_payload.to_bits();
            for _ in 0..20 {
                let start: u64 = rng.random::<u64>() >> rng.random_range(1..33);
                let longest = rng.random_range(1..10_000u64);
                let bytes = rng.random_range(1..=longest);
                uut.sink.beat.next =
                    WriteRequest { address: start.to_bits(), bytes: bytes.to_bits(), more: false };
                uut.sink.valid.next = true;
                let (mut at, mut clocks) = (start, 0);
                while at < start + bytes {
                    uut.source.ready.next = rng.random_bool(0.6);
                    settle!(uut);
                    let taken = uut.sink.valid.val() && uut.sink.ready.val();
                    if uut.source.valid.val() && uut.source.ready.val() {
                        let header = uut.source.beat.val();
                        let mut octets = header.head.to_u64().to_le_bytes().to_vec();
                        let tail = header.tail.to_u64().to_le_bytes();
                        octets.extend(&tail[..if header.wide { 8 } else { 4 }]);
                        octets.resize(octets.len() + 4 * header.dwords.to_u64() as usize, 0);
                        let tlp = Tlp::parse(&octets);
                        let (first, count) = tlp.enabled();
                        assert_eq!(first, at, "SEED={seed}");
                        assert!(4 * tlp.length as u64 <= limit, "SEED={seed}");
                        assert_eq!(first / 4096, (first + count - 1) / 4096, "SEED={seed}");
                        at += count;
                        assert_eq!(header.last, at == start + bytes, "SEED={seed}");
                    }
                    edge!(uut);
                    if taken {
                        uut.sink.valid.next = false;
                    }
                    clocks += 1;
                    assert!(clocks < 5000, "SEED={seed}: stuck");
                }
                assert_eq!(at, start + bytes, "SEED={seed}");
            }
        }
    }
}
