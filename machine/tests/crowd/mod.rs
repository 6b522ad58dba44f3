//! As many connections as there are queue pairs, from ports that somebody chose with care.

use super::*;
use ironwarp_driver::ProtectionDomain;

/// The hash of the first version of the contract, which everybody could compute. Of connections in
/// one place of its table it had room for four.
fn hash_of_version_1(remote: Ipv4Addr, remote_port: u16, local_port: u16) -> u32 {
    let word = u32::from(remote) ^ (u32::from(remote_port) << 16 | u32::from(local_port));
    let half = word ^ word >> 16;
    (half ^ half >> 8) & 63
}

/// Ports that fall into one place there: 0x5050, 0x5151, 0x5252 and so on.
fn ports(count: usize) -> Vec<u16> {
    let ports: Vec<u16> = (0x50..=0xff).map(|octet| octet << 8 | octet).take(count).collect();
    let place = |port: &u16| hash_of_version_1(stranger::IP, *port, PORT);
    assert!(ports.len() == count && ports.iter().all(|port| place(port) == place(&ports[0])));
    ports
}

fn queue_pairs(scene: &Scene, domain: &ProtectionDomain, cq: &CompletionQueue) -> Vec<QueuePair> {
    let options =
        QueuePairOptions { send_entries: 4, receive_entries: 4, ..QueuePairOptions::new(cq) };
    let count = scene.context.configuration().qp_count() - 2;
    let queue_pairs = (0..count).map(|_| domain.queue_pair(&options).unwrap()).collect();
    assert!(matches!(domain.queue_pair(&options).err(), Some(Error::Exhausted(_))));
    queue_pairs
}

/// Each is served in its own right: what one sends comes out at its own peer's, and closing one
/// leaves the others alone.
#[test]
fn every_queue_pair_has_its_connection_whatever_ports_the_peers_have() {
    let mut scene = Scene::new(DeviceKind::Model);
    let domain = scene.context.protection_domain().unwrap();
    let cq = scene.context.completion_queue(2000).unwrap();
    let queue_pairs = queue_pairs(&scene, &domain, &cq);
    let memory = domain.register(&Region::new(64 * 64).unwrap(), Access::LOCAL).unwrap();

    let mut sockets = Vec::new();
    for (qp, port) in queue_pairs.iter().zip(ports(queue_pairs.len())) {
        let socket = scene.peer.connect_from(port, IP, PORT);
        scene.until(|scene| scene.peer.is_open(socket));
        scene.peer.send(socket, REQUEST);
        let request = scene.request();
        scene.context.accept(request, qp, &StartupOptions::default()).unwrap();
        scene.established();
        scene.hears(socket, REPLY);
        sockets.push(socket);
    }
    let last = scene.serve_politely();
    sockets.push(last);
    let flows = scene.context.usage().flows;
    assert_eq!(flows, scene.context.configuration().qp_count() - 1, "all but the raw queue's");

    // One after the other, so that no frame finds the link's buffers full.
    for (number, (qp, socket)) in queue_pairs.iter().zip(&sockets).enumerate() {
        scene.peer.send(*socket, &first_fpdu());
        let words = [number as u8 ^ 0xa5; 20];
        memory.region().write(64 * number, &words).unwrap();
        let buffer = memory.buffer(64 * number, words.len()).unwrap();
        qp.post_send(WorkRequest::send(number as u64, buffer)).unwrap();
        // Length, header of an untagged segment, payload, CRC.
        let mut fpdu = Vec::new();
        scene.until(|scene| {
            fpdu = scene.peer.received(*socket, 2 + 18 + 20 + 4).unwrap_or_default();
            !fpdu.is_empty()
        });
        assert_eq!(fpdu[20..40], words, "connection {number}");
    }

    // They go in another order than they came, and the rest is still found.
    let mut order: Vec<usize> = (0..queue_pairs.len()).collect();
    order.sort_by_key(|number| number * 37 % queue_pairs.len());
    for (gone, number) in order.into_iter().enumerate() {
        scene.peer.tcp(sockets[number]).close();
        let qp = queue_pairs[number].number();
        assert_eq!(scene.event(), Event::Disconnected { qp }, "connection {number}");
        assert_eq!(scene.context.usage().flows, flows - gone - 1);
    }
    scene.peer.send(last, NO_CRC);
    assert_eq!(scene.fails(), CRC);
    drop((queue_pairs, cq, memory));
    scene.is_over(last);
}
