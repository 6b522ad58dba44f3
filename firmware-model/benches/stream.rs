//! How fast one core moves RDMA Writes into and out of a byte stream that costs nothing.
//!
//! ```text
//! cargo bench -p ironwarp-model
//! ```

#[path = "../tests/common/mod.rs"]
mod common;

use common::peer::{tagged, Peer};
use common::*;
use ironwarp_abi::registers as reg;
use ironwarp_model::ByteStream;
use rustix::time::{clock_gettime, ClockId};
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::time::Duration;

/// How long each figure is measured, in time on the core.
const LONG: Duration = Duration::from_millis(300);

/// Takes everything and gives the same FPDUs again and again, as they pass in memory.
struct Ring {
    fpdus: Vec<u8>,
    at: usize,
}

impl ByteStream for Ring {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> Result<usize> {
        Ok(parts.iter().map(|part| part.len()).sum())
    }

    fn receive(&mut self, into: &mut [u8]) -> Result<usize> {
        let rest = &self.fpdus[self.at..];
        let given = rest.len().min(into.len());
        if given == 0 {
            return Err(Error::from(ErrorKind::WouldBlock));
        }
        into[..given].copy_from_slice(&rest[..given]);
        self.at = (self.at + given) % self.fpdus.len();
        Ok(given)
    }
}

fn station(wish: Wish, fpdus: Vec<u8>) -> Station {
    let mut station = Station::new(0);
    station.device.attach_stream(QP, Box::new(Ring { fpdus, at: 0 })).unwrap();
    station.start(&context(0, wish));
    station
}

/// The time that this thread has had a core.
fn time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Repeats a step that moves so many octets; answers the rate in GB/s.
fn rate(mut step: impl FnMut() -> usize) -> f64 {
    let (start, mut octets) = (time(), 0);
    while time() - start < LONG {
        octets += step();
    }
    octets as f64 / (time() - start).as_secs_f64() / 1e9
}

fn sending(wish: Wish, length: u32) -> f64 {
    let mut station = station(wish, Vec::new());
    rate(|| {
        (0..16).for_each(|_| station.post(&write_request(length, 0, 0)));
        while !station.device_rests() {}
        assert_eq!(station.completions().len(), 16);
        16 * length as usize
    })
}

fn receiving(wish: Wish, length: usize) -> f64 {
    let mut peer = Peer::new(wish);
    let payload = pattern(length, 1);
    let mut fpdus = Vec::new();
    // Whole rounds, so that the markers are where they belong when it begins again.
    while fpdus.len() < 1 << 20 || fpdus.len() % 512 != 0 {
        for piece in payload.chunks(usize::from(wish.mulpdu) - 14) {
            fpdus.extend(peer.fpdu(&tagged(SINK_STAG, 0, piece)));
        }
    }
    let share = payload.len() as f64 / (payload.len() + 20) as f64;
    let mut station = station(wish, fpdus);
    station.write(reg::QUERY_QP, QP);
    let octets = rate(|| {
        let before = station.read(reg::QUERY_RECEIVE_NEXT);
        station.device_rests();
        station.read(reg::QUERY_RECEIVE_NEXT).wrapping_sub(before) as usize
    });
    share * octets
}

fn main() {
    println!("RDMA Write over a byte stream, GB/s of payload on one core");
    println!("{:>8} {:>5} {:>8} {:>8} {:>8}", "octets", "CRC", "markers", "send", "receive");
    for length in [65_536, 4096, 64] {
        for (crc, markers) in [(true, false), (false, false), (true, true)] {
            let wish = Wish { crc, markers, mulpdu: 64_768, ..PLAIN };
            let (send, receive) = (sending(wish, length), receiving(wish, length as usize));
            println!("{length:>8} {crc:>5} {markers:>8} {send:>8.2} {receive:>8.2}");
        }
    }
}
