//! What a peer may do to a connection before the hardware has it, segment by segment.

use super::*;
use crate::connection::frames::segment::{Flow, Path};
use ironwarp_wire::mpa::startup::HEADER_BYTES;

const REQUEST: &[u8; HEADER_BYTES] = b"MPA ID Req Frame\x40\x01\x00\x00";
const FIRST: Sequence = Sequence(u32::MAX - 5);

/// A station that listens, and a peer that is nothing but segments.
struct Scene {
    end: End,
    sent: Arc<Mutex<Vec<Segment>>>,
}

/// The path from the station to port `port` of the peer at 10.0.0.`host`.
fn path(host: u8, port: u16) -> Path {
    let flow = Flow {
        local_ip: Ipv4Addr::new(10, 0, 0, 1),
        remote_ip: Ipv4Addr::new(10, 0, 0, host),
        local_port: PORT,
        remote_port: port,
    };
    Path { flow, local_mac: [2, 0x49, 0x57, 0, 0, 1], remote_mac: [2, 0, 0, 0, 0, host] }
}

fn syn(path: Path, first: Sequence, mss: u16) -> Segment {
    let plain = Segment::bare(path, first, Sequence(0), 60_000);
    Segment { syn: true, acknowledged: None, mss: Some(mss), ..plain }
}

impl Scene {
    fn new() -> Self {
        let fake = Fake::alone();
        let sent = tap(&fake);
        let end = End::new(fake, Options { seed: Some(1), ..Options::station(1) });
        end.context.listen(PORT).unwrap();
        let mut scene = Self { end, sent };
        // Neighbours are known, or smoltcp would ask before it answers.
        for host in 2..=4 {
            let mac = path(host, 1).remote_mac;
            let arp = [&mac[..], &[10, 0, 0, host], &[0; 6], &[10, 0, 0, 1]].concat();
            let head = [&[0xff; 6][..], &mac, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]].concat();
            scene.end.fake.inject([head, arp].concat());
        }
        scene.pass(Duration::from_millis(1));
        scene
    }

    fn pass(&mut self, time: Duration) {
        let end = self.end.context.now() + time;
        while self.end.context.now() < end {
            self.end.poll();
            let left = end - self.end.context.now();
            self.end.context.wait(left.min(Duration::from_millis(1))).unwrap();
        }
    }

    /// The segments that answer these at once.
    fn says(&mut self, segments: &[Segment]) -> Vec<Segment> {
        self.sent.lock().unwrap().clear();
        for segment in segments {
            self.end.fake.inject(mirrored(segment).emit());
        }
        self.pass(Duration::from_millis(2));
        self.sent.lock().unwrap().clone()
    }

    /// Opens a connection; answers the segment that a peer would send next, without octets.
    fn open(&mut self, path: Path, mss: u16) -> Segment {
        let answer = self.says(&[syn(path, FIRST, mss)]);
        assert!(answer.len() == 1 && answer[0].syn, "{answer:?}");
        let next = Segment::bare(path, FIRST + 1, answer[0].sequence + 1, 60_000);
        let mut heard = self.says(std::slice::from_ref(&next));
        heard.retain(|segment| segment.path.flow == path.flow);
        assert_eq!(heard, []);
        next
    }
}

//= rfc9293#3.10.7.4
//= type=test
/// A peer that has started anew knocks from the ports of its old connection: it hears at once that
/// there is one, whatever startup has come to, resets it, and gets a new one.
#[test]
fn a_syn_on_a_connection_is_challenged() {
    let request = |next: &Segment| Segment { payload: REQUEST.to_vec(), ..next.clone() };
    for octets in [0, 5, HEADER_BYTES] {
        let mut scene = Scene::new();
        let path = path(2, 4000);
        let next = scene.open(path, 1460);
        let mut part = request(&next);
        part.payload.truncate(octets);
        let heard = scene.says(&[part]);
        assert_eq!(heard.len(), usize::from(octets > 0), "{heard:?}");
        for first in [FIRST + 1000, FIRST + 1_000_000, Sequence(0x8000_0000)] {
            let heard = scene.says(&[syn(path, first, 1460)]);
            assert_eq!(heard.len(), 1, "{octets} octets, from {first:?}: {heard:?}");
            let challenge = &heard[0];
            assert!(!challenge.syn && !challenge.rst && !challenge.fin, "{challenge:?}");
            assert_eq!(challenge.acknowledged, Some(FIRST + 1 + octets as u32));
            assert_eq!(Some(challenge.sequence), next.acknowledged);
        }
        let at = FIRST + 1 + octets as u32;
        let reset = Segment { rst: true, ..Segment::bare(path, at, Sequence(0), 0) };
        scene.says(&[reset]);
        let again = scene.says(&[syn(path, FIRST + 1000, 1460)]);
        assert!(again.len() == 1 && again[0].syn, "{again:?}");
        assert_eq!(again[0].acknowledged, Some(FIRST + 1001));
    }
}

