//! Follows a TCP connection from outside, as long as software runs it.
//!
//! smoltcp does not say its sequence numbers, so they are read off the segments that pass. On the
//! way in the tracker also makes sure that smoltcp never sees, and so never acknowledges, an octet
//! behind the peer's startup frame: those belong to the hardware. What is held back here, the peer
//! sends again after the hand-over.

use super::segment::{Path, Segment};
use ironwarp_wire::mpa::fpdu;
use ironwarp_wire::mpa::startup::{HEADER_BYTES, PRIVATE_DATA_BYTES_MAX, PRIVATE_DATA_LENGTH};
use ironwarp_wire::sequence::Sequence;

/// What a peer takes if it does not say (RFC 9293 s. 3.7.1).
const MSS_DEFAULT: u16 = 536;
/// The largest window scale (RFC 7323 s. 2.3).
const SCALE_MAX: u8 = 14;

/// One direction's part of a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Syn {
    number: Sequence,
    mss: u16,
    scale: Option<u8>,
    sack: bool,
}

impl Syn {
    fn of(segment: &Segment) -> Self {
        Self {
            number: segment.sequence,
            mss: segment.mss.unwrap_or(MSS_DEFAULT),
            scale: segment.window_scale.map(|scale| scale.min(SCALE_MAX)),
            sack: segment.sack_permitted,
        }
    }
}

/// What becomes of a segment from the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes to smoltcp as it is.
    Keep,
    /// It goes to smoltcp with so many octets of payload.
    Trim(usize),
    /// It is dropped; the peer sends it again.
    Drop,
    /// It is a SYN where there is a connection: an acknowledgement tells the peer of that.
    Challenge,
    /// It is a SYN of a peer whose segments have no room for an FPDU.
    Refuse,
}

/// What is known of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    path: Path,
    ours: Option<Syn>,
    peers: Option<Syn>,
    /// SND.NXT, SND.UNA and RCV.NXT of RFC 9293.
    send_next: Sequence,
    send_unacknowledged: Sequence,
    receive_next: Sequence,
    /// The last acknowledgement that left.
    acknowledged: Sequence,
    /// The last window field that left, as a segment without SYN has it.
    advertised: u16,
    /// The peer's window field, scaled, and the acknowledgement that it counts from.
    window: u32,
    window_from: Sequence,
    /// The start of the peer's startup frame, up to its length.
    header: Vec<u8>,
    reset: bool,
    /// The peer's segments have no room for an FPDU.
    cramped: bool,
    /// smoltcp may see everything: the connection will not be handed over.
    released: bool,
}

/// What the hardware needs to know of a quiet connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Addresses.
    pub path: Path,
    /// SND.NXT.
    pub send_next: Sequence,
    /// RCV.NXT.
    pub receive_next: Sequence,
    /// The peer's window in octets, from `send_next`.
    pub send_window: u32,
    /// The peer's window scale.
    pub send_window_shift: u8,
    /// Ours; None if windows are not scaled.
    pub receive_window_shift: Option<u8>,
    /// The largest segment that the peer takes, in octets.
    pub peer_mss: u16,
    /// Selective acknowledgements are permitted, both ways.
    pub sack: bool,
}

impl Tracker {
    /// Follows a connection of which nothing has passed yet.
    pub fn new(path: Path) -> Self {
        Self {
            path,
            ours: None,
            peers: None,
            send_next: Sequence(0),
            send_unacknowledged: Sequence(0),
            receive_next: Sequence(0),
            acknowledged: Sequence(0),
            advertised: 0,
            window: 0,
            window_from: Sequence(0),
            header: Vec::new(),
            reset: false,
            cramped: false,
            released: false,
        }
    }

    /// The next hop is at another hardware address from now on.
    pub fn move_to(&mut self, mac: [u8; 6]) {
        self.path.remote_mac = mac;
    }

