//! A transfer of a stream.

/// One transfer of a stream: up to 8 octets of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// The octets; the first is in bits 7:0. Octets beyond `bytes` mean nothing.
    pub data: u64,
    /// How many octets are valid, 1 to 8; 8 on every beat but the last.
    pub bytes: u8,
    /// The packet ends with this beat.
    pub last: bool,
    /// With `last`: the whole packet must be discarded.
    pub error: bool,
}

impl Beat {
    /// Beat `index` of the packet `octets`, or nothing past its end.
    pub fn of(octets: &[u8], index: usize) -> Option<Self> {
        let rest = octets.get(8 * index..).filter(|rest| !rest.is_empty())?;
        let bytes = rest.len().min(8);
        let mut word = [0; 8];
        word[..bytes].copy_from_slice(&rest[..bytes]);
        Some(Self {
            data: u64::from_le_bytes(word),
            bytes: bytes as u8,
            last: rest.len() <= 8,
            error: false,
        })
    }

    /// The beat as the 70 bits of the pins: data, count, last, error from bit 0 up.
    pub fn to_bits(self) -> u128 {
        u128::from(self.data)
            | u128::from(self.bytes & 15) << 64
            | u128::from(self.last) << 68
            | u128::from(self.error) << 69
    }

    /// The beat from the 70 bits of the pins.
    pub fn from_bits(bits: u128) -> Self {
        Self {
            data: bits as u64,
            bytes: (bits >> 64) as u8 & 15,
            last: bits >> 68 & 1 == 1,
            error: bits >> 69 & 1 == 1,
        }
    }
}
