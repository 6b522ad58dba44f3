//! FPDUs in place: closed in the buffer that they leave from, opened in the one that they came to.

use crate::Status;
use ironwarp_abi::status;
use ironwarp_wire::mpa::crc;
use ironwarp_wire::mpa::fpdu::{fpdu_bytes, pad_bytes, CRC_BYTES, LENGTH, LENGTH_BYTES};
use ironwarp_wire::mpa::marker::{
    count, distance, is_at, MarkerRepr, MARKER_BYTES, MARKER_INTERVAL,
};
use ironwarp_wire::mpa::stream::Framing;
use std::ops::Range;

/// Octets of stream that the FPDU around a ULPDU takes if it begins at this stream offset.
pub(crate) fn stream_bytes(framing: Framing, offset: u64, ulpdu: usize) -> usize {
    let plain = fpdu_bytes(ulpdu);
    let markers = if framing.markers { count(offset, plain) } else { 0 };
    plain + markers * MARKER_BYTES
}

/// The size of the marker right before an FPDU that begins at this stream offset, or zero.
//= rfc5044#4.3  A marker between FPDUs is considered to be contained in the following FPDU.
pub(crate) fn leading(framing: Framing, offset: u64) -> usize {
    match framing.markers && is_at(offset) {
        true => MARKER_BYTES,
        false => 0,
    }
}

/// Closes an FPDU around the ULPDU that lies behind the place of the length field: length, pad,
/// markers, CRC. `fpdu` has [`stream_bytes`] octets; what it held behind the ULPDU is overwritten.
pub(crate) fn close(fpdu: &mut [u8], ulpdu: usize, framing: Framing, offset: u64) {
    fpdu[LENGTH].copy_from_slice(&(ulpdu as u16).to_be_bytes());
    let plain = LENGTH_BYTES + ulpdu + pad_bytes(ulpdu);
    //= rfc5044#4.1  The pad data MUST be set to zero by the sender.
    fpdu[LENGTH_BYTES + ulpdu..plain].fill(0);
    let covered = fpdu.len() - CRC_BYTES;
    if framing.markers {
        put_markers(&mut fpdu[..covered], plain, offset, leading(framing, offset));
    }
    //= rfc5044#4.4  The CRC covers length, ULPDU, pad and markers. It travels low octet first.
    let crc = if framing.crc { crc::of(&fpdu[..covered]) } else { 0 };
    fpdu[covered..].copy_from_slice(&crc.to_le_bytes());
}

/// Spreads the first `plain` octets over all of `fpdu` with the markers between them, from behind.
fn put_markers(fpdu: &mut [u8], plain: usize, offset: u64, leading: usize) {
    let start = offset + leading as u64;
    let (mut from, mut to) = (plain, fpdu.len());
    while from < to {
        let latest = offset + (to - MARKER_BYTES) as u64;
        let at = latest - latest % MARKER_INTERVAL as u64;
        let marker = (at - offset) as usize;
        let behind = marker + MARKER_BYTES;
        fpdu.copy_within(from - (to - behind)..from, behind);
        //= rfc5044#4.3  FPDUPTR counts from the length field, or is zero between two FPDUs.
        let pointer = at.saturating_sub(start) as u16;
        fpdu[marker..behind].copy_from_slice(&MarkerRepr { pointer }.emit());
        (from, to) = (from - (to - behind), marker);
    }
}

/// Checks a whole FPDU that begins at this stream offset; answers where its ULPDU lies. Markers
/// are taken out.
pub(crate) fn open(fpdu: &mut [u8], framing: Framing, offset: u64) -> Result<Range<usize>, Status> {
    let covered = fpdu.len().saturating_sub(CRC_BYTES);
    let (covered, field) = fpdu.split_at_mut(covered);
    if framing.crc && crc::of(covered).to_le_bytes() != field {
        return Err(status::MPA_CRC);
    }
    if framing.markers {
        take_markers(covered, offset, leading(framing, offset))?;
    }
    let length = covered.first_chunk().map_or(0, |field| u16::from_be_bytes(*field));
    Ok(LENGTH_BYTES..LENGTH_BYTES + usize::from(length))
}

/// Closes the gaps that markers leave.
fn take_markers(fpdu: &mut [u8], offset: u64, leading: usize) -> Result<(), Status> {
    let start = offset + leading as u64;
    let (mut from, mut to) = (0, 0);
    while from < fpdu.len() {
        let at = offset + from as u64;
        if is_at(at) {
            let Some(marker) = fpdu[from..].first_chunk() else { break };
            //= rfc5044#8  Code 3: marker and length do not agree on the start of an FPDU.
            if u64::from(MarkerRepr::parse(marker).pointer) != at.saturating_sub(start) {
                return Err(status::MPA_MARKER);
            }
            from += MARKER_BYTES;
        } else {
            let run = distance(at).min(fpdu.len() - from);
            fpdu.copy_within(from..from + run, to);
            (from, to) = (from + run, to + run);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_wire::mpa::stream::Framer;
    use proptest::prelude::*;

    proptest! {
        /// Wherever it begins, an FPDU is what wire's framer makes of the ULPDU, and opens again.
        #[test]
        fn fpdus_are_those_of_the_framer(
            ulpdu in prop::collection::vec(any::<u8>(), 0..3000),
            markers: bool, crc: bool, start in 0u64..400,
        ) {
            let (framing, offset) = (Framing { markers, crc }, 4 * start);
            let mut expected = Vec::new();
            Framer::at(framing, offset).unwrap().frame(&ulpdu, &mut expected).unwrap();
            let mut fpdu = vec![0xee; stream_bytes(framing, offset, ulpdu.len())];
            fpdu[LENGTH_BYTES..LENGTH_BYTES + ulpdu.len()].copy_from_slice(&ulpdu);
            close(&mut fpdu, ulpdu.len(), framing, offset);
            prop_assert_eq!(&fpdu, &expected);
            let place = open(&mut fpdu, framing, offset);
            prop_assert_eq!(&fpdu[place.unwrap()], &ulpdu[..]);
        }
    }
}
