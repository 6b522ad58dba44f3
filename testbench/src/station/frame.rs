//! Ethernet frames that carry TCP, made and read by the field tables of `ironwarp_wire`.

use ironwarp_wire::{checksum, ethernet, ipv4, tcp};

/// Everything that a TCP segment says, in host order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Sequence number of the first payload octet.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Flags of `ironwarp_wire::tcp`.
    pub flags: u8,
    /// The window field, not scaled.
    pub window: u16,
    /// TCP options, a multiple of four octets.
    pub options: Vec<u8>,
    /// What the segment carries.
    pub payload: Vec<u8>,
}

/// The addresses of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpFrame {
    /// MAC address of the sender.
    pub source_mac: [u8; 6],
    /// MAC address of the receiver.
    pub destination_mac: [u8; 6],
    /// IPv4 address of the sender.
    pub source_ip: [u8; 4],
    /// IPv4 address of the receiver.
    pub destination_ip: [u8; 4],
    /// TCP port of the sender.
    pub source_port: u16,
    /// TCP port of the receiver.
    pub destination_port: u16,
}

const IP: usize = ethernet::HEADER_BYTES;
const TCP: usize = IP + ipv4::HEADER_BYTES;

impl TcpFrame {
    /// The frame with right checksums, padded to the shortest frame.
    pub fn emit(&self, segment: &Segment) -> Vec<u8> {
        let header = tcp::HEADER_BYTES + segment.options.len();
        let total = ipv4::HEADER_BYTES + header + segment.payload.len();
        let mut frame = vec![0; IP + total];
        frame[ethernet::DESTINATION].copy_from_slice(&self.destination_mac);
        frame[ethernet::SOURCE].copy_from_slice(&self.source_mac);
        frame[ethernet::TYPE].copy_from_slice(&ethernet::TYPE_IPV4.to_be_bytes());

        let ip = &mut frame[IP..TCP];
        ip[ipv4::VERSION_AND_LENGTH] = ipv4::VERSION_4_WITHOUT_OPTIONS;
        ip[ipv4::TOTAL_LENGTH].copy_from_slice(&(total as u16).to_be_bytes());
        ip[ipv4::FRAGMENT].copy_from_slice(&ipv4::DO_NOT_FRAGMENT.to_be_bytes());
        ip[ipv4::TIME_TO_LIVE] = 64;
        ip[ipv4::PROTOCOL] = ipv4::PROTOCOL_TCP;
        ip[ipv4::SOURCE].copy_from_slice(&self.source_ip);
        ip[ipv4::DESTINATION].copy_from_slice(&self.destination_ip);
        let sum = checksum::internet(ip);
        ip[ipv4::CHECKSUM].copy_from_slice(&sum.to_be_bytes());

        let out = &mut frame[TCP..];
        out[tcp::SOURCE_PORT].copy_from_slice(&self.source_port.to_be_bytes());
        out[tcp::DESTINATION_PORT].copy_from_slice(&self.destination_port.to_be_bytes());
        out[tcp::SEQUENCE].copy_from_slice(&segment.sequence.to_be_bytes());
        out[tcp::ACKNOWLEDGMENT].copy_from_slice(&segment.acknowledgement.to_be_bytes());
        out[tcp::DATA_OFFSET] = (header as u8 / 4) << 4;
        out[tcp::FLAGS] = segment.flags;
        out[tcp::WINDOW].copy_from_slice(&segment.window.to_be_bytes());
        out[tcp::HEADER_BYTES..header].copy_from_slice(&segment.options);
        out[header..].copy_from_slice(&segment.payload);
        let sum = checksum::tcp_over_ipv4(self.source_ip, self.destination_ip, out);
        out[tcp::CHECKSUM].copy_from_slice(&sum.to_be_bytes());
        frame.resize(frame.len().max(ethernet::FRAME_BYTES_MIN), 0);
        frame
    }

    /// Reads a frame of this direction.
    ///
    /// # Errors
    /// What is wrong with it: addresses, lengths, header fields or checksums.
    pub fn parse(&self, frame: &[u8]) -> Result<Segment, String> {
        let word = |bytes: &[u8]| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let half = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
        let expect = |what: &str, holds: bool| match holds {
            true => Ok(()),
            false => Err(format!("{what}: {frame:02x?}")),
        };
        expect("too short", frame.len() >= TCP + tcp::HEADER_BYTES)?;
        expect("destination MAC", frame[ethernet::DESTINATION] == self.destination_mac)?;
        expect("source MAC", frame[ethernet::SOURCE] == self.source_mac)?;
        expect("not IPv4", half(&frame[ethernet::TYPE]) == ethernet::TYPE_IPV4)?;
        let ip = &frame[IP..];
        let total = usize::from(half(&ip[ipv4::TOTAL_LENGTH]));
        let version = ip[ipv4::VERSION_AND_LENGTH];
        expect("IP version", version == ipv4::VERSION_4_WITHOUT_OPTIONS)?;
        expect("IP length", total <= ip.len() && total >= ipv4::HEADER_BYTES + tcp::HEADER_BYTES)?;
        expect("IP checksum", checksum::internet(&ip[..ipv4::HEADER_BYTES]) == 0)?;
        expect("protocol", ip[ipv4::PROTOCOL] == ipv4::PROTOCOL_TCP)?;
        expect("source IP", ip[ipv4::SOURCE] == self.source_ip)?;
        expect("destination IP", ip[ipv4::DESTINATION] == self.destination_ip)?;
        let segment = &ip[ipv4::HEADER_BYTES..total];
        let header = usize::from(segment[tcp::DATA_OFFSET] >> 4) * 4;
        expect("TCP header", header >= tcp::HEADER_BYTES && header <= segment.len())?;
        let sum = checksum::tcp_over_ipv4(self.source_ip, self.destination_ip, segment);
        expect("TCP checksum", sum == 0)?;
        expect("source port", half(&segment[tcp::SOURCE_PORT]) == self.source_port)?;
        let port = half(&segment[tcp::DESTINATION_PORT]);
        expect("destination port", port == self.destination_port)?;
        Ok(Segment {
            sequence: word(&segment[tcp::SEQUENCE]),
            acknowledgement: word(&segment[tcp::ACKNOWLEDGMENT]),
            flags: segment[tcp::FLAGS],
            window: half(&segment[tcp::WINDOW]),
            options: segment[tcp::HEADER_BYTES..header].to_vec(),
            payload: segment[header..].to_vec(),
        })
    }

    /// The other direction.
    pub fn reversed(&self) -> Self {
        Self {
            source_mac: self.destination_mac,
            destination_mac: self.source_mac,
            source_ip: self.destination_ip,
            destination_ip: self.source_ip,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }
}
