//! The blocks of `restart` that stand alone.

use crate::restart::{Inlet, Outlet, Sweep};

blocks! {
    outlet: Outlet::default(),
    inlet_waiting: Inlet::waiting(),
    inlet_dropping: Inlet::dropping(),
    sweep: Sweep::default(),
}
