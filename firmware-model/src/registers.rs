//! The registers that stand for themselves: what the device is, its address, its time.

use ironwarp_abi::limits::{
    CORE_CLOCK_HZ, CQ_BITS, FLOW_BITS, MR_BITS, OUTSTANDING_BITS, QP_BITS, SGE_MAX,
    STREAM_RING_BITS, VECTOR_COUNT, WQE_CACHE_BITS,
};
use ironwarp_abi::registers::{
    Register, ABI_VERSION, CAPABILITIES, COMPLETION_TIMEOUT, COMPLETION_TIMEOUT_RESET, DEVICE,
    DEVICE_MAGIC, MAC_HIGH, MAC_LOW, QUERY_QP, SIZES, TIME, TIME_BASE, VERSION,
};
use std::time::Duration;

/// What is kept of them.
#[derive(Debug)]
pub(crate) struct Registers {
    time_base: u32,
    /// When the time base was written.
    since: Duration,
    now: Duration,
    /// Kept only: the host's memory answers at once.
    completion_timeout: u32,
    mac_low: u32,
    mac_high: u32,
    query: u32,
}

impl Registers {
    pub fn new() -> Self {
        let time_base = (CORE_CLOCK_HZ / 1_000_000) as u32;
        let zero = Duration::ZERO;
        Self {
            time_base,
            since: zero,
            now: zero,
            completion_timeout: COMPLETION_TIMEOUT_RESET,
            mac_low: 0,
            mac_high: 0,
            query: 0,
        }
    }

    /// Time never goes back: an earlier moment changes nothing.
    pub fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// The station's MAC address.
    pub fn station(&self) -> [u8; 6] {
        let ([_, _, m0, m1], [m2, m3, m4, m5]) =
            (self.mac_high.to_be_bytes(), self.mac_low.to_be_bytes());
        [m0, m1, m2, m3, m4, m5]
    }

    /// The queue pair that the `QUERY_` registers show.
    pub fn query(&self) -> usize {
        self.query as usize
    }

    /// A register of these; None if it is another's.
    pub fn read(&self, register: Register) -> Option<u32> {
        Some(match register {
            DEVICE => DEVICE_MAGIC,
            VERSION => ABI_VERSION,
            CAPABILITIES => compose(
                CAPABILITIES,
                &[
                    ("qp", QP_BITS),
                    ("cq", CQ_BITS),
                    ("mr", MR_BITS),
                    ("flow", FLOW_BITS),
                    ("vectors", VECTOR_COUNT),
                    ("sge", SGE_MAX),
                ],
            ),
            SIZES => compose(
                SIZES,
                &[
                    ("wqe_cache", WQE_CACHE_BITS),
                    ("outstanding", OUTSTANDING_BITS),
                    ("stream_ring", STREAM_RING_BITS),
                ],
            ),
            TIME_BASE => self.time_base,
            TIME => self.now.saturating_sub(self.since).as_micros() as u32,
            COMPLETION_TIMEOUT => self.completion_timeout,
            MAC_LOW => self.mac_low,
            MAC_HIGH => self.mac_high,
            QUERY_QP => self.query,
            _ => return None,
        })
    }

    /// Writes a register of these; one of others is left alone. Bits outside the fields are zero.
    pub fn write(&mut self, register: Register, value: u32) {
        match register {
            TIME_BASE => (self.time_base, self.since) = (value & 0xffff, self.now),
            COMPLETION_TIMEOUT => self.completion_timeout = value & 0xff_ffff,
            MAC_LOW => self.mac_low = value,
            MAC_HIGH => self.mac_high = value & 0xffff,
            QUERY_QP => self.query = value & 0xff,
            _ => {}
        }
    }
}

/// A register's word out of its fields.
fn compose(register: Register, values: &[(&str, usize)]) -> u32 {
    values.iter().fold(0, |word, (name, value)| {
        let field = register.fields.iter().find(|field| field.name == *name);
        word | field.map_or(0, |field| (*value as u32) << field.low)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_and_sizes_say_what_the_limits_say() {
        let registers = Registers::new();
        assert_eq!(registers.read(CAPABILITIES), Some(0x0110_6844));
        assert_eq!(registers.read(SIZES), Some(0x0000_0f74));
    }

    #[test]
    fn time_counts_from_the_time_base_on() {
        let mut registers = Registers::new();
        registers.advance(Duration::from_micros(500));
        assert_eq!(registers.read(TIME), Some(500));
        registers.write(TIME_BASE, 0xabcd_0064);
        assert_eq!((registers.read(TIME_BASE), registers.read(TIME)), (Some(0x64), Some(0)));
        registers.advance(Duration::from_nanos(501_999));
        registers.advance(Duration::ZERO);
        assert_eq!(registers.read(TIME), Some(1));
    }
}
