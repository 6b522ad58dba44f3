//! `ironwarp rping`: the command line.

use super::{Client, Error, Notice, Outcome, Server, SIZE_MAX, SIZE_MIN};
use clap::{ArgGroup, Args};
use ironwarp_abi::limits::{MTU_MAX, MTU_MIN};
use ironwarp_driver::backend::{DeviceKind, Network, World, WorldOptions};
use ironwarp_driver::{Context, Options, StartupOptions};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

/// The longest sleep: a signal ends it, and the clock of patience goes on.
const SLICE: Duration = Duration::from_millis(100);

/// Ping-pong with data that is checked, as rdma-core's rping plays it.
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("role").required(true).args(["server", "client"])))]
#[command(disable_version_flag = true)]
pub struct Rping {
    /// Be the server
    #[arg(short = 's', long)]
    server: bool,
    /// Be the client
    #[arg(short = 'c', long, requires = "address")]
    client: bool,
    /// The server's IPv4 address
    #[arg(short = 'a', value_name = "ADDR")]
    address: Option<Ipv4Addr>,
    /// The server's port
    #[arg(short = 'p', value_name = "PORT", default_value_t = 7174)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Client: how many pings [default: no end]
    #[arg(short = 'C', value_name = "COUNT")]
    count: Option<u64>,
    /// Client: octets of a ping
    #[arg(short = 'S', value_name = "SIZE", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(SIZE_MIN as i64..=SIZE_MAX as i64))]
    size: u32,
    /// Print the data of every ping
    #[arg(short = 'v')]
    verbose: bool,
    /// Check the data that comes back; this is always done
    #[arg(short = 'V')]
    validate: bool,
    /// Tell what happens
    #[arg(short = 'd')]
    debug: bool,
    /// Server: serve any number of clients, until interrupted
    #[arg(short = 'P')]
    persistent: bool,
    /// What stands for the RNIC: model: or sim:
    #[arg(long, value_name = "KIND", default_value = "model:")]
    device: DeviceKind,
    /// Where it is plugged in: tcp (the kernel's TCP), dgram:LOCAL,REMOTE or tap:NAME
    #[arg(long, value_name = "NETWORK", default_value = "tcp")]
    network: Network,
    /// The RNIC's address and its network; over tcp, the local address
    #[arg(long, value_name = "A.B.C.D/PREFIX", value_parser = interface)]
    ip: Option<(Ipv4Addr, u8)>,
    /// The RNIC's MAC address
    #[arg(long, value_name = "M:M:M:M:M:M", value_parser = mac)]
    mac: Option<[u8; 6]>,
    /// The largest IP packet in octets, 576 to 9000
    #[arg(long, default_value_t = 1500)]
    #[arg(value_parser = clap::value_parser!(u16).range(MTU_MIN as i64..=MTU_MAX as i64))]
    mtu: u16,
    /// Ask for CRCs; this is the default
    #[arg(long, overrides_with = "no_crc")]
    crc: bool,
    /// Do not ask for CRCs
    #[arg(long)]
    no_crc: bool,
    /// Client: milliseconds between the server's Reply and the first message, for servers that lose
    /// what comes right behind their Reply
    #[arg(long, value_name = "MS", default_value_t = 0)]
    settle: u64,
    /// Write the frames of the link to a pcapng file
    #[arg(long, value_name = "OUT.pcapng")]
    capture: Option<PathBuf>,
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
    octets.ok_or_else(|| format!("'{text}' is no MAC address such as 02:49:57:00:00:01"))
}

/// Plays one of the roles to its end.
///
/// # Errors
/// Anything but a ping-pong that came to its end with the right data.
pub fn run(rping: &Rping) -> Result<(), Error> {
    let context = rping.open()?;
    let port = rping.port;
    match (rping.server, rping.address) {
        (false, Some(address)) => rping.ping(&context, SocketAddrV4::new(address, port)),
        _ => rping.serve(&context),
    }
}

impl Rping {
    fn open(&self) -> Result<Context, Error> {
        let options = WorldOptions { capture: self.capture.clone(), ..WorldOptions::default() };
        let world = World::on_network(self.device, &self.network, options)?;
        let mut station = Options {
            mtu: self.mtu.into(),
            settle: Duration::from_millis(self.settle),
            ..Options::default()
        };
        if let Some(mac) = self.mac {
            station.mac = mac;
        }
        if self.network == Network::Tcp {
            // The server's address is the one to listen to.
            let local = self.address.filter(|_| self.server);
            station.ip = local.unwrap_or(Ipv4Addr::UNSPECIFIED);
        }
        if let Some((ip, prefix)) = self.ip {
            (station.ip, station.prefix) = (ip, prefix);
        }
        Ok(Context::open(world.function(0)?, station)?)
    }

    fn startup(&self) -> StartupOptions {
        StartupOptions { crc: !self.no_crc, ..StartupOptions::default() }
    }

    fn ping(&self, context: &Context, server: SocketAddrV4) -> Result<(), Error> {
        let size = self.size as usize;
        let count = self.count.filter(|count| *count > 0);
        let mut client = Client::connect(context, server, size, count, &self.startup())?;
        while !client.is_done() {
            for notice in client.step()? {
                self.tell("ping", &notice);
            }
            context.wait(SLICE)?;
        }
        Ok(())
    }

    fn serve(&self, context: &Context) -> Result<(), Error> {
        let mut server = Server::listen(context, self.port, &self.startup())?;
        if self.debug {
            eprintln!("listening on port {}", self.port);
        }
        loop {
            for notice in server.step()? {
                self.tell("server ping", &notice);
                if let (Notice::Served(outcome), false) = (notice, self.persistent) {
                    return outcome.error.map_or(Ok(()), Err);
                }
            }
            context.wait(SLICE)?;
        }
    }

    /// What rping prints, and what it would not.
    fn tell(&self, what: &str, notice: &Notice) {
        match notice {
            Notice::Pinged { text, .. } if self.verbose => println!("{what} data: {text}"),
            Notice::Turned { peer, error } => eprintln!("{peer} was turned away: {error}"),
            Notice::Stranger(reason) => eprintln!("a stranger: {reason}"),
            Notice::Served(Outcome { pings, error: Some(error) }) if self.persistent => {
                eprintln!("a client ended after {pings} pings: {error}");
            }
            Notice::Connected { peer, agreement } if self.debug => {
                let reads = agreement.reads;
                eprintln!(
                    "connected with {peer}: CRC {}, IRD {}, ORD {}",
                    agreement.crc, reads.inbound, reads.outbound
                );
            }
            Notice::Closed { pings } | Notice::Served(Outcome { pings, error: None })
                if self.debug =>
            {
                eprintln!("closed after {pings} pings");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
