//! The blocks of `protect` that stand alone.

use crate::protect::*;

blocks! {
    gate: Gate::default(), [clock, context_write, question, answer];
}
