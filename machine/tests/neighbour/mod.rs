//! The peer gets another hardware address, and says so to everybody (gratuitous ARP).

use super::*;

const MOVED: [u8; 6] = [2, 0xaa, 0xbb, 0xcc, 0, 1];

/// The peer's announcement, as a request or as a reply.
fn announce(operation: u8) -> Vec<u8> {
    let ip = stranger::IP.octets();
    let sender = [&MOVED[..], &ip, &[0; 6], &ip].concat();
    [&[0xff; 6][..], &MOVED, &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation], &sender].concat()
}

fn moves(scene: &mut Scene, operation: u8) {
    scene.peer.move_to(MOVED);
    scene.peer.send_frame(&announce(operation));
    // Datagrams keep their order, so this is enough for it to arrive.
    scene.step();
    scene.step();
}

//= rfc826#packet-reception
//= type=test
/// Without a connection that goes there, the neighbour's entry is updated.
#[test]
fn a_neighbour_that_moves_is_found() {
    for operation in [1, 2] {
        let mut scene = Scene::new(DeviceKind::Model);
        scene.serves_well();
        moves(&mut scene, operation);
        scene.serves_well();
    }
}

//= rfc1122#2.3.2.1
//= type=test
/// A connection that the hardware owns goes on at the new address, and is closed there.
#[test]
fn a_live_connection_follows() {
    for operation in [1, 2] {
        let mut scene = Scene::new(DeviceKind::Model);
        let socket = scene.serve_politely();
        scene.peer.send(socket, &first_fpdu());
        scene.step();
        moves(&mut scene, operation);
        scene.memory.region().write(0, b"follow me").unwrap();
        let buffer = scene.memory.buffer(0, 9).unwrap();
        scene.qp.post_send(WorkRequest::send(1, buffer)).unwrap();
        let mut fpdu = Vec::new();
        scene.until(|scene| {
            // Length, header, payload, pad, CRC.
            fpdu = scene.peer.received(socket, 2 + 18 + 9 + 3 + 4).unwrap_or_default();
            !fpdu.is_empty()
        });
        assert_eq!(&fpdu[20..29], b"follow me");
        scene.peer.tcp(socket).close();
        let event = scene.event();
        assert!(matches!(event, Event::Disconnected { .. }), "{event:?}");
        scene.qp.reset().unwrap();
        scene.is_over(socket);
        scene.serves_well();
    }
}
