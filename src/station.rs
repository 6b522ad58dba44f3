//! A device on a network, as the command line names it.

use clap::Args;
use ironwarp_abi::limits::{MTU_MAX, MTU_MIN};
use ironwarp_abi::serial::BOARD_CLOCKS_PER_MICROSECOND;
use ironwarp_driver::backend::Serial;
use ironwarp_driver::{Address, Context, Options};
use ironwarp_machine::{DeviceKind, Error, Network, World, WorldOptions};
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// What stands for the RNIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// Something in this process.
    Here(DeviceKind),
    /// A card, a board, or something in another process.
    Elsewhere(Address),
}

impl FromStr for Device {
    type Err = ironwarp_driver::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason| ironwarp_driver::Error::Address { address: text.into(), reason };
        match text.parse::<DeviceKind>() {
            Ok(DeviceKind::Board) => Err(wrong("a board's address is like serial:/dev/ttyUSB1")),
            Ok(kind) => Ok(Self::Here(kind)),
            Err(_) => match text.parse()? {
                ironwarp_machine::Address::Real(address) => Ok(Self::Elsewhere(address)),
                _ => Err(wrong("there is one device, and it has no number")),
            },
        }
    }
}

/// As it is parsed.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(kind) => kind.fmt(f),
            Self::Elsewhere(address) => address.fmt(f),
        }
    }
}

/// The device, its network and its addresses.
#[derive(Args, Clone, Debug)]
pub struct Station {
    /// What stands for the RNIC: model:, sim:, a board behind a serial line, such as
    /// serial:/dev/ttyUSB1, a device of another process, such as vfio-user:/run/rnic0.sock, or a
    /// card of this machine, such as vfio:0000:01:00.0
    #[arg(long, value_name = "DEVICE", default_value = "model:")]
    pub device: Device,
    /// Where it is plugged in: dgram:LOCAL,REMOTE (UNIX sockets, a frame each), tap:NAME, or tcp
    /// (the kernel's TCP, for models) [default: tcp]. Boards, cards and
    /// devices of other processes have sockets of their own
    #[arg(long, value_name = "NETWORK")]
    pub network: Option<Network>,
    /// The RNIC's IPv4 address and its prefix [default: 10.0.0.1/24; over tcp, any local address]
    #[arg(long, value_name = "A.B.C.D/P", value_parser = interface)]
    pub ip: Option<(Ipv4Addr, u8)>,
    /// The RNIC's MAC address
    #[arg(long, value_name = "M:M:M:M:M:M", value_parser = mac)]
    pub mac: Option<[u8; 6]>,
    /// The largest IP packet in octets, 576 to 9000
    #[arg(long, default_value_t = 1500)]
    #[arg(value_parser = clap::value_parser!(u16).range(MTU_MIN as i64..=MTU_MAX as i64))]
    pub mtu: u16,
    /// Write the frames of the link to a pcapng file
    #[arg(long, value_name = "OUT.pcapng")]
    pub capture: Option<PathBuf>,
}

/// Reads an address with the length of its prefix; 24 if it is not given.
fn interface(text: &str) -> Result<(Ipv4Addr, u8), String> {
    let (address, prefix) = text.split_once('/').unwrap_or((text, "24"));
    let address = address.parse().map_err(|_| format!("'{address}' is no IPv4 address"))?;
    match prefix.parse() {
        Ok(prefix) if prefix <= 32 => Ok((address, prefix)),
        _ => Err(format!("'{prefix}' is no prefix length from 0 to 32")),
    }
}

/// Reads six octets in hexadecimal between colons.
fn mac(text: &str) -> Result<[u8; 6], String> {
    let octet = |text: &str| u8::from_str_radix(text, 16).ok().filter(|_| text.len() == 2);
    let octets: Option<Vec<u8>> = text.split(':').map(octet).collect();
    let octets = octets.and_then(|octets| <[u8; 6]>::try_from(octets).ok());
    let octets =
        octets.ok_or_else(|| format!("'{text}' is no MAC address, as 02:49:57:00:00:01"))?;
    // The first octet's lowest bit says group, and no station has all zeros.
    match octets[0] & 1 == 0 && octets != [0; 6] {
        true => Ok(octets),
        false => Err(format!("'{text}' is no station's address: it must be unicast, and not zero")),
    }
}

