//! The blocks of `restart` that stand alone.

use crate::restart::{Inlet, Outlet, Sweep};

blocks! {
    outlet: Outlet::default(), [clock, reset_asked, sink, source, ending];
    inlet_waiting: Inlet::waiting(), [clock, closed, sink, source];
    inlet_dropping: Inlet::dropping(), [clock, closed, sink, source];
    sweep: Sweep::default(), [clock, reset_asked, hold, wipe, busy];
}
