//! What a device must not do at its pins.

use crate::tlp::{Malformed, Request, PAGE};
use crate::Beat;

/// A breach of a rule by a device, seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The RNIC.
    pub nic: usize,
    /// The clock in which it was seen.
    pub clock: u64,
    /// The rule.
    pub misconduct: Misconduct,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RNIC {} at clock {}: {}", self.nic, self.clock, self.misconduct)
    }
}

/// The rules. Sections are those of the PCI Express base specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misconduct {
    /// A beat has no octets, more than 8, or fewer than 8 and is not the last.
    #[error("{stream}: a beat with {bytes} octets, last: {last}")]
    Beat {
        /// The stream's name.
        stream: &'static str,
        /// The beat's count.
        bytes: u8,
        /// The packet ends with it.
        last: bool,
    },
    /// A beat was offered and then withdrawn or changed before it was taken.
    #[error("{stream}: a beat was withdrawn or changed before it was taken")]
    Withdrawn {
        /// The stream's name.
        stream: &'static str,
    },
    /// A packet that is no TLP, or one of a kind that an endpoint does not send.
    #[error("malformed TLP: {0}")]
    Malformed(#[from] Malformed),
    /// The packet does not end.
    #[error("a TLP of more than {0} octets")]
    Endless(usize),
    /// A request while bus mastering is off (s. 7.5.1.1.3).
    #[error("a request at {address:#x} while bus mastering is off")]
    NotMaster {
        /// The bus address.
        address: u64,
    },
    /// The requester or completer number is not the function's (s. 2.2.6.2).
    #[error("a TLP in the name of {got:#06x}, not {expected:#06x}")]
    Identity {
        /// The number in the TLP.
        got: u16,
        /// The function's number.
        expected: u16,
    },
    /// More payload than Max_Payload_Size allows (s. 2.2.2).
    #[error("a write of {octets} octets at {address:#x}, the limit is {limit}")]
    PayloadSize {
        /// The bus address.
        address: u64,
        /// Octets of payload.
        octets: usize,
        /// Max_Payload_Size.
        limit: usize,
    },
    /// A read of more than Max_Read_Request_Size allows (s. 2.2.7).
    #[error("a read of {octets} octets at {address:#x}, the limit is {limit}")]
    ReadSize {
        /// The bus address.
        address: u64,
        /// Octets asked for.
        octets: usize,
        /// Max_Read_Request_Size.
        limit: usize,
    },
    /// A request crosses a multiple of 4 KiB (s. 2.2.7).
    #[error("a request of {octets} octets at {address:#x} crosses a 4 KiB boundary")]
    Boundary {
        /// The bus address.
        address: u64,
        /// Octets, from the first DW to the last.
        octets: usize,
    },
    /// The byte enables are not one run (s. 2.2.5).
    #[error("byte enables {last:04b} {first:04b} of {dwords} DW at {address:#x}")]
    ByteEnables {
        /// The bus address.
        address: u64,
        /// DWs.
        dwords: u16,
        /// Of the first DW.
        first: u8,
        /// Of the last DW.
        last: u8,
    },
    /// A read uses the tag of a read that is not yet answered (s. 2.2.6.2).
    #[error("tag {0} is used while a read with it is not yet answered")]
    TagInUse(u8),
    /// A tag above 31 without extended tags (s. 2.2.6.2).
    #[error("tag {0} while extended tags are off")]
    TagRange(u8),
    /// An answer that nobody waits for, or that does not fit the question (s. 2.2.9).
    #[error("an answer that fits no read of BAR 0: {0}")]
    Answer(String),
    /// An interrupt message that is not one aligned DW (s. 6.1.4).
    #[error("an interrupt message of {octets} octets at {address:#x}")]
    Interrupt {
        /// The bus address.
        address: u64,
        /// Octets of payload.
        octets: usize,
    },
    /// An interrupt message while MSI-X is off (s. 7.7.2.2).
    #[error("an interrupt message (vector {0}) while MSI-X is off")]
    MsixOff(u32),
    /// An interrupt message while the function is masked (s. 7.7.2.2).
    #[error("an interrupt message (vector {0}) while the function is masked")]
    MsixMasked(u32),
    /// The device did not take a beat from the MAC, which cannot wait.
    #[error("a beat from the MAC was not taken")]
    MacRefused,
    /// The device paused inside a frame; the MAC cannot.
    #[error("a frame paused after {octets} octets: the MAC ran dry")]
    Underrun {
        /// Octets sent so far.
        octets: usize,
    },
    /// A frame that is too short for its header or too long for the MAC.
    #[error("a frame of {0} octets")]
    FrameLength(usize),
}

/// A DMA access that no memory answers: not the device's fault, but worth knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The RNIC.
    pub nic: usize,
    /// The clock in which memory was accessed.
    pub clock: u64,
    /// The device wrote; the octets are lost. A read was answered as an unsupported request.
    pub write: bool,
    /// Bus address of the first octet.
    pub address: u64,
    /// Octets.
    pub octets: usize,
}

/// What the configuration of a function allows it.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Its bus, device and function number.
    pub requester: u16,
    /// Max_Payload_Size in octets.
    pub max_payload: usize,
    /// Max_Read_Request_Size in octets.
    pub max_read: usize,
    /// Tags may have 8 bits.
    pub extended_tags: bool,
}

impl Rules {
    /// The first rule that a memory request breaks.
    ///
    /// # Errors
    /// That rule.
    pub fn check(&self, request: &Request, write: bool) -> Result<(), Misconduct> {
        let Request { requester, address, dwords, .. } = *request;
        let octets = 4 * usize::from(dwords);
        if requester != self.requester {
            return Err(Misconduct::Identity { got: requester, expected: self.requester });
        }
        if write && octets > self.max_payload {
            return Err(Misconduct::PayloadSize { address, octets, limit: self.max_payload });
        }
        if !write && octets > self.max_read {
            return Err(Misconduct::ReadSize { address, octets, limit: self.max_read });
        }
        if address % PAGE + octets as u64 > PAGE {
            return Err(Misconduct::Boundary { address, octets });
        }
        if !request.enables_are_a_run() {
            let (first, last) = (request.first_enables, request.last_enables);
            return Err(Misconduct::ByteEnables { address, dwords, first, last });
        }
        if !write && request.tag > 31 && !self.extended_tags {
            return Err(Misconduct::TagRange(request.tag));
        }
        Ok(())
    }
}

/// Watches that a stream keeps to its handshake: a beat that was offered stays until it is taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Handshake {
    waiting: Option<Beat>,
}

impl Handshake {
    /// One clock of the stream.
    ///
    /// # Errors
    /// What the sender did wrong.
    #[inline]
    pub fn clock(
        &mut self,
        stream: &'static str,
        offered: Option<Beat>,
        ready: bool,
    ) -> Result<(), Misconduct> {
        let before = self.waiting;
        self.waiting = if ready { None } else { offered };
        match before {
            Some(_) if before != offered => Err(Misconduct::Withdrawn { stream }),
            _ => Ok(()),
        }
    }
}
