//! The RNIC on the board ECPIX-5 85F, as far as it is a circuit: [`Ecpix5`], the cells of the ECP5
//! that it needs, and the pins (`ecpix5.lpf`).
// The `LogicStruct` derives make undocumented items.
#![allow(missing_docs)]

pub mod cells;
pub mod clocks;
pub mod lights;
pub mod phy_reset;
pub mod rgmii;
pub mod top;

mod registry;

pub use registry::{blocks, whole};
pub use top::Ecpix5;

/// What the vendor's cells do, in Verilog, for simulation. Every block of this crate needs it
/// beside its own Verilog; synthesis does not.
pub const CELLS: &str = include_str!("../cells.v");

/// Where the ports are on the board, and how fast its clocks are: nextpnr's constraints.
pub const CONSTRAINTS: &str = include_str!("../ecpix5.lpf");
