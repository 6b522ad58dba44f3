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
        assert_eq!(self.says(std::slice::from_ref(&next)), []);
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
