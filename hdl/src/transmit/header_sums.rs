//! The checksums of a segment's headers.
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_wire::{ipv4, tcp};
use rust_hdl::prelude::*;

/// The IPv4 header's words that never change: version and length, "do not fragment", 64 hops, TCP.
const NETWORK_WORDS: u64 = ((ipv4::VERSION_4_WITHOUT_OPTIONS as u64) << 8)
    + ipv4::DO_NOT_FRAGMENT as u64
    + (super::header_maker::HOPS << 8)
    + ipv4::PROTOCOL_TCP as u64;

/// IPv4 header checksum and TCP checksum (RFC 1071): the results are those of the inputs five
/// clocks before; hold the inputs until then.
///
/// ```text
/// clock 1  sum of addresses   sum of numbers   payload: fold
///       2  + IPv4 constants   + pseudo header  payload: fold, swap
///       3  fold               + payload
///       4  fold               fold
///       5                     fold
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct HeaderSums {
    pub clock: Signal<In, Clock>,
    pub our_ip: Signal<In, Bits<32>>,
    pub peer_ip: Signal<In, Bits<32>>,
    /// Both ports.
    pub ports: Signal<In, Bits<32>>,
    /// Sequence number.
    pub number: Signal<In, Bits<32>>,
    pub acknowledgement: Signal<In, Bits<32>>,
    /// Data offset and flags.
    pub flags: Signal<In, Bits<16>>,
    pub window: Signal<In, Bits<16>>,
    /// The payload's sum, as in `SegmentSummary`: the first octet of a word in bits 7:0.
    pub payload: Signal<In, Bits<32>>,
    /// Octets of payload.
    pub bytes: Signal<In, Bits<16>>,
    /// IPv4 total length, at once.
    pub total: Signal<Out, Bits<16>>,
    pub network: Signal<Out, Bits<16>>,
    pub transport: Signal<Out, Bits<16>>,
    addresses: DFF<Bits<32>>,
    numbers: DFF<Bits<32>>,
    folded: DFF<Bits<32>>,
    network_2: DFF<Bits<32>>,
    transport_2: DFF<Bits<32>>,
    swapped: DFF<Bits<32>>,
    network_3: DFF<Bits<32>>,
    transport_3: DFF<Bits<32>>,
    network_4: DFF<Bits<32>>,
    transport_4: DFF<Bits<32>>,
    transport_5: DFF<Bits<32>>,
    length: Signal<Local, Bits<16>>,
    twice: Signal<Local, Bits<32>>,
    network_low: Signal<Local, Bits<16>>,
    transport_low: Signal<Local, Bits<16>>,
    headers: Literal<16, { (ipv4::HEADER_BYTES + tcp::HEADER_BYTES) as u64 }>,
    tcp_header: Literal<16, { tcp::HEADER_BYTES as u64 }>,
    fixed: Literal<32, NETWORK_WORDS>,
    protocol: Literal<32, { ipv4::PROTOCOL_TCP as u64 }>,
}

impl Logic for HeaderSums {
    //= rfc9293#3.1  The pseudo header: addresses, protocol, TCP length.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, addresses, numbers, folded, network_2, transport_2, swapped);
        dff_setup!(self, clock, network_3, transport_3, network_4, transport_4, transport_5);
        self.total.next = self.bytes.val() + self.headers.val();
        self.length.next = self.bytes.val() + self.tcp_header.val();

        self.addresses.d.next = bit_cast::<32, 16>(self.our_ip.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.our_ip.val().get_bits::<16>(16))
            + bit_cast::<32, 16>(self.peer_ip.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.peer_ip.val().get_bits::<16>(16));
        self.numbers.d.next = bit_cast::<32, 16>(self.ports.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.ports.val().get_bits::<16>(16))
            + bit_cast::<32, 16>(self.number.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.number.val().get_bits::<16>(16))
            + bit_cast::<32, 16>(self.acknowledgement.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.acknowledgement.val().get_bits::<16>(16))
            + bit_cast::<32, 16>(self.flags.val())
            + bit_cast::<32, 16>(self.window.val());
        self.folded.d.next = bit_cast::<32, 16>(self.payload.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.payload.val().get_bits::<16>(16));

