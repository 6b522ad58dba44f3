//! A serial line in the kernel.

use rustix::fs::{fcntl_setfl, OFlags};
use rustix::pty::{grantpt, openpt, ptsname, unlockpt, OpenptFlags};
use rustix::termios::{tcgetattr, tcsetattr, OptionalActions};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The end that a board is at; a driver opens the other by its path.
#[derive(Debug)]
pub struct PseudoTerminal {
    ours: Arc<File>,
    /// Kept open, so that the line outlives the driver's process.
    _theirs: File,
    path: PathBuf,
}

impl PseudoTerminal {
    /// A new line, in raw mode.
    ///
    /// # Errors
    /// The system has none.
    pub fn open() -> io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        fcntl_setfl(&ours, OFlags::RDWR | OFlags::NONBLOCK)?;
        let name = ptsname(&ours, Vec::new())?.into_bytes();
        let path = PathBuf::from(std::ffi::OsString::from_vec(name));
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(OFlags::NOCTTY.bits() as i32);
        let theirs = options.open(&path)?;
        let mut settings = tcgetattr(&theirs)?;
        settings.make_raw();
        tcsetattr(&theirs, OptionalActions::Now, &settings)?;
        Ok(Self { ours: Arc::new(File::from(ours)), _theirs: theirs, path })
    }

    /// What a driver opens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Something to wait for.
    pub fn source(&self) -> Arc<File> {
        self.ours.clone()
    }

    /// Takes what a driver has written, at most so many octets.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&mut self, octets: &mut VecDeque<u8>, most: usize) -> io::Result<()> {
        let mut chunk = vec![0; most];
        match (&*self.ours).read(&mut chunk) {
            Ok(count) => octets.extend(&chunk[..count]),
            Err(error) if is_later(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Gives a driver as many octets as there is room for.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&mut self, octets: &mut VecDeque<u8>) -> io::Result<()> {
        while !octets.is_empty() {
            match (&*self.ours).write(octets.as_slices().0) {
                Ok(count) => drop(octets.drain(..count)),
                Err(error) if is_later(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
