//! Neighbours: who is where on the link, as their ARP packets say (RFC 826).
//!
//! smoltcp has the table and asks for what is missing in it, but takes an answer only from a packet
//! that is aimed at us. A neighbour that announces a new hardware address to everybody (gratuitous
//! ARP) is aimed at nobody: what it says is handed on as if it were for us.

use crate::options::Options;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, Ipv4Cidr,
};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Neighbours that are remembered; beyond them, the oldest are forgotten.
const KNOWN_MAX: usize = 256;

/// What a neighbour says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Its address.
    pub ip: Ipv4Addr,
    /// Its hardware address.
    pub mac: [u8; 6],
    /// It speaks to us.
    pub to_us: bool,
}

/// The neighbours on the link.
pub(crate) struct Neighbours {
    network: Ipv4Cidr,
    gateway: Option<Ipv4Addr>,
    mac: [u8; 6],
    /// Those that have spoken to us, and when, counted in such occasions.
    known: BTreeMap<Ipv4Addr, u64>,
    occasions: u64,
}

impl Neighbours {
    /// Nobody has spoken yet.
    pub fn new(options: &Options) -> Self {
        Self {
            network: Ipv4Cidr::new(options.ip, options.prefix),
            gateway: options.gateway,
            mac: options.mac,
            known: BTreeMap::new(),
            occasions: 0,
        }
    }

    /// The station that frames to an address go to first, if there is a way.
    pub fn next_hop(&self, ip: Ipv4Addr) -> Option<Ipv4Addr> {
        match self.network.contains_addr(&ip) {
            true => Some(ip),
            false => self.gateway,
        }
    }

    /// What a frame says of its sender, if it is an ARP packet that one can believe.
    pub fn hear(&self, frame: &[u8]) -> Option<Heard> {
        let ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr,
            source_protocol_addr,
            target_protocol_addr,
            ..
        } = read(frame)?
        else {
            return None;
        };
        // An address probe (RFC 5227) comes from nowhere, and says nothing.
        let ours = self.network.address();
        let believed = matches!(operation, ArpOperation::Request | ArpOperation::Reply)
            && source_hardware_addr.is_unicast()
            && self.network.contains_addr(&source_protocol_addr)
            && is_host(source_protocol_addr)
            && source_protocol_addr != ours;
        believed.then_some(Heard {
            ip: source_protocol_addr,
            mac: source_hardware_addr.0,
            to_us: target_protocol_addr == ours,
        })
    }

    /// Remembers who speaks to us, and tells if what was heard counts.
    //= rfc826#packet-reception  A sender in the table is updated, whomever its packet is for.
    pub fn learn(&mut self, heard: &Heard, used: bool) -> bool {
        if heard.to_us {
            self.occasions += 1;
            self.known.insert(heard.ip, self.occasions);
            if self.known.len() > KNOWN_MAX {
                let oldest = self.known.iter().min_by_key(|(_, occasion)| **occasion);
                if let Some(ip) = oldest.map(|(ip, _)| *ip) {
                    self.known.remove(&ip);
                }
            }
        }
        used || self.known.contains_key(&heard.ip)
    }

    /// What was heard, as an answer to us.
    pub fn readdressed(&self, heard: &Heard) -> Vec<u8> {
        let from = (EthernetAddress(heard.mac), heard.ip);
        reply(from, (EthernetAddress(self.mac), self.network.address()))
    }

    /// The reply to a host that asks whether our address is free before it takes one. It has none
    /// yet, and becomes nobody's neighbour; smoltcp would not answer it.
    //= rfc5227#2.1.1  A probe has the sender address zero, and whoever has the target replies.
    pub fn answer_to_probe(&self, frame: &[u8]) -> Option<Vec<u8>> {
        let ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr,
            source_protocol_addr,
            target_protocol_addr,
            ..
        } = read(frame)?
        else {
            return None;
        };
        let asks_us = source_hardware_addr.is_unicast()
            && source_protocol_addr.is_unspecified()
            && target_protocol_addr == self.network.address();
        let ours = (EthernetAddress(self.mac), target_protocol_addr);
        asks_us.then(|| reply(ours, (source_hardware_addr, source_protocol_addr)))
    }
}

/// The ARP packet in a frame.
fn read(frame: &[u8]) -> Option<ArpRepr> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    let is_arp = frame.ethertype() == EthernetProtocol::Arp;
    let packet = ArpPacket::new_checked(frame.payload()).ok().filter(|_| is_arp)?;
    ArpRepr::parse(&packet).ok()
}

