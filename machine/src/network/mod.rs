//! Real networks, in real time.

mod dgram;
mod line;
mod name;
mod port;
#[cfg(feature = "sim")]
mod rtl;
mod tap;
mod uplink;

pub(crate) use line::NetworkLine;
pub use name::Network;
#[cfg(feature = "sim")]
pub(crate) use rtl::NetworkedRtl;
pub use uplink::Uplink;