    /// Looks at a segment that smoltcp sends.
    pub fn outbound(&mut self, segment: &Segment) {
        self.path.local_mac = segment.path.local_mac;
        self.path.remote_mac = segment.path.remote_mac;
        if segment.rst {
            return;
        }
        if segment.syn && self.ours.is_none() {
            self.ours = Some(Syn::of(segment));
            self.send_unacknowledged = segment.sequence;
            self.send_next = segment.sequence;
        }
        if segment.end().is_after(self.send_next) {
            self.send_next = segment.end();
        }
        if let Some(acknowledged) = segment.acknowledged {
            self.acknowledged = acknowledged;
        }
        //= rfc7323#2.2  The window of a SYN is not scaled.
        let shift = segment.window_scale.filter(|_| segment.syn).unwrap_or(0);
        self.advertised = segment.window >> shift.min(SCALE_MAX);
    }

    /// Looks at a segment from the peer and says what to do with it.
    pub fn inbound(&mut self, segment: &Segment) -> Verdict {
        if segment.rst {
            self.reset = true;
            return Verdict::Keep;
        }
        if segment.syn {
            return self.take_syn(segment);
        }
        let Some(peers) = self.peers.filter(|_| !self.released) else { return Verdict::Keep };
        if segment.sequence.is_after(self.receive_next) {
            return Verdict::Drop;
        }
        self.take_acknowledgement(segment, self.shift(peers));
        self.take_payload(segment, peers.number + 1)
    }

    fn take_syn(&mut self, segment: &Segment) -> Verdict {
        let syn = Syn::of(segment);
        let Some(peers) = self.peers else {
            // A SYN with data is legal and never seen; the peer sends the data again.
            if !segment.payload.is_empty() {
                return Verdict::Drop;
            }
            //= rfc9293#3.7.1  No segment is longer than what the peer takes (MUST-16).
            //= rfc5044#3  No MULPDU is less than 128 octets: some segments are too small for both.
            if !fpdu::has_room(syn.mss.into(), false) {
                self.cramped = true;
                return Verdict::Refuse;
            }
            self.peers = Some(syn);
            self.receive_next = segment.end();
            self.take_acknowledgement(segment, 0);
            return Verdict::Keep;
        };
        // Ours has not left yet: there is nothing to say where to.
        let Some(ours) = self.ours else { return Verdict::Drop };
        //= rfc9293#3.10.7.4  A SYN that is not the connection's own gets an ACK (RFC 5961 s. 4.2).
        let acknowledged = self.send_unacknowledged.is_after(ours.number);
        match (peers == syn && !acknowledged, segment.acknowledged) {
            (false, _) => Verdict::Challenge,
            // Our SYN is sent again by itself; a socket that listens would take this one for new.
            (true, None) => Verdict::Drop,
            (true, Some(_)) => Verdict::Keep,
        }
    }

    fn shift(&self, peers: Syn) -> u8 {
        //= rfc7323#2.2  Scaling is in use if both SYNs carry the option.
        match self.ours.and_then(|ours| ours.scale) {
            Some(_) => peers.scale.unwrap_or(0),
            None => 0,
        }
    }

    fn take_acknowledgement(&mut self, segment: &Segment, shift: u8) {
        let Some(acknowledged) = segment.acknowledged else { return };
        if acknowledged.is_after(self.send_next) || acknowledged.is_before(self.send_unacknowledged)
        {
            return;
        }
        self.send_unacknowledged = acknowledged;
        (self.window, self.window_from) = (u32::from(segment.window) << shift, acknowledged);
    }

    /// The segment does not begin behind `receive_next`; the stream begins at `start`.
    fn take_payload(&mut self, segment: &Segment, start: Sequence) -> Verdict {
        let known = self.receive_next.since(segment.sequence) as usize;
        let Some(fresh) = segment.payload.get(known..) else { return Verdict::Keep };
        let missing = HEADER_BYTES - self.header.len();
        self.header.extend_from_slice(&fresh[..missing.min(fresh.len())]);
        let end = segment.sequence + segment.payload.len() as u32;
        let limit = start + self.limit() as u32;
        if end.is_after(limit) {
            let length = segment.payload.len() - end.since(limit) as usize;
            self.receive_next = limit;
            return Verdict::Trim(length);
        }
        self.receive_next = segment.end();
        Verdict::Keep
    }

