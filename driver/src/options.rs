//! How a device is opened.

use crate::device::CLOCKS_PER_MICROSECOND;
use crate::error::Error;
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::limits::{MTU_MAX, MTU_MIN};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Ethernet header without tags, in octets.
const ETHERNET_BYTES: usize = 14;

/// The unit of a reassembly ring's size, in octets.
const RING_UNIT: u32 = 4096;
/// log2 of the units of the largest reassembly ring.
const RING_LOG2_MAX: u32 = 15;

/// How large a TCP receive window is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReceiveWindow {
    /// What the device can hold, whatever its host does
    /// ([`Configuration::receive_window_max`]): the peer waits when the host is slow, and nothing
    /// is lost.
    #[default]
    Held,
    /// So many octets, and no more than the device can hold.
    UpTo(u32),
    /// So many octets, even if the chip cannot hold them: for long paths. What has a gap before it
    /// waits in the reassembly ring. What finds no room on chip when the host takes less than the
    /// wire brings may be dropped, and a peer that does not repair losses then stops for good.
    Beyond(u32),
}

impl ReceiveWindow {
    /// The window in octets on a device.
    pub(crate) fn octets(self, device: &Configuration) -> u32 {
        match self {
            Self::Held => device.receive_window_max(),
            Self::UpTo(octets) => octets.min(device.receive_window_max()),
            Self::Beyond(octets) => octets,
        }
    }
}

/// How a device repairs what its connections lose. Over sockets of the kernel that does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// How often in a row the retransmission timer may expire without progress, up to 15; then the
    /// connection ends with PEER_SILENT. Zero: nothing is sent again.
    pub retries: u8,
    /// The least retransmission time-out, in device time: 1 µs to 16 s. Four times as long before
    /// the first round trip is measured, doubled at every expiry. Long enough for the peer to
    /// acknowledge late (RFC 9293 s. 3.8.6.3), or it sends in vain.
    pub timeout_min: Duration,
    /// Keep what comes behind a gap, in a ring of host memory as large as the receive window.
    pub reassembly: bool,
}

impl Default for Repair {
    fn default() -> Self {
        Self { retries: 8, timeout_min: Duration::from_millis(10), reassembly: true }
    }
}

impl Repair {
    /// The greatest [`retries`](Self::retries).
    const RETRIES_MAX: u8 = 15;
    /// The range of [`timeout_min`](Self::timeout_min), in microseconds.
    const TIMEOUT_MICROSECONDS: RangeInclusive<u128> = 1..=16_000_000;

    /// Nothing is sent again, and nothing is kept.
    pub const NONE: Self =
        Self { retries: 0, timeout_min: Duration::from_millis(10), reassembly: false };

    /// What `RETRANSMIT_MIN` is to be.
    pub(crate) fn microseconds(&self) -> u32 {
        u32::try_from(self.timeout_min.as_micros()).unwrap_or(u32::MAX)
    }

    /// The context's `reassembly_log2` for a receive window of so many octets: the smallest ring
    /// that holds it.
    pub(crate) fn ring_log2(&self, window: u32) -> u8 {
        let pages = window.div_ceil(RING_UNIT).next_power_of_two();
        // A ring of one unit cannot be said; the largest is larger than any window may be.
        let log2 = pages.ilog2().clamp(1, RING_LOG2_MAX) as u8;
        if self.reassembly {
            log2
        } else {
            0
        }
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |what, value, range| Err(Error::OutOfRange { what, value, range });
        if self.retries > Self::RETRIES_MAX {
            return wrong("the retries", self.retries.into(), "0 to 15");
        }
        if !Self::TIMEOUT_MICROSECONDS.contains(&self.timeout_min.as_micros()) {
            let value = u64::try_from(self.timeout_min.as_micros()).unwrap_or(u64::MAX);
            return wrong("the least retransmission time-out", value, "1 µs to 16 s");
        }
        Ok(())
    }
}

