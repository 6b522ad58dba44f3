//! A neighbour gets another hardware address while connections go there.

use super::*;

const MOVED: [u8; 6] = [2, 0xaa, 0xbb, 0xcc, 0, 1];
const MOVED_BITS: u64 = 0x02aa_bbcc_0001;

/// An ARP packet of `sender`'s for everybody.
fn arp(operation: u8, mac: [u8; 6], sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    let addresses = [&mac[..], &sender, &[0; 6], &target].concat();
    [&[0xff; 6][..], &mac, &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation], &addresses].concat()
}

const PEER: [u8; 4] = [10, 0, 0, 2];

//= rfc1122#2.3.2.1
//= type=test
#[test]
fn a_live_connection_follows_its_neighbour() {
    // A request and a reply to oneself, and a question to us, say the same.
    for (operation, target) in [(1, PEER), (2, PEER), (1, [10, 0, 0, 1]), (1, [10, 0, 0, 7])] {
        let mut pair = Pair::connected();
        let number = pair.a.qp.number();
        assert_eq!(pair.a.fake.next_hop(number), None, "it did not move");
        pair.a.fake.inject(arp(operation, MOVED, PEER, target));
        pair.run_until(|pair| pair.a.fake.next_hop(number) == Some(MOVED_BITS));
        // What software sends in the end goes there, too.
        let from_a = tap(&pair.a.fake);
        pair.a.context.disconnect(&pair.a.qp).unwrap();
        pair.run(Duration::from_millis(50), |_| false);
        let segments = from_a.lock().unwrap().clone();
        assert!(segments.iter().any(|segment| segment.fin), "{segments:?}");
        assert!(segments.iter().all(|segment| segment.path.remote_mac == MOVED), "{segments:?}");
        pair.finish();
    }
}

#[test]
fn what_is_said_of_others_moves_nothing() {
    let mut pair = Pair::connected();
    let number = pair.a.qp.number();
    for frame in [
        arp(1, MOVED, [10, 0, 0, 3], [10, 0, 0, 3]),
        arp(1, MOVED, [10, 0, 0, 1], [10, 0, 0, 1]),
        arp(1, MOVED, [0; 4], PEER),
        arp(3, MOVED, PEER, PEER),
        arp(1, [3, 0, 0, 0, 0, 9], PEER, PEER),
    ] {
        pair.a.fake.inject(frame);
    }
    pair.run(Duration::from_millis(5), |_| false);
    assert_eq!(pair.a.fake.next_hop(number), None);
    pair.finish();
}

/// Where the connection is when its neighbour moves makes no difference: what the hardware gets and
/// what software sends go to the new address.
#[test]
fn a_neighbour_that_moves_during_startup_is_followed() {
    let mut pair = Pair::new();
    let (id, _) = pair.request(&StartupOptions::default());
    let moved = [2, 0xaa, 0xbb, 0xcc, 0, 2];
    pair.b.fake.inject(arp(1, moved, [10, 0, 0, 1], [10, 0, 0, 1]));
    pair.run(Duration::from_millis(5), |_| false);
    let from_b = tap(&pair.b.fake);
    pair.b.context.accept(id, &pair.b.qp, &StartupOptions::default()).unwrap();
    pair.run_until(|pair| !pair.b.events.is_empty());
    assert_eq!(pair.b.started_with().remote_mac, 0x02aa_bbcc_0002);
    assert!(from_b.lock().unwrap().iter().all(|segment| segment.path.remote_mac == moved));
    // The Reply may be sent again: it goes after the neighbour as well.
    let again = [2, 0xaa, 0xbb, 0xcc, 0, 3];
    pair.b.fake.inject(arp(1, again, [10, 0, 0, 1], [10, 0, 0, 1]));
    from_b.lock().unwrap().clear();
    pair.run(Duration::from_millis(500), |_| false);
    let segments = from_b.lock().unwrap().clone();
    assert!(segments.iter().any(|segment| !segment.payload.is_empty()), "{segments:?}");
    assert!(segments.iter().all(|segment| segment.path.remote_mac == again), "{segments:?}");
    pair.finish();
}
