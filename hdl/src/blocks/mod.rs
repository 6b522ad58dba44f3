//! Every block that stands alone: what the emitter writes, the lint reads and the lockstep test
//! drives.
//!
//! A block is registered with one line in the file of its engine:
//!
//! ```ignore
//! blocks! {
//!     skid_buffer: SkidBuffer::<Beat>::default(),
//! }
//! ```
//!
//! names the block and makes it; its public fields are its ports. Of a block with more clocks than
//! one, each port stands behind the clock that it belongs to.
//!
//! A board's crate registers its own blocks in the same way, with `ironwarp_hdl::blocks!`.

use crate::lint::lint;
use crate::pins::{PinVisitor, Ports};
use crate::verilog::edge::{wraps, Edge, Group};
use crate::verilog::{core_name, emit_as, groups, EmitError};
use rust_hdl::prelude::*;
use std::fmt;

/// Defines `blocks()`, a list of blocks. See the module [`blocks`](mod@crate::blocks).
#[macro_export]
macro_rules! blocks {
    ($($name:ident: $make:expr),* $(,)?) => {
        /// The blocks of this engine that stand alone.
        pub fn blocks() -> Vec<$crate::blocks::BlockEntry> {
            vec![$($crate::blocks::BlockEntry {
                name: stringify!($name),
                edge: None,
                make: &|| Box::new($crate::blocks::Wired::new($make)),
            }),*]
        }
    };
}

mod complete;
mod control;
mod edges;
mod engines;
mod life;
mod mac;
mod memory;
mod mpa;
mod pcie;
mod protect;
mod queue;
mod receive;
mod restart;
mod rnic;
mod serial;
mod stream;
mod transmit;

/// Makes a block, not yet connected.
pub type Maker = dyn Fn() -> Box<dyn Specimen> + Sync;

/// A block in the registry.
#[derive(Clone, Copy)]
pub struct BlockEntry {
    /// Its name in snake case, unlike any other's.
    pub name: &'static str,
    /// What others who instantiate it see; nothing if it is only a part.
    pub edge: Option<&'static Edge>,
    /// Makes one, not yet connected.
    pub make: &'static Maker,
}

impl fmt::Debug for BlockEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

impl BlockEntry {
    /// With an edge for others.
    pub fn with_edge(self, edge: &'static Edge) -> Self {
        Self { edge: Some(edge), ..self }
    }

    /// The name of its Verilog's top module.
    pub fn top(&self) -> String {
        format!("ironwarp_{}", self.name)
    }

    /// The name of its own module, which has RustHDL's ports: the top module, unless that is one
    /// of names around it.
    pub fn core(&self) -> String {
        match self.groups() {
            Ok(groups) if wraps(&groups) => core_name(&self.top()),
            _ => self.top(),
        }
    }

    /// The ports that others see; none if it has no edge.
    ///
    /// # Errors
    /// Ports without a docstring.
    pub fn groups(&self) -> Result<Vec<Group>, EmitError> {
        self.edge.map_or(Ok(Vec::new()), |edge| groups((self.make)().block(), edge))
    }

    /// Its Verilog.
    ///
    /// # Errors
    /// As [`emit_as`].
    pub fn emit(&self) -> Result<String, EmitError> {
        (self.make)().emit(&self.top(), self.edge)
    }

    /// What the lint has to say about it: nothing, if all is well.
    pub fn lint(&self) -> Vec<String> {
        (self.make)().lint()
    }
}

/// A block of which only its ports and its behaviour matter.
pub trait Specimen {
    /// Connects it and gives its Verilog.
    ///
    /// # Errors
    /// As [`emit_as`].
    fn emit(&mut self, top: &str, edge: Option<&Edge>) -> Result<String, EmitError>;
    /// The lint's findings.
    fn lint(&self) -> Vec<String>;
    /// Shows every port to `visitor`, which may drive the inputs.
    fn pins(&mut self, visitor: &mut dyn PinVisitor);
    /// Lets the block settle; `false` if it does not, which is a combinational loop.
    fn settle(&mut self) -> bool;
    /// The block itself, for probes and waveforms.
    fn block(&self) -> &dyn Block;
}

/// A block that is connected.
pub struct Wired<B>(B);

impl<B: Block> Wired<B> {
    /// Connects `block`.
    pub fn new(mut block: B) -> Self {
        block.connect_all();
        Self(block)
    }
}

impl<B: Block + Ports> Specimen for Wired<B> {
    fn emit(&mut self, top: &str, edge: Option<&Edge>) -> Result<String, EmitError> {
        emit_as(&mut self.0, top, edge)
    }

    fn lint(&self) -> Vec<String> {
        lint(&self.0)
    }

    fn pins(&mut self, visitor: &mut dyn PinVisitor) {
        self.0.ports(visitor);
    }

    fn settle(&mut self) -> bool {
        simulate(&mut self.0, 100)
    }

    fn block(&self) -> &dyn Block {
        &self.0
    }
}

/// Every leaf block, in the order of the engines.
pub fn blocks() -> Vec<BlockEntry> {
    [
        stream::blocks(),
        memory::blocks(),
        mpa::blocks(),
        pcie::blocks(),
        control::blocks(),
        protect::blocks(),
        life::blocks(),
        queue::blocks(),
        transmit::blocks(),
        receive::blocks(),
        complete::blocks(),
        mac::blocks(),
        serial::blocks(),
        restart::blocks(),
    ]
    .concat()
    .into_iter()
    .map(edges::on)
    .collect()
}

/// Engines that are whole, those of [`blocks`] excepted.
pub fn engines() -> Vec<BlockEntry> {
    engines::blocks()
}

/// The whole device.
pub fn whole() -> Vec<BlockEntry> {
    rnic::blocks().into_iter().map(edges::on).collect()
}
