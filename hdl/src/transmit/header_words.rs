//! Lays the headers' fields out.
use crate::literal::Literal;
use crate::transmit::records::FrameHeader;
use ironwarp_wire::{ethernet, ipv4};
use rust_hdl::prelude::*;

/// The 54 octets of Ethernet, IPv4 and TCP header, as [`FrameHeader`] has them. Combinational.
///
/// ```text
/// destination | source, type | IPv4 .. fragment | ttl .. source | destination, ports | numbers |
/// ..
///      6              8               8                 8                 8               8      8
/// ```
#[derive(LogicBlock, Default)]
pub struct HeaderWords {
    pub our_ip: Signal<In, Bits<32>>,
    pub peer_ip: Signal<In, Bits<32>>,
    /// The context's word of both: our port in bits 15:0, the peer's above.
    pub ports: Signal<In, Bits<32>>,
    /// Our MAC address and the next hop's; the first octet on the wire is in the highest byte.
    pub our_mac: Signal<In, Bits<48>>,
    pub peer_mac: Signal<In, Bits<48>>,
    /// Sequence number.
    pub number: Signal<In, Bits<32>>,
    pub acknowledgement: Signal<In, Bits<32>>,
    /// TCP data offset and flags.
    pub flags: Signal<In, Bits<16>>,
    pub window: Signal<In, Bits<16>>,
    /// IPv4 total length.
    pub total: Signal<In, Bits<16>>,
    /// IPv4 header checksum.
    pub network: Signal<In, Bits<16>>,
    /// TCP checksum.
    pub transport: Signal<In, Bits<16>>,
    /// Raw: octets of the frame.
    pub bytes: Signal<In, Bits<16>>,
    /// `fence`, `discard`, `raw` and `bare` are false.
    pub header: Signal<Out, FrameHeader>,
    less: Signal<Local, Bits<16>>,
    tail: Signal<Local, Bits<4>>,
    low: Signal<Local, Bits<4>>,
    ethertype: Literal<64, { ethernet::TYPE_IPV4 as u64 }>,
    version: Literal<64, { (ipv4::VERSION_4_WITHOUT_OPTIONS as u64) << 56 }>,
    fragment: Literal<64, { ipv4::DO_NOT_FRAGMENT as u64 }>,
    hops: Literal<64, { super::header_maker::HOPS << 56 | (ipv4::PROTOCOL_TCP as u64) << 48 }>,
    one: Literal<16, 1>,
    one_octet: Literal<4, 1>,
    seven: Literal<4, 7>,
}

impl Logic for HeaderWords {
    //= rfc791#3.1
    //= rfc9293#3.1
    #[hdl_gen]
    fn update(&mut self) {
        self.less.next = self.bytes.val() - self.one.val();
        self.low.next = self.less.val().get_bits::<4>(0);
        self.tail.next = (self.low.val() & self.seven.val()) + self.one_octet.val();
        self.header.next.discard = false;
        self.header.next.raw = false;
        self.header.next.bare = false;
        self.header.next.tail = self.tail.val();
        self.header.next.fence = false;
        self.header.next.destination = self.peer_mac.val();
        self.header.next.source =
            (bit_cast::<64, 48>(self.our_mac.val()) << 16) | self.ethertype.val();
        self.header.next.network =
            self.version.val() | (bit_cast::<64, 16>(self.total.val()) << 32) | self.fragment.val();
        self.header.next.address = self.hops.val()
            | (bit_cast::<64, 16>(self.network.val()) << 32)
            | bit_cast::<64, 32>(self.our_ip.val());
        self.header.next.ports = (bit_cast::<64, 32>(self.peer_ip.val()) << 32)
            | (bit_cast::<64, 16>(self.ports.val().get_bits::<16>(0)) << 16)
            | bit_cast::<64, 16>(self.ports.val().get_bits::<16>(16));
        self.header.next.numbers = (bit_cast::<64, 32>(self.number.val()) << 32)
            | bit_cast::<64, 32>(self.acknowledgement.val());
        self.header.next.control = (bit_cast::<64, 16>(self.flags.val()) << 48)
            | (bit_cast::<64, 16>(self.window.val()) << 32)
            | (bit_cast::<64, 16>(self.transport.val()) << 16);
    }
}
