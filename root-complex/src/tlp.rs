//! Transaction-layer packets in wire byte order (PCI Express base specification, chapter 2).
//!
//! Only what a memory-mapped endpoint and its root complex exchange: memory reads, memory writes
//! and completions, traffic class 0, no attributes, no digest, no prefixes. Anything else is
//! [`Malformed`].

/// Octets of a double word (DW).
const DW: usize = 4;
/// Octets in which a memory request may not cross a multiple (s. 2.2.7).
pub const PAGE: u64 = 4096;
/// The most octets that a TLP's length field can name.
pub const LENGTH_MAX: usize = 4096;
/// The longest TLP in octets.
pub const OCTETS_MAX: usize = 4 * DW + LENGTH_MAX;

/// The place and size of a memory access (s. 2.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Bus, device and function number of the one who asks.
    pub requester: u16,
    /// Names a read until its last completion.
    pub tag: u8,
    /// Bus address of the first DW; a multiple of 4.
    pub address: u64,
    /// Number of DWs, 1 to 1024.
    pub dwords: u16,
    /// Which octets of the first DW are meant; bit 0 is the octet at the lowest address.
    pub first_enables: u8,
    /// Which octets of the last DW are meant; zero if there is only one DW.
    pub last_enables: u8,
}

impl Request {
    /// The request for `octets` octets, 1 to 4096, from any bus address.
    pub fn of(requester: u16, tag: u8, address: u64, octets: usize) -> Self {
        let lead = (address % 4) as usize;
        let end = lead + octets;
        let dwords = end.div_ceil(DW) as u16;
        let from = 0xf << lead & 0xf;
        let upto = 0xf >> ((DW - end % DW) % DW);
        let (first_enables, last_enables) =
            if dwords == 1 { (from & upto, 0) } else { (from, upto) };
        let address = address & !3;
        Self { requester, tag, address, dwords, first_enables, last_enables }
    }

    /// The bus address of the first octet and the number of octets from the first to the last
    /// that are meant. A request of no octets at all counts as one (s. 2.2.5, s. 2.3.1.1).
    pub fn span(&self) -> (u64, usize) {
        let last = if self.dwords == 1 { self.first_enables } else { self.last_enables };
        if self.first_enables == 0 {
            return (self.address, 1);
        }
        let lead = self.first_enables.trailing_zeros() as usize;
        let trail = (last << 4).leading_zeros() as usize;
        let octets = (DW * usize::from(self.dwords)).saturating_sub(lead + trail);
        (self.address + lead as u64, octets)
    }

    /// The octets that are meant are one run (what a device that only moves runs must send), or
    /// none of a single DW (s. 2.2.5).
    pub fn enables_are_a_run(&self) -> bool {
        let (first, last) = (self.first_enables, self.last_enables);
        let adjacent =
            |e: u8| e == 0 || (e >> e.trailing_zeros()) & ((e >> e.trailing_zeros()) + 1) == 0;
        match self.dwords {
            1 => last == 0 && adjacent(first),
            _ => adjacent(first) && first & 8 != 0 && adjacent(last) && last & 1 != 0,
        }
    }
}

/// How a request ended (s. 2.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Successful completion.
    Success,
    /// Unsupported request.
    Unsupported,
    /// Completer abort.
    Abort,
}

/// An answer, or a part of one (s. 2.2.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Bus, device and function number of the one who answers.
    pub completer: u16,
    /// How the request ended. Data comes only with success.
    pub status: Status,
    /// Octets that were still to come before this completion, 1 to 4096, its own included.
    pub remaining: u16,
    /// Of the request.
    pub requester: u16,
    /// Of the request.
    pub tag: u8,
    /// Low 7 bits of the bus address of the first octet that counts.
    pub lower_address: u8,
    /// Whole DWs; empty means a completion without data.
    pub payload: Vec<u8>,
}

/// A transaction-layer packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tlp {
    /// MRd: asks for data.
    Read(Request),
    /// MWr: whole DWs, of which the byte enables say what counts. Posted.
    Write(Request, Vec<u8>),
    /// Cpl or CplD.
    Completion(Completion),
}

/// Why octets are no TLP that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Fewer octets than the header has.
    #[error("{0} octets are too few for a header")]
    TooShort(usize),
    /// Neither a memory request nor a completion.
    #[error("format and type {0:#04x} are neither a memory request nor a completion")]
    Kind(u8),
    /// A reserved bit, or a feature that the device does not have.
    #[error("reserved bits, traffic class, attributes, digest or poison set: {0:02x?}")]
    Reserved([u8; 4]),
    /// The packet has more or fewer octets than header and length field say.
    #[error("{octets} octets, but header and length field make {expected}")]
    Length {
        /// Octets of the packet.
        octets: usize,
        /// Octets that it should have.
        expected: usize,
    },
    /// A 4 DW header for an address below 4 GiB (s. 2.2.4.1).
    #[error("a 4 DW header for address {0:#x}, below 4 GiB")]
    WideHeader(u64),
    /// The address has reserved low bits set.
    #[error("reserved low bits of address {0:#x}")]
    Address(u64),
    /// A completion with an unknown status, or with data but no success.
    #[error("completion status {0}")]
    Status(u8),
}

