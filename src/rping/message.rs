//! What rping's peers say to each other: 16 octets that announce a buffer, and the ping's text.

use ironwarp_driver::RemoteBuffer;

/// The length of every message, in octets.
pub const INFO_BYTES: usize = 16;
/// The smallest ping: room for the number of any ping, its words and the NUL.
pub const SIZE_MIN: usize = 26;
/// The largest ping that rdma-core's rping takes.
pub const SIZE_MAX: usize = 65535;

/// The characters of a ping's tail: from A on, round and round.
const FIRST: u8 = b'A';
const LAST: u8 = b'z';

/// A buffer that the peer may read or write.
///
/// ```text
///   0            8        12       16
///   address      key      size          big-endian: tagged offset, STag and octets
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Where it is.
    pub remote: RemoteBuffer,
    /// Octets.
    pub size: u32,
}

impl Info {
    /// The message.
    pub fn to_bytes(self) -> [u8; INFO_BYTES] {
        let mut octets = [0; INFO_BYTES];
        octets[..8].copy_from_slice(&self.remote.offset.to_be_bytes());
        octets[8..12].copy_from_slice(&self.remote.stag.to_be_bytes());
        octets[12..].copy_from_slice(&self.size.to_be_bytes());
        octets
    }

    /// Reads a message; any 16 octets are one.
    pub fn from_bytes(octets: [u8; INFO_BYTES]) -> Self {
        let number = u128::from_be_bytes(octets);
        let remote = RemoteBuffer { stag: (number >> 32) as u32, offset: (number >> 64) as u64 };
        Self { remote, size: number as u32 }
    }
}

/// The data of a ping: `rdma-ping-7: HIJK...` and a NUL, `size` octets in all.
pub fn ping_data(ping: u64, size: usize) -> Vec<u8> {
    let letters = (FIRST..=LAST).cycle().skip((ping % u64::from(LAST - FIRST + 1)) as usize);
    let words = format!("rdma-ping-{ping}: ").into_bytes();
    let mut data: Vec<u8> = words.into_iter().chain(letters).take(size).collect();
    if let Some(last) = data.last_mut() {
        *last = 0;
    }
    data
}

/// The text of a ping, up to its NUL.
pub fn text(data: &[u8]) -> String {
    let end = data.iter().position(|octet| *octet == 0).unwrap_or(data.len());
    String::from_utf8_lossy(&data[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_rdma_core_sends() {
        let remote = RemoteBuffer { stag: 0xa1b2_c3d4, offset: 0x0102_0304_0506_0708 };
        let info = Info { remote, size: 64 };
        let octets = [1, 2, 3, 4, 5, 6, 7, 8, 0xa1, 0xb2, 0xc3, 0xd4, 0, 0, 0, 64];
        assert_eq!(info.to_bytes(), octets);
        assert_eq!(Info::from_bytes(octets), info);
    }

    #[test]
    fn the_text_rotates_with_the_ping() {
        assert_eq!(text(&ping_data(0, 26)), "rdma-ping-0: ABCDEFGHIJKL");
        assert_eq!(text(&ping_data(2, 26)), "rdma-ping-2: CDEFGHIJKLMN");
        assert_eq!(ping_data(58, 64), [&b"rdma-ping-58: "[..], &tail(58, 49), b"\0"].concat());
        assert_eq!(ping_data(57, 30)[14..17], *b"zAB");
        for size in [SIZE_MIN, 64, SIZE_MAX] {
            let data = ping_data(u64::from(i32::MAX as u32), size);
            assert_eq!((data.len(), data[size - 1]), (size, 0));
            assert_eq!(text(&data).len(), size - 1);
        }
    }

    fn tail(ping: usize, count: usize) -> Vec<u8> {
        (0..count).map(|n| b'A' + ((ping + n) % 58) as u8).collect()
    }
}
