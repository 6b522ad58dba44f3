//! Reads the payload of a segment from host memory.
use crate::literal::Literal;
use crate::pcie::records::ReadRequest;
use crate::pins::{Pin, Ports};
use crate::protect::records::Piece;
use crate::stream::*;
use ironwarp_abi::limits::READ_REQUEST_BYTES_MAX;
use rust_hdl::prelude::*;

/// What a read is to its payload.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct ReadPart {
    /// The payload ends with it.
    pub last: Bit,
    /// It is no read, but the end of a payload that cannot be found.
    pub fault: Bit,
}

/// Splits the pieces of a segment's payload into reads, none across a 4 KiB boundary or longer than
/// the maximum read request size or 512 octets, and joins the answers to one dense packet.
///
/// ```text
/// job --> split --> read request
///           | last piece?
///           v
///         pieces --> join <-- data
///                     |
///             BytePacker, SkidBuffer --> source
/// ```
/// A read every other clock at most; as many are under way as there is room for pieces. If the bus
/// refuses a read, or a job is a fault, the packet ends with `error`; with a fault it is short. A
/// job of no octets gives no packet.
#[derive(LogicBlock, Ports, Default)]
pub struct PayloadRead {
    pub clock: Signal<In, Clock>,
    /// The maximum read request size: 128 octets << n.
    pub max_read: Signal<In, Bits<3>>,
    /// A payload is jobs up to a last one.
    pub job: StreamSink<Piece>,
    pub read: StreamSource<ReadRequest>,
    pub data: StreamSink<Beat>,
    pub source: StreamSource<Beat>,
    /// The first beat of a payload has come (a pulse, for the trace).
    pub started: Signal<Out, Bit>,

    pieces: StreamFifo<ReadPart, 7>,
    packer: BytePacker,
    outgoing: SkidBuffer<Beat>,
    /// What is left of the current job.
    address: DFF<Bits<64>>,
    left: DFF<Bits<16>>,
    /// It is the payload's last one; it is a fault.
    closing: DFF<Bit>,
    broken: DFF<Bit>,
    /// The next piece of it, if `split`; is it the last?
    piece: DFF<Bits<10>>,
    ending: DFF<Bit>,
    split: DFF<Bit>,
    request: DFF<ReadRequest>,
    offered: DFF<Bit>,
    failed: DFF<Bit>,
    underway: DFF<Bit>,
    part: Signal<Local, ReadPart>,
    there: Signal<Local, Bit>,
    low: Signal<Local, Bits<13>>,
    to_page: Signal<Local, Bits<13>>,
    limit: Signal<Local, Bits<10>>,
    octets: Signal<Local, Bits<10>>,
    free: Signal<Local, Bit>,
    idle: Signal<Local, Bit>,
    issue: Signal<Local, Bit>,
    page: Literal<13, 4096>,
    longest: Literal<10, { READ_REQUEST_BYTES_MAX as u64 }>,
}

