//! The board as a device in its slot.

use super::tty::Tty;
use super::SerialPort;
use crate::backend::sleep::{Awaited, Sleep};
use crate::backend::slot::{silent, Slot};
use crate::error::Error;
use crate::iova::IovaTable;
use ironwarp_abi::configuration::BOARD;
use ironwarp_root_complex::bar::BarAnswer;
use ironwarp_root_complex::config_space::Effect;
use ironwarp_root_complex::serial::{LinkError, SerialLink};
use ironwarp_root_complex::{RootComplex, RootComplexOptions};
use rustix::event::PollFlags;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a register read waits while nothing at all comes from the board.
const PATIENCE: Duration = Duration::from_secs(15);
/// Writes that a driver may be ahead of the line: beyond that, writing waits, as it does on a bus.
const WRITES_AHEAD: usize = 8;
/// The longest sleep between two looks at the time.
const NAP: Duration = Duration::from_secs(1);

/// A board and this computer's end of its line. Clones are the same board.
#[derive(Clone)]
pub(in crate::backend) struct Card(Arc<Mutex<Inner>>);

struct Inner {
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

impl Card {
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
        let mut inner = Inner {
            link: session(&root, Duration::ZERO),
            root,
            tty,
            since: Instant::now(),
            clock: 0,
            reading: None,
            heard: Duration::ZERO,
            failure: None,
        };
        inner.greet()?;
        Ok(Self(Arc::new(Mutex::new(inner))))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves a card between two calls, which is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the line was opened.
    pub fn now(&self) -> Duration {
        self.lock().since.elapsed()
    }

    /// Lets everything happen that can; true if something has that the driver waits for.
    pub fn work(&self) -> bool {
        let mut inner = self.lock();
        inner.work();
        inner.failure.is_some()
            || inner.root.has_bar_answer()
            || !inner.root.interrupts().is_empty()
    }

    /// Waits until the board has what was written to it, and has answers to what it asked for.
    pub fn settle(&self) {
        let mut inner = self.lock();
        inner.work();
        while inner.failure.is_none() && !(inner.link.idle() && inner.root.idle()) {
            inner.sleep(NAP).doze();
            inner.work();
        }
    }

    /// The board cannot be used any more.
    pub fn failed(&self) -> bool {
        self.lock().failure.is_some()
    }

    /// Until when there is nothing to do, at most for `limit`.
    pub fn sleep(&self, limit: Duration) -> Sleep {
        let mut inner = self.lock();
        inner.sleep(limit)
    }
}

/// A session with the settings that configuration space has now.
fn session(root: &RootComplex, now: Duration) -> SerialLink {
    SerialLink::open(root.requester(), root.config().serial_settings(), rand::random(), now)
}

impl Inner {
    fn fail(&mut self, error: &Error) {
        tracing::warn!(%error, "the board is lost");
        self.failure.get_or_insert_with(|| match error {
            Error::Bus(why) => why.clone(),
            other => other.to_string(),
        });
    }

    fn health(&self) -> Result<(), Error> {
        self.failure.as_ref().map_or(Ok(()), |why| Err(Error::Bus(why.clone())))
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

    fn work(&mut self) {
        if self.failure.is_some() {
            return;
        }
        if let Err(error) = self.exchange() {
            self.fail(&error);
        }
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

    fn sleep(&mut self, limit: Duration) -> Sleep {
        let now = self.since.elapsed();
        let due = self.link.poll(now).ok().flatten().map_or(NAP, |due| due.saturating_sub(now));
        let mut flags = PollFlags::IN;
        if !self.link.line().is_empty() {
            flags |= PollFlags::OUT;
        }
        let awaited = vec![Awaited { source: self.tty.source(), flags }];
        Sleep { limit: limit.min(due).min(NAP), awaited }
    }

    fn bar(&mut self) -> Result<&mut RootComplex, Error> {
        self.health()?;
        match self.root.config().memory_space() {
            true => Ok(&mut self.root),
            false => Err(silent()),
        }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.health()?;
        self.root.reset();
        self.reading = None;
        self.link = session(&self.root, self.since.elapsed());
        self.greet()
    }
}

/// The slot that the board is in.
pub(in crate::backend) struct SerialSlot(pub Card);

impl Slot for SerialSlot {
    fn config_read(&mut self, offset: u16) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        let inner = self.0.lock();
        inner.health()?;
        let read = inner.root.config().read(offset, &mut bytes);
        read.map_err(|error| Error::Bus(error.to_string()))?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn config_write(&mut self, offset: u16, value: u32) -> Result<(), Error> {
        let mut inner = self.0.lock();
        inner.health()?;
        let bytes = value.to_le_bytes();
        match inner.root.config_write(|config| config.write(offset, &bytes)) {
            Ok(Effect::None) => inner.work(),
            Ok(Effect::Reset) => inner.reset()?,
            Err(error) => return Err(Error::Bus(error.to_string())),
        }
        inner.health()
    }

    fn begin_bar_read(&mut self, offset: u32, now: Duration) -> Result<Duration, Error> {
        let mut inner = self.0.lock();
        let given_up = inner.reading.take().is_some();
        let root = inner.bar()?;
        if given_up {
            root.bar_give_up();
        }
        root.bar_read(checked(offset)?);
        (inner.reading, inner.heard) = (Some(offset), now);
        inner.work();
        // The card gives up by itself.
        Ok(Duration::MAX)
    }

    fn bar_answer(&mut self, now: Duration) -> Option<Result<u32, Error>> {
        let mut inner = self.0.lock();
        let offset = inner.reading?;
        let refused = |why| Err(Error::Bus(format!("BAR 0 + {offset:#x}: {why}")));
        let answer = match inner.root.bar_answer() {
            Some(BarAnswer::Value(value)) => Ok(value),
            Some(BarAnswer::Refused(why)) => refused(why),
            None if inner.failure.is_some() => inner.health().map(|()| 0),
            None if now.saturating_sub(inner.heard) < PATIENCE => return None,
            None => {
                inner.root.bar_give_up();
                refused("the board does not answer")
            }
        };
        inner.reading = None;
        Some(answer)
    }

    fn bar_write(&mut self, offset: u32, value: u32) -> Result<(), Error> {
        let mut inner = self.0.lock();
        inner.bar()?.bar_write(checked(offset)?, value);
        inner.work();
        while inner.failure.is_none() && inner.root.unsent() > WRITES_AHEAD {
            inner.sleep(NAP).doze();
            inner.work();
        }
        inner.health()
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.0.lock().reset()
    }

    fn take_interrupts(&mut self) -> Vec<u32> {
        self.0.lock().root.interrupts().drain(..).collect()
    }

    fn octets_written(&self) -> u64 {
        self.0.lock().root.moved().written
    }

    fn health(&self) -> Result<(), Error> {
        self.0.lock().health()
    }
}

/// The offset of a register.
fn checked(offset: u32) -> Result<u32, Error> {
    match offset % 4 == 0 && offset < BOARD.bar_bytes() {
        true => Ok(offset),
        false => Err(Error::Bus(format!("BAR 0 has no register at {offset:#x}"))),
    }
}