/// The same while TCP opens, and while it closes after a Request that was rejected.
#[test]
fn a_syn_is_challenged_before_tcp_is_open_and_when_it_closes() {
    let mut scene = Scene::new();
    let half_open = path(2, 4000);
    let answer = scene.says(&[syn(half_open, FIRST, 1460)]);
    let heard = scene.says(&[syn(half_open, FIRST + 7, 1460)]);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!((heard[0].syn, heard[0].acknowledged), (false, Some(FIRST + 1)));
    assert_eq!(heard[0].sequence, answer[0].sequence + 1);
    // Nobody knows where this one is.
    let lost = path(9, 4000);
    assert_eq!(scene.says(&[syn(lost, FIRST, 1460), syn(lost, FIRST + 7, 1460)]), []);

    let closing = path(2, 4001);
    let next = scene.open(closing, 1460);
    scene.says(&[Segment { payload: REQUEST.to_vec(), ..next }]);
    let (id, _) = scene.end.take_request();
    scene.end.context.reject(id, b"no").unwrap();
    let reply = scene.says(&[]);
    assert!(reply[0].fin, "{reply:?}");
    let heard = scene.says(&[syn(closing, FIRST + 7, 1460)]);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].acknowledged, Some(FIRST + 1 + HEADER_BYTES as u32));
    assert_eq!(heard[0].sequence, reply[0].end());
}

//= rfc9293#3.7.1
//= type=test
/// No segment is longer than the peer's MSS: one that has no room for an FPDU is refused.
#[test]
fn a_peer_whose_segments_are_too_small_is_refused() {
    let mut scene = Scene::new();
    for mss in [0, 1, 100, 135] {
        let heard = scene.says(&[syn(path(2, 4000 + mss), FIRST, mss)]);
        assert_eq!(heard.len(), 1, "MSS {mss}: {heard:?}");
        assert_eq!((heard[0].rst, heard[0].acknowledged), (true, Some(FIRST + 1)));
    }
    assert_eq!(scene.end.context.usage().sockets, 0);
    // With markers from here to there, an FPDU needs an octet or four more.
    for (mss, markers, expected) in [
        (136, false, Some(130)),
        (137, false, Some(130)),
        (139, true, None),
        (140, true, Some(130)),
    ] {
        let next = scene.open(path(3, 4000 + mss), mss);
        let mut request = REQUEST.to_vec();
        request[16] |= u8::from(markers) << 7;
        scene.says(&[Segment { payload: request, ..next }]);
        let (id, _) = scene.end.take_request();
        let reply = StartupOptions::with_private_data(&[7; 508]);
        scene.end.context.accept(id, &scene.end.qp, &reply).unwrap();
        let mut heard = scene.says(&[]);
        scene.pass(Duration::from_secs(2));
        heard.extend(scene.sent.lock().unwrap().clone());
        for segment in &heard {
            assert!(segment.payload.len() <= mss.into(), "MSS {mss}: {segment:?}");
        }
        match (scene.end.take_only(), expected) {
            (Event::Established { .. }, Some(mulpdu)) => {
                let context = scene.end.started_with();
                assert_eq!(usize::from(context.mulpdu), mulpdu, "MSS {mss}");
                scene.end.fake.event(scene.end.qp.number(), status::PEER_RESET, 0);
                scene.pass(Duration::from_millis(1));
                scene.end.events.clear();
            }
            (Event::Error { qp: Some(_), reason: Reason::Local(why) }, None) => {
                assert_eq!(why, Error::Cramped.to_string());
                assert!(heard.iter().any(|segment| segment.rst), "{heard:?}");
            }
            (event, _) => panic!("MSS {mss}: {event:?}"),
        }
        scene.end.qp.reset().unwrap();
    }
}

