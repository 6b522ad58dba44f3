//! The registers that stand for themselves: what the device is, its address, its time.

use crate::life::Life;
use crate::tcp::timer::Timing;
use crate::Status;
use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::limits::{NUMBER_BITS, OUTSTANDING_BITS, SGE_MAX, VECTOR_COUNT, WQE_CACHE_BITS};
use ironwarp_abi::registers::{
    Register, ABI_VERSION, CAPABILITIES, COMPLETION_TIMEOUT, COMPLETION_TIMEOUT_RESET, DEVICE,
    DEVICE_MAGIC, FENCE_QUEUE, MAC_HIGH, MAC_LOW, QUERY_QP, QUERY_STATE, RETRANSMIT_MIN,
    RETRANSMIT_MIN_RESET, SIZES, TIME, TIME_BASE, VERSION,
};
use std::time::Duration;

/// What is kept of them.
#[derive(Debug)]
pub(crate) struct Registers {
    device: Configuration,
    time_base: u32,
    /// Kept for whoever reads it: the host answers every read at once.
    completion_timeout: u32,
    /// In microseconds.
    retransmit_min: u32,
    /// When the time base was written.
    since: Duration,
    now: Duration,
    mac_low: u32,
    mac_high: u32,
    query: u32,
    fence_queue: u32,
}

impl Registers {
    pub fn new(device: Configuration) -> Self {
        Self {
            device,
            time_base: 0,
            completion_timeout: COMPLETION_TIMEOUT_RESET,
            retransmit_min: RETRANSMIT_MIN_RESET,
            since: Duration::ZERO,
            now: Duration::ZERO,
            mac_low: 0,
            mac_high: 0,
            query: 0,
            fence_queue: 0,
        }
    }

    /// Time never goes back: an earlier moment changes nothing.
    pub fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// What timers go by.
    pub fn timing(&self) -> Timing {
        let least = Duration::from_micros(self.retransmit_min.into());
        Timing { now: self.now, least }
    }

    /// The station's MAC address.
    pub fn station(&self) -> [u8; 6] {
        let ([_, _, m0, m1], [m2, m3, m4, m5]) =
            (self.mac_high.to_be_bytes(), self.mac_low.to_be_bytes());
        [m0, m1, m2, m3, m4, m5]
    }

    /// The queue pair that the `QUERY_` registers show.
    pub fn query(&self) -> u32 {
        self.query
    }

    /// The completion queue that is told of fences.
    pub fn fence_queue(&self) -> u32 {
        self.fence_queue
    }

    /// A register of these; None if it is another's.
    pub fn read(&self, register: Register) -> Option<u32> {
        let device = &self.device;
        Some(match register {
            DEVICE => DEVICE_MAGIC,
            VERSION => ABI_VERSION,
            CAPABILITIES => compose(
                CAPABILITIES,
                &[
                    ("qp", device.qp_bits as u32),
                    ("cq", device.cq_bits as u32),
                    ("mr", device.mr_bits as u32),
                    ("buckets", device.bucket_bits as u32),
                ],
            ),
            SIZES => compose(
                SIZES,
                &[
                    ("wqe_cache", WQE_CACHE_BITS as u32),
                    ("outstanding", OUTSTANDING_BITS as u32),
                    ("stream_ring", device.stream_ring_bits as u32),
                    ("vectors", VECTOR_COUNT as u32),
                    ("elements", SGE_MAX as u32),
                ],
            ),
            TIME_BASE => self.time_base,
            COMPLETION_TIMEOUT => self.completion_timeout,
            RETRANSMIT_MIN => self.retransmit_min,
            TIME => self.now.saturating_sub(self.since).as_micros() as u32,
            MAC_LOW => self.mac_low,
            MAC_HIGH => self.mac_high,
            QUERY_QP => self.query,
            FENCE_QUEUE => self.fence_queue,
            _ => return None,
        })
    }

    /// Writes a register of these; one of others is left alone. Bits outside the fields are zero.
    /// None if it is refused, since it names what the device does not have.
    #[must_use]
    pub fn write(&mut self, register: Register, value: u32) -> Option<()> {
        let value = value & mask(register);
        match register {
            TIME_BASE => (self.time_base, self.since) = (value, self.now),
            COMPLETION_TIMEOUT => self.completion_timeout = value,
            RETRANSMIT_MIN => self.retransmit_min = value,
            MAC_LOW => self.mac_low = value,
            MAC_HIGH => self.mac_high = value,
            QUERY_QP => self.query = number(value, self.device.qp_count())?,
            FENCE_QUEUE => self.fence_queue = number(value, self.device.cq_count())?,
            _ => {}
        }
        Some(())
    }
}

/// The number in bits 23:0 of a word, if there are enough objects for it.
pub(crate) fn number(value: u32, count: usize) -> Option<u32> {
    Some(index(value)).filter(|number| (*number as usize) < count)
}

/// Bits 23:0 of a word: the number of an object.
pub(crate) fn index(value: u32) -> u32 {
    value & ((1 << NUMBER_BITS) - 1)
}

/// What [`QUERY_STATE`] says of a queue pair that was started at least once.
pub(crate) fn state(life: Life, active: bool, started: bool, ended: Status) -> u32 {
    compose(
        QUERY_STATE,
        &[
            ("generation", life.generation.into()),
            ("active", active.into()),
            ("started", started.into()),
            ("status", ended.into()),
        ],
    )
}

/// The bits of a register's fields.
fn mask(register: Register) -> u32 {
    let bits = |high, low| u32::MAX >> (31 - high + low) << low;
    register.fields.iter().fold(0, |mask, field| mask | bits(field.high, field.low))
}

/// A register's word out of its fields.
pub(crate) fn compose(register: Register, values: &[(&str, u32)]) -> u32 {
    values.iter().fold(0, |word, (name, value)| {
        let field = register.fields.iter().find(|field| field.name == *name);
        word | field.map_or(0, |field| value << field.low)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::configuration::{BOARD, LARGE, REFERENCE};

    #[test]
    fn capabilities_and_sizes_say_what_the_limits_say() {
        for (device, capabilities, sizes) in [
            (BOARD, 0x0608_0404, 0x0110_0c74),
            (REFERENCE, 0x080a_0606, 0x0110_1074),
            (LARGE, 0x0c0e_0a0a, 0x0110_0d74),
        ] {
            let registers = Registers::new(device);
            assert_eq!(registers.read(CAPABILITIES), Some(capabilities));
            assert_eq!(registers.read(SIZES), Some(sizes));
        }
    }

    #[test]
    fn time_counts_from_the_time_base_on() {
        let mut registers = Registers::new(REFERENCE);
        registers.advance(Duration::from_micros(500));
        assert_eq!(registers.read(TIME), Some(500));
        assert_eq!(registers.write(TIME_BASE, 0xabcd_0064), Some(()));
        assert_eq!((registers.read(TIME_BASE), registers.read(TIME)), (Some(0x64), Some(0)));
        registers.advance(Duration::from_nanos(501_999));
        registers.advance(Duration::ZERO);
        assert_eq!(registers.read(TIME), Some(1));
    }

    #[test]
    fn numbers_are_refused_and_not_cut() {
        let mut registers = Registers::new(BOARD);
        for register in [QUERY_QP, FENCE_QUEUE] {
            assert_eq!(registers.write(register, 0xff00_000f), Some(()));
            for value in [16, 0x100, 0xff_ffff] {
                assert_eq!(registers.write(register, value), None);
            }
            assert_eq!(registers.read(register), Some(15));
        }
    }
}
