//! Question and answer of the protection gate.
use crate::pins::Pin;
use rust_hdl::prelude::*;

/// The rights that a question can ask for: bit numbers from the first right in the region's record.
pub mod right {
    /// The device reads for this side's own work request.
    pub const LOCAL_READ: u64 = 0;
    /// The device writes for this side's own receive work request.
    pub const LOCAL_WRITE: u64 = 1;
    /// The peer reads.
    pub const REMOTE_READ: u64 = 2;
    /// The peer writes.
    pub const REMOTE_WRITE: u64 = 3;
}

/// May these octets be touched?
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct GateQuestion {
    /// The STag: index and key.
    pub stag: Bits<32>,
    /// The protection domain of the queue pair.
    pub pd: Bits<16>,
    /// One of [`right`].
    pub right: Bits<2>,
    /// The tagged offset of the first octet.
    pub offset: Bits<64>,
    /// Octets; zero asks nothing of the region and is always allowed.
    pub length: Bits<32>,
}

/// Why the gate refuses.
pub mod refusal {
    /// It does not.
    pub const NONE: u64 = 0;
    /// The STag names no valid region, or differs from that of the region in some bit.
    pub const STAG: u64 = 1;
    /// The region is in another protection domain.
    pub const DOMAIN: u64 = 2;
    /// The region does not grant the right.
    pub const RIGHTS: u64 = 3;
    /// The octets are not inside the region.
    pub const BOUNDS: u64 = 4;
    /// Offset and length wrap (RFC 5041 s. 7.1).
    pub const WRAP: u64 = 5;
}

/// The gate's answer.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct GateAnswer {
    /// One of [`refusal`].
    pub refusal: Bits<3>,
    /// The bus address of the first octet; zero if refused.
    pub address: Bits<64>,
}
