//! The FPDUs that RFC 5044 prints come out of the Verilated RTL to the byte.

use ironwarp_abi::context::{MemoryRegionContext, QueuePairContext};
use ironwarp_abi::queue::{kind, opcode, SendRequest};
use ironwarp_abi::status;
use ironwarp_sim::Options;
use ironwarp_testbench::station::{Peer, Station};
use std::time::Instant;

const BUFFER: u64 = 0x2_0000_0000;
const SEND_NEXT: u32 = 0xffff_ff00;
const RECEIVE_NEXT: u32 = 77;

fn station() -> (Station, Peer, u32) {
    let mut station = Station::new(Options::default());
    station.memory.map(BUFFER, 4096);
    let stag = station.register(
        9,
        MemoryRegionContext {
            length: 4096,
            stag: 0xc4,
            bus_address: BUFFER,
            pd: 5,
            local_read: true,
            ..Default::default()
        },
    );
    station.start(
        1,
        QueuePairContext {
            send_markers: true,
            crc: true,
            pd: 5,
            mulpdu: 1442,
            send_next: SEND_NEXT,
            send_window: 0xffff,
            receive_next: RECEIVE_NEXT,
            receive_window: 0xffff,
            ..Default::default()
        },
    );
    (station, Peer::new(1, RECEIVE_NEXT, SEND_NEXT), stag)
}

fn send(station: &mut Station, stag: u32, length: u32) {
    let request = SendRequest {
        opcode: opcode::SEND,
        signaled: true,
        length,
        local_offset: 0,
        local_stag: stag,
        ..Default::default()
    };
    station.post_send(1, &request);
}

/// Figure 5 is the first FPDU of a stream with markers; figure 6 follows a first FPDU of 492
/// octets.
//= rfc5044#4.4
//= type=test
#[test]
fn figures_5_and_6_come_out_of_the_rtl() {
    let mut figure_5 = vec![0; 4];
    figure_5.extend([0, 0x2a, 0x41, 0x43, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    figure_5.extend([0; 24]);
    figure_5.extend([0x52, 0x23, 0x99, 0x83]);
    let mut figure_6 = vec![0, 0x2a, 0x41, 0x43, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0];
    figure_6.extend([0, 0, 0, 0x14]);
    figure_6.extend([0; 24]);
    figure_6.extend([0x84, 0x92, 0x58, 0x98]);

    let (mut bench, mut peer, stag) = station();
    send(&mut bench, stag, 24);
    bench.simulation.run(2000);
    let segments = peer.take(&mut bench);
    assert_eq!(segments.len(), 1, "{segments:02x?}");
    assert_eq!(segments[0].payload, figure_5);
    assert_eq!((segments[0].sequence, segments[0].acknowledgement), (SEND_NEXT, RECEIVE_NEXT));

    // Marker 4, length 2, header 18, CRC 4: 464 octets of payload make 492.
    let (mut bench, mut peer, stag) = station();
    send(&mut bench, stag, 464);
    send(&mut bench, stag, 24);
    bench.simulation.run(3000);
    let segments = peer.take(&mut bench);
    let lengths: Vec<_> = segments.iter().map(|segment| segment.payload.len()).collect();
    assert_eq!(lengths, [492, 52]);
    assert_eq!(segments[1].payload, figure_6);
    // SEND_NEXT is 256 below 2^32: the second segment lies behind the wrap.
    assert_eq!(segments[1].sequence, 236);

    // Nothing completes before the peer has acknowledged it.
    assert_eq!(bench.completions(), []);
    peer.send(&mut bench, &[]);
    bench.simulation.run(1000);
    let done = bench.completions();
    let told: Vec<_> = done.iter().map(|entry| (entry.kind, entry.status, entry.request)).collect();
    assert_eq!(told, [(kind::SEND, status::SUCCESS, 0), (kind::SEND, status::SUCCESS, 1)]);
}

/// How fast the simulation goes, for the record; nothing depends on it.
#[test]
fn the_simulation_runs() {
    let (mut bench, _, _) = station();
    let start = Instant::now();
    bench.simulation.run(20_000);
    println!("{:.0} clocks/s", 20_000.0 / start.elapsed().as_secs_f64());
}
