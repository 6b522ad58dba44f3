//! Send and receive queues: rings in host memory that the host fills.

use crate::host::Host;
use crate::Status;
use ironwarp_abi::queue::{ReceiveRequest, SendRequest};
use ironwarp_abi::status;

/// A ring, and how far it is posted and taken, each modulo 2^16.
#[derive(Debug)]
pub(crate) struct WorkQueue {
    ring: u64,
    log2: u8,
    posted: u16,
    taken: u16,
}

impl WorkQueue {
    /// An empty ring at a bus address.
    pub fn new(ring: u64, log2: u8) -> Self {
        Self { ring, log2: log2.min(15), posted: 0, taken: 0 }
    }

    /// The doorbell: so many have been posted.
    pub fn post(&mut self, posted: u16) {
        self.posted = posted;
    }

    /// The number of the oldest work request that is not taken, if there is one.
    pub fn head(&self) -> Option<u16> {
        (self.posted != self.taken).then_some(self.taken)
    }

    /// The oldest work request is in the device's hands.
    pub fn take(&mut self) {
        self.taken = self.taken.wrapping_add(1);
    }

    /// Reads a send work request. The flag says that a bit outside every field is set.
    pub fn read_send(
        &self,
        number: u16,
        host: &mut dyn Host,
    ) -> Result<(SendRequest, bool), Status> {
        let bytes = self.read(number, host)?;
        let request = SendRequest::from_bytes(&bytes);
        Ok((request, request.to_bytes() != bytes))
    }

    /// Reads a receive work request and checks that nothing outside its fields is set.
    pub fn read_receive(&self, number: u16, host: &mut dyn Host) -> Result<ReceiveRequest, Status> {
        let bytes = self.read(number, host)?;
        let request = ReceiveRequest::from_bytes(&bytes);
        match request.to_bytes() == bytes {
            true => Ok(request),
            false => Err(status::RESERVED_FIELD),
        }
    }

    fn read(&self, number: u16, host: &mut dyn Host) -> Result<[u8; SendRequest::BYTES], Status> {
        let mut bytes = [0; SendRequest::BYTES];
        let slot = u64::from(number) % (1 << self.log2);
        let address = self.ring.wrapping_add(slot * bytes.len() as u64);
        host.read(address, &mut bytes).map_err(|_| status::DMA_FAULT)?;
        Ok(bytes)
    }
}

const _: () = assert!(SendRequest::BYTES == ReceiveRequest::BYTES);
