//! Where devices are, and how they are opened.

use crate::backend::{Serial, SerialPort, Vfio, VfioUser};
use crate::error::Error;
use crate::pci::PciFunction;
use std::fmt;
use std::sync::Arc;

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `vfio:0000:01:00.0`: a card, by domain, bus, device and function.
    Vfio(String),
    /// `vfio-user:/run/rnic0.sock`: a device process, by its socket.
    VfioUser(String),
    /// `serial:/dev/ttyUSB1`: a board behind a serial line.
    Serial(SerialPort),
}

impl Address {
    /// Opens the device.
    ///
    /// # Errors
    /// As [`Vfio::open`], [`VfioUser::open`] and [`Serial::open`].
    pub fn open(&self) -> Result<Arc<dyn PciFunction>, Error> {
        Ok(match self {
            Self::Vfio(function) => Vfio::open(function)?,
            Self::VfioUser(path) => VfioUser::open(path)?,
            Self::Serial(port) => Serial::open(port)?,
        })
    }
}

/// Opens the device at an address such as `vfio:0000:01:00.0`.
///
/// # Errors
/// [`Error::Address`] if the address says nothing; else as [`Address::open`].
pub fn open(address: &str) -> Result<Arc<dyn PciFunction>, Error> {
    address.parse::<Address>()?.open()
}

impl std::str::FromStr for Address {
    type Err = Error;

    fn from_str(address: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::Address { address: address.into(), reason };
        let (kind, rest) = address.split_once(':').ok_or_else(|| {
            wrong("an address begins with a kind and a colon, such as vfio:0000:01:00.0")
        })?;
        match (kind, rest) {
            ("vfio", function) if is_function(function) => Ok(Self::Vfio(function.into())),
            ("vfio", _) => Err(wrong("a PCI function looks like 0000:01:00.0")),
            ("vfio-user", "") => Err(wrong("the path of the socket is missing")),
            ("vfio-user", path) => Ok(Self::VfioUser(path.into())),
            ("serial", port) => Ok(Self::Serial(port.parse()?)),
            _ => Err(wrong("the kinds of card are vfio, vfio-user and serial")),
        }
    }
}

/// As it is parsed.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vfio(function) => write!(f, "vfio:{function}"),
            Self::VfioUser(path) => write!(f, "vfio-user:{path}"),
            Self::Serial(port) => write!(f, "serial:{port}"),
        }
    }
}

/// True for domain, bus, device and function in hexadecimal, as `lspci -D` prints them.
fn is_function(text: &str) -> bool {
    const PATTERN: &[u8] = b"xxxx:xx:xx.x";
    text.len() == PATTERN.len()
        && text.bytes().zip(PATTERN).all(|(octet, pattern)| match pattern {
            b'x' => octet.is_ascii_hexdigit(),
            punctuation => octet == *punctuation,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_a_reason() {
        let texts = ["vfio:0000:01:00.0", "vfio-user:/run/rnic0.sock", "serial:/dev/ttyUSB1"];
        for text in texts {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        let card = texts[0].parse::<Address>().unwrap();
        assert_eq!(card, Address::Vfio("0000:01:00.0".into()));
        for bad in ["", "vfio", "vfio:1:2", "vfio-user:", "serial:", "model:", "usb:1"] {
            let error = bad.parse::<Address>().unwrap_err();
            assert!(matches!(error, Error::Address { .. }), "{bad}: {error}");
        }
    }

    #[test]
    fn a_device_that_is_not_there_is_named() {
        let texts = ["vfio:ffff:ff:1f.7", "vfio-user:/nowhere/rnic0.sock", "serial:/nowhere/tty"];
        for address in texts {
            let place = address.split_once(':').unwrap().1;
            let error = open(address).err().map(|error| error.to_string());
            assert!(error.is_some_and(|text| text.contains(place)), "{address}");
        }
    }
}
