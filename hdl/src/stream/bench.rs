//! A single-threaded bench for blocks that take a stream and give a stream.
use crate::stream::beat::Beat;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;

/// The seeds of a random test: the one in `SEED`, or thirty.
pub fn seeds() -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is a number")],
        Err(_) => (0..30).collect(),
    }
}

/// The one source of chance of a test.
pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A packet and whether it ends with `error`.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    pub octets: Vec<u8>,
    pub error: bool,
}

/// `count` packets of 1 to `longest` octets; one in four is bad.
pub fn random_packets(seed: u64, count: usize, longest: usize) -> Vec<Packet> {
    let mut rng = rng(seed);
    (0..count)
        .map(|_| {
            let length = rng.random_range(1..=longest);
            Packet {
                octets: (0..length).map(|_| rng.random()).collect(),
                error: rng.random_bool(0.25),
            }
        })
        .collect()
}

/// A beat of up to eight octets.
pub fn beat(octets: &[u8], last: bool, error: bool) -> Beat {
    let mut word = [0; 8];
    word[..octets.len()].copy_from_slice(octets);
    Beat {
        data: u64::from_le_bytes(word).to_bits(),
        bytes: (octets.len() as u64).to_bits(),
        last,
        error: last && error,
    }
}

/// The packets as dense beats.
pub fn dense(packets: &[Packet]) -> Vec<Beat> {
    packets
        .iter()
        .flat_map(|packet| {
            let beats = packet.octets.chunks(8);
            let last = beats.len() - 1;
            beats.enumerate().map(move |(n, chunk)| beat(chunk, n == last, packet.error))
        })
        .collect()
}

/// The packets cut into beats of the given sizes at random; a last beat has what is left.
#[allow(dead_code)]
pub fn scattered(seed: u64, packets: &[Packet], sizes: &[usize]) -> Vec<Beat> {
    let mut rng = rng(seed ^ 0x5ca7_7e2d);
    let mut beats = vec![];
    for packet in packets {
        let mut rest = &packet.octets[..];
        while !rest.is_empty() {
            let size = sizes[rng.random_range(0..sizes.len())].min(rest.len());
            let size = if rest.len() <= 8 && rng.random_bool(0.5) { rest.len() } else { size };
            let (now, later) = rest.split_at(size);
            beats.push(beat(now, later.is_empty(), packet.error));
            rest = later;
        }
    }
    beats
}

/// Lets the combinational logic settle.
macro_rules! settle {
    ($uut:expr) => {
        assert!(simulate(&mut $uut, 100), "a combinational loop")
    };
}

/// One rising and one falling clock edge.
macro_rules! edge {
    ($uut:expr) => {
        $uut.clock.next = Clock { clk: true };
        $crate::stream::bench::settle!($uut);
        $uut.clock.next = Clock { clk: false };
        $crate::stream::bench::settle!($uut);
    };
}

/// Settles, then one clock.
macro_rules! tick {
    ($uut:expr) => {
        $crate::stream::bench::settle!($uut);
        $crate::stream::bench::edge!($uut);
    };
}

/// Sends beats through `sink` and gives what leaves `source`, with seeded stalls at both ends.
macro_rules! exchange {
    ($uut:expr, $seed:expr, $beats:expr) => {{
        use rand::Rng;
        let mut rng = $crate::stream::bench::rng($seed);
        let (offer, accept) = (rng.random_range(0.2..=1.0), rng.random_range(0.2..=1.0));
        let beats: &[Beat] = $beats;
        let (mut sent, mut got, mut offered, mut idle) = (0, vec![], false, 0);
        $uut.connect_all();
        while idle < 200 {
            offered = offered || (sent < beats.len() && rng.random_bool(offer));
            $uut.sink.valid.next = offered;
            $uut.sink.beat.next = beats.get(sent).copied().unwrap_or_default();
            $uut.source.ready.next = rng.random_bool(accept);
            $crate::stream::bench::settle!($uut);
            let moved = offered && $uut.sink.ready.val();
            if $uut.source.valid.val() && $uut.source.ready.val() {
                got.push($uut.source.beat.val());
                idle = 0;
            }
            $crate::stream::bench::edge!($uut);
            sent += usize::from(moved);
            offered = offered && !moved;
            idle = if moved { 0 } else { idle + 1 };
        }
        assert_eq!(sent, beats.len(), "the sink stalled for ever");
        got
    }};
}

pub(crate) use {edge, exchange, settle, tick};
