//! A root complex at the two streams of a device.

use crate::conduct::{Handshake, Misconduct};
use crate::{tlp, Beat, RootComplex};

/// Cuts packets into beats and puts them together again, clock by clock, with the pauses that
/// [`RootComplexOptions`](crate::RootComplexOptions) ask for.
#[derive(Debug, Default)]
pub struct BeatPort {
    /// The packet that is being sent, and the beat to send next.
    sending: Vec<u8>,
    next_beat: usize,
    offered: Option<Beat>,
    ready: bool,
    handshake: Handshake,
    arriving: Vec<u8>,
    discarding: bool,
}

impl BeatPort {
    /// With nothing under way.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the device's packets, for it is reset: it drops what still comes of one whose first
    /// beat it has taken, and ends with `error` the one that it is sending.
    pub fn reset(&mut self) {
        // Of a packet whose last beat is offered, `next_beat` is zero again.
        let begun = match self.offered {
            Some(_) => self.next_beat != 1,
            None => self.next_beat > 0,
        };
        if !begun {
            self.sending.clear();
            self.next_beat = 0;
            self.offered = None;
        }
        self.handshake = Handshake::default();
        self.discarding |= !self.arriving.is_empty();
        self.arriving.clear();
    }

    /// No packet is under way to the device.
    pub fn idle(&self) -> bool {
        self.sending.is_empty() && self.offered.is_none()
    }

    /// What the root complex drives in this clock: a beat for the device, and whether it takes one.
    #[inline]
    pub fn drive(&mut self, root: &mut RootComplex, clock: u64) -> (Option<Beat>, bool) {
        root.advance(clock);
        if self.offered.is_none() {
            self.offered = self.next_beat(root);
        }
        let refused = root.options().back_pressure;
        self.ready = !root.happens(refused);
        (self.offered, self.ready)
    }

    fn next_beat(&mut self, root: &mut RootComplex) -> Option<Beat> {
        if self.sending.is_empty() && !root.next_packet(&mut self.sending) {
            return None;
        }
        let pauses = root.options().bubbles;
        if root.happens(pauses) {
            return None;
        }
        let beat = Beat::of(&self.sending, self.next_beat);
        self.next_beat += 1;
        if beat.is_none_or(|beat| beat.last) {
            self.sending.clear();
            self.next_beat = 0;
        }
        beat
    }

    /// What the device answered to [`BeatPort::drive`], at the rising edge: whether it took the
    /// beat, and its own beat, if it offered one.
    #[inline]
    pub fn clocked(&mut self, root: &mut RootComplex, taken: bool, offered: Option<Beat>) {
        if taken {
            self.offered = None;
        }
        if let Err(misconduct) = self.handshake.clock("pcie_out", offered, self.ready) {
            root.report(misconduct);
        }
        if let (Some(beat), true) = (offered, self.ready) {
            self.arrive(root, beat);
        }
    }

    fn arrive(&mut self, root: &mut RootComplex, beat: Beat) {
        let well_formed = (1..=8).contains(&beat.bytes) && (beat.last || beat.bytes == 8);
        if !well_formed && !self.discarding {
            let (bytes, last) = (beat.bytes, beat.last);
            root.report(Misconduct::Beat { stream: "pcie_out", bytes, last });
            self.discarding = true;
        }
        if !self.discarding {
            let octets = beat.data.to_le_bytes();
            self.arriving.extend_from_slice(&octets[..usize::from(beat.bytes)]);
            if self.arriving.len() > tlp::OCTETS_MAX {
                root.report(Misconduct::Endless(tlp::OCTETS_MAX));
                self.discarding = true;
            }
        }
        if !beat.last {
            return;
        }
        let discard = std::mem::take(&mut self.discarding) || beat.error;
        if !discard {
            root.accept_packet(&self.arriving);
        }
        self.arriving.clear();
    }
}
