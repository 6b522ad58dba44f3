//! The Verilog of every block of the RTL, as the emitter wrote it when this crate was built.

/// A block's Verilog.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// The block's name in the registry.
    pub name: &'static str,
    /// The name of the block's own module, the one to synthesise.
    pub top: &'static str,
    /// Its text and that of everything in it.
    pub verilog: &'static str,
}

/// Every block: whole devices and boards, engines, leaf blocks.
pub static SOURCES: &[Source] = &include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// Blocks that grow with the number of objects, with the configuration's name: block by block, in
/// every configuration that is compared.
pub static GROWTH: &[(&str, Source)] = &include!(concat!(env!("OUT_DIR"), "/growth.rs"));

/// The block of that name.
pub fn source(name: &str) -> Option<Source> {
    SOURCES.iter().find(|source| source.name == name).copied()
}
