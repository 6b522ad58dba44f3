//! The blocks of `protect` that stand alone.

use crate::protect::*;

blocks! {
    refusal_status: RefusalStatus::default(),
    gate: Gate::default(),
}