impl Logic for PayloadRead {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, address, left, piece, ending, split, request, offered);
        dff_setup!(self, clock, failed, underway, closing, broken);
        clock!(self, clock, pieces, packer, outgoing);

        // Split.
        self.low.next = bit_cast::<13, 64>(self.address.q.val()) & 4095;
        self.to_page.next = self.page.val() - self.low.val();
        self.limit.next = self.longest.val();
        if self.max_read.val() == 0 {
            self.limit.next = 128.into();
        }
        if self.max_read.val() == 1 {
            self.limit.next = 256.into();
        }
        self.octets.next = self.limit.val();
        if self.left.q.val() < bit_cast::<16, 10>(self.octets.val()) {
            self.octets.next = bit_cast::<10, 16>(self.left.q.val());
        }
        if self.to_page.val() < bit_cast::<13, 10>(self.octets.val()) {
            self.octets.next = bit_cast::<10, 13>(self.to_page.val());
        }
        self.read.beat.next = self.request.q.val();
        self.read.valid.next = self.offered.q.val();
        self.free.next =
            (self.read.ready.val() | !self.offered.q.val()) & self.pieces.sink.ready.val();
        if self.read.ready.val() {
            self.offered.d.next = false;
        }
        self.issue.next = self.free.val() & self.split.q.val();
        self.pieces.sink.beat.next.last = self.ending.q.val() | self.broken.q.val();
        self.pieces.sink.beat.next.fault = self.broken.q.val();
        self.pieces.sink.valid.next = self.issue.val() | self.broken.q.val();
        if self.pieces.sink.ready.val() {
            self.broken.d.next = false;
        }
        self.piece.d.next = self.octets.val();
        self.ending.d.next =
            (self.left.q.val() == bit_cast::<16, 10>(self.octets.val())) & self.closing.q.val();
        self.split.d.next = self.left.q.val().any();
        if self.split.q.val() {
            self.piece.d.next = self.piece.q.val();
            self.ending.d.next = self.ending.q.val();
            self.split.d.next = !self.free.val();
        }
        if self.issue.val() {
            self.offered.d.next = true;
            self.request.d.next.address = self.address.q.val();
            self.request.d.next.bytes = self.piece.q.val();
            self.address.d.next = self.address.q.val() + bit_cast::<64, 10>(self.piece.q.val());
            self.left.d.next = self.left.q.val() - bit_cast::<16, 10>(self.piece.q.val());
        }
        self.idle.next = !self.left.q.val().any() & !self.broken.q.val();
        self.job.ready.next = self.idle.val();
        if self.idle.val() & self.job.valid.val() {
            self.address.d.next = self.job.beat.val().address;
            self.left.d.next = self.job.beat.val().bytes;
            self.closing.d.next = self.job.beat.val().last;
            if self.job.beat.val().fault {
                self.left.d.next = 0.into();
                self.broken.d.next = true;
            }
        }

        // Join: only the last piece's last beat is the packet's.
        self.part.next = self.pieces.source.beat.val();
        self.packer.sink.beat.next = self.data.beat.val();
        self.packer.sink.beat.next.last = self.data.beat.val().last & self.part.val().last;
        self.packer.sink.beat.next.error = self.data.beat.val().last
            & self.part.val().last
            & (self.data.beat.val().error | self.failed.q.val());
        if self.part.val().fault {
            self.packer.sink.beat.next.data = 0.into();
            self.packer.sink.beat.next.bytes = 1.into();
            self.packer.sink.beat.next.last = true;
            self.packer.sink.beat.next.error = true;
        }
        self.there.next =
            self.pieces.source.valid.val() & (self.data.valid.val() | self.part.val().fault);
        self.packer.sink.valid.next = self.there.val();
        self.data.ready.next =
            self.packer.sink.ready.val() & self.pieces.source.valid.val() & !self.part.val().fault;
        self.pieces.source.ready.next = self.packer.sink.ready.val()
            & ((self.data.valid.val() & self.data.beat.val().last) | self.part.val().fault);
        self.started.next = false;
        if self.there.val() & self.packer.sink.ready.val() {
            self.started.next = !self.underway.q.val();
            self.underway.d.next = true;
            if self.data.beat.val().last | self.part.val().fault {
                self.failed.d.next = self.failed.q.val() | self.data.beat.val().error;
                if self.part.val().last {
                    self.failed.d.next = false;
                    self.underway.d.next = false;
                }
            }
        }
        StreamSource::<Beat>::join(&mut self.packer.source, &mut self.outgoing.sink);
        StreamSource::<Beat>::link(&mut self.source, &mut self.outgoing.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::VecDeque;

    /// The octet at a bus address.
    fn memory(address: u64) -> u8 {
        (address ^ address >> 8 ^ address >> 17) as u8
    }

    /// A payload in host memory.
    struct Payload {
        /// Where its pieces lie, and how long they are.
        pieces: Vec<(u64, u64)>,
        /// What is behind them cannot be found.
        fault: bool,
        /// The bus refuses an octet of the first one.
        refused: bool,
    }

    fn payload(rng: &mut ChaCha8Rng) -> Payload {
        let pieces = (0..[1, 1, 2, 4][rng.random_range(0..4)]).map(|_| {
            let page = 4096 * rng.random_range(1..1 << 40);
            (page - rng.random_range(0..1200_u64), rng.random_range(1..1500))
        });
        let mut payload =
            Payload { pieces: pieces.collect(), fault: rng.random_bool(0.2), refused: false };
        if payload.pieces.len() == 1 {
            payload.pieces[0].1 = rng.random_range(0..2000);
        }
        payload.refused = payload.pieces[0].1 > 0 && rng.random_bool(0.2);
        payload
    }

    impl Payload {
        fn jobs(&self) -> Vec<Piece> {
            let mut jobs: Vec<Piece> = self
                .pieces
                .iter()
                .filter(|piece| !self.fault || piece.1 > 0)
                .map(|(address, bytes)| Piece {
                    address: address.to_bits(),
                    bytes: bytes.to_bits(),
                    ..Default::default()
                })
                .collect();
            if self.fault {
                // What else it says means nothing.
                jobs.push(Piece { fault: true, bytes: 77.into(), ..Default::default() });
            }
            if let Some(last) = jobs.last_mut() {
                last.last = true;
            }
            jobs
        }

        fn packet(&self) -> Packet {
            let pieces = self.pieces.iter();
            let mut octets: Vec<u8> = pieces
                .flat_map(|(address, bytes)| (*address..address + bytes).map(memory))
                .collect();
            if self.fault {
                octets.push(0);
            }
            Packet { octets, error: self.fault || self.refused }
        }
    }

    #[test]
    fn reads_every_octet_once() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = PayloadRead::default();
            uut.connect_all();
            let max_read = rng.random_range(0..6_u64);
            uut.max_read.next = max_read.to_bits();
            let payloads: Vec<Payload> = (0..12).map(|_| payload(&mut rng)).collect();
            let jobs: Vec<Piece> = payloads.iter().flat_map(|payload| payload.jobs()).collect();
            let expected: Vec<Packet> = payloads
                .iter()
                .map(Payload::packet)
                .filter(|packet| !packet.octets.is_empty())
                .collect();
            let expected = dense(&expected);
            let (mut next, mut got) = (0, vec![]);
            let mut answers: VecDeque<Beat> = VecDeque::new();
            // The octet whose read the bus refuses, for every bad job.
            let poison: Vec<u64> = payloads
                .iter()
                .filter(|payload| payload.refused && payload.pieces[0].1 > 0)
                .map(|payload| payload.pieces[0].0 + rng.random_range(0..payload.pieces[0].1))
                .collect();
            for _ in 0..12_000 {
                uut.job.valid.next = next < jobs.len();
                uut.job.beat.next = jobs.get(next).copied().unwrap_or_default();
                uut.read.ready.next = rng.random_bool(0.7);
                uut.data.valid.next = !answers.is_empty();
                uut.data.beat.next = answers.front().copied().unwrap_or_default();
                uut.source.ready.next = rng.random_bool(0.9);
                settle!(uut);
                if uut.source.valid.val() && uut.source.ready.val() {
                    got.push(uut.source.beat.val());
                }
                let taken = uut.job.valid.val() && uut.job.ready.val();
                let answered = uut.data.valid.val() && uut.data.ready.val();
                if uut.read.valid.val() && uut.read.ready.val() {
                    let request = uut.read.beat.val();
                    let (address, bytes) = (request.address.to_u64(), request.bytes.to_u64());
                    let end = address + bytes;
                    assert!(bytes > 0 && bytes <= 128 << max_read.min(2), "SEED={seed}");
                    assert_eq!(address >> 12, (end - 1) >> 12, "SEED={seed}");
                    let octets: Vec<u8> = (address..end).map(memory).collect();
                    let error = poison.iter().any(|octet| (address..end).contains(octet));
                    answers.extend(dense(&[Packet { octets, error }]));
                }
                edge!(uut);
                next += usize::from(taken);
                if answered {
                    answers.pop_front();
                }
            }
            assert_eq!(got, expected, "SEED={seed}");
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("payload_read", &mut PayloadRead::default());
    }
}
