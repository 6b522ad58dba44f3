//! The scripted peer of a queue pair: it knows its stream, and makes segments of it.

use super::event::{Ack, Compose, Segment, Spoil, Ulpdu};
use super::reads::Reads;
use super::regions::Regions;
use crate::station::{Segment as TcpSegment, TcpFrame, LOCAL_IP, LOCAL_MAC, PEER_IP, PEER_MAC};
use ironwarp_abi::context::QueuePairContext;
use ironwarp_wire::ddp::{TaggedRepr, UntaggedRepr, FIRST_MESSAGE};
use ironwarp_wire::mpa::stream::{Framer, Framing};
use ironwarp_wire::rdmap::{queue, Opcode};
use ironwarp_wire::{checksum, ethernet, ipv4, tcp};

/// Octets of the stream that the peer keeps to send again.
const KEPT: usize = 1 << 17;

/// One end of a TCP connection, and what it has to say.
pub struct Peer {
    frames: TcpFrame,
    /// The stream from its first octet on.
    stream: Vec<u8>,
    /// The sequence number of the first octet.
    base: u32,
    framer: Framer,
    /// MSN and MO of the next Send segment.
    message: (u32, u32),
    /// What the device expects next (RCV.NXT).
    pub expected: u32,
    /// What the device has not been acknowledged (SND.UNA).
    pub unacknowledged: u32,
    /// What the device had sent when it was last at rest (SND.NXT).
    pub sent: u32,
    shift: u8,
    /// The window that the device goes by (SND.WND), which need not be the last one it was told.
    pub window: u32,
    /// The last segment took back what a window before it had allowed.
    pub took_back: bool,
    /// RDMA Reads, both ways.
    pub reads: Reads,
    /// Where in the stream Read Requests and Responses end.
    delicate: Vec<usize>,
}

/// The TCP port of the device's queue pairs.
pub const LOCAL_PORT: u16 = crate::station::LOCAL_PORT;

/// The TCP port of a queue pair's peer.
pub fn port(qp: u32) -> u16 {
    (u32::from(crate::station::PEER_PORT) + qp) as u16
}

/// The addresses of frames from a peer with this port.
pub fn addresses(port: u16) -> TcpFrame {
    TcpFrame {
        source_mac: PEER_MAC,
        destination_mac: LOCAL_MAC,
        source_ip: PEER_IP,
        destination_ip: LOCAL_IP,
        source_port: port,
        destination_port: LOCAL_PORT,
    }
}

impl Peer {
    /// The peer of a queue pair that starts with this context.
    pub fn new(qp: u32, context: &QueuePairContext) -> Self {
        let framing = Framing { markers: context.receive_markers, crc: context.crc };
        Self {
            frames: addresses(port(qp)),
            stream: Vec::new(),
            base: context.receive_next,
            framer: Framer::new(framing),
            message: (FIRST_MESSAGE, 0),
            expected: context.receive_next,
            unacknowledged: context.send_next,
            sent: context.send_next,
            shift: context.send_window_shift,
            window: context.send_window,
            took_back: false,
            reads: Reads::new(context),
            delicate: Vec::new(),
        }
    }

    /// From now on the device's frames go to another MAC address, which is the peer's too.
    pub fn moves_to(&mut self, mac: [u8; 6]) {
        self.frames.source_mac = mac;
    }

    /// The frames that the device sends to this peer.
    pub fn incoming(&self) -> TcpFrame {
        self.frames.reversed()
    }

    fn position(&self) -> usize {
        self.expected.wrapping_sub(self.base) as usize
    }

    /// Puts a DDP segment into the stream.
    pub fn compose(&mut self, what: &Compose, regions: &Regions) {
        if self.stream.len() > KEPT {
            return;
        }
        let Some((mut ulpdu, length)) = self.header(what, regions) else { return };
        ulpdu.extend_from_slice(&filling(what.fill, length as usize));
        flip(&mut ulpdu, what.header);
        let first = self.stream.len();
        if self.framer.frame(&ulpdu, &mut self.stream).is_ok() {
            flip(&mut self.stream[first..], what.damage);
        }
        if matches!(what.ulpdu, Ulpdu::Read(..) | Ulpdu::Response) {
            self.delicate.push(self.stream.len());
        }
    }

    /// What stands before the payload, and the octets of that; none if there is nothing to say.
    fn header(&mut self, what: &Compose, regions: &Regions) -> Option<(Vec<u8>, u32)> {
        let length = u32::from(what.length);
        let header = match what.ulpdu {
            Ulpdu::Garbage => Vec::new(),
            Ulpdu::Response => return self.reads.answer(length),
            Ulpdu::Read(place) => {
                let source = regions.resolve(&place, length);
                let fill = u32::from(what.fill);
                let sink = (fill * 0x0101_0101, u64::from(fill) << 32 | 0xffff_ff00);
                return self.reads.ask(source, sink, length).map(|request| (request, 0));
            }
            Ulpdu::Terminate => {
                let ulp_control = Opcode::Terminate.control();
                let (last, queue, message) = (what.last, queue::TERMINATE, FIRST_MESSAGE);
                UntaggedRepr { last, ulp_control, ulp_word: 0, queue, message, offset: 0 }
                    .emit()
                    .to_vec()
            }
            Ulpdu::Write(place) => {
                let (stag, offset) = regions.resolve(&place, what.length.into());
                let ulp_control = Opcode::Write.control();
                TaggedRepr { last: what.last, ulp_control, stag, offset }.emit().to_vec()
            }
            Ulpdu::Send(solicited) => {
                let opcode = if solicited { Opcode::SendSolicited } else { Opcode::Send };
                let (message, offset) = self.message;
                self.message = match what.last {
                    true => (message.wrapping_add(1), 0),
                    false => (message, offset.wrapping_add(what.length.into())),
                };
                let ulp_control = opcode.control();
                let (last, queue) = (what.last, queue::SEND);
                UntaggedRepr { last, ulp_control, ulp_word: 0, queue, message, offset }
                    .emit()
                    .to_vec()
            }
        };
        Some((header, length))
    }

