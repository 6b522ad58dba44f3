//! FPDUs in a stream, however it is cut.

use ironwarp_wire::mpa::stream::{DeframeError, Deframer, Framing};

type Found = (Vec<Vec<u8>>, Option<DeframeError>);

/// What a stream holds if it arrives in pieces of this size.
fn found(framing: Framing, octets: &[u8], piece: usize) -> Found {
    let (mut deframer, mut ulpdus) = (Deframer::new(framing), Vec::new());
    for piece in octets.chunks(piece) {
        deframer.push(piece);
        loop {
            match deframer.next_ulpdu() {
                Ok(Some(ulpdu)) => ulpdus.push(ulpdu),
                Ok(None) => break,
                Err(why) => return (ulpdus, Some(why)),
            }
        }
    }
    (ulpdus, None)
}

/// The deframer. The first octet says if there are markers and CRCs, the second how the stream is
/// cut; the stream is the rest.
pub fn deframer(data: &[u8]) {
    let [options, cut, octets @ ..] = data else { return };
    let framing = Framing { markers: options & 1 != 0, crc: options & 2 != 0 };
    let whole = found(framing, octets, octets.len().max(1));
    assert_eq!(found(framing, octets, usize::from(*cut) + 1), whole);
}
