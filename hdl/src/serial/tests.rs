//! The bridge against the software of the other end, bit by bit, with and without noise.
use super::SerialBridge;
use crate::stream::beat::Beat;
use crate::stream::bench::*;
use ironwarp_abi::serial::{kind, FLAG};
use ironwarp_root_complex::serial::{Deframer, Frame, SerialLink};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

const CLOCKS_PER_BIT: u32 = 4;
/// A clock of the board, as the host measures it. With noise it is so slow that the host's patience
/// is a bearable number of clocks; then it sends some packets again that were only late.
const CLOCK: Duration = Duration::from_micros(2);
const SLOW_CLOCK: Duration = Duration::from_micros(50);

/// Eight data bits between a start and a stop bit, driven and sampled as a UART does.
#[derive(Default)]
struct Wire {
    sending: VecDeque<bool>,
    sent_clocks: u32,
    receiving: Option<(u32, u16)>,
}

impl Wire {
    fn send(&mut self, octet: u8) {
        let bits = (0..8).map(|bit| octet >> bit & 1 == 1);
        self.sending.extend(std::iter::once(false).chain(bits).chain([true]));
    }

    /// The level to drive in this clock.
    fn drive(&mut self) -> bool {
        let Some(&level) = self.sending.front() else { return true };
        self.sent_clocks += 1;
        if self.sent_clocks >= CLOCKS_PER_BIT {
            self.sent_clocks = 0;
            self.sending.pop_front();
        }
        level
    }

    /// Looks at the other line; an octet whose stop bit is there.
    fn sample(&mut self, level: bool) -> Option<u8> {
        let (clocks, bits) = match self.receiving {
            None if level => return None,
            None => (0, 0),
            Some((clocks, bits)) => (clocks + 1, bits),
        };
        let middle = clocks % CLOCKS_PER_BIT == CLOCKS_PER_BIT / 2;
        let bits = if middle { bits >> 1 | u16::from(level) << 9 } else { bits };
        let done = clocks / CLOCKS_PER_BIT == 9 && middle;
        self.receiving = (!done).then_some((clocks, bits));
        done.then(|| {
            assert_eq!(bits & 0x201, 0x200, "start and stop bits");
            (bits >> 1) as u8
        })
    }
}

struct Bench {
    uut: SerialBridge,
    link: SerialLink,
    wire: Wire,
    clock: u32,
    rng: ChaCha8Rng,
    /// The chance that an octet is damaged, in either direction.
    noise: f64,
    damaged: u32,
    to_host: VecDeque<Beat>,
    from_device: Vec<Vec<u8>>,
    at_device: Vec<Vec<u8>>,
    arriving: Vec<u8>,
    reset_clocks: u32,
}

impl Bench {
    fn new(seed: u64, noise: f64) -> Self {
        let mut uut = SerialBridge::with_patience(CLOCKS_PER_BIT, 20_000);
        uut.connect_all();
        Self {
            uut,
            link: SerialLink::open(0x0100, 0x21, seed as u16, Duration::ZERO),
            wire: Wire::default(),
            clock: 0,
            rng: rng(seed),
            noise,
            damaged: 0,
            to_host: VecDeque::new(),
            from_device: vec![],
            at_device: vec![],
            arriving: vec![],
            reset_clocks: 0,
        }
    }

    fn now(&self) -> Duration {
        if self.noise > 0.0 {
            SLOW_CLOCK * self.clock
        } else {
            CLOCK * self.clock
        }
    }

    fn pass(&mut self, octet: u8) -> Option<u8> {
        let damaged = self.rng.random_bool(self.noise);
        self.damaged += u32::from(damaged);
        match damaged {
            false => Some(octet),
            true if self.rng.random() => None,
            true => Some(self.rng.random()),
        }
    }