/// The station's addresses and sizes.
#[derive(Clone, Debug)]
pub struct Options {
    /// The station's MAC address: unicast, not zero.
    pub mac: [u8; 6],
    /// The station's IPv4 address. Over sockets of the kernel, the address that they are bound to;
    /// 0.0.0.0 there leaves that to the kernel.
    pub ip: Ipv4Addr,
    /// How many leading bits of the address name its network, 0 to 32.
    pub prefix: u8,
    /// The router for peers outside the network, if there is one.
    pub gateway: Option<Ipv4Addr>,
    /// The largest IP packet in octets, 576 to 9000.
    pub mtu: usize,
    /// The TCP receive window of a connection.
    pub receive_window: ReceiveWindow,
    /// Core clocks of the device that make a microsecond.
    pub clocks_per_microsecond: u16,
    /// Makes keys, sequence numbers and ports follow from a number, for deterministic
    /// simulations. Without it they come from the operating system, as they must where a peer is
    /// not trusted.
    pub seed: Option<u64>,
    /// How lost segments are repaired.
    pub repair: Repair,
    /// How long a pair of addresses and ports rests after its connection was closed, in device
    /// time (RFC 9293 s. 3.6.1: TIME-WAIT). Long enough for a peer to send its FIN again, and far
    /// shorter than twice the life of a segment: the links that RNICs use do not hold segments
    /// back for minutes.
    pub time_wait: Duration,
    /// How long an Initiator waits between the peer's Reply and its first FPDU, in device time.
    /// Linux's siw as the Responder can miss an FPDU that comes right behind its Reply: give it
    /// some milliseconds.
    pub settle: Duration,
    /// How long the peer of an open connection may acknowledge nothing while octets are
    /// outstanding, in device time, before the connection is ended.
    pub silence: Duration,
    /// After how long, in device time, a peer is asked whether it is still there that has nothing
    /// to acknowledge and says nothing; None for never, as RFC 9293 s. 3.8.4 has it. It is asked by
    /// an RDMA Write of no octets, which takes an entry of the send queue until it is
    /// acknowledged; without an acknowledgement the connection ends after `silence` more. A peer
    /// that opened a connection and sent no FPDU at all is not asked: it is let go after this
    /// time. One that has closed its window is not asked either, and stays.
    pub keep_alive: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mac: [0x02, 0x49, 0x57, 0, 0, 1],
            ip: Ipv4Addr::new(10, 0, 0, 1),
            prefix: 24,
            gateway: None,
            mtu: 1500,
            receive_window: ReceiveWindow::Held,
            repair: Repair::default(),
            clocks_per_microsecond: CLOCKS_PER_MICROSECOND,
            seed: None,
            time_wait: Duration::from_millis(500),
            settle: Duration::ZERO,
            silence: Duration::from_secs(30),
            keep_alive: None,
        }
    }
}

impl Options {
    /// The defaults for station `number`: MAC 02:49:57:00:00:nn and 10.0.0.nn, 1 to 254.
    pub fn station(number: u8) -> Self {
        Self {
            mac: [0x02, 0x49, 0x57, 0, 0, number],
            ip: Ipv4Addr::new(10, 0, 0, number),
            ..Self::default()
        }
    }

