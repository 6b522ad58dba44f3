//! What can go wrong, for whom.

use crate::status::Status;

/// Why a call to the driver failed. Nothing that a peer or an application does makes it panic.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of a device does not say a kind of backend that there is.
    #[error("no device at '{address}': {reason}")]
    Address {
        /// The address as given.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The PCI function is another device, or none.
    #[error("not an IronWARP device: {what} reads {found:#x}, expected {expected:#x}")]
    NotOurDevice {
        /// What was read.
        what: &'static str,
        /// Its value.
        found: u32,
        /// What an IronWARP device has there.
        expected: u32,
    },
    /// The device follows a major version of the contract that this driver does not know.
    #[error("the device has contract version {major}, this driver knows {known}")]
    Version {
        /// The device's major version.
        major: u32,
        /// The driver's.
        known: u32,
    },
    /// The device has fewer of something than this driver needs, or more than it can name.
    #[error("the device has no number of {0} that this driver can work with")]
    Capability(&'static str),
    /// The device did not confirm a start: it was reset or used behind this driver's back, or it
    /// refused the queue pair's context.
    #[error("queue pair {qp} did not start: it is in generation {found}, not {expected}")]
    NotStarted {
        /// The queue pair.
        qp: u32,
        /// The generation that the driver had counted to.
        expected: u8,
        /// The device's.
        found: u8,
    },
    /// The device did not say in time that it is done with what was taken from it.
    #[error("the device does not say that it is done with memory (fence)")]
    NotFenced,
    /// The completion queue was full when the device had an entry for it. It takes no more.
    #[error("completion queue {0} has overflowed")]
    Overflowed(u32),
    /// The way to the device failed.
    #[error("the device cannot be reached: {0}")]
    Bus(String),
    /// A card of this machine cannot be had.
    #[error("vfio:{address}: {what}\nwhat helps: {remedy}")]
    Vfio {
        /// Domain, bus, device and function.
        address: String,
        /// What is missing or in the way.
        what: String,
        /// What may be done about it.
        remedy: String,
    },
    /// Memory that is in no file is to be shared with a device in another process.
    #[error(
        "a device of another process reaches memory that is in a file alone: regions that this \
         driver makes, or that were made of a file"
    )]
    NoFile,
    /// The memory is a file's that may only be read.
    #[error("the memory is that of a file that may only be read")]
    ReadOnly,
    /// Bus addresses are asked for that are in use.
    #[error("something is mapped at bus address {0:#x} already, or there are no such addresses")]
    Overlap(u64),
    /// The operating system refused.
    #[error("{what}: {source}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What it said.
        source: std::io::Error,
    },
    /// The operating system refused a file or socket.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// Every object of a kind is in use.
    #[error("no free {0}")]
    Exhausted(&'static str),
    /// An argument is outside its range.
    #[error("{what} is {value}; it must be {range}")]
    OutOfRange {
        /// Which argument.
        what: &'static str,
        /// What it was.
        value: u64,
        /// What it may be.
        range: &'static str,
    },
    /// Octets outside a region were asked for.
    #[error("{length} octets at {offset} are not inside a region of {region}")]
    Bounds {
        /// The first octet.
        offset: u64,
        /// How many.
        length: u64,
        /// The region's length in octets.
        region: u64,
    },
    /// A work queue has no free entry; poll the completion queue.
    #[error("the work queue is full")]
    QueueFull,
    /// The queue pair is not in a state for this.
    #[error("the queue pair is {0:?}")]
    State(crate::state::QpState),
    /// The handle names an object that is gone.
    #[error("there is no such {0}")]
    Gone(&'static str),
    /// Objects of different devices or protection domains were mixed.
    #[error("{0} belongs to another device or protection domain")]
    Foreign(&'static str),
    /// The startup frame cannot be built.
    #[error(transparent)]
    Startup(#[from] ironwarp_wire::mpa::startup::EmitError),
    /// The TCP port is in use.
    #[error("TCP port {0} is in use")]
    PortInUse(u16),
    /// No route to the peer: it is in no network of ours.
    #[error("{0} is in no network of this device")]
    Unreachable(std::net::Ipv4Addr),
    /// The peer's MSS has no room for an FPDU with a ULPDU of 128 octets, which MPA's MULPDU is at
    /// least (RFC 5044 s. 3): less than 136 octets, 140 with markers.
    #[error("the peer takes TCP segments that are too short for an FPDU of MPA")]
    Cramped,
}

impl Error {
    /// [`Error::Vfio`].
    pub(crate) fn vfio(address: &str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Vfio { address: address.into(), what: what.into(), remedy: remedy.into() }
    }

    /// No IOMMU stands between a function and memory: nobody may have it but the kernel.
    pub(crate) fn no_iommu(address: &str) -> Self {
        Self::vfio(
            address,
            "there is no IOMMU for it, so the kernel gives it to no process",
            "switch the IOMMU on in the firmware (VT-d, AMD-Vi), and boot Linux with \
             intel_iommu=on; in a virtual machine, give it an emulated one",
        )
    }
}

/// Why a connection ended, or never came to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The peer did not answer in time.
    #[error("the peer did not answer in time")]
    Timeout,
    /// The peer refused or reset the TCP connection.
    #[error("the peer reset the TCP connection")]
    Reset,
    /// The peer closed the TCP connection before MPA had started.
    #[error("the peer closed the TCP connection during startup")]
    ClosedEarly,
    /// The peer's startup frame is not valid (RFC 5044 s. 8 code 4).
    #[error("MPA startup: {0}")]
    Startup(ironwarp_wire::mpa::startup::StartupError),
    /// The peer's Reply does not answer the Request: another revision, or no way to say
    /// ready-to-receive that this device has.
    #[error("MPA startup: {0}")]
    Negotiation(&'static str),
    /// The queue pair ended with this status.
    #[error("the queue pair failed: {0}")]
    QueuePair(Status),
    /// The driver met a failure of its own while it worked on the connection.
    #[error("{0}")]
    Local(String),
}
