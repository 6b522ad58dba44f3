//! RDMA Reads, RDMA Writes and Sends in any order, by both stations at once.

use crate::common::*;
use proptest::prelude::*;

/// Octets of the longest request.
const MOST: u32 = 6000;
/// Receive buffers begin here: they lie behind the places of the other requests.
const INBOX: u64 = 20;

/// Requests: zero reads, one writes, two sends; and so many octets.
pub type Mix = Vec<(u8, u32)>;

/// Fewer than `most` requests.
pub fn mixes(most: usize) -> impl Strategy<Value = Mix> {
    prop::collection::vec((0u8..3, 0..MOST), 1..most)
}

fn place(number: u64) -> u64 {
    u64::from(MOST) * number
}

fn content(me: usize) -> Vec<u8> {
    pattern(MOST as usize, me as u8)
}

/// Both stations post all of it.
pub fn post(stations: &mut [Station; 2], mix: &Mix) {
    for (me, station) in stations.iter_mut().enumerate() {
        station.fill(SOURCE, &content(me));
        for ((what, length), number) in mix.iter().zip(0..) {
            station.post_receive(QP, &buffer(MOST, place(INBOX + number)));
            station.post(&match what {
                0 => read_request(*length, 0, place(number)),
                1 => write_request(*length, 0, place(number)),
                _ => send_request(*length, 0),
            });
        }
    }
}

/// The octets of the peer are where a station's own reads and the peer's requests put them.
pub fn check(stations: &mut [Station; 2], mix: &Mix) -> Result<(), TestCaseError> {
    for me in [0, 1] {
        let from_peer = content(1 - me);
        let mut received = 0;
        for ((what, length), number) in mix.iter().zip(0..) {
            let at = if *what < 2 { number } else { received + INBOX };
            received += u64::from(*what == 2);
            let octets = stations[me].octets(SINK + place(at), *length as usize);
            prop_assert_eq!(&octets[..], &from_peer[..*length as usize]);
        }
    }
    Ok(())
}