    /// Read Requests or Responses are on their way. They give the device something to send, or let
    /// it go on; a window that opens at the same time would let chance decide what goes first.
    pub fn is_delicate(&self) -> bool {
        self.next_delicate().is_some()
    }

    /// Where the next of them ends.
    fn next_delicate(&self) -> Option<usize> {
        let position = self.position();
        self.delicate.iter().copied().find(|end| *end > position)
    }

    /// The segment as it is sent: with nothing new for the sender if it is delicate.
    pub fn tamed(&self, what: &Segment) -> Segment {
        match self.is_delicate() {
            true => {
                let window = (self.window >> self.shift).min(u16::MAX.into()) as u16;
                Segment { ack: Ack::Same, window, ..*what }
            }
            false => *what,
        }
    }

    /// The frame of a segment.
    pub fn segment(&self, what: &Segment) -> Vec<u8> {
        let from = (self.position() as i64 + i64::from(what.skip)).max(0) as usize;
        let from = from.min(self.stream.len() + what.skip.max(0) as usize);
        // What comes behind a Read Request that ends the queue pair would race with its end.
        let end = self.next_delicate().unwrap_or(self.stream.len());
        let rest = self.stream.get(from..end).unwrap_or_default();
        let payload = rest[..rest.len().min(what.length.into())].to_vec();
        let usual = tcp::ACK | if payload.is_empty() { 0 } else { tcp::PSH };
        let segment = TcpSegment {
            sequence: self.base.wrapping_add(from as u32),
            acknowledgement: self.number(what.ack),
            flags: usual ^ what.flags,
            window: what.window,
            options: vec![1; 4 * usize::from(what.options)],
            payload,
        };
        let mut frame = self.frames.emit(&segment);
        spoil(&mut frame, what.spoil);
        frame
    }

    fn number(&self, ack: Ack) -> u32 {
        let flight = self.sent.wrapping_sub(self.unacknowledged);
        match ack {
            Ack::All => self.sent,
            Ack::Same => self.unacknowledged,
            Ack::Part(share) => {
                let part = (u64::from(flight) * u64::from(share)) >> 8;
                self.unacknowledged.wrapping_add(part as u32)
            }
            Ack::Old(octets) => self.unacknowledged.wrapping_sub(octets.into()),
            Ack::Beyond(octets) => self.sent.wrapping_add(u32::from(octets) + 0x2_0000),
        }
    }

    /// Whether a segment would take back what the window allows.
    pub fn takes_back(&mut self, what: &Segment) -> bool {
        let edge = self.number(what.ack).wrapping_add(u32::from(what.window) << self.shift);
        let before = self.unacknowledged.wrapping_add(self.window);
        self.took_back = (edge.wrapping_sub(before) as i32) < 0;
        self.took_back
    }
}

/// Octets made from a number.
pub fn filling(fill: u8, length: usize) -> Vec<u8> {
    (0..length).map(|n| fill.wrapping_add((n ^ n >> 8) as u8).wrapping_mul(167)).collect()
}

fn flip(octets: &mut [u8], bits: Option<(u16, u8)>) {
    if let Some((at, mask)) = bits {
        let length = octets.len().max(1);
        if let Some(octet) = octets.get_mut(usize::from(at) % length) {
            *octet ^= mask;
        }
    }
}

/// Flips bits of a frame, and makes the checksums right again if that is asked for.
pub fn spoil(frame: &mut [u8], how: Option<Spoil>) {
    let Some(how) = how else { return };
    flip(frame, Some((how.at, how.mask)));
    if how.repair {
        repair(frame);
    }
}

const IP: usize = ethernet::HEADER_BYTES;
const TCP: usize = IP + ipv4::HEADER_BYTES;

/// Makes the checksums of IPv4 and TCP right, as far as the lengths make sense.
fn repair(frame: &mut [u8]) -> Option<()> {
    let header = frame.get_mut(IP..TCP)?;
    header[ipv4::CHECKSUM].fill(0);
    let sum = checksum::internet(header);
    header[ipv4::CHECKSUM].copy_from_slice(&sum.to_be_bytes());
    let length = u16::from_be_bytes(header[ipv4::TOTAL_LENGTH].try_into().ok()?);
    let source = header[ipv4::SOURCE].try_into().ok()?;
    let destination = header[ipv4::DESTINATION].try_into().ok()?;
    let segment = frame.get_mut(TCP..IP + usize::from(length))?;
    segment.get_mut(tcp::CHECKSUM)?.fill(0);
    let sum = checksum::tcp_over_ipv4(source, destination, segment);
    segment.get_mut(tcp::CHECKSUM)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}
