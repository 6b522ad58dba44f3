//! When a message passed the stations of a device.

use ironwarp_abi::trace::{ALL, TRACE_BITS};

/// The clock at which each station was passed first since the watch began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    first: [Option<u64>; TRACE_BITS],
    pending: u16,
}

impl Stages {
    /// A watch that begins now.
    pub fn new() -> Self {
        Self { first: [None; TRACE_BITS], pending: u16::MAX }
    }

    /// Takes note of the stations passed at `clock`.
    #[inline]
    pub(crate) fn note(&mut self, clock: u64, trace: u16) {
        let mut fresh = trace & self.pending;
        if fresh == 0 {
            return;
        }
        self.pending &= !fresh;
        while fresh != 0 {
            self.first[fresh.trailing_zeros() as usize] = Some(clock);
            fresh &= fresh - 1;
        }
    }

    /// The clock at which a station of [`ironwarp_abi::trace`] was passed first.
    pub fn first(&self, station: usize) -> Option<u64> {
        self.first.get(station).copied().flatten()
    }

    /// Every station that was passed, with its name, by the clock.
    pub fn passed(&self) -> Vec<(&'static str, u64)> {
        let mut passed: Vec<_> =
            ALL.iter().filter_map(|&(bit, name, _)| Some((name, self.first(bit)?))).collect();
        passed.sort_by_key(|&(_, clock)| clock);
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::trace;

    /// Only the first pulse of a station counts, and stations come in the order of time.
    #[test]
    fn the_first_pulse_counts() {
        let mut stages = Stages::new();
        stages.note(5, 1 << trace::REQUEST_FETCHED);
        stages.note(7, 1 << trace::DOORBELL | 1 << trace::REQUEST_FETCHED);
        assert_eq!(stages.first(trace::REQUEST_FETCHED), Some(5));
        assert_eq!(stages.first(trace::FRAME_SENT), None);
        assert_eq!(stages.passed(), [("REQUEST_FETCHED", 5), ("DOORBELL", 7)]);
    }
}
