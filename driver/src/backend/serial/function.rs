//! A board as a PCI function.

use super::board::Board;
use super::port::SerialPort;
use crate::backend::interrupts::Interrupts;
use crate::error::Error;
use crate::iova::{IovaTable, Placement};
use crate::msix;
use crate::os::{EventFd, Region, PAGE_BYTES};
use crate::pci::{Mapping, PciFunction};
use crate::sleep::Awaited;
use ironwarp_abi::limits::VECTOR_COUNT;
use rustix::event::PollFlags;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A board behind a serial line. The board is looked after by whoever waits or reads a register:
/// memory is read and written for it then.
pub struct Serial {
    /// Locked for a whole access: an answer is to the one question.
    board: Mutex<Board>,
    memory: IovaTable,
    interrupts: Interrupts,
    /// Ends the sleep of those who wait: what is to be done is not what they know.
    waker: EventFd,
}

impl Serial {
    /// Opens the line and begins a session, which resets the board.
    ///
    /// # Errors
    /// [`Error::File`] if the line cannot be had; [`Error::Bus`] if no IronWARP board answers on
    /// it; [`Error::System`] if there are no eventfds.
    pub fn open(port: &SerialPort) -> Result<Arc<Self>, Error> {
        let events = (0..VECTOR_COUNT).map(|_| EventFd::new().map(Arc::new));
        let interrupts = Interrupts::new(events.collect::<Result<_, _>>()?)?;
        let memory = IovaTable::new(Placement::default());
        let board = Mutex::new(Board::open(port, memory.clone())?);
        Ok(Arc::new(Self { board, memory, interrupts, waker: EventFd::new()? }))
    }

    /// Waits until the board has what was written to it, and has answers to what it asked for.
    pub fn settle(&self) {
        self.with(Board::settle);
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        // A panic elsewhere leaves a board between two calls, which is as good as any.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the board.
    fn with<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        let mut board = self.lock();
        let result = act(&mut board);
        self.pass_on(&mut board);
        self.waker.signal();
        result
    }

    /// Sleeps until an interrupt comes or the time is up, or a signal to this process ends it.
    fn sleep(&self, limit: Duration) -> Result<bool, Error> {
        let mut board = self.lock();
        let until = board.now().saturating_add(limit);
        loop {
            // What others did before is seen now.
            self.waker.take();
            board.work();
            self.pass_on(&mut board);
            board.health()?;
            if self.interrupts.wait(Duration::ZERO) {
                return Ok(true);
            }
            let left = until.saturating_sub(board.now());
            if left.is_zero() {
                return Ok(false);
            }
            let mut sleep = board.sleep(left);
            drop(board);
            let source = self.interrupts.source();
            sleep.awaited.push(Awaited { source, flags: PollFlags::IN });
            if !sleep.sleep(&self.waker) {
                return Ok(false);
            }
            board = self.lock();
        }
    }

    /// Interrupts that were sent are counted.
    fn pass_on(&self, board: &mut Board) {
        for vector in board.take_interrupts() {
            // A vector that the driver did not write into the table interrupts nobody.
            if let Some(Ok(event)) = u16::try_from(vector).ok().map(|it| self.interrupts.of(it)) {
                event.signal();
            }
        }
    }
}

impl PciFunction for Serial {
    fn config_read32(&self, offset: u16) -> Result<u32, Error> {
        self.lock().config_read(offset)
    }

    fn config_write32(&self, offset: u16, value: u32) -> Result<(), Error> {
        self.with(|board| board.config_write(offset, value))
    }

    fn bar_read32(&self, offset: u32) -> Result<u32, Error> {
        self.with(|board| {
            board.begin_bar_read(offset)?;
            loop {
                board.work();
                match board.bar_answer() {
                    Some(answer) => return answer,
                    None => board.sleep(Duration::MAX).doze(),
                };
            }
        })
    }

    fn bar_write32(&self, offset: u32, value: u32) -> Result<(), Error> {
        self.with(|board| board.bar_write(offset, value))
    }

    fn allocate_dma(&self, bytes: usize) -> Result<Mapping, Error> {
        self.map_memory(&Region::new(bytes.next_multiple_of(PAGE_BYTES))?)
    }

    fn map_memory(&self, region: &Region) -> Result<Mapping, Error> {
        self.memory.map(region)
    }

    fn enable_interrupts(&self, vectors: u16) -> Result<(), Error> {
        self.interrupts.first(vectors)?;
        msix::enable(self, vectors)
    }

    fn interrupt(&self, vector: u16) -> Result<Arc<EventFd>, Error> {
        self.interrupts.of(vector)
    }

    fn wait(&self, limit: Duration) -> Result<bool, Error> {
        let interrupted = self.sleep(limit);
        // Whoever else waits looks after the board from now on.
        self.waker.signal();
        interrupted
    }

    fn rouse(&self) {
        self.interrupts.rouse();
    }

    fn now(&self) -> Duration {
        self.lock().now()
    }

    fn reset(&self) -> Result<(), Error> {
        self.with(Board::reset)
    }
}
