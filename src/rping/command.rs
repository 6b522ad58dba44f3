//! `ironwarp rping`: the command line.

use super::{Client, Error, Notice, Outcome, Server, SIZE_MAX, SIZE_MIN};
use crate::station::Station;
use clap::{ArgGroup, Args};
use ironwarp_driver::{Context, StartupOptions};
use ironwarp_machine::World;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, ToSocketAddrs};
use std::sync::Arc;
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
    /// The server's IPv4 address, or a name of it; IPv6 is not spoken
    #[arg(short = 'a', value_name = "ADDR", value_parser = host)]
    address: Option<Ipv4Addr>,
    /// Client: the source address; of a device on a network of frames, the same as --ip without
    /// its prefix
    #[arg(short = 'I', value_name = "ADDR", value_parser = host)]
    source: Option<Ipv4Addr>,
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
    /// Use queue pairs that this command makes and moves by itself; this is always done
    #[arg(short = 'q')]
    own_queue_pair: bool,
    /// Tell what happens
    #[arg(short = 'd')]
    debug: bool,
    /// Server: serve any number of clients, until interrupted
    #[arg(short = 'P')]
    persistent: bool,
    #[command(flatten)]
    station: Station,
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
}

/// Reads an IPv4 address, or asks the resolver for one of a host.
fn host(text: &str) -> Result<Ipv4Addr, String> {
    let not_spoken = || format!("'{text}' is an IPv6 address, and this RNIC speaks IPv4 only");
    match text.parse() {
        Ok(IpAddr::V4(address)) => return Ok(address),
        Ok(IpAddr::V6(address)) => return address.to_ipv4_mapped().ok_or_else(not_spoken),
        Err(_) => {}
    }
    let known = (text, 0).to_socket_addrs();
    let mut known = known.map_err(|error| format!("'{text}' is not known: {error}"))?;
    let address = known.find_map(|address| match address.ip() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    });
    address.ok_or_else(|| format!("'{text}' has no IPv4 address, and this RNIC has no other"))
}

/// Plays one of the roles to its end.
///
/// # Errors
/// Anything but a ping-pong that came to its end with the right data.
pub fn run(rping: &Rping) -> Result<(), Error> {
    let (world, context) = rping.open()?;
    let port = rping.port;
    let result = match (rping.server, rping.address) {
        (false, Some(address)) => rping.ping(&context, SocketAddrV4::new(address, port)),
        _ => rping.serve(&context),
    };
    // What there is to say to the peer leaves now, ahead of the end of the capture.
    drop(context);
    let captured = world.map_or(Ok(()), |world| world.finish());
    result.and(captured.map_err(Error::from))
}

impl Rping {
    fn open(&self) -> Result<(Option<Arc<World>>, Context), Error> {
        let mut options = self.station.options();
        options.settle = Duration::from_millis(self.settle);
        if self.station.is_on_tcp() && self.station.ip.is_none() && self.server {
            // The server's address is the one to listen to.
            options.ip = self.address.unwrap_or(options.ip);
        }
        match (self.source, self.station.ip) {
            (Some(source), Some((ip, _))) if source != ip => {
                return Err(Error::Source { address: source, ip });
            }
            // A server is not bound to it, as rdma-core's is not.
            (Some(source), None) if self.client => options.ip = source,
            _ => {}
        }
        Ok(self.station.open(options)?)
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