    fn clock(&mut self) {
        self.host();
        self.uut.uart_rx.next = self.wire.drive();
        self.uut.pcie_out.valid.next = !self.to_host.is_empty();
        self.uut.pcie_out.beat.next = self.to_host.front().copied().unwrap_or_default();
        self.uut.pcie_in.ready.next = self.rng.random();
        settle!(self.uut);
        if self.uut.pcie_out.ready.val() && !self.to_host.is_empty() {
            self.to_host.pop_front();
        }
        if self.uut.pcie_in.valid.val() && self.uut.pcie_in.ready.val() {
            let beat = self.uut.pcie_in.beat.val();
            assert!(!beat.error);
            let octets = (0..8).map(|n| beat.data.get_bits::<8>(8 * n).index() as u8);
            self.arriving.extend(octets.take(beat.bytes.index()));
            if beat.last {
                self.at_device.push(std::mem::take(&mut self.arriving));
            }
        }
        self.reset_clocks += u32::from(self.uut.reset.val());
        if let Some(octet) = self.wire.sample(self.uut.uart_tx.val()) {
            if let Some(octet) = self.pass(octet) {
                let now = self.now();
                self.link.receive(&[octet], now, &mut self.from_device);
            }
        }
        edge!(self.uut);
        self.clock += 1;
    }

    fn host(&mut self) {
        let now = self.now();
        self.link.poll(now).expect("the line works");
        if self.wire.sending.len() < 10 {
            if let Some(octet) = self.link.line().pop_front() {
                if let Some(octet) = self.pass(octet) {
                    self.wire.send(octet);
                }
            }
        }
    }

    fn open(&mut self) {
        while !self.link.is_open() {
            self.clock();
        }
    }

    fn raw(&mut self, octets: &[u8]) {
        octets.iter().for_each(|&octet| self.wire.send(octet));
        while !self.wire.sending.is_empty() {
            self.clock();
        }
        (0..200).for_each(|_| self.clock());
    }
}

/// Packets of whole double words, a few of them as long as can be.
fn packets(rng: &mut ChaCha8Rng, count: usize) -> Vec<Vec<u8>> {
    let packet = |rng: &mut ChaCha8Rng| {
        let dwords = if rng.random_bool(0.1) { 132 } else { rng.random_range(3..12) };
        let special = [FLAG, 0x7d, 0x5e, 0];
        (0..4 * dwords)
            .map(|_| match rng.random_bool(0.2) {
                true => special[rng.random_range(0..4)],
                false => rng.random(),
            })
            .collect()
    };
    (0..count).map(|_| packet(rng)).collect()
}

fn beats(packets: &[Vec<u8>]) -> VecDeque<Beat> {
    let packets = packets.iter().map(|octets| Packet { octets: octets.clone(), error: false });
    dense(&packets.collect::<Vec<_>>()).into()
}

fn exchange(seed: u64, noise: f64, count: usize) {
    let mut bench = Bench::new(seed, noise);
    bench.open();
    let (down, up) = (packets(&mut bench.rng, count), packets(&mut bench.rng, count));
    bench.to_host = beats(&up);
    // A packet that the device takes back.
    bench.to_host.push_front(beat(&[1; 8], true, true));
    let mut waiting: VecDeque<_> = down.iter().cloned().collect();
    let limit = bench.clock + 3_000_000;
    while bench.from_device.len() < count || bench.at_device.len() < count || !bench.link.idle() {
        if bench.link.has_room() {
            if let Some(packet) = waiting.pop_front() {
                let now = bench.now();
                bench.link.send(packet, now);
            }
        }
        bench.clock();
        assert!(bench.clock < limit, "SEED={seed}: it does not end");
    }
    assert_eq!(bench.at_device, down, "SEED={seed}");
    assert_eq!(bench.from_device, up, "SEED={seed}");
    match noise > 0.0 {
        true => assert!(bench.damaged > 0, "SEED={seed}"),
        false => assert_eq!(bench.link.resent(), 0, "SEED={seed}"),
    }
}

