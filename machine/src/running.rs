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
    /// How many interrupts were sent.
    interrupts: u64,
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
        let inner = Mutex::new(Inner { slots, line, interrupts: 0, outside, sleepers: 0 });
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

    /// How many interrupts the devices have sent.
    pub fn interrupts(&self) -> u64 {
        self.lock().interrupts
    }

    /// Lets time pass until there are other interrupts than these. Answers how many there are.
    pub fn wait(&self, known: u64, limit: Duration) -> u64 {
        let more = |inner: &mut Inner| (inner.interrupts != known).then_some(inner.interrupts);
        self.run(limit, more).unwrap_or(known)
    }

    /// Lets time pass until `done` gives something, at most for `limit`, or until a signal ends a
    /// sleep.
    fn run<T>(&self, limit: Duration, mut done: impl FnMut(&mut Inner) -> Option<T>) -> Option<T> {
        let mut inner = self.lock();
        let until = inner.line.now().saturating_add(limit);
        loop {
            let sleep = match self.go_on(&mut inner, until, &mut done) {
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

    /// As [`Inner::run`]; what interrupts meanwhile ends the sleeps of others, too.
    fn go_on<T>(
        &self,
        inner: &mut Inner,
        until: Duration,
        done: &mut impl FnMut(&mut Inner) -> Option<T>,
    ) -> Run<T> {
        let before = inner.interrupts;
        let run = inner.run(&self.hosts, until, done);
        if inner.interrupts != before && inner.sleepers > 0 {
            self.waker.signal();
        }
        run
    }

    pub fn bar_read(&self, end: usize, offset: u32) -> Result<u32, Error> {
        let mut inner = self.lock();
        let now = inner.line.now();
        let until = inner.slots[end].begin_bar_read(offset, now)?;
        loop {
            let answer = self.go_on(&mut inner, until, &mut |inner: &mut Inner| {
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
                self.interrupts += 1;
                // A vector that the driver did not write into the table interrupts nobody.
                if let Some(event) = host.interrupts.get(vector as usize) {
                    event.signal();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cable::Cable;
    use crate::kind::DeviceKind;
    use crate::options::WorldOptions;

    /// A device with a timer that runs anew whenever it expires, and sends a frame then.
    struct Ticking(Duration);

    const PERIOD: Duration = Duration::from_micros(30);

    impl Slot for Ticking {
        fn config_read(&mut self, _: u16) -> Result<u32, Error> {
            Err(Error::Bus("there is no such thing".into()))
        }

        fn config_write(&mut self, _: u16, _: u32) -> Result<(), Error> {
            Err(Error::Bus("there is no such thing".into()))
        }

        fn begin_bar_read(&mut self, _: u32, _: Duration) -> Result<Duration, Error> {
            Err(Error::Bus("there is no such thing".into()))
        }

        fn bar_answer(&mut self, _: Duration) -> Option<Result<u32, Error>> {
            None
        }

        fn bar_write(&mut self, _: u32, _: u32) -> Result<(), Error> {
            Ok(())
        }

        fn reset(&mut self) -> Result<(), Error> {
            Ok(())
        }

        fn take_interrupts(&mut self) -> Vec<u32> {
            Vec::new()
        }

        fn octets_written(&self) -> u64 {
            0
        }

        fn poll(&mut self, now: Duration, frames: &mut Vec<Vec<u8>>) -> bool {
            if now >= self.0 {
                frames.push(now.as_nanos().to_be_bytes().repeat(4));
                self.0 = now + PERIOD;
            }
            false
        }

        fn next_timer(&self) -> Option<Duration> {
            Some(self.0)
        }
    }

    /// However long the caller waits, a device's timers expire when they are due.
    #[test]
    fn time_does_not_pass_over_a_timer() {
        let setup = WorldOptions::default().setup();
        let impairment = "delay=1ms".parse().unwrap();
        let line = Box::new(Cable::new(Duration::ZERO, &impairment, None, None));
        let hosts = vec![Host::new(DeviceKind::Model, setup).unwrap()];
        let world = Running::new(hosts, vec![Box::new(Ticking(PERIOD))], line, None).unwrap();
        world.pass(Duration::from_millis(3));
        assert_eq!(world.now(), Duration::from_millis(3));
        let sent: Vec<u128> = world
            .received()
            .iter()
            .map(|frame| u128::from_be_bytes(frame[..16].try_into().unwrap()))
            .collect();
        // Those of the last millisecond are under way, and that of this very moment comes next.
        let due: Vec<u128> = (1..=66).map(|n| 30_000 * n).collect();
        assert_eq!(sent, due);
        assert_eq!(world.with_line(|line| line.network()).unwrap().directions[0].sent, 99);
    }
}
