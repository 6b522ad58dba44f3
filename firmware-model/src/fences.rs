//! Fences: when everything that was under way has left the device.
//!
//! Between calls nothing is under way but the frames that wait to be taken: payload is read when
//! its segment is made, writes and completions are on the bus when the call returns.

/// A fence that was asked for.
#[derive(Debug, Clone, Copy)]
struct Fence {
    number: u16,
    /// It is done when so many frames have been taken since the device was made.
    frames: u64,
}

/// The fence that is under way, and the one behind it.
#[derive(Debug, Default)]
pub(crate) struct Fences {
    under_way: Option<Fence>,
    /// The last of those that wait, which stands for all of them.
    waiting: Option<u16>,
    done: u16,
}

impl Fences {
    /// The host asks for a fence; `made` frames have been made so far.
    pub fn ask(&mut self, number: u16, made: u64) {
        match self.under_way {
            None => self.under_way = Some(Fence { number, frames: made }),
            Some(_) => self.waiting = Some(number),
        }
    }

    /// The number of the fence that is done now, if one is: of the frames `made` so far `taken`
    /// have been taken. The next one then begins.
    pub fn settle(&mut self, made: u64, taken: u64) -> Option<u16> {
        let fence = self.under_way.filter(|fence| fence.frames <= taken)?;
        self.done = fence.number;
        self.under_way = self.waiting.take().map(|number| Fence { number, frames: made });
        Some(fence.number)
    }

    /// The number of the last fence that is done.
    pub fn done(&self) -> u16 {
        self.done
    }

    /// One is under way.
    pub fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_waits_for_the_frames_of_before_and_no_others() {
        let mut fences = Fences::default();
        fences.ask(7, 5);
        assert_eq!((fences.settle(9, 4), fences.is_busy(), fences.done()), (None, true, 0));
        assert_eq!((fences.settle(9, 5), fences.is_busy(), fences.done()), (Some(7), false, 7));
        assert_eq!(fences.settle(9, 9), None);
    }

    #[test]
    fn of_several_that_wait_the_last_stands_for_all_and_begins_behind_the_first() {
        let mut fences = Fences::default();
        fences.ask(1, 5);
        fences.ask(2, 6);
        fences.ask(3, 7);
        assert_eq!(fences.settle(8, 7), Some(1));
        assert_eq!((fences.settle(8, 7), fences.is_busy()), (None, true), "it began with 8 frames");
        assert_eq!((fences.settle(8, 8), fences.done()), (Some(3), 3));
        assert!(!fences.is_busy());
    }
}
