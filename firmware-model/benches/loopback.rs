//! RDMA Writes between two devices over the kernel's loopback TCP, beside plain TCP of the same
//! message size. What counts is the time that each side needs its core, so that the figures hold
//! on a machine with other things to do.
//!
//! ```text
//! cargo bench -p ironwarp-model --bench loopback
//! ```

#[path = "../tests/common/mod.rs"]
mod common;

use common::*;
use ironwarp_abi::queue::SendRequest;
use rustix::event::{poll, PollFd, PollFlags};
use rustix::time::{clock_gettime, ClockId};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const MESSAGE: u32 = 65_536;
/// Work requests that are posted at a time.
const POSTED: u16 = 64;
const TOTAL: u64 = 4 << 30;

/// The time that this thread has had a core.
fn time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// GB/s of a thread's own time.
fn rate(run: impl FnOnce()) -> f64 {
    let start = time();
    run();
    TOTAL as f64 / (time() - start).as_secs_f64() / 1e9
}

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let a = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (b, _) = listener.accept().unwrap();
    (a, b)
}

fn plain_send(mut socket: TcpStream) {
    let message = vec![7; MESSAGE as usize];
    (0..TOTAL / u64::from(MESSAGE)).for_each(|_| socket.write_all(&message).unwrap());
}

fn plain_receive(mut socket: TcpStream) {
    let mut room = vec![0; 1 << 18];
    while socket.read(&mut room).unwrap() != 0 {}
}

fn start(me: usize, socket: &TcpStream) -> Station {
    let wish = Wish { mulpdu: 64_768, ..PLAIN };
    let mut station = Station::new(me);
    socket.set_nonblocking(true).unwrap();
    socket.set_nodelay(true).unwrap();
    let stream = Box::new(socket.try_clone().unwrap());
    station.device.attach_stream(QP, stream).unwrap();
    station.start(&context(me, wish));
    station
}

fn wait(socket: &TcpStream, flags: PollFlags) {
    poll(&mut [PollFd::new(socket, flags)], None).unwrap();
}

fn device_send(socket: TcpStream) {
    let mut station = start(0, &socket);
    for _ in 0..TOTAL / u64::from(MESSAGE) / u64::from(POSTED) {
        for i in 1..=POSTED {
            station.post(&SendRequest { signaled: i == POSTED, ..write_request(MESSAGE, 0, 0) });
        }
        while station.completion().is_none() {
            if station.device_rests() && station.device.stream_wants_room(QP) {
                wait(&socket, PollFlags::OUT);
            }
        }
    }
}

fn device_receive(socket: TcpStream) {
    let mut station = start(1, &socket);
    while station.is_active() {
        if station.device_rests() {
            wait(&socket, PollFlags::IN);
        }
    }
}

fn measure(name: &str, send: fn(TcpStream), receive: fn(TcpStream)) -> [f64; 2] {
    let (a, b) = sockets();
    let receiver = thread::spawn(move || rate(|| receive(b)));
    let sent = rate(|| send(a));
    let received = receiver.join().unwrap();
    println!("{name:>16} {sent:>8.2} {received:>8.2}");
    [sent, received]
}

fn main() {
    println!("{MESSAGE} octets a message, CRC on; GB/s of one core a side");
    println!("{:>16} {:>8} {:>8}", "", "send", "receive");
    let plain = measure("plain TCP", plain_send, plain_receive);
    let ours = measure("RDMA Write", device_send, device_receive);
    println!("{:>16} {:>8.2} {:>8.2}", "ratio", ours[0] / plain[0], ours[1] / plain[1]);
}
