//! Microseconds.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Counts microseconds of `clocks_per_microsecond` clocks each. Zero clocks count as one.
#[derive(LogicBlock, Ports)]
pub struct TimeBase {
    pub clock: Signal<In, Clock>,
    pub clocks_per_microsecond: Signal<In, Bits<16>>,
    /// Start again at zero.
    pub restart: Signal<In, Bit>,
    /// Microseconds since then; wraps.
    pub microseconds: Signal<Out, Bits<32>>,
    /// A microsecond ends with this clock.
    pub tick: Signal<Out, Bit>,
    clocks: DFF<Bits<16>>,
    elapsed: DFF<Bits<32>>,
    clocks_next: Signal<Local, Bits<16>>,
    clock_one: Constant<Bits<16>>,
    one: Constant<Bits<32>>,
}

impl Default for TimeBase {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            clocks_per_microsecond: Default::default(),
            restart: Default::default(),
            microseconds: Default::default(),
            tick: Default::default(),
            clocks: Default::default(),
            elapsed: Default::default(),
            clocks_next: Default::default(),
            clock_one: Constant::new(1.into()),
            one: Constant::new(1.into()),
        }
    }
}

impl Logic for TimeBase {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, clocks, elapsed);
        self.microseconds.next = self.elapsed.q.val();
        self.clocks_next.next = self.clocks.q.val() + self.clock_one.val();
        self.clocks.d.next = self.clocks_next.val();
        self.tick.next = false;
        if self.clocks_next.val() >= self.clocks_per_microsecond.val() {
            self.tick.next = true;
            self.clocks.d.next = 0.into();
            self.elapsed.d.next = self.elapsed.q.val() + self.one.val();
        }
        if self.restart.val() {
            self.clocks.d.next = 0.into();
            self.elapsed.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    #[test]
    fn counts_microseconds_of_any_length() {
        for length in [0u64, 1, 2, 7, 156] {
            let mut uut = TimeBase::default();
            uut.connect_all();
            for _ in 0..33 {
                tick!(uut);
            }
            uut.clocks_per_microsecond.next = length.to_bits();
            uut.restart.next = true;
            tick!(uut);
            uut.restart.next = false;
            for clocks in 0..400 {
                assert_eq!(uut.microseconds.val().to_u64(), clocks / length.max(1), "{length}");
                tick!(uut);
            }
        }
    }
}
