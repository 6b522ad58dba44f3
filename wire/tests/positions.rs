//! The tables of Ethernet, IPv4 and TCP name the octets that smoltcp writes those fields to.

use ironwarp_wire::{ethernet, ipv4, tcp};
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Address, Ipv4Packet,
    TcpPacket, TcpSeqNumber,
};

#[test]
fn ethernet_fields() {
    let mut bytes = [0; ethernet::HEADER_BYTES];
    let mut frame = EthernetFrame::new_checked(&mut bytes[..]).unwrap();
    frame.set_dst_addr(EthernetAddress([1; 6]));
    frame.set_src_addr(EthernetAddress([2; 6]));
    frame.set_ethertype(EthernetProtocol::Ipv4);
    assert_eq!(bytes[ethernet::DESTINATION], [1; 6]);
    assert_eq!(bytes[ethernet::SOURCE], [2; 6]);
    assert_eq!(bytes[ethernet::TYPE], ethernet::TYPE_IPV4.to_be_bytes());
    assert_eq!(u16::from(EthernetProtocol::Arp), ethernet::TYPE_ARP);
}

#[test]
fn ipv4_fields() {
    let mut bytes = [0; ipv4::HEADER_BYTES];
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
    packet.set_version(4);
    packet.set_header_len(ipv4::HEADER_BYTES as u8);
    packet.set_dscp(0x2a);
    packet.set_total_len(0x1234);
    packet.set_ident(0x5678);
    packet.set_dont_frag(true);
    packet.set_hop_limit(64);
    packet.set_next_header(IpProtocol::Tcp);
    packet.set_checksum(0xabcd);
    packet.set_src_addr(Ipv4Address::new(10, 9, 0, 1));
    packet.set_dst_addr(Ipv4Address::new(10, 9, 0, 2));
    assert_eq!(bytes[ipv4::VERSION_AND_LENGTH], ipv4::VERSION_4_WITHOUT_OPTIONS);
    assert_eq!(bytes[ipv4::SERVICE], 0x2a << 2);
    assert_eq!(bytes[ipv4::TOTAL_LENGTH], [0x12, 0x34]);
    assert_eq!(bytes[ipv4::IDENTIFICATION], [0x56, 0x78]);
    assert_eq!(bytes[ipv4::FRAGMENT], ipv4::DO_NOT_FRAGMENT.to_be_bytes());
    assert_eq!(bytes[ipv4::TIME_TO_LIVE], 64);
    assert_eq!(bytes[ipv4::PROTOCOL], ipv4::PROTOCOL_TCP);
    assert_eq!(bytes[ipv4::CHECKSUM], [0xab, 0xcd]);
    assert_eq!(bytes[ipv4::SOURCE], [10, 9, 0, 1]);
    assert_eq!(bytes[ipv4::DESTINATION], [10, 9, 0, 2]);
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
    packet.set_dont_frag(false);
    packet.set_more_frags(true);
    packet.set_frag_offset(8);
    assert_eq!(bytes[ipv4::FRAGMENT], (ipv4::MORE_FRAGMENTS | 1).to_be_bytes());
}

#[test]
fn tcp_fields() {
    let mut bytes = [0; tcp::HEADER_BYTES];
    let mut segment = TcpPacket::new_unchecked(&mut bytes[..]);
    segment.set_src_port(0x1111);
    segment.set_dst_port(0x2222);
    segment.set_seq_number(TcpSeqNumber(0x3333_3333));
    segment.set_ack_number(TcpSeqNumber(0x4444_4444));
    segment.set_header_len(tcp::HEADER_BYTES as u8);
    segment.set_window_len(0x5555);
    segment.set_checksum(0x6666);
    segment.set_urgent_at(0x7777);
    segment.set_syn(true);
    segment.set_ack(true);
    segment.set_psh(true);
    assert_eq!(bytes[tcp::SOURCE_PORT], [0x11; 2]);
    assert_eq!(bytes[tcp::DESTINATION_PORT], [0x22; 2]);
    assert_eq!(bytes[tcp::SEQUENCE], [0x33; 4]);
    assert_eq!(bytes[tcp::ACKNOWLEDGMENT], [0x44; 4]);
    assert_eq!(usize::from(bytes[tcp::DATA_OFFSET] >> 4) * 4, tcp::HEADER_BYTES);
    assert_eq!(bytes[tcp::FLAGS], tcp::SYN | tcp::ACK | tcp::PSH);
    assert_eq!(bytes[tcp::WINDOW], [0x55; 2]);
    assert_eq!(bytes[tcp::CHECKSUM], [0x66; 2]);
    assert_eq!(bytes[tcp::URGENT], [0x77; 2]);
    let mut segment = TcpPacket::new_unchecked(&mut bytes[..]);
    segment.clear_flags();
    segment.set_fin(true);
    segment.set_rst(true);
    segment.set_urg(true);
    segment.set_ece(true);
    segment.set_cwr(true);
    let all = tcp::FIN | tcp::RST | tcp::URG | tcp::ECE | tcp::CWR;
    assert_eq!(bytes[tcp::FLAGS], all);
}
