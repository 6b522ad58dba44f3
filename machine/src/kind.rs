//! The kinds of device that a world may have.

use ironwarp_driver::Error;
use std::fmt;
use std::str::FromStr;

/// What stands for a device in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// `sim`: the Verilated RNIC.
    Sim,
    /// `model`: the behavioural model.
    Model,
    /// `board`: the RNIC on a board, behind a serial line.
    Board,
}

impl DeviceKind {
    /// The kinds that need nothing but this process.
    pub const ALL: [Self; 2] = [Self::Sim, Self::Model];

    /// The name, as in an address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Model => "model",
            Self::Board => "board",
        }
    }
}

/// The name with a colon, as an address begins.
impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.name())
    }
}

/// The name, with or without a colon behind it.
impl FromStr for DeviceKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.strip_suffix(':').unwrap_or(text);
        let known = Self::ALL.into_iter().chain([Self::Board]);
        let kind = known.into_iter().find(|kind| kind.name() == name);
        let reason = "the kinds of device are sim, model and board";
        kind.ok_or_else(|| Error::Address { address: text.into(), reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names() {
        for kind in DeviceKind::ALL {
            assert_eq!(kind.name().parse::<DeviceKind>().unwrap(), kind);
            assert_eq!(kind.to_string().parse::<DeviceKind>().unwrap(), kind);
        }
        assert!("vfio:".parse::<DeviceKind>().is_err());
    }
}