impl Station {
    /// Connections are the kernel's.
    pub fn is_on_tcp(&self) -> bool {
        let elsewhere = |network| network != &Network::Tcp;
        matches!(self.device, Device::Here(_)) && !self.network.as_ref().is_some_and(elsewhere)
    }

    /// What its link is plugged into, for people to read.
    pub fn link(&self) -> String {
        match &self.network {
            Some(network) => network.to_string(),
            None if self.is_on_tcp() => Network::Tcp.to_string(),
            None => "its own link".to_owned(),
        }
    }

    /// The driver's options: addresses and sizes.
    pub fn options(&self) -> Options {
        let mut options = Options { mtu: self.mtu.into(), ..Options::default() };
        if self.is_on_tcp() {
            options.ip = Ipv4Addr::UNSPECIFIED;
        }
        if let Some((ip, prefix)) = self.ip {
            (options.ip, options.prefix) = (ip, prefix);
        }
        if let Some(mac) = self.mac {
            options.mac = mac;
        }
        if let Device::Elsewhere(Address::Serial(_)) = self.device {
            options.clocks_per_microsecond = BOARD_CLOCKS_PER_MICROSECOND;
        }
        options
    }

    /// Plugs the device in and opens it. The world is for what the driver has no part in.
    ///
    /// # Errors
    /// A network that cannot be had, or addresses that mean nothing.
    pub fn open(&self, options: Options) -> Result<(Option<Arc<World>>, Context), Error> {
        let network = self.network.as_ref();
        let address = match &self.device {
            Device::Here(kind) => {
                let setup =
                    WorldOptions { capture: self.capture.clone(), ..WorldOptions::default() };
                let world = World::on_network(*kind, network.unwrap_or(&Network::Tcp), setup)?;
                let context = Context::open(world.function(0)?, options)?;
                world.settle();
                return Ok((Some(world), context));
            }
            Device::Elsewhere(address) => address,
        };
        if network.is_some() || self.capture.is_some() {
            let network = network.map_or_else(|| "a capture".into(), Network::to_string);
            let reason = "this device's link is not plugged into this process";
            return Err(Error::Network { network, reason });
        }
        let Address::Serial(port) = address else {
            return Ok((None, Context::open(address.open()?, options)?));
        };
        let board = Serial::open(port)?;
        let context = Context::open(board.clone(), options)?;
        board.settle();
        Ok((None, context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_or_refused() {
        for text in [
            "model:",
            "sim:",
            "serial:/dev/ttyUSB1",
            "vfio-user:/run/rnic0.sock",
            "vfio:0000:01:00.0",
        ] {
            assert_eq!(text.parse::<Device>().unwrap().to_string(), text);
        }
        for bad in ["", "board", "serial:", "usb:1", "sim:0", "vfio-user:", "vfio:1"] {
            assert!(bad.parse::<Device>().is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_are_read_or_refused() {
        assert_eq!(interface("10.0.0.2/16"), Ok((Ipv4Addr::new(10, 0, 0, 2), 16)));
        assert_eq!(interface("10.0.0.2"), Ok((Ipv4Addr::new(10, 0, 0, 2), 24)));
        for bad in ["", "10.0.0", "10.0.0.2/33", "10.0.0.2/", "x/8"] {
            assert!(interface(bad).is_err(), "{bad}");
        }
        assert_eq!(mac("02:49:57:00:00:ff"), Ok([2, 0x49, 0x57, 0, 0, 255]));
        for bad in ["", "02:49:57:00:00", "02:49:57:00:00:0", "02:49:57:00:00:0g", "1:2:3:4:5:6:7"]
        {
            assert!(mac(bad).is_err(), "{bad}");
        }
        for bad in ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:00:00:00:00"] {
            assert!(mac(bad).unwrap_err().starts_with(&format!("'{bad}'")), "{bad}");
        }
    }
}
