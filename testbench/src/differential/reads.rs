//! What the peer of a queue pair knows of RDMA Reads, both ways.

use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::limits::READS_MAX;
use ironwarp_wire::ddp::{Segment, TaggedRepr, UntaggedRepr, FIRST_MESSAGE};
use ironwarp_wire::mpa::stream::{Deframer, Framing};
use ironwarp_wire::rdmap::read_request::ReadRequestRepr;
use ironwarp_wire::rdmap::{queue, Opcode};
use std::collections::VecDeque;

/// Reads under way.
pub struct Reads {
    deframer: Deframer,
    /// The device's Read Requests that are not answered whole, each with the octets answered.
    asked: VecDeque<(ReadRequestRepr, u32)>,
    /// The MSN of the peer's next Read Request.
    message: u32,
    /// The peer's Read Requests that the device has not answered whole when it was last at rest.
    held: usize,
    limit: usize,
    /// Messages of work requests that the device has sent whole.
    pub finished: u16,
}

impl Reads {
    /// None yet.
    pub fn new(context: &QueuePairContext) -> Self {
        let framing = Framing { markers: context.send_markers, crc: context.crc };
        Self {
            deframer: Deframer::new(framing),
            asked: VecDeque::new(),
            message: FIRST_MESSAGE,
            held: 0,
            limit: usize::from(context.read_in).min(READS_MAX),
            finished: 0,
        }
    }

    /// Takes the next octets of the device's stream.
    pub fn take(&mut self, octets: &[u8]) {
        self.deframer.push(octets);
        while let Ok(Some(ulpdu)) = self.deframer.next_ulpdu() {
            let Ok(segment) = Segment::new(&ulpdu) else { continue };
            let opcode = Opcode::of(segment.ulp_control());
            if segment.is_last() && opcode != Ok(Opcode::ReadResponse) {
                self.finished = self.finished.wrapping_add(1);
            }
            match opcode {
                Ok(Opcode::ReadRequest) => {
                    let request = ReadRequestRepr::parse(segment.payload()).ok();
                    self.asked.extend(request.map(|request| (request, 0)));
                }
                Ok(Opcode::ReadResponse) if segment.is_last() => {
                    self.held = self.held.saturating_sub(1);
                }
                _ => {}
            }
        }
    }

    /// The device has a Read Request to answer, and waits for the window.
    pub fn is_held(&self) -> bool {
        self.held > 0
    }

    /// The header of the next Read Response segment and the octets that it has of `length`, if the
    /// device waits for one.
    pub fn answer(&mut self, length: u32) -> Option<(Vec<u8>, u32)> {
        let (request, answered) = self.asked.front_mut()?;
        let length = length.min(request.length - *answered);
        let header = TaggedRepr {
            last: *answered + length == request.length,
            ulp_control: Opcode::ReadResponse.control(),
            stag: request.sink_stag,
            offset: request.sink_offset.wrapping_add((*answered).into()),
        };
        *answered += length;
        if header.last {
            self.asked.pop_front();
        }
        Some((header.emit().to_vec(), length))
    }

    /// A Read Request of so many octets, unless the device holds as many as it may: how many it
    /// would hold if one came more is a matter of time.
    pub fn ask(&mut self, source: (u32, u64), sink: (u32, u64), length: u32) -> Option<Vec<u8>> {
        if self.held >= self.limit {
            return None;
        }
        self.held += 1;
        let message = self.message;
        self.message = message.wrapping_add(1);
        let header = UntaggedRepr {
            last: true,
            ulp_control: Opcode::ReadRequest.control(),
            ulp_word: 0,
            queue: queue::READ_REQUEST,
            message,
            offset: 0,
        };
        let request = ReadRequestRepr {
            sink_stag: sink.0,
            sink_offset: sink.1,
            length,
            source_stag: source.0,
            source_offset: source.1,
        };
        Some([&header.emit()[..], &request.emit()].concat())
    }
}