/// The frame of an ARP reply between two stations.
//= rfc826#packet-reception  Hardware and protocol fields are swapped, and it goes to the asker.
fn reply(
    (source_hardware_addr, source_protocol_addr): (EthernetAddress, Ipv4Addr),
    (target_hardware_addr, target_protocol_addr): (EthernetAddress, Ipv4Addr),
) -> Vec<u8> {
    let arp = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr,
        source_protocol_addr,
        target_hardware_addr,
        target_protocol_addr,
    };
    let ethernet = EthernetRepr {
        src_addr: source_hardware_addr,
        dst_addr: target_hardware_addr,
        ethertype: EthernetProtocol::Arp,
    };
    let mut octets = vec![0; ethernet.buffer_len() + arp.buffer_len()];
    let mut frame = EthernetFrame::new_unchecked(&mut octets);
    ethernet.emit(&mut frame);
    arp.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
    octets
}

fn is_host(ip: Ipv4Addr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    const MAC: [u8; 6] = [2, 0xaa, 0xbb, 0xcc, 0, 1];

    fn arp(operation: u8, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
        [
            &[0xff; 6][..],
            &MAC,
            &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation],
            &MAC,
            &sender.octets(),
            &[0; 6],
            &target.octets(),
        ]
        .concat()
    }

    fn neighbours() -> Neighbours {
        Neighbours::new(&Options { gateway: Some([10, 0, 0, 9].into()), ..Options::station(1) })
    }

    #[test]
    fn frames_go_to_the_neighbour_or_to_the_router() {
        let neighbours = neighbours();
        assert_eq!(neighbours.next_hop(PEER), Some(PEER));
        assert_eq!(neighbours.next_hop([10, 0, 1, 2].into()), Some([10, 0, 0, 9].into()));
        assert_eq!(Neighbours::new(&Options::station(1)).next_hop([10, 0, 1, 2].into()), None);
    }

    #[test]
    fn only_what_one_can_believe_is_heard() {
        let neighbours = neighbours();
        let us = Ipv4Addr::new(10, 0, 0, 1);
        let heard = |to_us| Some(Heard { ip: PEER, mac: MAC, to_us });
        assert_eq!(neighbours.hear(&arp(1, PEER, us)), heard(true));
        assert_eq!(neighbours.hear(&arp(2, PEER, PEER)), heard(false));
        assert_eq!(neighbours.hear(&arp(1, PEER, PEER)), heard(false));
        for sender in [[0; 4], [10, 0, 1, 2], [224, 0, 0, 1], [255; 4], us.octets()] {
            assert_eq!(neighbours.hear(&arp(1, sender.into(), us)), None, "{sender:?}");
        }
        assert_eq!(neighbours.hear(&arp(8, PEER, us)), None, "InARP is something else");
        let mut group = arp(1, PEER, us);
        group[22] |= 1;
        assert_eq!(neighbours.hear(&group), None, "a group's hardware address");
        let cut = arp(1, PEER, us);
        for length in 0..cut.len() {
            assert_eq!(neighbours.hear(&cut[..length]), None, "{length} octets");
        }
    }

    //= rfc5227#2.1.1
    //= type=test
    #[test]
    fn a_probe_of_our_address_is_answered_to_whoever_sent_it() {
        let neighbours = neighbours();
        let (us, nobody) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::UNSPECIFIED);
        let ours = [2, 0x49, 0x57, 0, 0, 1];
        let expected = [
            &MAC[..],
            &ours,
            &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2],
            &ours,
            &us.octets(),
            &MAC,
            &nobody.octets(),
        ]
        .concat();
        assert_eq!(neighbours.answer_to_probe(&arp(1, nobody, us)), Some(expected));
        for other in [arp(1, nobody, PEER), arp(2, nobody, us), arp(1, PEER, us)] {
            assert_eq!(neighbours.answer_to_probe(&other), None, "{other:?}");
        }
        let mut group = arp(1, nobody, us);
        group[22] |= 1;
        assert_eq!(neighbours.answer_to_probe(&group), None, "a group's hardware address");
    }

    //= rfc826#packet-reception
    //= type=test
    #[test]
    fn strangers_are_not_remembered_and_neighbours_are() {
        let mut neighbours = neighbours();
        let says = |to_us| Heard { ip: PEER, mac: MAC, to_us };
        assert!(!neighbours.learn(&says(false), false), "nobody whom we know");
        assert!(neighbours.learn(&says(false), true), "a connection goes there");
        assert!(neighbours.learn(&says(true), false));
        assert!(neighbours.learn(&says(false), false), "it has spoken to us");
        for octet in 0..=255 {
            let ip = [10, 0, 3, octet].into();
            neighbours.learn(&Heard { ip, mac: MAC, to_us: true }, false);
        }
        assert_eq!(neighbours.known.len(), KNOWN_MAX);
        assert!(!neighbours.learn(&says(false), false), "the oldest is forgotten");
    }

    #[test]
    fn what_is_handed_on_says_the_same_to_us() {
        let neighbours = neighbours();
        let heard = neighbours.hear(&arp(1, PEER, PEER)).unwrap();
        let again = neighbours.hear(&neighbours.readdressed(&heard));
        assert_eq!(again, Some(Heard { to_us: true, ..heard }));
    }
}
