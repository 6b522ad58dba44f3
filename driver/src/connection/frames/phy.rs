//! Frames in, frames out: the link as smoltcp wants it.

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use std::collections::VecDeque;

/// Ethernet header without tags, in octets.
const HEADER_BYTES: usize = 14;

/// Two queues of whole frames, without frame check sequence.
pub(crate) struct Link {
    /// For smoltcp.
    pub arrived: VecDeque<Vec<u8>>,
    /// From smoltcp.
    pub sent: VecDeque<Vec<u8>>,
    mtu: usize,
}

impl Link {
    /// A link for IP packets of `mtu` octets.
    pub fn new(mtu: usize) -> Self {
        Self { arrived: VecDeque::new(), sent: VecDeque::new(), mtu }
    }
}

/// A frame on its way to smoltcp.
pub(crate) struct Arrived(Vec<u8>);

impl RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// Room for a frame from smoltcp.
pub(crate) struct Room<'a>(&'a mut VecDeque<Vec<u8>>);

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut frame = vec![0; length];
        let result = f(&mut frame);
        self.0.push_back(frame);
        result
    }
}

impl Device for Link {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Arrived, Room<'_>)> {
        self.arrived.pop_front().map(|frame| (Arrived(frame), Room(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        Some(Room(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.mtu + HEADER_BYTES;
        capabilities
    }
}
