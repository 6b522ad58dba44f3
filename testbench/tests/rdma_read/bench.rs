//! One RNIC with a buffer of random octets, and the peer of its queue pair.

use ironwarp_abi::context::{MemoryRegionContext, QueuePairContext};
use ironwarp_abi::queue::{kind, opcode, SendRequest};
use ironwarp_sim::{HostMemory, Options};
use ironwarp_testbench::station::{Peer, Station};
use ironwarp_wire::ddp::{pieces, Segment, TaggedRepr, UntaggedRepr, TAGGED_HEADER_BYTES};
use ironwarp_wire::mpa::stream::{Deframer, Framer, Framing};
use ironwarp_wire::rdmap::read_request::{ReadRequestRepr, HEADER_BYTES};
use ironwarp_wire::rdmap::{queue, Opcode};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BUFFER: u64 = 0x2_0000_0000;
pub const BUFFER_BYTES: usize = 32_768;
/// The tagged offset of the buffer's first octet.
pub const BASE: u64 = 0x7f00_0000_1000;
pub const PD: u16 = 5;
pub const MULPDU: u16 = 1000;
/// The peer's buffer.
pub const PEER_STAG: u32 = 0x0bad_cafe;
pub const PEER_BASE: u64 = 0x1111_2222_3333_4444;
const SEND_NEXT: u32 = u32::MAX - 100;
const RECEIVE_NEXT: u32 = u32::MAX - 1000;

pub struct Bench {
    pub station: Station,
    pub peer: Peer,
    pub stag: u32,
    /// What the buffer should hold.
    pub buffer: Vec<u8>,
    framer: Framer,
    deframer: Deframer,
    /// The MSN of the peer's next Read Request.
    next_read: u32,
}

impl Bench {
    /// Four RDMA Reads each way, a window of 64 KiB, markers and CRC.
    pub fn new() -> Self {
        Self::with(QueuePairContext { read_in: 4, read_out: 4, ..Default::default() })
    }

    /// With the read depths and the await flag of `context`.
    pub fn with(context: QueuePairContext) -> Self {
        let framing = Framing { markers: true, crc: true };
        let mut station = Station::new(Options::default());
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let buffer: Vec<u8> = (0..BUFFER_BYTES).map(|_| rng.random()).collect();
        station.memory.map(BUFFER, BUFFER_BYTES);
        station.memory.write(BUFFER, &buffer).expect("mapped memory");
        let stag = station.register(3, Self::region());
        station.start(
            1,
            QueuePairContext {
                send_markers: true,
                receive_markers: true,
                crc: true,
                pd: PD,
                mulpdu: MULPDU,
                send_next: SEND_NEXT,
                send_window: 0xffff,
                receive_next: RECEIVE_NEXT,
                receive_window: 0xffff,
                ..context
            },
        );
        Self {
            station,
            peer: Peer::new(1, RECEIVE_NEXT, SEND_NEXT),
            stag,
            buffer,
            framer: Framer::new(framing),
            deframer: Deframer::new(framing),
            next_read: 1,
        }
    }

    /// The buffer as a region that may be used for everything that RDMA Read needs.
    pub fn region() -> MemoryRegionContext {
        MemoryRegionContext {
            base: BASE,
            length: BUFFER_BYTES as u64,
            stag: 0xef,
            bus_address: BUFFER,
            pd: PD,
            local_read: true,
            local_write: true,
            remote_read: true,
            ..Default::default()
        }
    }

    /// A work request between the buffer at `at` and the peer's at the same place.
    pub fn request(&self, code: u8, at: u64, length: u32) -> SendRequest {
        SendRequest {
            opcode: code,
            signaled: true,
            length,
            local_offset: BASE + at,
            local_stag: self.stag,
            remote_stag: PEER_STAG,
            remote_offset: PEER_BASE + at,
        }
    }

    pub fn post(&mut self, code: u8, at: u64, length: u32) {
        let request = self.request(code, at, length);
        self.station.post_send(1, &request);
    }

    pub fn post_read(&mut self, at: u64, length: u32) {
        self.post(opcode::READ, at, length);
    }

