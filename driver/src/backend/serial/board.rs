//! A board, and the root complex that it has in this computer.

use super::port::SerialPort;
use super::tty::Tty;
use crate::error::Error;
use crate::iova::IovaTable;
use crate::sleep::{Awaited, Sleep};
use ironwarp_abi::configuration::BOARD;
use ironwarp_root_complex::bar::BarAnswer;
use ironwarp_root_complex::config_space::Effect;
use ironwarp_root_complex::serial::{LinkError, SerialLink};
use ironwarp_root_complex::{RootComplex, RootComplexOptions};
use rustix::event::PollFlags;
use std::time::{Duration, Instant};

/// How long a register read waits while nothing at all comes from the board.
const PATIENCE: Duration = Duration::from_secs(15);
/// Writes that a driver may be ahead of the line: beyond that, writing waits, as it does on a bus.
const WRITES_AHEAD: usize = 8;
/// The longest sleep between two looks at the time.
const NAP: Duration = Duration::from_secs(1);

/// A board and this computer's end of its line. It is told what happens and asked what it did;
/// between two calls, nothing happens to it.
pub struct Board {
    root: RootComplex,
    link: SerialLink,
    tty: Tty,
    since: Instant,
    /// The root complex's clock: it ticks when it is looked after.
    clock: u64,
    /// The register that is being read.
    reading: Option<u32>,
    /// When something last came from the board.
    heard: Duration,
    /// Why the board cannot be used any more.
    failure: Option<String>,
}

/// A session with the settings that configuration space has now.
fn session(root: &RootComplex, now: Duration) -> SerialLink {
    SerialLink::open(root.requester(), root.config().serial_settings(), rand::random(), now)
}

impl Board {
    /// Opens the line and begins a session, which resets the board.
    ///
    /// # Errors
    /// [`Error::File`] for the line; [`Error::Bus`] if no IronWARP board answers on it.
    pub fn open(port: &SerialPort, memory: IovaTable) -> Result<Self, Error> {
        let tty = Tty::open(port)?;
        let options = RootComplexOptions {
            read_latency_ns: 0,
            write_latency_ns: 0,
            max_payload: 512,
            configuration: BOARD,
            ..RootComplexOptions::default()
        };
        let mut root = RootComplex::new(0, &options, 0);
        root.attach(Box::new(memory));
        let mut board = Self {
            link: session(&root, Duration::ZERO),
            root,
            tty,
            since: Instant::now(),
            clock: 0,
            reading: None,
            heard: Duration::ZERO,
            failure: None,
        };
        board.greet()?;
        Ok(board)
    }

    /// The time since the line was opened.
    pub fn now(&self) -> Duration {
        self.since.elapsed()
    }

    /// Lets everything happen that can; true if something has that the driver waits for.
    pub fn work(&mut self) -> bool {
        if self.failure.is_none() {
            if let Err(error) = self.exchange() {
                self.fail(&error);
            }
        }
        self.failure.is_some() || self.root.has_bar_answer() || !self.root.interrupts().is_empty()
    }

    /// Waits until the board has what was written to it, and has answers to what it asked for.
    pub fn settle(&mut self) {
        self.work();
        while self.failure.is_none() && !(self.link.idle() && self.root.idle()) {
            self.sleep(NAP).doze();
            self.work();
        }
    }

    /// Until when there is nothing to do, at most for `limit`.
    pub fn sleep(&mut self, limit: Duration) -> Sleep {
        let due = self.link.poll(self.now()).ok().flatten();
        let due = due.map_or(NAP, |due| due.saturating_sub(self.now()));
        let mut flags = PollFlags::IN;
        if !self.link.line().is_empty() {
            flags |= PollFlags::OUT;
        }
        let awaited = vec![Awaited { source: self.tty.source(), flags }];
        Sleep { limit: limit.min(due).min(NAP), awaited }
    }

    /// The board can still be reached.
    ///
    /// # Errors
    /// [`Error::Bus`] says why not.
    pub fn health(&self) -> Result<(), Error> {
        self.failure.as_ref().map_or(Ok(()), |why| Err(Error::Bus(why.clone())))
    }

