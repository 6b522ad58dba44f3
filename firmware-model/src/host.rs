//! The host's side of the bus, as the device sees it.

/// The bus refused a read: an unsupported request or a completer abort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bus refused the read")]
pub struct Fault;

/// Host memory and the interrupt window behind a bus.
pub trait Host {
    /// Reads `into.len()` octets at a bus address, of any alignment.
    ///
    /// # Errors
    /// [`Fault`] if not all of them can be read; `into` is then of no use.
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault>;

    /// Writes octets at a bus address. Writes are posted: they take effect in order, and nobody
    /// tells the device of one that leads nowhere.
    ///
    /// An interrupt is a write too: four octets, little-endian, to the address that the host put
    /// into the vector's entry of the MSI-X table.
    fn write(&mut self, address: u64, octets: &[u8]);
}