    /// Checks every range. `kernel`: TCP is the kernel's.
    pub(crate) fn check(&self, kernel: bool) -> Result<(), Error> {
        let wrong = |what, value, range| Err(Error::OutOfRange { what, value, range });
        if self.mac[0] & 1 == 1 || self.mac == [0; 6] {
            let mac = self.mac.iter().fold(0, |value, octet| value << 8 | u64::from(*octet));
            return wrong("the MAC address", mac, "a unicast address");
        }
        let ip = u64::from(u32::from(self.ip));
        if self.ip.is_unspecified() && !kernel || self.ip.is_multicast() || self.ip.is_broadcast() {
            return wrong("the IPv4 address", ip, "a unicast address");
        }
        if self.prefix > 32 {
            return wrong("the prefix", self.prefix.into(), "0 to 32");
        }
        if !(MTU_MIN..=MTU_MAX).contains(&self.mtu) {
            return wrong("the MTU", self.mtu as u64, "576 to 9000");
        }
        if self.keep_alive == Some(Duration::ZERO) {
            return wrong("the keep-alive", 0, "more than zero, or none");
        }
        if self.clocks_per_microsecond == 0 {
            return wrong("the time base", 0, "at least 1");
        }
        self.repair.check()
    }

    /// Checks what depends on the device's sizes.
    pub(crate) fn check_device(&self, device: &Configuration) -> Result<(), Error> {
        let wrong = |what, value, range| Err(Error::OutOfRange { what, value, range });
        if self.mtu + ETHERNET_BYTES > device.frame_bytes_max() {
            let range = "such that the device takes the frames";
            return wrong("the MTU", self.mtu as u64, range);
        }
        let window = self.receive_window.octets(device);
        if (window as usize) < self.mtu {
            return wrong("the receive window", window.into(), "at least the MTU");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::configuration::{ALL, BOARD, REFERENCE};

    /// Nobody gets a window that the device cannot hold who did not ask for just that.
    #[test]
    fn a_window_is_what_the_device_can_hold() {
        for (name, device) in ALL {
            let most = device.receive_window_max();
            assert_eq!(Options::default().receive_window.octets(device), most, "{name}");
            assert_eq!(ReceiveWindow::UpTo(2000).octets(device), 2000, "{name}");
            assert_eq!(ReceiveWindow::UpTo(1 << 20).octets(device), most, "{name}");
            assert_eq!(ReceiveWindow::Beyond(1 << 20).octets(device), 1 << 20, "{name}");
        }
    }

    #[test]
    fn nobody_is_asked_without_a_pause() {
        let keep_alive = |keep_alive| Options { keep_alive, ..Options::default() }.check(false);
        assert!(keep_alive(None).is_ok() && keep_alive(Some(Duration::from_nanos(1))).is_ok());
        assert!(keep_alive(Some(Duration::ZERO)).is_err());
    }

    #[test]
    fn a_ring_holds_the_window() {
        let repair = Repair::default();
        for (window, log2) in
            [(1500, 1), (8192, 1), (8193, 2), (65472, 4), (65537, 5), (1 << 20, 8)]
        {
            assert_eq!(repair.ring_log2(window), log2, "{window}");
            assert_eq!(Repair::NONE.ring_log2(window), 0);
        }
        assert_eq!(repair.ring_log2(u32::MAX), 15);
    }

    #[test]
    fn repairs_have_their_limits() {
        let checks = |repair| Options { repair, ..Options::default() }.check(false).is_ok();
        let retries = |retries| checks(Repair { retries, ..Repair::default() });
        assert!(retries(0) && retries(15) && !retries(16));
        let timeout = |micros| {
            let timeout_min = Duration::from_micros(micros);
            checks(Repair { timeout_min, ..Repair::default() })
        };
        assert!(timeout(1) && timeout(16_000_000) && !timeout(0) && !timeout(16_000_001));
        assert!(checks(Repair::NONE));
    }

    #[test]
    fn frames_and_window_fit_the_device() {
        let refused = |options: Options, device| options.check_device(device).is_err();
        let mtu = |mtu| Options { mtu, ..Options::default() };
        assert!(!refused(mtu(9000), &REFERENCE) && refused(mtu(9000), &BOARD));
        assert!(!refused(mtu(1500), &BOARD));
        let window =
            |octets| Options { receive_window: ReceiveWindow::UpTo(octets), ..Options::default() };
        assert!(refused(window(1499), &REFERENCE) && !refused(window(1500), &REFERENCE));
    }
}
