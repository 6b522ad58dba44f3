//! Reads of the device's BAR: one at a time, and what may answer them.

use crate::conduct::Misconduct;
use crate::tlp::{Completion, Request, Status};

/// Bus, device and function number of the root complex itself.
pub const ROOT: u16 = 0;

/// How a BAR read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarAnswer {
    /// With a value.
    Value(u32),
    /// Refused by the device: what its completion says.
    Refused(&'static str),
}

/// The BAR read that waits, if any.
#[derive(Debug, Default)]
pub struct BarReads {
    tag: u8,
    /// Bus address of the register.
    waits: Option<u64>,
    answer: Option<BarAnswer>,
}

impl BarReads {
    /// The request that reads the register at a bus address. An older one is forgotten.
    pub fn ask(&mut self, address: u64) -> Request {
        self.tag = (self.tag + 1) % 32;
        self.waits = Some(address);
        self.answer = None;
        Request::of(ROOT, self.tag, address, 4)
    }

    /// Takes the outcome, once it is there.
    pub fn take(&mut self) -> Option<BarAnswer> {
        self.answer.take()
    }

    /// The outcome is there.
    pub fn has_answer(&self) -> bool {
        self.answer.is_some()
    }

    /// Waits no longer.
    pub fn give_up(&mut self) {
        self.waits = None;
    }

    /// Takes a completion of the function `completer`. It must fit the read that waits (PCI
    /// Express base specification s. 2.2.9, s. 2.3.2).
    ///
    /// # Errors
    /// It does not.
    pub fn answer(&mut self, completer: u16, completion: &Completion) -> Result<(), Misconduct> {
        let wrong = |wanted: String| Err(Misconduct::Answer(format!("{completion:?}, {wanted}")));
        let Some(address) = self.waits else {
            return wrong("while no read waits".to_owned());
        };
        let fits = completion.tag == self.tag
            && completion.requester == ROOT
            && completion.completer == completer
            && completion.remaining == 4
            && completion.lower_address == (address & 0x7f) as u8;
        let answer = match (completion.status, &completion.payload[..]) {
            (Status::Success, &[a, b, c, d]) => BarAnswer::Value(u32::from_le_bytes([a, b, c, d])),
            (Status::Unsupported, _) => BarAnswer::Refused("unsupported request"),
            (Status::Abort, _) => BarAnswer::Refused("completer abort"),
            _ => return wrong("with another length than 4 octets".to_owned()),
        };
        if !fits {
            return wrong(format!("for tag {}, {address:#x}, of {completer:#06x}", self.tag));
        }
        self.waits = None;
        self.answer = Some(answer);
        Ok(())
    }
}