    /// Reads an aligned word of configuration space.
    ///
    /// # Errors
    /// [`Error::Bus`] if the board cannot be reached, or there is no such word; likewise below.
    pub fn config_read(&self, offset: u16) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.health()?;
        let read = self.root.config().read(offset, &mut bytes);
        read.map_err(|error| Error::Bus(error.to_string()))?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Writes an aligned word of configuration space.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn config_write(&mut self, offset: u16, value: u32) -> Result<(), Error> {
        self.health()?;
        let bytes = value.to_le_bytes();
        match self.root.config_write(|config| config.write(offset, &bytes)) {
            Ok(Effect::None) => drop(self.work()),
            Ok(Effect::Reset) => self.reset()?,
            Err(error) => return Err(Error::Bus(error.to_string())),
        }
        self.health()
    }

    /// Begins to read a register; [`Board::bar_answer`] has the outcome.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn begin_bar_read(&mut self, offset: u32) -> Result<(), Error> {
        let given_up = self.reading.take().is_some();
        let now = self.now();
        let root = self.bar()?;
        if given_up {
            root.bar_give_up();
        }
        root.bar_read(checked(offset)?);
        (self.reading, self.heard) = (Some(offset), now);
        self.work();
        Ok(())
    }

    /// The outcome of the read that was begun, once it is there.
    pub fn bar_answer(&mut self) -> Option<Result<u32, Error>> {
        let offset = self.reading?;
        let refused = |why| Err(Error::Bus(format!("BAR 0 + {offset:#x}: {why}")));
        let answer = match self.root.bar_answer() {
            Some(BarAnswer::Value(value)) => Ok(value),
            Some(BarAnswer::Refused(why)) => refused(why),
            None if self.failure.is_some() => self.health().map(|()| 0),
            None if self.now().saturating_sub(self.heard) < PATIENCE => return None,
            None => {
                self.root.bar_give_up();
                refused("the board does not answer")
            }
        };
        self.reading = None;
        Some(answer)
    }

    /// Writes a register; waits while the line is too far behind.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn bar_write(&mut self, offset: u32, value: u32) -> Result<(), Error> {
        self.bar()?.bar_write(checked(offset)?, value);
        self.work();
        while self.failure.is_none() && self.root.unsent() > WRITES_AHEAD {
            self.sleep(NAP).doze();
            self.work();
        }
        self.health()
    }

    /// A new session, in which the board is as after power-on; memory stays mapped.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn reset(&mut self) -> Result<(), Error> {
        self.health()?;
        self.root.reset();
        self.reading = None;
        self.link = session(&self.root, self.now());
        self.greet()
    }

    /// The vectors of the interrupts that were sent since the last call.
    pub fn take_interrupts(&mut self) -> Vec<u32> {
        self.root.interrupts().drain(..).collect()
    }

    /// Octets that the board has written to memory.
    pub fn octets_written(&self) -> u64 {
        self.root.moved().written
    }

    fn fail(&mut self, error: &Error) {
        tracing::warn!(%error, "the board is lost");
        self.failure.get_or_insert_with(|| match error {
            Error::Bus(why) => why.clone(),
            other => other.to_string(),
        });
    }

    /// Waits until the session has begun.
    fn greet(&mut self) -> Result<(), Error> {
        while !self.link.is_open() {
            self.work();
            self.health()?;
            if !self.link.is_open() {
                self.sleep(NAP).doze();
            }
        }
        Ok(())
    }

    /// Octets in, packets in, packets out, octets out.
    fn exchange(&mut self) -> Result<(), Error> {
        let now = self.since.elapsed();
        let (mut octets, mut packets) = (Vec::new(), Vec::new());
        self.tty.read(&mut octets)?;
        if !octets.is_empty() {
            self.heard = now;
        }
        self.link.receive(&octets, now, &mut packets);
        for packet in packets {
            self.root.accept_packet(&packet);
        }
        // What has no latency takes effect a clock later.
        self.clock += 2;
        self.root.advance(self.clock);
        self.link.set(self.root.config().serial_settings());
        while self.link.has_room() {
            let mut packet = Vec::new();
            if !self.root.next_packet(&mut packet) {
                break;
            }
            self.link.send(packet, now);
        }
        self.link.poll(now).map_err(|error: LinkError| Error::Bus(error.to_string()))?;
        self.tty.write(self.link.line())
    }

    fn bar(&mut self) -> Result<&mut RootComplex, Error> {
        self.health()?;
        match self.root.config().memory_space() {
            true => Ok(&mut self.root),
            false => Err(Error::Bus("memory space is off".into())),
        }
    }
}

/// The offset of a register.
fn checked(offset: u32) -> Result<u32, Error> {
    match offset % 4 == 0 && offset < BOARD.bar_bytes() {
        true => Ok(offset),
        false => Err(Error::Bus(format!("BAR 0 has no register at {offset:#x}"))),
    }
}
