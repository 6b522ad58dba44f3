//! The part of the device that outlives its reset.
use super::{Inlet, Outlet, Sweep};
use crate::control::records::Wipe;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// Stands between the device's edges and its engines, and takes them through a reset.
///
/// ```text
/// pcie_in -> Inlet -> to_pcie          from_pcie -> Outlet -> pcie_out
/// mac_in --> Inlet -> to_mac           from_mac --> Outlet -> mac_out
///              ^ closed                               | ending
///            Sweep -> wipe  <-------------------------+
/// ```
/// Costs no clocks.
#[derive(LogicBlock)]
pub struct Restart {
    pub clock: Signal<In, Clock>,
    /// Its own reset: to be kept off.
    pub reset: Signal<In, Bit>,
    /// The engines are reset at the end of this clock.
    pub reset_asked: Signal<In, Bit>,
    pub pcie_in: StreamSink<Beat>,
    pub to_pcie: StreamSource<Beat>,
    pub from_pcie: StreamSink<Beat>,
    pub pcie_out: StreamSource<Beat>,
    pub mac_in: StreamSink<Beat>,
    pub to_mac: StreamSource<Beat>,
    pub from_mac: StreamSink<Beat>,
    pub mac_out: StreamSource<Beat>,
    /// Clears the context tables.
    pub wipe: Signal<Out, Wipe>,
    sweep: Sweep,
    packets_in: Inlet,
    packets_out: Outlet,
    frames_in: Inlet,
    frames_out: Outlet,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            reset_asked: Default::default(),
            pcie_in: Default::default(),
            to_pcie: Default::default(),
            from_pcie: Default::default(),
            pcie_out: Default::default(),
            mac_in: Default::default(),
            to_mac: Default::default(),
            from_mac: Default::default(),
            mac_out: Default::default(),
            wipe: Default::default(),
            sweep: Default::default(),
            packets_in: Inlet::waiting(),
            packets_out: Default::default(),
            frames_in: Inlet::dropping(),
            frames_out: Default::default(),
        }
    }
}

impl Logic for Restart {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, sweep, packets_in, packets_out, frames_in, frames_out);
        StreamSink::<Beat>::link(&mut self.pcie_in, &mut self.packets_in.sink);
        StreamSource::<Beat>::link(&mut self.to_pcie, &mut self.packets_in.source);
        StreamSink::<Beat>::link(&mut self.from_pcie, &mut self.packets_out.sink);
        StreamSource::<Beat>::link(&mut self.pcie_out, &mut self.packets_out.source);
        StreamSink::<Beat>::link(&mut self.mac_in, &mut self.frames_in.sink);
        StreamSource::<Beat>::link(&mut self.to_mac, &mut self.frames_in.source);
        StreamSink::<Beat>::link(&mut self.from_mac, &mut self.frames_out.sink);
        StreamSource::<Beat>::link(&mut self.mac_out, &mut self.frames_out.source);
        self.sweep.reset_asked.next = self.reset_asked.val();
        self.packets_out.reset_asked.next = self.reset_asked.val();
        self.frames_out.reset_asked.next = self.reset_asked.val();
        self.sweep.hold.next = self.packets_out.ending.val() | self.frames_out.ending.val();
        self.packets_in.closed.next = self.sweep.busy.val();
        self.frames_in.closed.next = self.sweep.busy.val();
        self.wipe.next = self.sweep.wipe.val();
    }
}
