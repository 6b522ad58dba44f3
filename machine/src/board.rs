//! A board in a world: the board has its own link, and a model beside it a network.

use crate::error::Error;
use crate::line::{Advance, Line};
use crate::network::Uplink;
use crate::slot::Slot;
use ironwarp_driver::backend::serial::Board;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Frames that are taken before the devices are looked after again.
const FRAMES_AT_ONCE: usize = 64;

/// A board that its slot and its line share.
#[derive(Clone)]
pub(crate) struct SharedBoard(Arc<Mutex<Board>>);

impl SharedBoard {
    pub fn new(board: Board) -> Self {
        Self(Arc::new(Mutex::new(board)))
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        // A panic elsewhere leaves a board between two calls, which is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot that a board is in.
pub(crate) struct BoardSlot(pub SharedBoard);

impl Slot for BoardSlot {
    fn config_read(&mut self, offset: u16) -> Result<u32, ironwarp_driver::Error> {
        self.0.lock().config_read(offset)
    }

    fn config_write(&mut self, offset: u16, value: u32) -> Result<(), ironwarp_driver::Error> {
        self.0.lock().config_write(offset, value)
    }

    fn begin_bar_read(
        &mut self,
        offset: u32,
        _: Duration,
    ) -> Result<Duration, ironwarp_driver::Error> {
        self.0.lock().begin_bar_read(offset)?;
        // The board gives up by itself.
        Ok(Duration::MAX)
    }

    fn bar_answer(&mut self, _: Duration) -> Option<Result<u32, ironwarp_driver::Error>> {
        self.0.lock().bar_answer()
    }

    fn bar_write(&mut self, offset: u32, value: u32) -> Result<(), ironwarp_driver::Error> {
        self.0.lock().bar_write(offset, value)
    }

    fn reset(&mut self) -> Result<(), ironwarp_driver::Error> {
        self.0.lock().reset()
    }

    fn take_interrupts(&mut self) -> Vec<u32> {
        self.0.lock().take_interrupts()
    }

    fn octets_written(&self) -> u64 {
        self.0.lock().octets_written()
    }

    fn health(&self) -> Result<(), ironwarp_driver::Error> {
        self.0.lock().health()
    }
}

/// End 0 is the board; end 1 is a model whose frames go to a network. Time is real.
pub(crate) struct BoardLine {
    board: SharedBoard,
    uplink: Uplink,
    arrived: VecDeque<Vec<u8>>,
}

impl BoardLine {
    /// Around a board, and the network of the model beside it.
    pub fn new(board: &SharedBoard, uplink: Uplink) -> Self {
        Self { board: board.clone(), uplink, arrived: VecDeque::new() }
    }
}

impl Line for BoardLine {
    fn now(&self) -> Duration {
        self.board.lock().now()
    }

    fn send(&mut self, _: usize, frame: Vec<u8>) {
        self.uplink.send(frame);
    }

    fn advance(&mut self, until: Duration) -> Advance {
        let mut board = self.board.lock();
        let happened = board.work();
        self.uplink.flush();
        let frames = std::iter::from_fn(|| self.uplink.receive()).take(FRAMES_AT_ONCE);
        self.arrived.extend(frames);
        let left = until.saturating_sub(board.now());
        if !self.arrived.is_empty() {
            return Advance::Something;
        }
        if board.health().is_err() || left.is_zero() {
            return Advance::Nothing;
        }
        if happened {
            return Advance::Something;
        }
        let mut sleep = board.sleep(left);
        sleep.awaited.extend(self.uplink.sleep(left).awaited);
        Advance::Asleep(sleep)
    }

    fn settle(&mut self) {
        self.board.lock().settle();
    }

    fn arrived(&mut self) -> Option<(usize, Vec<u8>)> {
        self.arrived.pop_front().map(|frame| (1, frame))
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.uplink.finish()
    }
}
