//! The board with everything at its pins.

use crate::board::{Board, Driven};
use crate::pseudo_terminal::PseudoTerminal;
use crate::rgmii::RgmiiPartner;
use crate::uart::UartPartner;
use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// Clocks of 125 MHz of a bit on the serial line: two of them are a core clock.
const CLOCKS_PER_BIT: &str = env!("CLOCKS_PER_BIT");
/// Clocks between two looks at the outside.
const SLICE: u32 = 512;
/// Octets that wait at the serial line's far end at most.
const OCTETS_AHEAD: usize = 64;
/// Octets of frames that wait at the PHY at most, so that it can keep to its rate.
const FRAMES_AHEAD: usize = 4096;
/// Clocks without anything at the pins after which the board is at rest: more than the longest
/// frame takes from any of its stores to the next.
const REST: u64 = 16_384;
/// How long a board that rests sleeps before it looks whether it should stop.
const NAP: Duration = Duration::from_millis(100);

/// Something that the kernel can wait for.
pub type Source = Arc<dyn AsFd + Send + Sync>;

/// Where the frames of the board's link go, and come from. Nothing waits.
pub trait FramePort: Send {
    /// Takes a frame of the board, without its check sequence.
    fn send(&mut self, frame: Vec<u8>);
    /// A frame for the board, if there is one.
    fn receive(&mut self) -> Option<Vec<u8>>;
    /// Is readable when there is a frame for the board.
    fn source(&self) -> Option<Source>;
}

/// A link that leads nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unplugged;

impl FramePort for Unplugged {
    fn send(&mut self, _: Vec<u8>) {}

    fn receive(&mut self) -> Option<Vec<u8>> {
        None
    }

    fn source(&self) -> Option<Source> {
        None
    }
}

/// The board on the bench.
pub struct Bench {
    board: Board,
    uart: UartPartner,
    rgmii: RgmiiPartner,
    terminal: PseudoTerminal,
    port: Box<dyn FramePort>,
    /// The clock after the last in which something was at the pins.
    active: u64,
}

impl Bench {
    /// A board that was just switched on.
    ///
    /// # Errors
    /// The system has no pseudo-terminal.
    pub fn new(port: Box<dyn FramePort>) -> io::Result<Self> {
        let clocks = CLOCKS_PER_BIT.parse::<u32>().map_or(8, |clocks| 2 * clocks);
        Ok(Self {
            board: Board::new(),
            uart: UartPartner::new(clocks),
            rgmii: RgmiiPartner::new(),
            terminal: PseudoTerminal::open()?,
            port,
            active: 0,
        })
    }

    /// The serial line's other end, by its path.
    pub fn terminal(&self) -> &PseudoTerminal {
        &self.terminal
    }

    /// The board itself.
    pub fn board(&mut self) -> &mut Board {
        &mut self.board
    }

    /// The link's other end.
    pub fn rgmii(&mut self) -> &mut RgmiiPartner {
        &mut self.rgmii
    }

    /// Runs until `stop` is set.
    ///
    /// # Errors
    /// The pseudo-terminal's.
    pub fn run(&mut self, stop: &AtomicBool) -> io::Result<()> {
        while !stop.load(Ordering::Relaxed) {
            self.exchange()?;
            if self.board.clock() - self.active < REST {
                (0..SLICE).for_each(|_| self.cycle());
            } else {
                self.sleep()?;
            }
        }
        Ok(())
    }

    /// Octets and frames between the pins' partners and the outside.
    fn exchange(&mut self) -> io::Result<()> {
        let room = OCTETS_AHEAD.saturating_sub(self.uart.outgoing().len());
        if room > 0 {
            self.terminal.read(self.uart.outgoing(), room)?;
        }
        self.terminal.write(self.uart.received())?;
        while self.rgmii.waiting() < FRAMES_AHEAD {
            let Some(frame) = self.port.receive() else { break };
            self.rgmii.send(&frame);
        }
        while let Some(frame) = self.rgmii.receive() {
            self.port.send(frame);
        }
        if !self.uart.idle() || self.rgmii.waiting() > 0 {
            self.active = self.board.clock();
        }
        Ok(())
    }

    /// A clock of 125 MHz.
    pub fn cycle(&mut self) {
        let busy = self.rgmii.waiting() > 0;
        let driven = Driven { rgmii: self.rgmii.drive(), uart_rx: self.uart.drive() };
        let sampled = self.board.cycle(driven);
        self.uart.sample(sampled.uart_tx);
        let sends = self.rgmii.sample(sampled.rgmii);
        if busy || sends || !driven.uart_rx || !sampled.uart_tx {
            self.active = self.board.clock();
        }
    }

    fn sleep(&mut self) -> io::Result<()> {
        let mut flags = PollFlags::IN;
        if !self.uart.received().is_empty() {
            flags |= PollFlags::OUT;
        }
        let (line, link) = (self.terminal.source(), self.port.source());
        let mut awaited = vec![PollFd::new(&line, flags)];
        if let Some(link) = &link {
            awaited.push(PollFd::new(link, PollFlags::IN));
        }
        let limit = Timespec::try_from(NAP).ok();
        match poll(&mut awaited, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
