//! What a device does, in its order.

/// One thing that a device has done, or that was done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// It reads host memory; the tag names the read until it is answered.
    Read {
        /// Names it.
        tag: u8,
        /// Bus address.
        address: u64,
        /// Octets.
        length: usize,
    },
    /// A read has been answered whole.
    Answered {
        /// Which.
        tag: u8,
    },
    /// It writes host memory.
    Write {
        /// Bus address.
        address: u64,
        /// What.
        octets: Vec<u8>,
    },
    /// A frame has left, whole.
    Frame(Vec<u8>),
}
