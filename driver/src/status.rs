//! How a work request or a queue pair ended.

use ironwarp_abi::status;
use std::fmt;

/// One of the contract's status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(pub u8);

impl Status {
    /// Done.
    pub const SUCCESS: Self = Self(status::SUCCESS);
    /// The queue pair stopped before the work request was done.
    pub const FLUSHED: Self = Self(status::FLUSHED);

    /// True if the work request was done.
    pub fn is_success(self) -> bool {
        self == Self::SUCCESS
    }

    /// The contract's name of the code.
    pub fn name(self) -> &'static str {
        self.entry().map_or("UNKNOWN", |entry| entry.1)
    }

    fn entry(self) -> Option<&'static (u8, &'static str, &'static str)> {
        status::ALL.iter().find(|entry| entry.0 == self.0)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry() {
            Some((_, name, about)) => write!(f, "{name}:{about}"),
            None => write!(f, "status {}", self.0),
        }
    }
}
