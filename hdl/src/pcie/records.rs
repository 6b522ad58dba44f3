//! What crosses between the engines and the PCIe side.
use rust_hdl::prelude::*;

/// Asks for octets of host memory. Never crosses a 4 KiB boundary.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReadRequest {
    /// Bus address of the first octet; any alignment.
    pub address: Bits<64>,
    /// Octets, 1 to 512, and no more than the maximum read request size.
    pub bytes: Bits<10>,
}

/// Announces octets for host memory; as many follow on the data stream, dense, ended by `last`.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct WriteRequest {
    /// Bus address of the first octet; any alignment. The engine splits at 4 KiB boundaries and at
    /// the maximum payload size.
    pub address: Bits<64>,
    /// Octets, at least 1.
    pub bytes: Bits<16>,
}

/// The host writes a word of BAR 0.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct BarWrite {
    /// Byte offset in BAR 0, a multiple of 4.
    pub address: Bits<20>,
    /// The word.
    pub data: Bits<32>,
}
