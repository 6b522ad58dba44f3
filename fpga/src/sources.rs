//! The Verilog of every block of the RTL, as the emitter wrote it when this crate was built.

/// A block's Verilog.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// The block's name in the registry.
    pub name: &'static str,
    /// Its text and that of everything in it; the top module is called [`TOP`].
    pub verilog: &'static str,
}

/// What the emitter calls the top module of every block.
pub const TOP: &str = "top";

/// Every block: whole devices and boards, engines, leaf blocks.
pub static SOURCES: &[Source] = &include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// The block of that name.
pub fn source(name: &str) -> Option<Source> {
    SOURCES.iter().find(|source| source.name == name).copied()
}
