//! Devices as time passes for them.

use crate::host::Host;
use crate::kernel::Sockets;
use crate::line::{Advance, Line};
use crate::slot::Slot;
use ironwarp_driver::os::EventFd;
use ironwarp_driver::sleep::Sleep;
use ironwarp_driver::Error;
use std::collections::VecDeque;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The devices of a world in their slots, and its line.
///
/// Time passes when somebody reads a register or waits, and then for everyone.
pub(crate) struct Running {
    hosts: Vec<Host>,
    inner: Mutex<Inner>,
    /// Ends the sleep of those who wait.
    waker: EventFd,
    /// In place of a link, for the one device.
    sockets: Option<Sockets>,
}

struct Inner {
    /// The devices, by the ends of the line that they are at.
    slots: Vec<Box<dyn Slot>>,
    line: Box<dyn Line>,
    /// An interrupt was sent, and nobody has waited for it yet.
    interrupted: bool,
    /// Frames that arrived at the end that has no device.
    outside: VecDeque<Vec<u8>>,
    /// How many threads sleep.
    sleepers: usize,
}

/// What came of running a world.
enum Run<T> {
    Done(T),
    TimeUp,
    Asleep(Sleep),
}

impl Running {
    /// Devices by the ends of the line that they are at, with their hosts.
    pub fn new(
        hosts: Vec<Host>,
        slots: Vec<Box<dyn Slot>>,
        line: Box<dyn Line>,
        sockets: Option<Sockets>,
    ) -> Result<Arc<Self>, Error> {
        let outside = VecDeque::new();
        let inner = Mutex::new(Inner { slots, line, interrupted: false, outside, sleepers: 0 });
        Ok(Arc::new(Self { hosts, inner, waker: EventFd::new()?, sockets }))
    }

    /// The hosts, by end.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// A frame from the end that has no device.
    pub fn send(&self, frame: Vec<u8>) {
        self.lock().line.send(self.hosts.len(), frame);
    }

    /// The frames that arrived at the end that has no device.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.lock().outside.drain(..).collect()
    }

    /// The time, since some moment before the world began.
    pub fn now(&self) -> Duration {
        self.lock().line.now()
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.run(time, |_| None::<()>);
    }

    /// Does something with the line.
    pub fn with_line<T>(&self, act: impl FnOnce(&mut dyn Line) -> T) -> T {
        act(&mut *self.lock().line)
    }

    /// Octets that the device at an end has written to its host's memory.
    pub fn octets_written(&self, end: usize) -> u64 {
        self.lock().slots.get(end).map_or(0, |slot| slot.octets_written())
    }

    /// Lets time pass until a device interrupts. True for an interrupt.
    pub fn wait(&self, limit: Duration) -> bool {
        let interrupt = |inner: &mut Inner| std::mem::take(&mut inner.interrupted).then_some(());
        self.run(limit, interrupt).is_some()
    }

    /// Ends the sleeps of others as an interrupt does.
    pub fn rouse(&self) {
        let mut inner = self.lock();
        if inner.sleepers > 0 {
            inner.interrupted = true;
            self.waker.signal();
        }
    }

    /// Lets time pass until `done` gives something, at most for `limit`, or until a signal ends a
    /// sleep.
    fn run<T>(&self, limit: Duration, mut done: impl FnMut(&mut Inner) -> Option<T>) -> Option<T> {
        let mut inner = self.lock();
        let until = inner.line.now().saturating_add(limit);
        loop {
            let sleep = match inner.run(&self.hosts, until, &mut done) {
                Run::Done(value) => return Some(value),
                Run::TimeUp => return None,
                Run::Asleep(sleep) => sleep,
            };
            inner.sleepers += 1;
            drop(inner);
            let goes_on = sleep.sleep(&self.waker);
            inner = self.lock();
            inner.sleepers -= 1;
            if inner.sleepers == 0 {
                self.waker.take();
            }
            if !goes_on {
                return None;
            }
        }
    }

    pub fn bar_read(&self, end: usize, offset: u32) -> Result<u32, Error> {
        let mut inner = self.lock();
        let now = inner.line.now();
        let until = inner.slots[end].begin_bar_read(offset, now)?;
        loop {
            let answer = inner.run(&self.hosts, until, &mut |inner: &mut Inner| {
                let now = inner.line.now();
                inner.slots[end].bar_answer(now)
            });
            match answer {
                Run::Done(answer) => return answer,
                Run::TimeUp => return Err(Error::Bus("a register does not answer".into())),
                // Nobody else reads or writes meanwhile: an answer is to the one question.
                Run::Asleep(sleep) => sleep.doze(),
            };
        }
    }

    /// Does something with the device at an end that is there.
    pub fn with<T>(&self, end: usize, act: impl FnOnce(&mut dyn Slot) -> T) -> T {
        let mut inner = self.lock();
        let result = act(&mut *inner.slots[end]);
        inner.take_interrupts(&self.hosts);
        if inner.sleepers > 0 {
            self.waker.signal();
        }
        result
    }

    /// The sockets, if the device leaves TCP to the kernel.
    pub fn sockets(&self) -> Option<&Sockets> {
        self.sockets.as_ref()
    }

    pub fn attach(&self, end: usize, qp: u32, stream: TcpStream) -> Result<(), Error> {
        let gone = || Error::Bus("the device has a TCP of its own".into());
        let stream = self.sockets.as_ref().ok_or_else(gone)?.attach(qp, stream);
        self.with(end, |slot| slot.attach_stream(qp, stream))
    }

    pub fn detach(&self, end: usize, qp: u32) -> Option<TcpStream> {
        let gone = self.with(end, |slot| slot.detach_stream(qp));
        self.sockets.as_ref().filter(|_| gone)?.detach(qp)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves a world between two calls, which is as good as any.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Lets everything happen until `done` gives something, but not beyond a moment.
    fn run<T>(
        &mut self,
        hosts: &[Host],
        until: Duration,
        done: &mut impl FnMut(&mut Self) -> Option<T>,
    ) -> Run<T> {
        loop {
            let more = self.work();
            self.take_interrupts(hosts);
            if let Some(value) = done(self) {
                return Run::Done(value);
            }
            if more && self.line.now() < until {
                continue;
            }
            let timers = self.slots.iter().filter_map(|slot| slot.next_timer());
            let timer = timers.min().filter(|timer| *timer < until);
            match self.line.advance(timer.unwrap_or(until)) {
                Advance::Something => {}
                Advance::Nothing if timer.is_some() => {}
                Advance::Nothing => return done(self).map_or(Run::TimeUp, Run::Done),
                Advance::Asleep(sleep) => return Run::Asleep(sleep),
            }
            while let Some((end, frame)) = self.line.arrived() {
                match self.slots.get_mut(end) {
                    Some(slot) => slot.receive(&frame),
                    None => self.outside.push_back(frame),
                }
            }
        }
    }

    /// Some of what the devices can do in no time. True if there is more.
    fn work(&mut self) -> bool {
        let now = self.line.now();
        let mut more = false;
        for (end, slot) in self.slots.iter_mut().enumerate() {
            let mut frames = Vec::new();
            more |= slot.poll(now, &mut frames);
            frames.into_iter().for_each(|frame| self.line.send(end, frame));
        }
        more
    }

    fn take_interrupts(&mut self, hosts: &[Host]) {
        for (slot, host) in self.slots.iter_mut().zip(hosts) {
            for vector in slot.take_interrupts() {
                self.interrupted = true;
                // A vector that the driver did not write into the table interrupts nobody.
                if let Some(event) = host.interrupts.get(vector as usize) {
                    event.signal();
                }
            }
        }
    }
}
