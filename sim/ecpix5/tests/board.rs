//! A driver at the serial line of the Verilated board, and this test at its Ethernet.

use ironwarp_abi::registers::{COUNT_FRAMES_BAD, COUNT_FRAMES_RECEIVED};
use ironwarp_abi::serial::BOARD_CLOCKS_PER_MICROSECOND;
use ironwarp_driver::pci::PciFunction;
use ironwarp_driver::{Context, Options};
use ironwarp_sim_ecpix5::{Bench, FramePort, Source};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the driver looks before the test gives up.
const PATIENCE: usize = 5000;
const SLICE: Duration = Duration::from_millis(20);

/// Frames in datagrams.
struct Cable(Arc<UnixDatagram>);

impl FramePort for Cable {
    fn send(&mut self, frame: Vec<u8>) {
        self.0.send(&frame).expect("the test listens");
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut frame = vec![0; 10_000];
        let length = self.0.recv(&mut frame).ok()?;
        frame.truncate(length);
        Some(frame)
    }

    fn source(&self) -> Option<Source> {
        Some(self.0.clone())
    }
}

/// A board that runs, and the other end of its cable.
struct Running {
    address: String,
    cable: UnixDatagram,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Bench>,
}

impl Running {
    fn start(prepare: impl FnOnce(&mut Bench)) -> Self {
        let (near, far) = UnixDatagram::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        far.set_nonblocking(true).unwrap();
        let mut bench = Bench::new(Box::new(Cable(Arc::new(near)))).unwrap();
        prepare(&mut bench);
        let address = format!("serial:{}", bench.terminal().path().display());
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            bench.run(&told).unwrap();
            bench
        });
        Self { address, cable: far, stop, thread }
    }

    fn finish(self) -> Bench {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }

    fn open(&self) -> (Arc<dyn PciFunction>, Context) {
        let function = ironwarp_driver::open(&self.address).unwrap();
        let clocks_per_microsecond = BOARD_CLOCKS_PER_MICROSECOND;
        let options = Options { clocks_per_microsecond, ..Options::station(1) };
        (function.clone(), Context::open(function, options).unwrap())
    }

    /// Asks for the board's address until it answers.
    fn answer(&self, context: &Context) -> Vec<u8> {
        let mut frame = vec![0; 10_000];
        for n in 0..PATIENCE {
            // The first may come before the driver has given the board room for it.
            if n % 50 == 0 {
                self.cable.send(&arp_request()).unwrap();
            }
            if let Ok(length) = self.cable.recv(&mut frame) {
                frame.truncate(length);
                return frame;
            }
            context.poll().unwrap();
            context.wait(SLICE).unwrap();
        }
        panic!("the board sends nothing");
    }
}

const PEER: [u8; 6] = [2, 0, 0, 0, 0, 9];

/// Who has the station's address? As RFC 826 asks it.
fn arp_request() -> Vec<u8> {
    let options = Options::station(1);
    let head = [&[0xff; 6][..], &PEER, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]].concat();
    let (sender, target) = ([10, 0, 0, 9], options.ip.octets());
    let mut frame = [&head[..], &PEER, &sender, &[0; 6], &target].concat();
    frame.resize(60, 0);
    frame
}

/// A frame whose check sequence is wrong has no effect but in the count; the next one is answered.
/// What the board sends has preamble, gap and a right check sequence.
#[test]
fn a_damaged_frame_is_dropped_and_counted() {
    let board = Running::start(|bench| bench.rgmii().damage(0));
    let (function, context) = board.open();
    let reply = board.answer(&context);
    assert_eq!((&reply[..6], &reply[12..14], reply[21]), (&PEER[..], &[8, 6][..], 2), "{reply:?}");
    assert_eq!(reply[6..12], Options::station(1).mac);
    assert_eq!(function.bar_read32(COUNT_FRAMES_BAD.address).unwrap(), 1);
    assert!(function.bar_read32(COUNT_FRAMES_RECEIVED.address).unwrap() >= 1);
    drop((function, context));
    let mut bench = board.finish();
    assert_eq!(bench.rgmii().faults(), []);
    assert!(bench.rgmii().count() >= 1);
}

/// A driver that goes away within a frame leaves a board that the next one can use.
#[test]
fn a_board_outlives_its_driver() {
    let board = Running::start(|_| ());
    let (first, _) = board.open();
    drop(first);
    let path = board.address.strip_prefix("serial:").unwrap();
    std::fs::write(path, b"\x7e\x03\x00half a frame, and noise \x7d").unwrap();
    let (_, context) = board.open();
    assert_eq!(board.answer(&context)[21], 2);
}