        self.network_2.d.next = self.addresses.q.val()
            + bit_cast::<32, 16>(self.bytes.val())
            + bit_cast::<32, 16>(self.headers.val())
            + self.fixed.val();
        self.transport_2.d.next = self.addresses.q.val()
            + self.numbers.q.val()
            + bit_cast::<32, 16>(self.length.val())
            + self.protocol.val();
        self.twice.next = bit_cast::<32, 16>(self.folded.q.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.folded.q.val().get_bits::<16>(16));
        self.swapped.d.next = (bit_cast::<32, 8>(self.twice.val().get_bits::<8>(0)) << 8)
            | bit_cast::<32, 8>(self.twice.val().get_bits::<8>(8));

        self.network_3.d.next = bit_cast::<32, 16>(self.network_2.q.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.network_2.q.val().get_bits::<16>(16));
        self.transport_3.d.next = self.transport_2.q.val() + self.swapped.q.val();

        self.network_4.d.next = bit_cast::<32, 16>(self.network_3.q.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.network_3.q.val().get_bits::<16>(16));
        self.transport_4.d.next = bit_cast::<32, 16>(self.transport_3.q.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.transport_3.q.val().get_bits::<16>(16));

        self.transport_5.d.next = bit_cast::<32, 16>(self.transport_4.q.val().get_bits::<16>(0))
            + bit_cast::<32, 16>(self.transport_4.q.val().get_bits::<16>(16));
        self.network_low.next = self.network_4.q.val().get_bits::<16>(0);
        self.transport_low.next = self.transport_5.q.val().get_bits::<16>(0);
        self.network.next = !self.network_low.val();
        self.transport.next = !self.transport_low.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_wire::checksum::Sum;
    use rand::Rng;

    #[test]
    fn agrees_with_software() {
        let mut rng = rng(1071);
        let mut uut = HeaderSums::default();
        crate::queue::elaborate("header_sums", &mut uut);
        for round in 0..300 {
            let extreme = [0_u32, u32::MAX, rng.random()];
            let mut any = || extreme[rng.random_range(0..3)];
            let (local, remote, ports) = (any(), any(), any());
            let (number, acknowledgement) = (any(), any());
            let (flags, window) = (any() as u16, any() as u16);
            let length = if round % 5 == 0 { 0 } else { rng.random_range(0..9000) & !1 };
            let fill = rng.random_range(0..3);
            let payload: Vec<u8> =
                (0..length).map(|_| if fill == 0 { 0xff } else { rng.random::<u8>() }).collect();
            let little = payload.chunks(2).map(|w| u64::from(u16::from_le_bytes([w[0], w[1]])));
            uut.our_ip.next = u64::from(local).to_bits();
            uut.peer_ip.next = u64::from(remote).to_bits();
            uut.ports.next = u64::from(ports).to_bits();
            uut.number.next = u64::from(number).to_bits();
            uut.acknowledgement.next = u64::from(acknowledgement).to_bits();
            uut.flags.next = u64::from(flags).to_bits();
            uut.window.next = u64::from(window).to_bits();
            uut.payload.next = little.sum::<u64>().to_bits();
            uut.bytes.next = (length as u64).to_bits();
            for _ in 0..5 {
                tick!(uut);
            }
            let addresses = Sum::default().bytes(&local.to_be_bytes()).bytes(&remote.to_be_bytes());
            let total = length as u16 + 40;
            let network = addresses.word(0x4500).word(total).word(0x4000).word(0x4006).finish();
            let transport = addresses
                .word(6)
                .word(length as u16 + 20)
                .bytes(&ports.to_be_bytes())
                .bytes(&number.to_be_bytes())
                .bytes(&acknowledgement.to_be_bytes())
                .word(flags)
                .word(window)
                .bytes(&payload)
                .finish();
            assert_eq!(uut.total.val().to_u64(), u64::from(total), "round {round}");
            assert_eq!(uut.network.val().to_u64(), u64::from(network), "round {round}");
            assert_eq!(uut.transport.val().to_u64(), u64::from(transport), "round {round}");
        }
    }
}
