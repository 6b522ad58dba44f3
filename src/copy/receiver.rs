//! The receiver: makes a file, and lets the sender write it.

use super::{message, not_the_capture, End, Error, FileDigest, MAGIC, PATIENCE, PORT};
use crate::network::Network;
use crate::serve::stop_flag;
use crate::station::Station;
use clap::Args;
use ironwarp_driver::{Access, Context, Event, MemoryRegion, Region, RequestId, StartupOptions};
use rustix::fs::{fallocate, FallocateFlags};
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::Arc;

/// Receive a file of `ironwarp send`, by RDMA Write to where it is mapped.
#[derive(Args, Clone, Debug)]
pub struct Receive {
    /// The file; there must be none of this name
    file: PathBuf,
    /// The port to listen to
    #[arg(long, short = 'p', default_value_t = PORT)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    #[command(flatten)]
    station: Station,
    /// Do not ask for CRCs
    #[arg(long)]
    no_crc: bool,
}

/// A file that is not whole yet: it goes away unless it is kept.
struct Draft {
    path: PathBuf,
    kept: bool,
}

impl Draft {
    /// Makes the file.
    fn new(path: PathBuf) -> Result<(Self, File), Error> {
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|source| Error::File { path: path.clone(), source })?;
        Ok((Self { path, kept: false }, file))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // Whoever removed it already has done what was to be done.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Receives one file.
///
/// # Errors
/// Whatever keeps it from being here as it is there; then there is no file.
pub fn receive(command: &Receive) -> Result<(), Error> {
    let (mut draft, file) = Draft::new(command.file.clone())?;
    not_the_capture(&command.file, &command.station)?;
    let stop = stop_flag()?;
    let mut options = command.station.options();
    // Nothing is told here of what is written: a sender that is gone shows by this alone.
    options.keep_alive = Some(PATIENCE);
    let (world, context) = command.station.open(options)?;
    let mut end = End::new(&context)?;
    context.listen(command.port)?;
    let Station { device, .. } = &command.station;
    eprintln!("{device} on {}: listening on port {}", command.station.link(), command.port);
    let mut receiving = Receiving { command, file: Arc::new(file), sink: None };
    let sent = loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        for event in context.poll()? {
            receiving.take(event, &context, &end)?;
        }
        let done = end.completions()?;
        if let Some(done) = message(&done) {
            break end.said(done)?;
        }
        end.wait(true)?;
    };
    let sink = receiving.sink.as_ref().ok_or(Error::ClosedEarly)?;
    let octets = sink.region().len();
    let digest = FileDigest::of(sink.region())?;
    end.say(digest)?;
    // The sender closes when it has heard.
    end.wait_for_the_close()?;
    if digest != sent {
        return Err(Error::Differs { arrived: digest.to_string(), sent: sent.to_string() });
    }
    draft.kept = true;
    println!("received {}: {octets} octets", command.file.display());
    println!("SHA-256 {digest}, here as there");
    // What it has to say at the end belongs into the capture.
    drop((receiving, end, context));
    world.iter().for_each(|world| Network::tell(world));
    world.map_or(Ok(()), |world| world.finish()).map_err(Error::from)
}

/// The file on its way.
struct Receiving<'a> {
    command: &'a Receive,
    file: Arc<File>,
    sink: Option<MemoryRegion>,
}

impl Receiving<'_> {
    fn take(&mut self, event: Event, context: &Context, end: &End) -> Result<(), Error> {
        match event {
            Event::ConnectRequest { request, startup, .. } => {
                self.answer(request, &startup.private_data, context, end)
            }
            Event::Disconnected { qp } if qp == end.pair.number() => Err(Error::ClosedEarly),
            Event::Error { qp: Some(qp), reason } if qp == end.pair.number() => {
                Err(Error::Connection(reason))
            }
            _ => Ok(()),
        }
    }

    /// Says where the file may be written, or why not.
    fn answer(
        &mut self,
        request: RequestId,
        private_data: &[u8],
        context: &Context,
        end: &End,
    ) -> Result<(), Error> {
        let octets = private_data.strip_prefix(&MAGIC).and_then(|it| it.try_into().ok());
        let octets = octets
            .map(u64::from_be_bytes)
            .filter(|octets| (1..=u64::from(u32::MAX)).contains(octets));
        let refusal = match (octets, &self.sink) {
            (None, _) => Some("not a file"),
            (_, Some(_)) => Some("another file is being received"),
            _ => None,
        };
        let (Some(octets), None) = (octets, refusal) else {
            // The stranger may be gone by now.
            let _ = context.reject(request, refusal.unwrap_or_default().as_bytes());
            return Ok(());
        };
        let refused = |source| Error::File { path: self.command.file.clone(), source };
        // Room that is there: a disk that fills up later would end the process.
        fallocate(&*self.file, FallocateFlags::empty(), 0, octets)
            .map_err(|errno| refused(errno.into()))?;
        let region = Region::of_file(self.file.clone(), 0, octets as usize)?;
        let sink = end.domain.register(&region, Access::REMOTE_WRITE)?;
        let remote = sink.remote(0);
        let mut private_data = remote.stag.to_be_bytes().to_vec();
        private_data.extend(remote.offset.to_be_bytes());
        let startup =
            StartupOptions { private_data, crc: !self.command.no_crc, ..StartupOptions::default() };
        match context.accept(request, &end.pair, &startup) {
            Ok(()) => self.sink = Some(sink),
            // It has gone again; another one may come.
            Err(ironwarp_driver::Error::Gone(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
