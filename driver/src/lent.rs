//! A slice that is registered for the time of a call.

use crate::error::Error;
use crate::memory::{Access, Buffer, RemoteBuffer};
use crate::os;
use crate::verbs::{MemoryRegion, ProtectionDomain};

/// The application's octets while a device may reach them: see [`ProtectionDomain::lend`].
pub struct Lent(MemoryRegion);

impl Lent {
    /// Octets, for a work request of this side.
    ///
    /// # Errors
    /// [`Error::Bounds`] if they are not inside.
    pub fn buffer(&self, offset: usize, length: usize) -> Result<Buffer, Error> {
        self.0.buffer(offset, length)
    }

    /// All of it, for a work request of this side.
    pub fn whole(&self) -> Buffer {
        self.0.whole()
    }

    /// What to tell a peer that may write or read it from `offset` on.
    pub fn remote(&self, offset: u64) -> RemoteBuffer {
        self.0.remote(offset)
    }

    /// Copies octets out of it.
    ///
    /// # Errors
    /// [`Error::Bounds`] if they are not all inside.
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Result<(), Error> {
        self.0.region().read(offset, out)
    }

    /// Copies octets into it.
    ///
    /// # Errors
    /// [`Error::Bounds`] if they do not all fit; then none is written.
    pub fn write(&self, offset: usize, octets: &[u8]) -> Result<(), Error> {
        self.0.region().write(offset, octets)
    }
}

impl ProtectionDomain {
    /// Registers the application's octets in place for the time of `work`. When this returns, the
    /// device neither reads nor writes them any more. Work requests that name them and are not
    /// done by then end their queue pairs.
    ///
    /// A device that does not say in time that it is done with them ends the process: they cannot
    /// be given back.
    ///
    /// # Errors
    /// As [`ProtectionDomain::register`]; then nothing was done. What `work` answers is in the
    /// value.
    pub fn lend<T>(
        &self,
        octets: &mut [u8],
        access: Access,
        work: impl FnOnce(&Lent) -> T,
    ) -> Result<T, Error> {
        os::lend(octets, |region| {
            let lent = Lent(self.register(region, access)?);
            Ok(work(&lent))
        })
    }
}