fn be16(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([octets[at], octets[at + 1]])
}

fn be32(octets: &[u8], at: usize) -> u32 {
    u32::from(be16(octets, at)) << 16 | u32::from(be16(octets, at + 2))
}

impl Tlp {
    /// Reads a TLP from exactly its octets.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(octets: &[u8]) -> Result<Self, Malformed> {
        let short = Malformed::TooShort(octets.len());
        if octets.len() < 3 * DW {
            return Err(short);
        }
        let (with_data, wide) = (octets[0] & 0x40 != 0, octets[0] & 0x20 != 0);
        let completion = match octets[0] & !0x60 {
            0x00 => false,
            0x0a if !wide => true,
            _ => return Err(Malformed::Kind(octets[0])),
        };
        if octets[1] != 0 || octets[2] & 0xfc != 0 {
            return Err(Malformed::Reserved([octets[0], octets[1], octets[2], octets[3]]));
        }
        let dwords = match be16(octets, 2) & 0x3ff {
            0 => 1024,
            dwords => dwords,
        };
        let header = if wide { 4 * DW } else { 3 * DW };
        if octets.len() < header {
            return Err(short);
        }
        let expected = header + if with_data { DW * usize::from(dwords) } else { 0 };
        if octets.len() != expected {
            return Err(Malformed::Length { octets: octets.len(), expected });
        }
        let payload = octets[header..].to_vec();
        if completion {
            return Self::parse_completion(octets, payload);
        }
        let address = match wide {
            true => u64::from(be32(octets, 8)) << 32 | u64::from(be32(octets, 12)),
            false => be32(octets, 8).into(),
        };
        if wide && address >> 32 == 0 {
            return Err(Malformed::WideHeader(address));
        }
        if address & 3 != 0 {
            return Err(Malformed::Address(address));
        }
        let request = Request {
            requester: be16(octets, 4),
            tag: octets[6],
            address,
            dwords,
            first_enables: octets[7] & 0xf,
            last_enables: octets[7] >> 4,
        };
        Ok(if with_data { Self::Write(request, payload) } else { Self::Read(request) })
    }

    fn parse_completion(octets: &[u8], payload: Vec<u8>) -> Result<Self, Malformed> {
        let status = match octets[6] >> 5 {
            0 => Status::Success,
            1 if payload.is_empty() => Status::Unsupported,
            4 if payload.is_empty() => Status::Abort,
            status => return Err(Malformed::Status(status)),
        };
        if octets[6] & 0x10 != 0 || octets[11] & 0x80 != 0 {
            return Err(Malformed::Reserved([octets[4], octets[5], octets[6], octets[11]]));
        }
        let remaining = match be16(octets, 6) & 0xfff {
            0 => 4096,
            remaining => remaining,
        };
        Ok(Self::Completion(Completion {
            completer: be16(octets, 4),
            status,
            remaining,
            requester: be16(octets, 8),
            tag: octets[10],
            lower_address: octets[11],
            payload,
        }))
    }

    /// Appends the TLP's octets. Addresses from 4 GiB up get the 4 DW header.
    pub fn emit(&self, octets: &mut Vec<u8>) {
        match self {
            Self::Read(request) => emit_request(request, 0x00, octets),
            Self::Write(request, payload) => {
                emit_request(request, 0x40, octets);
                octets.extend_from_slice(payload);
            }
            Self::Completion(completion) => {
                emit_completion(completion, octets);
                octets.extend_from_slice(&completion.payload);
            }
        }
    }
}

fn emit_request(request: &Request, kind: u8, octets: &mut Vec<u8>) {
    let wide = request.address >> 32 != 0;
    let [high, low] = (request.dwords & 0x3ff).to_be_bytes();
    octets.extend_from_slice(&[kind | u8::from(wide) << 5, 0, high, low]);
    octets.extend_from_slice(&request.requester.to_be_bytes());
    octets.push(request.tag);
    octets.push(request.last_enables << 4 | request.first_enables);
    match wide {
        true => octets.extend_from_slice(&request.address.to_be_bytes()),
        false => octets.extend_from_slice(&(request.address as u32).to_be_bytes()),
    }
}

