//! The driver's stack: frames from the wire to a listener, and to connections being closed.

use crate::steps::{number, steps};
use ironwarp_driver::fuzz::{Near, Stack};
use std::time::Duration;

/// Steps after which a programme ends.
const STEPS_MAX: usize = 200;

/// Frames as they come, and segments of a connection with numbers that are close.
pub fn segments(data: &[u8]) {
    let mut stack = Stack::new();
    stack.frame(data);
    for step in steps(data).take(STEPS_MAX) {
        match (step.kind, step.data) {
            (0, data) => stack.frame(data),
            (1, [sequence, acknowledged, flags, low, high, payload @ ..]) => stack.segment(&Near {
                sequence: *sequence as i8,
                acknowledged: *acknowledged as i8,
                flags: *flags,
                window: u16::from_le_bytes([*low, *high]),
                payload: &payload[..payload.len().min(1460)],
            }),
            (_, data) => stack.pass(Duration::from_millis(u64::from(number(data) >> 8))),
        }
    }
}
