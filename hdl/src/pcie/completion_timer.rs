//! Says when reads have waited too long.
use crate::literal::Literal;
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Pulses twice within the completion timeout. What is there at two pulses has waited for more than
/// half of it, and not longer than it: so one counter does for all reads (PCI Express Base
/// Specification, s. 2.8, leaves a range). Of an odd number of microseconds one is not counted.
#[derive(LogicBlock, Ports, Default)]
pub struct CompletionTimer {
    pub clock: Signal<In, Clock>,
    /// A microsecond has passed.
    pub microsecond: Signal<In, Bit>,
    /// The completion timeout in microseconds, at least 2; less means that there is none.
    pub timeout: Signal<In, Bits<24>>,
    pub pulse: Signal<Out, Bit>,
    passed: DFF<Bits<24>>,
    passed_next: Signal<Local, Bits<24>>,
    half: Signal<Local, Bits<24>>,
    pulse_out: DFF<Bit>,
    one: Literal<24, 1>,
}

impl Logic for CompletionTimer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, passed, pulse_out);
        self.pulse.next = self.pulse_out.q.val();
        self.half.next = self.timeout.val() >> 1;
        self.passed_next.next = self.passed.q.val() + self.one.val();
        self.pulse_out.d.next = false;
        if self.microsecond.val() {
            self.passed.d.next = self.passed_next.val();
            if self.passed_next.val() >= self.half.val() {
                self.passed.d.next = 0.into();
                self.pulse_out.d.next = self.half.val().any();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    #[test]
    fn two_pulses_come_within_the_timeout() {
        for timeout in [2u64, 3, 10, 51] {
            let mut uut = CompletionTimer::default();
            uut.connect_all();
            uut.timeout.next = timeout.to_bits();
            let mut pulses = vec![];
            for clock in 0..1000u64 {
                uut.microsecond.next = clock % 5 == 4;
                settle!(uut);
                pulses.extend(uut.pulse.val().then_some(clock));
                edge!(uut);
            }
            assert!(pulses.len() > 3);
            assert!(pulses.windows(2).all(|two| two[1] - two[0] == 5 * (timeout / 2)));
        }
    }

    #[test]
    fn no_timeout_is_no_pulse() {
        let mut uut = CompletionTimer::default();
        uut.connect_all();
        uut.microsecond.next = true;
        for timeout in [0u64, 1] {
            uut.timeout.next = timeout.to_bits();
            for _ in 0..500 {
                tick!(uut);
                assert!(!uut.pulse.val());
            }
        }
    }
}
