//! Programmes in octets: a kind, a length of two octets, the low one first, and so many octets.

/// One step.
pub struct Step<'a> {
    /// What to do.
    pub kind: u8,
    /// With what.
    pub data: &'a [u8],
}

/// The steps of a programme; the last one may be cut.
pub fn steps(mut data: &[u8]) -> impl Iterator<Item = Step<'_>> {
    std::iter::from_fn(move || {
        let [kind, low, high, rest @ ..] = data else { return None };
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (now, later) = rest.split_at(length);
        data = later;
        Some(Step { kind: *kind, data: now })
    })
}

/// The little-endian number at the start of the octets; what is missing counts as zero.
pub fn number(data: &[u8]) -> u32 {
    data.iter().take(4).rev().fold(0, |number, octet| number << 8 | u32::from(*octet))
}
