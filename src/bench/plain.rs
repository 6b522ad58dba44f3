//! Plain TCP: the sender writes message after message, the receiver reads.

use super::{pattern, system, Error, MESSAGE_BYTES};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Octets that the receiver asks for at a time.
const READ_BYTES: usize = 256 * 1024;

/// Sends `messages` and answers how long it took until the receiver had them.
pub fn send(port: u16, messages: u64) -> Result<Duration, Error> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let mut stream = stream.map_err(system("connecting to the receiver"))?;
    let sending = system("sending over plain TCP");
    stream.set_nodelay(true).map_err(&sending)?;
    let message = pattern();
    let start = Instant::now();
    for _ in 0..messages {
        stream.write_all(&message).map_err(&sending)?;
    }
    stream.shutdown(Shutdown::Write).map_err(&sending)?;
    let mut count = [0; 8];
    stream.read_exact(&mut count).map_err(&sending)?;
    match u64::from_be_bytes(count) == messages * MESSAGE_BYTES as u64 {
        true => Ok(start.elapsed()),
        false => Err(Error::Differs),
    }
}

/// Receives from one sender, to its end, and answers it how much that was.
pub fn receive(listener: &TcpListener) -> Result<(), Error> {
    let receiving = system("receiving over plain TCP");
    let (mut stream, _) = listener.accept().map_err(&receiving)?;
    let mut room = vec![0; READ_BYTES];
    let mut count: u64 = 0;
    loop {
        match stream.read(&mut room).map_err(&receiving)? {
            0 => break,
            octets => count += octets as u64,
        }
    }
    stream.write_all(&count.to_be_bytes()).map_err(&receiving)
}