fn emit_completion(completion: &Completion, octets: &mut Vec<u8>) {
    let dwords = completion.payload.len() / DW;
    let [high, low] = (dwords as u16 & 0x3ff).to_be_bytes();
    octets.extend_from_slice(&[0x0a | u8::from(dwords > 0) << 6, 0, high, low]);
    octets.extend_from_slice(&completion.completer.to_be_bytes());
    let status = match completion.status {
        Status::Success => 0,
        Status::Unsupported => 1,
        Status::Abort => 4,
    };
    octets.extend_from_slice(&(completion.remaining & 0xfff | status << 13).to_be_bytes());
    octets.extend_from_slice(&completion.requester.to_be_bytes());
    octets.extend_from_slice(&[completion.tag, completion.lower_address & 0x7f]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn octets(tlp: &Tlp) -> Vec<u8> {
        let mut octets = Vec::new();
        tlp.emit(&mut octets);
        octets
    }

    /// A memory read of 3 octets at 0x1002, by hand from figures 2-17 and 2-5.
    #[test]
    fn a_read_looks_as_in_the_specification() {
        let read = Tlp::Read(Request::of(0x0100, 7, 0x1002, 3));
        let expected = [0x00, 0, 0, 2, 0x01, 0x00, 7, 0x1c, 0x00, 0x00, 0x10, 0x00];
        assert_eq!(octets(&read), expected);
    }

    /// The 64-bit format is for addresses from 4 GiB up and for no others (s. 2.2.4.1).
    #[test]
    fn the_header_is_as_wide_as_the_address() {
        let low = octets(&Tlp::Read(Request::of(0, 0, 0xffff_fffc, 4)));
        let high = octets(&Tlp::Read(Request::of(0, 0, 0x1_0000_0000, 4)));
        assert_eq!((low.len(), low[0]), (12, 0x00));
        assert_eq!((high.len(), high[0]), (16, 0x20));
        let mut wrong = high.clone();
        wrong[11] = 0;
        assert_eq!(Tlp::parse(&wrong), Err(Malformed::WideHeader(0)));
    }

    /// A completion with 4 of 68 octets, by hand from figure 2-30.
    #[test]
    fn a_completion_looks_as_in_the_specification() {
        let completion = Tlp::Completion(Completion {
            completer: 0x0203,
            status: Status::Success,
            remaining: 68,
            requester: 0x0100,
            tag: 9,
            lower_address: 0x3c,
            payload: vec![1, 2, 3, 4],
        });
        let expected = [0x4a, 0, 0, 1, 0x02, 0x03, 0x00, 68, 0x01, 0x00, 9, 0x3c, 1, 2, 3, 4];
        assert_eq!(octets(&completion), expected);
    }

    fn request() -> impl Strategy<Value = Request> {
        (any::<u16>(), any::<u8>(), any::<u64>(), 1..=4093usize, any::<bool>()).prop_map(
            |(requester, tag, address, length, wide)| {
                let address = if wide { address | 1 << 40 } else { address & 0xffff_ffff };
                Request::of(requester, tag, address & !(1 << 63), length)
            },
        )
    }

    fn tlp() -> impl Strategy<Value = Tlp> {
        let completion =
            (any::<[u16; 2]>(), 0..3usize, 1..=4096u16, any::<u8>(), 0..128u8, 0..=1024usize);
        prop_oneof![
            request().prop_map(Tlp::Read),
            (request(), any::<u8>()).prop_map(|(request, fill)| {
                Tlp::Write(request, vec![fill; 4 * usize::from(request.dwords)])
            }),
            completion.prop_map(|(ids, status, remaining, tag, lower_address, dwords)| {
                let status = [Status::Success, Status::Unsupported, Status::Abort][status];
                let dwords = if status == Status::Success { dwords } else { 0 };
                Tlp::Completion(Completion {
                    completer: ids[0],
                    status,
                    remaining,
                    requester: ids[1],
                    tag,
                    lower_address,
                    payload: vec![tag; 4 * dwords],
                })
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_parsed(tlp in tlp()) {
            prop_assert_eq!(Tlp::parse(&octets(&tlp)), Ok(tlp));
        }

        #[test]
        fn the_span_is_what_was_asked_for(address in 0..1u64 << 62, length in 1..=4093usize) {
            let request = Request::of(0, 0, address, length);
            prop_assert_eq!(request.span(), (address, length));
            prop_assert!(request.enables_are_a_run());
        }

        #[test]
        fn no_octets_make_the_parser_panic(octets in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Tlp::parse(&octets);
        }
    }

    /// Byte enables with holes or on the wrong side are told apart (s. 2.2.5).
    #[test]
    fn byte_enables_with_holes_are_seen() {
        let with = |dwords, first_enables, last_enables| Request {
            dwords,
            first_enables,
            last_enables,
            ..Request::of(0, 0, 0, 4)
        };
        for (request, run) in [
            (with(1, 0b0110, 0), true),
            (with(1, 0b0000, 0), true),
            (with(1, 0b0101, 0), false),
            (with(1, 0b1111, 0b0001), false),
            (with(2, 0b1100, 0b0011), true),
            (with(2, 0b0110, 0b0011), false),
            (with(2, 0b1100, 0b0110), false),
            (with(2, 0b1100, 0b0000), false),
        ] {
            assert_eq!(request.enables_are_a_run(), run, "{request:?}");
        }
    }
}