    /// Runs for a while; the ULPDUs that have come.
    pub fn ulpdus(&mut self) -> Vec<Vec<u8>> {
        self.station.simulation.run(4000);
        for segment in self.peer.take(&mut self.station) {
            self.deframer.push(&segment.payload);
        }
        std::iter::from_fn(|| self.deframer.next_ulpdu().expect("a good stream")).collect()
    }

    /// The peer acknowledges what has come.
    pub fn acknowledge(&mut self) {
        self.peer.send(&mut self.station, &[]);
        self.station.simulation.run(1000);
    }

    /// The peer sends ULPDUs, each in a segment.
    pub fn say(&mut self, ulpdus: &[Vec<u8>]) {
        for ulpdu in ulpdus {
            let mut octets = vec![];
            self.framer.frame(ulpdu, &mut octets).expect("a short ULPDU");
            self.peer.send(&mut self.station, &octets);
        }
        self.station.simulation.run(2000);
    }

    /// The peer's next Read Request: `length` octets of the buffer from `at`.
    pub fn asking(&mut self, at: u64, length: u32) -> (UntaggedRepr, ReadRequestRepr) {
        self.next_read += 1;
        let header = UntaggedRepr {
            last: true,
            ulp_control: Opcode::ReadRequest.control(),
            ulp_word: 0,
            queue: queue::READ_REQUEST,
            message: self.next_read - 1,
            offset: 0,
        };
        let wanted = ReadRequestRepr {
            sink_stag: PEER_STAG,
            sink_offset: PEER_BASE + at,
            length,
            source_stag: self.stag,
            source_offset: BASE.wrapping_add(at),
        };
        (header, wanted)
    }

    pub fn ask(&mut self, at: u64, length: u32) {
        let (header, wanted) = self.asking(at, length);
        self.say(&[[&header.emit()[..], &wanted.emit()].concat()]);
    }

    /// The completions and events since the last time: kind, status, request, length.
    pub fn told(&mut self) -> Vec<(u8, u8, u16, u32)> {
        let entries = self.station.completions();
        entries.iter().map(|e| (e.kind, e.status, e.request, e.length)).collect()
    }

    /// The statuses of the events since the last time; there may be nothing else.
    pub fn events(&mut self) -> Vec<u8> {
        let told = self.told();
        assert!(told.iter().all(|entry| entry.0 == kind::EVENT), "{told:?}");
        told.iter().map(|entry| entry.1).collect()
    }

    /// The host's memory is as it should be.
    pub fn check(&self, what: &str) {
        assert!(self.station.octets(BUFFER, BUFFER_BYTES) == self.buffer, "{what}: the buffer");
    }
}

/// A tagged ULPDU.
pub fn tagged(opcode: Opcode, last: bool, stag: u32, offset: u64, payload: &[u8]) -> Vec<u8> {
    let header = TaggedRepr { last, ulp_control: opcode.control(), stag, offset };
    [&header.emit()[..], payload].concat()
}

/// A message to tagged memory, cut as [`MULPDU`] says.
pub fn message(opcode: Opcode, stag: u32, offset: u64, octets: &[u8]) -> Vec<Vec<u8>> {
    let length = octets.len() as u32;
    let cut = pieces(length, MULPDU.into(), TAGGED_HEADER_BYTES).expect("room for payload");
    cut.map(|piece| {
        let payload = &octets[piece.offset as usize..][..piece.length as usize];
        tagged(opcode, piece.last, stag, offset + u64::from(piece.offset), payload)
    })
    .collect()
}

/// Reads a Read Request, which must be one.
pub fn parse_request(ulpdu: &[u8]) -> (UntaggedRepr, ReadRequestRepr) {
    let Ok(Segment::Untagged(segment)) = Segment::new(ulpdu) else {
        panic!("not untagged: {ulpdu:02x?}")
    };
    let payload = Segment::Untagged(segment).payload();
    assert_eq!(payload.len(), HEADER_BYTES);
    (UntaggedRepr::parse(&segment), ReadRequestRepr::parse(payload).expect("28 octets"))
}
