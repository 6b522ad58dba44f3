//! A terminal that carries octets as they are.

use super::port::SerialPort;
use crate::error::Error;
use rustix::fs::{flock, FlockOperation};
use rustix::io::Errno;
use rustix::termios::{
    ioctl_tiocexcl, ioctl_tiocnxcl, tcflush, tcgetattr, tcsetattr, ControlModes, OptionalActions,
    QueueSelector,
};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

/// Octets that are read at once.
const CHUNK: usize = 4096;

/// An open line, ours alone. Nothing waits.
pub(super) struct Tty {
    file: Arc<File>,
    port: SerialPort,
}

impl Tty {
    /// Opens the line in raw mode and throws away what is in it.
    ///
    /// # Errors
    /// [`Error::File`]: it cannot be opened, is no terminal, has no such rate, or is in use.
    pub fn open(port: &SerialPort) -> Result<Self, Error> {
        let refused = |source| Error::File { path: port.path.clone(), source };
        let flags = rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::NONBLOCK;
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(flags.bits() as i32);
        let file = options.open(&port.path).map_err(|error| refused(explained(error)))?;
        // Advisory, among those who ask; `TIOCEXCL` keeps everybody else out but the superuser.
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|error| refused(explained(error.into())))?;
        Self::prepare(&file, port.baud).map_err(|error| refused(explained(error.into())))?;
        Ok(Self { file: Arc::new(file), port: port.clone() })
    }

    fn prepare(file: &File, baud: u32) -> Result<(), Errno> {
        let mut settings = tcgetattr(file)?;
        ioctl_tiocexcl(file)?;
        settings.make_raw();
        settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
        settings.control_modes -= ControlModes::CSTOPB | ControlModes::CRTSCTS;
        settings.set_speed(baud)?;
        tcsetattr(file, OptionalActions::Flush, &settings)?;
        tcflush(file, QueueSelector::IOFlush)
    }

    /// The line as something to wait for.
    pub fn source(&self) -> Arc<File> {
        self.file.clone()
    }

    /// Takes the octets that have come; none, if none have.
    ///
    /// # Errors
    /// [`Error::Bus`]: the line is gone.
    pub fn read(&mut self, octets: &mut Vec<u8>) -> Result<(), Error> {
        let mut chunk = [0; CHUNK];
        loop {
            match (&*self.file).read(&mut chunk) {
                Ok(0) => return Err(self.gone(ErrorKind::UnexpectedEof.into())),
                Ok(count) => octets.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.gone(error)),
            }
        }
    }

    /// Writes as many of the octets as there is room for, and takes them out.
    ///
    /// # Errors
    /// As [`Tty::read`].
    pub fn write(&mut self, octets: &mut VecDeque<u8>) -> Result<(), Error> {
        while !octets.is_empty() {
            match (&*self.file).write(octets.as_slices().0) {
                Ok(count) => drop(octets.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.gone(error)),
            }
        }
        Ok(())
    }

    fn gone(&self, error: io::Error) -> Error {
        Error::Bus(format!("the serial line {} is gone: {error}", self.port.path.display()))
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // A pseudo-terminal lives on, and others may open it.
        let _ = ioctl_tiocnxcl(&self.file);
    }
}

/// What the system's word means here.
fn explained(error: io::Error) -> io::Error {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    let why = match errno {
        Some(Errno::NOTTY) => "not a serial line",
        Some(Errno::BUSY | Errno::WOULDBLOCK) => "in use by another process",
        Some(Errno::INVAL) => "the line has no such rate",
        _ => return error,
    };
    io::Error::new(error.kind(), why)
}
