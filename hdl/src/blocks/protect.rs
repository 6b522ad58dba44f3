//! The blocks of `protect` that stand alone.

use crate::protect::*;

blocks! {
    refusal_status: RefusalStatus::default(), [refusal, remote, response, status];
    gate: Gate::default(), [clock, context_write, question, answer];
}
