//! The TCP of someone else: a transport whose octets go into and come out of a byte stream.

use crate::fpdu;
use crate::host::Host;
use crate::rdma::{Rdma, Sizes};
use crate::shared::Shared;
use crate::Status;
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::status;
use ironwarp_wire::mpa::fpdu::{MULPDU_MAX, MULPDU_MIN};
use ironwarp_wire::mpa::stream::Framing;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;

/// The TCP of a connection that the device does not run itself, such as a socket of the kernel.
pub trait ByteStream: Send {
    /// Takes some of the octets, in order, without waiting.
    ///
    /// # Errors
    /// As `std::io::Write::write_vectored` of a socket that does not block: `WouldBlock` if none
    /// can be taken now.
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Gives some octets, without waiting; zero if the peer has closed its direction.
    ///
    /// # Errors
    /// As `std::io::Read::read` of a socket that does not block: `WouldBlock` if there are none.
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize>;
}

/// A socket of the kernel that does not block.
impl ByteStream for TcpStream {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_vectored(parts)
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.read(into)
    }
}

/// So many octets are given to a stream at a time, and an FPDU more.
const BATCH: usize = 1 << 16;
/// Octets that have come and wait for the rest of their FPDU, or to be looked at.
const WAITING: usize = 1 << 18;
/// No fewer octets than this are asked of a stream at a time.
const READ: usize = 1 << 16;
/// Calls of a stream in each direction before others have their turn.
const TURN: usize = 8;

/// What became of a direction of a stream in its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// There may be more to do at once.
    Over,
    /// There is nothing to do before the stream or the host says so.
    Rests,
}

/// Between RDMA and a [`ByteStream`]: the octets that the stream has not taken yet.
#[derive(Debug)]
pub(crate) struct Carrier {
    octets: Box<[u8]>,
    /// Octets at the front of `octets` that the stream has.
    taken: usize,
    /// Octets at the front of `octets` that are FPDUs.
    filled: usize,
}

impl Carrier {
    /// Nothing waits.
    pub fn new() -> Self {
        let octets = vec![0; BATCH + largest(MULPDU_MAX, true)].into();
        Self { octets, taken: 0, filled: 0 }
    }

    /// What a connection over a stream can carry: whatever MPA allows.
    pub fn sizes(context: &QueuePairContext) -> Sizes {
        let mulpdu = usize::from(context.mulpdu).clamp(MULPDU_MIN, MULPDU_MAX);
        let fpdu = largest(usize::from(u16::MAX), context.receive_markers);
        Sizes { mulpdu, fpdu, waiting: WAITING }
    }

    /// There are octets that the stream did not take yet.
    pub fn wants_room(&self) -> bool {
        self.taken != self.filled
    }

    /// Does some of what there is to do. True if there may be more.
    pub fn service(
        &mut self,
        stream: &mut dyn ByteStream,
        rdma: &mut Rdma,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) -> bool {
        let received = receive(stream, rdma, shared, host);
        let turns = received.and_then(|received| {
            self.send(stream, rdma, shared, host).map(|sent| [received, sent])
        });
        match turns {
            Ok(turns) => turns.contains(&Turn::Over),
            Err(status) => {
                rdma.end(status, shared, host);
                false
            }
        }
    }

    fn send(
        &mut self,
        stream: &mut dyn ByteStream,
        rdma: &mut Rdma,
        shared: &mut Shared,
        host: &mut dyn Host,
    ) -> Result<Turn, Status> {
        for _ in 0..TURN {
            if !self.wants_room() {
                self.fill(rdma, shared, host)?;
            }
            if !self.wants_room() {
                return Ok(Turn::Rests);
            }
            let octets = &self.octets[self.taken..self.filled];
            match stream.send(&[IoSlice::new(octets)]) {
                Ok(taken) => {
                    let taken = taken.min(octets.len());
                    self.taken += taken;
                    rdma.acknowledge(taken as u32, shared, host)?;
                    if self.wants_room() {
                        return Ok(Turn::Rests);
                    }
                }
                Err(error) => return rests(&error),
            }
        }
        Ok(Turn::Over)
    }

    /// Makes FPDUs. If a request is wrong, those before it leave first: it is told when it is the
    /// first one.
    fn fill(
        &mut self,
        rdma: &mut Rdma,
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<(), Status> {
        (self.taken, self.filled) = (0, 0);
        while self.filled < BATCH {
            match self.make(rdma, shared, host) {
                Ok(0) => break,
                Ok(made) => self.filled += made,
                Err(status) if self.filled == 0 => return Err(status),
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Makes the next FPDU behind the others and answers its length, zero if none is due.
    fn make(
        &mut self,
        rdma: &mut Rdma,
        shared: &Shared,
        host: &mut dyn Host,
    ) -> Result<usize, Status> {
        let Some(due) = rdma.due(host)? else { return Ok(0) };
        let room = self.octets.get_mut(self.filled..self.filled + due.bytes);
        let room = room.ok_or(status::MPA_LENGTH)?;
        rdma.make(&due, room, shared, host)?;
        Ok(due.bytes)
    }
}

/// Takes what the stream has, and the FPDUs in it.
fn receive(
    stream: &mut dyn ByteStream,
    rdma: &mut Rdma,
    shared: &mut Shared,
    host: &mut dyn Host,
) -> Result<Turn, Status> {
    for _ in 0..TURN {
        let room = rdma.stream.room(READ);
        match stream.receive(room) {
            Ok(0) => return Err(rdma.closed()),
            Ok(given) => {
                let all = given < room.len();
                rdma.stream.fill(given);
                rdma.take_fpdus(shared, host)?;
                // A stream that does not fill the room has no more for now.
                if all {
                    return Ok(Turn::Rests);
                }
            }
            Err(error) => return rests(&error),
        }
    }
    Ok(Turn::Over)
}

/// The most octets of stream that the FPDU around a ULPDU takes, wherever it begins.
fn largest(ulpdu: usize, markers: bool) -> usize {
    // The FPDU that has a marker before it has the most of them.
    fpdu::stream_bytes(Framing { markers, crc: true }, 0, ulpdu)
}

/// Goes on later, if the error is none; else the queue pair's end.
fn rests(error: &io::Error) -> Result<Turn, Status> {
    match error.kind() {
        ErrorKind::WouldBlock => Ok(Turn::Rests),
        ErrorKind::Interrupted => Ok(Turn::Over),
        ErrorKind::TimedOut => Err(status::PEER_SILENT),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Err(status::PEER_RESET),
        _ => {
            tracing::warn!(%error, "a byte stream fails");
            Err(status::PEER_RESET)
        }
    }
}
