//! The model's way in: a programme of what host and peer do to a device with a connection.

use crate::common::peer::{sack, Peer, Tcp};
use crate::common::pipe::{pipe, End};
use crate::common::{
    buffer, context, Station, Wish, EARLY, EARLY_LOG2, MEMORY, PLAIN, QP, SINK_STAG, SOURCE_STAG,
};
use crate::steps::{number, steps};
use ironwarp_abi::context::QueuePairContext;
use ironwarp_abi::limits::FRAME_BYTES_MAX;
use ironwarp_abi::queue::SendRequest;
use ironwarp_abi::registers::QP_CONTROL;
use std::time::Duration;

/// Steps after which a programme ends.
const STEPS_MAX: usize = 200;

/// A station, and what a programme has done to it.
struct Play {
    station: Station,
    peer: Peer,
    wish: Wish,
    /// What is lost is sent again, and what comes early is kept.
    repairs: bool,
    /// The host may have said anything: a write that leads nowhere is its own doing.
    free: bool,
    /// The peer's end of the byte stream, if there is one.
    end: Option<End>,
}

impl Play {
    /// The first octet of a programme chooses the connection.
    fn new(options: u8, over_stream: bool) -> Self {
        let (markers, crc) = (options & 1 != 0, options & 2 != 0);
        let mulpdu = if options & 4 != 0 { 128 } else { 1442 };
        let wish = Wish { markers, crc, mulpdu, ..PLAIN };
        let mut play = Self {
            station: Station::new(0),
            peer: Peer::new(wish),
            wish,
            repairs: false,
            free: false,
            end: None,
        };
        if over_stream {
            let [mine, theirs] = pipe(1 << 16, 4096);
            play.station.device.attach_stream(QP, Box::new(mine)).expect("at rest");
            play.end = Some(theirs);
        }
        play.repairs = options & 16 != 0;
        let await_first_fpdu = options & 8 != 0;
        play.station.start(&QueuePairContext { await_first_fpdu, ..play.own() });
        let mut raw = context(0, wish);
        raw.receive_queue += 0x4000;
        play.station.start_pair(0, &raw);
        (0..4).for_each(|i| play.station.post_receive(QP, &buffer(200, 200 * i)));
        play
    }

    fn own(&self) -> QueuePairContext {
        let plain = context(0, self.wish);
        match self.repairs {
            false => plain,
            true => QueuePairContext {
                retries: 3,
                sack: true,
                reassembly_log2: EARLY_LOG2,
                reassembly: MEMORY + EARLY,
                ..plain
            },
        }
    }

    /// The peer acknowledges near the right number, and blocks behind it.
    fn select(&mut self, data: &[u8]) {
        let [acknowledged, blocks @ ..] = data else { return };
        let near =
            |octet: u8| self.peer.acknowledged.wrapping_add_signed(32 * i32::from(octet as i8));
        let blocks = blocks.chunks_exact(2).map(|block| (near(block[0]), near(block[1])));
        let blocks: Vec<_> = blocks.collect();
        let segment = Tcp { acknowledged: near(*acknowledged), ..self.peer.plain() };
        let frame = self.peer.frame_with(&segment, &sack(&blocks));
        self.station.receive(&frame);
    }

    /// Time passes, and what is then due is done.
    fn wait(&mut self, milliseconds: u16) {
        let later = self.station.now + Duration::from_millis(milliseconds.into());
        self.station.poll_at(later);
        assert!(self.station.device.next_timer().is_none_or(|timer| timer > later));
    }

    /// The peer sends octets of the stream, in their order.
    fn stream(&mut self, octets: &[u8]) {
        match &mut self.end {
            Some(end) => {
                end.out.lock().expect("nobody has failed").octets.extend(octets);
                self.poll();
            }
            None => {
                for piece in octets.chunks(1460) {
                    let segment = self.peer.data(piece);
                    self.peer.emit(&mut self.station, &segment);
                }
            }
        }
    }

    fn poll(&mut self) {
        for frame in self.station.poll() {
            assert!((14..=FRAME_BYTES_MAX).contains(&frame.len()), "{} octets", frame.len());
        }
        if let Some(end) = &self.end {
            end.into.lock().expect("nobody has failed").octets.clear();
        }
    }

    /// A segment whose numbers are near the right ones.
    fn segment(&mut self, data: &[u8]) {
        let [sequence, acknowledged, flags, window, payload @ ..] = data else { return };
        let near = |number: u32, octet: u8| number.wrapping_add_signed((octet as i8).into());
        let segment = Tcp {
            sequence: near(self.peer.next, *sequence),
            acknowledged: near(self.peer.acknowledged, *acknowledged),
            flags: *flags,
            window: u16::from(*window) << 8,
            payload: payload.to_vec(),
        };
        self.peer.emit(&mut self.station, &segment);
    }

    /// A send work request: 64 octets, of which those that are missing are those of a good one.
    fn post(&mut self, data: &[u8]) {
        let mut bytes = SendRequest {
            opcode: 1 + data.len() as u8 % 4,
            signaled: true,
            length: 300,
            local_stag: SOURCE_STAG,
            ..SendRequest::default()
        }
        .to_bytes();
        let names_peer = matches!(bytes[0], 1 | 4);
        if names_peer {
            let request = SendRequest::from_bytes(&bytes);
            let local_stag = if bytes[0] == 4 { SINK_STAG } else { SOURCE_STAG };
            bytes = SendRequest { remote_stag: SINK_STAG, local_stag, ..request }.to_bytes();
        }
        bytes.iter_mut().zip(data).for_each(|(to, octet)| *to ^= octet);
        self.station.post_bytes(QP, &bytes);
    }

    fn step(&mut self, kind: u8, data: &[u8]) {
        match kind {
            0 => self.poll(),
            1 => self.station.receive(data),
            2 => self.segment(data),
            3 => self.stream(data),
            4 => {
                let fpdu = self.peer.fpdu(&data[..data.len().min(9000)]);
                self.stream(&fpdu);
            }
            5 => self.post(data),
            6 => {
                self.free = true;
                let (address, value) = data.split_at(data.len().min(4));
                self.station.bar(number(address), number(value));
            }
            7 => {
                self.station.write(QP_CONTROL, QP);
                self.peer = Peer::new(self.wish);
                let own = self.own();
                self.station.start(&own);
            }
            8 => {
                if let Some(end) = &self.end {
                    end.out.lock().expect("nobody has failed").closed = true;
                }
            }
            9 => self.select(data),
            10 => self.wait(number(data) as u16),
            _ => {
                self.station.device.bar_read32(number(data));
            }
        }
    }
}

fn play(data: &[u8], over_stream: bool) {
    let Some((options, programme)) = data.split_first() else { return };
    let mut play = Play::new(*options, over_stream);
    for step in steps(programme).take(STEPS_MAX) {
        play.step(step.kind, step.data);
    }
    play.poll();
    assert!(play.free || play.station.memory.lost == 0, "writes where no memory is");
}

/// The device with a connection over frames.
pub fn frames(data: &[u8]) {
    play(data, false);
}

/// The device with a connection over a byte stream.
pub fn octets(data: &[u8]) {
    play(data, true);
}