    /// The length of the peer's startup frame, as far as it is known: until its header is whole,
    /// the header's. A length that MPA forbids is as good as none.
    fn limit(&self) -> usize {
        let length = self.header.get(PRIVATE_DATA_LENGTH).unwrap_or(&[]);
        let length = length.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
        match length <= PRIVATE_DATA_BYTES_MAX {
            true => HEADER_BYTES + length,
            false => HEADER_BYTES,
        }
    }

    /// The connection will not be handed over: smoltcp sees everything that comes.
    pub fn release(&mut self) {
        self.released = true;
    }

    /// The peer's segments have no room for an FPDU.
    pub fn is_cramped(&self) -> bool {
        self.cramped
    }

    /// The peer has reset the connection.
    pub fn was_reset(&self) -> bool {
        self.reset
    }

    /// SND.NXT.
    pub fn send_next(&self) -> Sequence {
        self.send_next
    }

    /// Everything that was sent is acknowledged, in both directions.
    pub fn is_quiet(&self) -> bool {
        self.send_unacknowledged == self.send_next && self.acknowledged == self.receive_next
    }

    /// The acknowledgement that tells a peer which has forgotten the connection where it stands.
    pub fn challenge(&self) -> Segment {
        Segment::bare(self.path, self.send_next, self.acknowledged, self.advertised)
    }

    /// For the hand-over; None before both SYNs have passed.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let (ours, peers) = (self.ours?, self.peers?);
        let outstanding = self.send_next.since(self.window_from);
        Some(Snapshot {
            path: self.path,
            send_next: self.send_next,
            receive_next: self.receive_next,
            send_window: self.window.saturating_sub(outstanding),
            send_window_shift: self.shift(peers),
            receive_window_shift: peers.scale.and(ours.scale),
            peer_mss: peers.mss,
            sack: ours.sack && peers.sack,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::segment::tests::segment;
    use super::*;

    const OURS: u32 = 0xffff_fff0;
    const PEERS: u32 = 0xffff_fffa;

    fn syn(number: u32, scale: Option<u8>) -> Segment {
        let acknowledged = None;
        Segment {
            syn: true,
            mss: Some(1400),
            window_scale: scale,
            acknowledged,
            ..segment(number, 0)
        }
    }

    /// An Initiator's tracker after the TCP handshake.
    fn opened(ours: Option<u8>, peers: Option<u8>) -> Tracker {
        let mut tracker = Tracker::new(segment(0, 0).path);
        tracker.outbound(&syn(OURS, ours));
        let reply = Segment { acknowledged: Some(Sequence(OURS) + 1), ..syn(PEERS, peers) };
        assert_eq!(tracker.inbound(&reply), Verdict::Keep);
        tracker.outbound(&segment(OURS + 1, PEERS + 1));
        assert!(tracker.is_quiet());
        tracker
    }

    fn data(at: u32, octets: &[u8]) -> Segment {
        let sequence = Sequence(PEERS) + 1 + at;
        Segment { payload: octets.into(), sequence, ..segment(0, OURS.wrapping_add(1)) }
    }

    /// A startup frame of revision 1 with private data, and octets behind it.
    fn stream(private_data: u16, behind: usize) -> Vec<u8> {
        let mut stream = b"MPA ID Rep Frame\x40\x01".to_vec();
        stream.extend_from_slice(&private_data.to_be_bytes());
        stream.resize(stream.len() + usize::from(private_data) + behind, 0xee);
        stream
    }

    /// However the stream is cut, smoltcp sees the startup frame and nothing behind it.
    #[test]
    fn nothing_behind_the_startup_frame_passes() {
        let stream = stream(9, 30);
        let frame = 29;
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let mut tracker = opened(Some(0), Some(0));
                let mut seen = 0;
                for (from, to) in [(0, first), (first, second), (second, stream.len())] {
                    let piece = data(from as u32, &stream[from..to]);
                    match tracker.inbound(&piece) {
                        Verdict::Keep => seen = seen.max(to),
                        Verdict::Trim(length) => seen = seen.max(from + length),
                        Verdict::Drop => assert!(from > frame, "cut at {first} and {second}"),
                        other => panic!("{other:?}"),
                    }
                }
                assert_eq!(seen, frame, "cut at {first} and {second}");
                let snapshot = tracker.snapshot().unwrap();
                assert_eq!(snapshot.receive_next, Sequence(PEERS) + 1 + frame as u32);
            }
        }
    }