/// The same of a server to which we connect.
#[test]
fn a_server_whose_segments_are_too_small_is_left() {
    let mut scene = Scene::new();
    let server = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 4), 99);
    let options = StartupOptions::default();
    scene.end.context.connect(&scene.end.qp, server, &options).unwrap();
    let ours = scene.says(&[])[0].clone();
    assert!(ours.syn);
    let answer = syn(ours.path, FIRST, 135);
    let heard = scene.says(&[Segment { acknowledged: Some(ours.sequence + 1), ..answer }]);
    assert!(heard.iter().all(|segment| segment.rst), "{heard:?}");
    assert_eq!(heard.first().map(|reset| reset.sequence), Some(ours.sequence + 1));
    let reason = Reason::Local(Error::Cramped.to_string());
    let qp = Some(scene.end.qp.number());
    assert_eq!(scene.end.take_only(), Event::Error { qp, reason });
}

//= rfc5227#2.1.1
//= type=test
/// A host that asks whether our address is free hears that it is not, and is no neighbour.
#[test]
fn an_address_probe_is_answered() {
    let scene = Scene::new();
    let probe = [2, 0xaa, 0xbb, 0xcc, 0, 1];
    let frames = Arc::new(Mutex::new(Vec::new()));
    let sink = frames.clone();
    scene.end.fake.filter(move |frame| {
        sink.lock().unwrap().push(frame.to_vec());
        true
    });
    let head = [&[0xff; 6][..], &probe, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]].concat();
    let arp = [&probe[..], &[0; 4], &[0; 6], &[10, 0, 0, 1]].concat();
    scene.end.fake.inject([head, arp].concat());
    let mut scene = scene;
    scene.pass(Duration::from_millis(2));
    let frames = frames.lock().unwrap();
    assert_eq!(frames.len(), 1, "{frames:?}");
    let ours = path(2, 1).local_mac;
    assert_eq!(frames[0][..12], [probe, ours].concat());
    assert_eq!(frames[0][12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
    assert_eq!(frames[0][22..32], [&ours[..], &[10, 0, 0, 1]].concat());
    assert_eq!(frames[0][32..42], [&probe[..], &[0; 4]].concat());
}

/// Silent SYNs come in batches that the raw queue takes.
fn flood(scene: &mut Scene, paths: impl Iterator<Item = Path>) -> Vec<Segment> {
    let syns: Vec<_> = paths.map(|path| syn(path, FIRST, 1460)).collect();
    syns.chunks(16).flat_map(|syns| scene.says(syns)).collect()
}

/// As many at once as one poll sees: each has its place.
#[test]
fn syns_that_come_at_once_are_not_refused() {
    let mut scene = Scene::new();
    let answers =
        scene.says(&(0..30).map(|n| syn(path(2, 1000 + n), FIRST, 1460)).collect::<Vec<_>>());
    assert_eq!(answers.len(), 30);
    assert!(answers.iter().all(|segment| segment.syn && !segment.rst), "{answers:?}");
    // One that comes twice has one place, whichever of the sockets is free.
    let next = scene.open(path(3, 1), 1460);
    scene.says(&[Segment { rst: true, acknowledged: None, ..next }]);
    for port in 2..9 {
        let twice = syn(path(3, port), FIRST, 1460);
        assert_eq!(scene.says(&[twice.clone(), twice]).len(), 1);
    }
    assert_eq!(scene.end.context.usage().sockets, 30 + 7);
}

/// There is no end of SYNs that nobody stands behind, from one place or from many: nobody is reset,
/// and who is there gets in, and before those who are not.
#[test]
fn a_flood_of_silent_syns_shuts_nobody_out() {
    for hosts in [1, 3] {
        let mut scene = Scene::new();
        for round in 0..12_u16 {
            let port = |n: u16| 1000 + 100 * round + n;
            let answers = flood(&mut scene, (0..96).map(|n| path(2 + n as u8 % hosts, port(n))));
            assert!(answers.iter().all(|segment| segment.syn && !segment.rst), "{answers:?}");
            assert!(scene.end.context.usage().sockets <= 256 + usize::from(round));
            let client = path(4, 40_000 + round);
            scene.open(client, 1460);
            // Its Request is a while on the way, and the flood goes on.
            let more = path(2, 50_000 + round);
            scene.says(&[syn(more, FIRST, 1460)]);
            assert_eq!(scene.end.context.usage().connections, 1 + usize::from(round));
        }
        scene.pass(Duration::from_secs(25));
        assert_eq!(scene.end.context.usage().sockets, 0, "all were given up");
    }
}

/// A burst of more than there is room for: the rest is dropped, without a word, and comes again.
#[test]
fn syns_without_a_place_are_dropped() {
    let mut scene = Scene::new();
    scene.sent.lock().unwrap().clear();
    for port in 1..=300 {
        scene.end.fake.inject(mirrored(&syn(path(2, port), FIRST, 1460)).emit());
        scene.pass(Duration::from_micros(20));
    }
    let answers = scene.sent.lock().unwrap().clone();
    assert!(answers.iter().all(|segment| segment.syn && !segment.rst), "{answers:?}");
    assert_eq!((answers.len(), scene.end.context.usage().sockets), (256, 256));
    scene.pass(Duration::from_millis(20));
    let again = scene.says(&[syn(path(2, 300), FIRST, 1460)]);
    assert!(again.iter().any(|segment| segment.syn && segment.path.flow.remote_port == 300));
}

/// Clients that send their Request octet by octet have their time from the beginning on, and do
/// not keep others out until then.
#[test]
fn slow_clients_shut_nobody_out() {
    let mut scene = Scene::new();
    let slow: Vec<_> = (0..70).map(|n| (scene.open(path(2, 1000 + n), 1460), 0)).collect();
    let drip = |scene: &mut Scene, clients: &[(Segment, u32)], second: u32| -> Vec<Segment> {
        let octet = |(next, _): &(Segment, u32)| Segment {
            sequence: next.sequence + second,
            payload: vec![REQUEST[second as usize]],
            ..next.clone()
        };
        let octets: Vec<_> = clients.iter().map(octet).collect();
        octets.chunks(16).flat_map(|octets| scene.says(octets)).collect()
    };
    for second in 0..3 {
        drip(&mut scene, &slow, second);
        scene.pass(Duration::from_secs(1));
        let client = scene.open(path(3, 2000 + second as u16), 1460);
        scene.end.events.clear();
        scene.says(&[Segment { payload: REQUEST.to_vec(), ..client }]);
        let (id, _) = scene.end.take_request();
        scene.end.context.reject(id, b"").unwrap();
    }
    scene.pass(Duration::from_secs(4));
    for second in 3..6 {
        drip(&mut scene, &slow, second);
        scene.pass(Duration::from_secs(1));
    }
    assert_eq!(scene.end.context.usage().connections, 0, "their time is over");
    assert!(scene.end.events.iter().all(|event| matches!(event, Event::Error { qp: None, .. })));
}

/// The station goes away right after it has said something, or while someone waits for it to say
/// something: that still leaves, and whoever waits hears that nothing more comes.
#[test]
fn the_last_words_leave() {
    for answered in [true, false] {
        let mut scene = Scene::new();
        let next = scene.open(path(2, 4000), 1460);
        scene.says(&[Segment { payload: REQUEST.to_vec(), ..next }]);
        let (id, _) = scene.end.take_request();
        if answered {
            scene.end.context.reject(id, b"no").unwrap();
        }
        let Scene { end, sent } = scene;
        sent.lock().unwrap().clear();
        drop(end);
        let sent = sent.lock().unwrap();
        match answered {
            true => {
                let octets: Vec<u8> = sent.iter().flat_map(|it| it.payload.clone()).collect();
                assert!(octets.starts_with(b"MPA ID Rep Frame\x60\x01\x00\x02no"), "{sent:?}");
                assert!(sent.iter().any(|segment| segment.fin), "{sent:?}");
            }
            false => assert!(sent.iter().any(|segment| segment.rst), "{sent:?}"),
        }
    }
}

/// The same of a connection that the hardware has, and of one that the peer has closed.
#[test]
fn a_connection_does_not_end_in_silence() {
    for closed in [true, false] {
        let mut pair = Pair::connected();
        if closed {
            let fin = pair.a.started_with().receive_next;
            pair.a.fake.event(pair.a.qp.number(), status::PEER_CLOSED, fin);
            while pair.a.qp.state().unwrap() != QpState::Closed {
                pair.a.poll();
                pair.a.context.wait(Duration::from_micros(15)).unwrap();
            }
        }
        let Pair { a, b } = pair;
        let sent = tap(&a.fake);
        drop(a);
        let sent = sent.lock().unwrap();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!((sent[0].fin, sent[0].rst), (closed, !closed), "{sent:?}");
        drop(b);
    }
}
