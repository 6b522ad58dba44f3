//! UNIX datagram sockets that carry a frame each.

use super::port::Port;
use ironwarp_driver::sleep::Source;
use ironwarp_driver::Error;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The socket that sends and receives, and one that only tells when the peer has room: `poll` knows
/// that of connected sockets, and one that is connected would refuse a peer that was started anew.
pub(crate) struct Dgram {
    socket: Arc<UnixDatagram>,
    gauge: Arc<UnixDatagram>,
    local: PathBuf,
    /// Device and inode of the socket file that is ours.
    identity: Option<(u64, u64)>,
    remote: PathBuf,
}

impl Dgram {
    /// Makes the local socket. The peer's may come later.
    pub fn open(local: &Path, remote: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: local.to_owned(), source };
        if !remote.parent().is_some_and(|folder| folder == Path::new("") || folder.is_dir()) {
            let source = io::Error::new(ErrorKind::NotFound, "no such folder");
            return Err(Error::File { path: remote.to_owned(), source });
        }
        remove_stale(local).map_err(failed)?;
        let socket = UnixDatagram::bind(local).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let gauge = UnixDatagram::unbound().map_err(failed)?;
        Ok(Self {
            socket: Arc::new(socket),
            gauge: Arc::new(gauge),
            local: local.to_owned(),
            identity: identity(local),
            remote: remote.to_owned(),
        })
    }
}

impl Port for Dgram {
    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        match self.socket.send_to(frame, &self.remote) {
            // The cable is not plugged in.
            Err(error)
                if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) =>
            {
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.recv(into)
    }

    fn inlet(&self) -> Source {
        self.socket.clone()
    }

    fn outlet(&self) -> Source {
        match self.gauge.connect(&self.remote) {
            Ok(()) => self.gauge.clone(),
            // The peer's queue is for our socket alone, and then only our own buffer counts; or it
            // is gone, and nothing is to be waited for.
            Err(_) => self.socket.clone(),
        }
    }
}

impl Drop for Dgram {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.local) == self.identity {
            let _ = fs::remove_file(&self.local);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|data| (data.dev(), data.ino()))
}

/// Removes what a process that ended has left: a socket that nobody has open.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(data) = fs::symlink_metadata(path) else { return Ok(()) };
    if !data.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is no socket"));
    }
    match UnixDatagram::unbound()?.connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Err(io::Error::new(ErrorKind::AddrInUse, "another process has this socket open")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{poll, PollFd, PollFlags, Timespec};

    fn receive(port: &mut Dgram) -> Option<Vec<u8>> {
        let mut octets = [0; 100];
        match port.receive(&mut octets) {
            Ok(length) => Some(octets[..length].to_vec()),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                None
            }
        }
    }

    fn has_room(port: &Dgram) -> bool {
        let outlet = port.outlet();
        let mut descriptors = [PollFd::new(&outlet, PollFlags::OUT)];
        poll(&mut descriptors, Some(&Timespec::default())).unwrap() == 1
    }

    #[test]
    fn a_peer_may_come_late_fill_up_and_come_again() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        let mut left = Dgram::open(&a, &b).unwrap();
        left.send(b"into the void").unwrap();
        let mut right = Dgram::open(&b, &a).unwrap();
        assert_eq!(receive(&mut right), None);
        let mut sent = 0u32;
        let full = loop {
            match left.send(&sent.to_be_bytes()) {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        assert!(!has_room(&left));
        for number in 0..sent {
            assert_eq!(receive(&mut right), Some(number.to_be_bytes().to_vec()));
        }
        assert!(has_room(&left));
        right.send(b"back").unwrap();
        assert_eq!(receive(&mut left).as_deref(), Some(&b"back"[..]));
        drop(right);
        assert!(!b.exists());
        left.send(b"lost").unwrap();
        let mut again = Dgram::open(&b, &a).unwrap();
        left.send(b"found").unwrap();
        assert_eq!(receive(&mut again).as_deref(), Some(&b"found"[..]));
        again.send(b"too").unwrap();
        assert_eq!(receive(&mut left).as_deref(), Some(&b"too"[..]));
    }

    #[test]
    fn only_a_socket_that_nobody_has_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        drop(UnixDatagram::bind(&a).unwrap());
        assert!(a.exists());
        let port = Dgram::open(&a, &b).unwrap();
        let error = Dgram::open(&a, &b).err().unwrap().to_string();
        assert!(error.contains("another process") && error.contains(a.to_str().unwrap()));
        drop(port);
        fs::write(&a, b"precious").unwrap();
        assert!(Dgram::open(&a, &b).err().unwrap().to_string().contains("no socket"));
        assert_eq!(fs::read(&a).unwrap(), b"precious");
        assert!(Dgram::open(&b, &folder.path().join("none/c")).is_err());
    }
}
