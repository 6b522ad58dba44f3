//! Frames out of nowhere.

use super::event::{Spoil, Stray, StrayKind};
use super::layout::QPS;
use super::peer::{addresses, filling, port, spoil};
use crate::station::{Segment, LOCAL_MAC, PEER_MAC};
use ironwarp_wire::{ethernet, ipv4, tcp};

const IP: usize = ethernet::HEADER_BYTES;

/// The frame, as a MAC hands it over.
pub fn frame(stray: &Stray) -> Vec<u8> {
    let length = usize::from(stray.length);
    let mut addresses = addresses(port(QPS) + u16::from(stray.fill));
    let tcp = Segment {
        sequence: 0x0101_0101 * u32::from(stray.fill),
        flags: if stray.fill & 1 == 0 { tcp::SYN } else { tcp::ACK },
        payload: filling(stray.fill, length.saturating_sub(54)),
        ..Segment::default()
    };
    let noise = filling(stray.fill, length.max(IP + 1));
    let mut frame = match stray.kind {
        StrayKind::Tcp => addresses.emit(&tcp),
        StrayKind::Foreign => {
            addresses.destination_mac[5] ^= 0x40;
            addresses.emit(&tcp)
        }
        StrayKind::Udp => {
            let mut frame = addresses.emit(&tcp);
            frame[IP + ipv4::PROTOCOL] = 17;
            frame
        }
        StrayKind::Arp => [&[0xff; 6][..], &PEER_MAC, &[8, 6], &noise[IP..]].concat(),
        StrayKind::Noise => [&LOCAL_MAC[..], &noise[6..]].concat(),
    };
    let repaired = stray.kind == StrayKind::Udp;
    let harmless = Spoil { at: 0, mask: 0, repair: true };
    spoil(&mut frame, repaired.then_some(harmless));
    spoil(&mut frame, stray.spoil);
    // The MAC would pad it, and the model has none.
    frame.resize(frame.len().max(ethernet::FRAME_BYTES_MIN), 0);
    frame
}