#[test]
fn packets_pass_in_both_directions() {
    for seed in seeds().into_iter().take(2) {
        exchange(seed, 0.0, 8);
    }
}

#[test]
fn noise_costs_time_but_no_packet() {
    for seed in seeds().into_iter().take(2) {
        exchange(seed, 0.003, 8);
    }
}

#[test]
fn settings_follow_the_host() {
    let mut bench = Bench::new(7, 0.0);
    bench.open();
    assert!(bench.reset_clocks >= 255);
    assert_eq!(bench.uut.max_payload.val().index(), 1);
    assert_eq!(bench.uut.max_read.val().index(), 2);
    assert_eq!(bench.uut.requester.val().index(), 0x0100);
    assert!(!bench.uut.bus_master_enable.val() && !bench.uut.msix_enable.val());
    bench.link.set(0xda);
    (0..2000).for_each(|_| bench.clock());
    assert_eq!(bench.uut.max_payload.val().index(), 2);
    assert_eq!(bench.uut.max_read.val().index(), 5);
    assert!(bench.uut.bus_master_enable.val() && bench.uut.msix_enable.val());
}

/// Another process opens the line while packets of the one before are everywhere.
#[test]
fn a_new_session_knows_nothing_of_the_old_one() {
    let mut bench = Bench::new(8, 0.0);
    bench.open();
    let old = packets(&mut bench.rng, 4);
    bench.to_host = beats(&old);
    for packet in old {
        let now = bench.now();
        bench.link.send(packet, now);
    }
    (0..9_000).for_each(|_| bench.clock());
    bench.to_host.clear();
    bench.link = SerialLink::open(0x0200, 0, 99, bench.now());
    bench.from_device.clear();
    bench.open();
    bench.at_device.clear();
    let new = packets(&mut bench.rng, 3);
    bench.to_host = beats(&new);
    for packet in &new {
        let now = bench.now();
        bench.link.send(packet.clone(), now);
    }
    (0..90_000).for_each(|_| bench.clock());
    assert_eq!((&bench.at_device, &bench.from_device), (&new, &new));
    assert_eq!(bench.uut.requester.val().index(), 0x0200);
}

/// Nothing but whole, good packets of an open session gets through.
#[test]
fn garbage_does_not_reach_the_device() {
    let frame = |kind, sequence, body: &[u8]| {
        let mut line = vec![];
        Frame { kind, sequence, body: body.to_vec(), ..Frame::default() }.emit(&mut line);
        line
    };
    let good = frame(kind::PACKET, 0, &[3; 16]);
    let mut bench = Bench::new(9, 0.0);
    bench.link = SerialLink::open(1, 0, 2, Duration::MAX / 2);
    bench.raw(&good);
    bench.raw(&frame(kind::OPEN, 0, &[1, 2]));
    bench.raw(&good[..good.len() / 2]);
    for _ in 0..20 {
        let noise: Vec<u8> =
            (0..bench.rng.random_range(0..60)).map(|_| bench.rng.random()).collect();
        bench.raw(&noise);
    }
    bench.raw(&[FLAG]);
    for (kind, sequence, octets) in [(9, 0, 16), (kind::PACKET, 1, 16), (kind::PACKET, 0, 0)] {
        bench.raw(&frame(kind, sequence, &vec![3; octets]));
    }
    bench.raw(&frame(kind::PACKET, 0, &[5; 532]));
    let mut damaged = good.clone();
    damaged[8] ^= 4;
    bench.raw(&damaged);
    assert_eq!(bench.at_device, Vec::<Vec<u8>>::new());
    bench.raw(&good);
    bench.raw(&good);
    assert_eq!(bench.at_device, [vec![3; 16]]);
    assert_eq!(bench.from_device, Vec::<Vec<u8>>::new());
    // The deframer of the software agrees about the noise.
    let mut deframer = Deframer::default();
    assert_eq!(good.iter().filter_map(|&octet| deframer.push(octet)).count(), 1);
}
