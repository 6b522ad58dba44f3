//! What is told, and known, of a queue pair's life.
use crate::configuration::{Generation, QpNumber};
use crate::pins::Pin;
use rust_hdl::prelude::*;

/// A queue pair's life has changed. A broadcast of the control plane, at most one in eight clocks,
/// but for a reset's wipe, which is one a clock while nothing else happens.
///
/// | | begins | started | active | generation |
/// |---|---|---|---|---|
/// | the host starts it | 1 | 1 | 1 | the next |
/// | it ends with an event | 0 | 1 | 0 | the same |
/// | the host stops it | 0 | 0 | 0 | the same |
/// | after a reset (`wipe`) | 1 | 0 | 0 | 0 |
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct QpChange {
    /// The record means something in this clock.
    pub valid: Bit,
    /// After a reset: memories forget the queue pair.
    pub wipe: Bit,
    /// Which queue pair.
    pub qp: QpNumber,
    /// Its generation from now on.
    pub generation: Generation,
    /// A life begins: nothing has happened in it.
    pub begins: Bit,
    /// The host has started it and not stopped it.
    pub started: Bit,
    /// It is started and has not ended.
    pub active: Bit,
}

/// Where a queue pair stands: see [`QpChange`].
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct, Pin)]
pub struct Life {
    /// Its generation.
    pub generation: Generation,
    /// The host has started it and not stopped it.
    pub started: Bit,
    /// It is started and has not ended.
    pub active: Bit,
}
