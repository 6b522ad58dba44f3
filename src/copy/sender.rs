//! The sender: writes its file into the receiver's.

use super::{message, not_the_capture, rate, End, Error, FileDigest, MAGIC, MESSAGE, PORT};
use crate::network::Network;
use crate::station::Station;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ironwarp_driver::{
    Access, Event, MemoryRegion, Operation, Region, RemoteBuffer, StartupOptions, WorkRequest,
};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Octets of an RDMA Write.
const CHUNK: usize = 1 << 20;
/// RDMA Writes that are under way at a time.
const WRITES: usize = 32;

/// Send a file to `ironwarp receive`, by RDMA Write from where it is mapped.
#[derive(Args, Clone, Debug)]
pub struct Send {
    /// The file
    file: PathBuf,
    /// The receiver's IPv4 address, and its port
    #[arg(long, value_name = "A.B.C.D[:PORT]", value_parser = receiver)]
    to: SocketAddrV4,
    #[command(flatten)]
    station: Station,
    /// Do not ask for CRCs
    #[arg(long)]
    no_crc: bool,
}

/// Reads an address with or without port.
fn receiver(text: &str) -> Result<SocketAddrV4, String> {
    let address = text.parse::<Ipv4Addr>().map(|ip| SocketAddrV4::new(ip, PORT));
    address.or_else(|_| text.parse()).map_err(|_| format!("'{text}' is no IPv4 address"))
}

/// A file that is mapped, and writable only if the user may write it.
fn mapped(path: &PathBuf) -> Result<Region, Error> {
    let refused = |source| Error::File { path: path.clone(), source };
    if !std::fs::metadata(path).map_err(refused)?.is_file() {
        return Err(Error::NoFile(path.clone()));
    }
    let file = File::options().read(true).write(true).open(path);
    let file = file.or_else(|_| File::open(path)).map_err(refused)?;
    let octets = file.metadata().map_err(refused)?.len();
    match u32::try_from(octets) {
        Ok(length @ 1..) => Ok(Region::of_file(Arc::new(file), 0, length as usize)?),
        _ => Err(Error::Length { path: path.clone(), octets }),
    }
}

/// Sends a file.
///
/// # Errors
/// Whatever keeps it from being there as it is here.
pub fn send(command: &Send) -> Result<(), Error> {
    let region = mapped(&command.file)?;
    not_the_capture(&command.file, &command.station)?;
    let (world, context) = command.station.open(command.station.options())?;
    let mut end = End::new(&context)?;
    let file = end.domain.register(&region, Access::LOCAL_READ)?;
    let mut private_data = MAGIC.to_vec();
    private_data.extend((region.len() as u64).to_be_bytes());
    let startup =
        StartupOptions { private_data, crc: !command.no_crc, ..StartupOptions::default() };
    context.connect(&end.pair, command.to, &startup)?;
    let bar = progress(region.len() as u64);
    let began = Instant::now();
    let mut transfer = Transfer { file, target: None, posted: 0, done: 0, digest: None, began };
    let (answer, digest) = loop {
        let mut moved = false;
        for event in context.poll()? {
            moved |= transfer.take(event, &end)?;
        }
        transfer.post(&end)?;
        let done = end.completions()?;
        let writes = done.iter().filter(|done| done.operation == Operation::Write);
        for write in writes {
            transfer.done += write.length as usize;
            bar.set_position(transfer.done as u64);
        }
        if let (Some(done), Some(digest)) = (message(&done), transfer.digest) {
            break (end.said(done)?, digest);
        }
        end.wait(moved || !done.is_empty())?;
    };
    let time = transfer.began.elapsed();
    bar.finish_and_clear();
    if answer != digest {
        return Err(Error::Differs { arrived: answer.to_string(), sent: digest.to_string() });
    }
    context.disconnect(&end.pair)?;
    end.wait_for_the_close()?;
    println!("sent {}: {}", command.file.display(), rate(region.len() as u64, time));
    println!("SHA-256 {digest}, there as here");
    // What it has to say at the end belongs into the capture.
    drop((transfer, end, context));
    world.iter().for_each(|world| Network::tell(world));
    world.map_or(Ok(()), |world| world.finish()).map_err(Error::from)
}

fn progress(octets: u64) -> ProgressBar {
    let bar = ProgressBar::new(octets);
    if let Ok(style) =
        ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}, {binary_bytes_per_sec}")
    {
        bar.set_style(style);
    }
    bar
}

/// The file on its way.
struct Transfer {
    file: MemoryRegion,
    /// Where it goes, once the receiver has said so.
    target: Option<RemoteBuffer>,
    /// Octets that are posted, and those that are done.
    posted: usize,
    done: usize,
    /// The file's, once it was said.
    digest: Option<FileDigest>,
    began: Instant,
}

impl Transfer {
    /// Takes an event; true for one that says something.
    fn take(&mut self, event: Event, end: &End) -> Result<bool, Error> {
        match event {
            Event::Established { startup, .. } => {
                let (stag, offset) =
                    startup.private_data.split_at_checked(4).ok_or(Error::Stranger)?;
                let stag = u32::from_be_bytes(stag.try_into().map_err(|_| Error::Stranger)?);
                let offset = u64::from_be_bytes(offset.try_into().map_err(|_| Error::Stranger)?);
                self.target = Some(RemoteBuffer { stag, offset });
                self.began = Instant::now();
                Ok(true)
            }
            Event::Rejected { startup, .. } => {
                let why = String::from_utf8_lossy(&startup.private_data);
                Err(Error::Refused(why.escape_debug().to_string()))
            }
            Event::Disconnected { qp } if qp == end.pair.number() => Err(Error::ClosedEarly),
            Event::Error { qp: Some(qp), reason } if qp == end.pair.number() => {
                Err(Error::Connection(reason))
            }
            _ => Ok(false),
        }
    }

    /// Posts what may be under way; behind the last Write, the digest.
    fn post(&mut self, end: &End) -> Result<(), Error> {
        let (Some(target), length) = (self.target, self.file.region().len()) else {
            return Ok(());
        };
        while self.posted < length && self.posted - self.done < WRITES * CHUNK {
            let chunk = CHUNK.min(length - self.posted);
            let source = self.file.buffer(self.posted, chunk)?;
            let there =
                RemoteBuffer { offset: target.offset.wrapping_add(self.posted as u64), ..target };
            end.pair.post_send(WorkRequest::write(MESSAGE, source, there))?;
            self.posted += chunk;
            if self.posted == length {
                let digest = FileDigest::of(self.file.region())?;
                end.say(digest)?;
                self.digest = Some(digest);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_have_a_port() {
        assert_eq!(receiver("10.0.0.2"), Ok(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), PORT)));
        assert_eq!(receiver("10.0.0.2:9").map(|it| it.port()), Ok(9));
        assert!(receiver("host").is_err());
    }
}
