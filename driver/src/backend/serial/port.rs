//! Where a serial line is.

use crate::error::Error;
use ironwarp_abi::serial::BAUD;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a board is: `/dev/ttyUSB1`, or `/dev/ttyUSB1?baud=921600` for one that was built for
/// another rate than [`BAUD`]. A pseudo-terminal does as well as a real line, and has no rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialPort {
    /// The device file.
    pub path: PathBuf,
    /// Bits a second.
    pub baud: u32,
}

impl FromStr for SerialPort {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::Address { address: format!("serial:{text}"), reason };
        let (path, baud) = match text.split_once('?') {
            None => (text, BAUD),
            Some((path, option)) => {
                let baud = option.strip_prefix("baud=").and_then(|baud| baud.parse().ok());
                let reason = "what follows the path of a serial line is ?baud=RATE";
                (path, baud.filter(|baud| *baud > 0).ok_or_else(|| wrong(reason))?)
            }
        };
        match path.is_empty() {
            true => Err(wrong("the path of the serial line is missing")),
            false => Ok(Self { path: path.into(), baud }),
        }
    }
}

/// As it is parsed.
impl fmt::Display for SerialPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match self.baud {
            BAUD => Ok(()),
            baud => write!(f, "?baud={baud}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_or_refused_with_a_reason() {
        for text in ["/dev/ttyUSB1", "line?baud=921600"] {
            assert_eq!(text.parse::<SerialPort>().unwrap().to_string(), text);
        }
        for bad in ["", "?baud=1", "/dev/ttyUSB1?", "/dev/ttyUSB1?baud=0", "x?baud=-1", "x?speed=1"]
        {
            assert!(matches!(bad.parse::<SerialPort>(), Err(Error::Address { .. })), "{bad}");
        }
    }
}