    #[test]
    fn a_gap_is_dropped_and_an_overlap_is_not_counted_twice() {
        let stream = stream(9, 0);
        let mut tracker = opened(Some(0), Some(0));
        assert_eq!(tracker.inbound(&data(1, &stream[1..])), Verdict::Drop);
        assert_eq!(tracker.inbound(&data(0, &stream[..17])), Verdict::Keep);
        assert_eq!(tracker.inbound(&data(3, &stream[3..])), Verdict::Keep);
        assert_eq!(tracker.inbound(&data(3, &stream[3..])), Verdict::Keep);
        assert_eq!(tracker.snapshot().unwrap().receive_next, Sequence(PEERS) + 30);
        assert!(!tracker.is_quiet(), "the frame is not acknowledged");
        tracker.outbound(&segment(OURS + 1, (Sequence(PEERS) + 30).0));
        assert!(tracker.is_quiet());
    }

    #[test]
    fn a_forbidden_length_opens_no_room() {
        let mut stream = stream(0, 2000);
        stream[18..20].copy_from_slice(&513u16.to_be_bytes());
        let mut tracker = opened(Some(0), Some(0));
        assert_eq!(tracker.inbound(&data(0, &stream[..1000])), Verdict::Trim(20));
    }

    //= rfc7323#2.2
    //= type=test
    #[test]
    fn windows_are_scaled_if_both_say_so() {
        for (ours, peers, window, shifts) in [
            (Some(3), Some(7), 1000 << 7, (7, Some(3))),
            (Some(3), None, 1000, (0, None)),
            (None, Some(7), 1000, (0, None)),
            (Some(3), Some(200), 1000 << 14, (14, Some(3))),
        ] {
            let mut tracker = opened(ours, peers);
            assert_eq!(tracker.snapshot().unwrap().send_window, 1000, "a SYN's is never scaled");
            let mut request = segment(OURS + 1, PEERS + 1);
            request.payload = vec![0; 20];
            tracker.outbound(&request);
            assert_eq!(tracker.snapshot().unwrap().send_window, 980, "20 octets are on the way");
            tracker.inbound(&Segment { acknowledged: Some(Sequence(5)), ..data(0, &[]) });
            let snapshot = tracker.snapshot().unwrap();
            assert_eq!((snapshot.send_next, snapshot.send_window), (Sequence(5), window));
            assert_eq!((snapshot.send_window_shift, snapshot.receive_window_shift), shifts);
            assert_eq!(snapshot.peer_mss, 1400);
        }
    }

    //= rfc2018#2
    //= type=test
    #[test]
    fn selective_acknowledgements_are_for_both_or_none() {
        for (ours, peers) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut tracker = Tracker::new(segment(0, 0).path);
            tracker.outbound(&Segment { sack_permitted: ours, ..syn(OURS, None) });
            let reply = Segment { acknowledged: Some(Sequence(OURS) + 1), ..syn(PEERS, None) };
            tracker.inbound(&Segment { sack_permitted: peers, ..reply });
            assert_eq!(tracker.snapshot().map(|it| it.sack), Some(ours && peers));
        }
    }

    #[test]
    fn an_acknowledgement_of_what_was_not_sent_says_nothing() {
        let mut tracker = opened(Some(0), Some(0));
        tracker.inbound(&Segment { acknowledged: Some(Sequence(OURS) + 99), ..data(0, &[]) });
        assert!(tracker.is_quiet());
        assert_eq!(tracker.snapshot().unwrap().send_next, Sequence(OURS) + 1);
    }
}
