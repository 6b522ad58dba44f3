//! Both halves of a fence.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Says when the two halves of a fence have come out, of which one may be late. The next fence
/// comes after that.
#[derive(LogicBlock, Ports, Default)]
pub struct FenceJoin {
    pub clock: Signal<In, Clock>,
    /// Pulses.
    pub one: Signal<In, Bit>,
    pub other: Signal<In, Bit>,
    /// The second of them is here, or both (a pulse).
    pub both: Signal<Out, Bit>,
    one_came: DFF<Bit>,
    other_came: DFF<Bit>,
    one_now: Signal<Local, Bit>,
    other_now: Signal<Local, Bit>,
}

impl Logic for FenceJoin {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, one_came, other_came);
        self.one_now.next = self.one_came.q.val() | self.one.val();
        self.other_now.next = self.other_came.q.val() | self.other.val();
        self.both.next = self.one_now.val() & self.other_now.val();
        self.one_came.d.next = self.one_now.val() & !self.other_now.val();
        self.other_came.d.next = self.other_now.val() & !self.one_now.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    #[test]
    fn waits_for_the_later_half() {
        let mut uut = FenceJoin::default();
        crate::queue::elaborate("fence_join", &mut uut);
        for (one, other) in [(0, 0), (0, 1), (3, 0), (2, 5), (1, 1)] {
            for now in 0..8 {
                uut.one.next = now == one;
                uut.other.next = now == other;
                settle!(uut);
                assert_eq!(uut.both.val(), now == one.max(other), "{one} {other} at {now}");
                edge!(uut);
            }
        }
    }
}
