//! From a block to its Verilog.

mod docs;
pub mod edge;
mod head;
pub mod page;
pub mod ports;
pub(crate) mod settled;

use crate::reset::ResettableModules;
use docs::Docs;
use edge::{Edge, Group};
use rust_hdl::core::check_error::{check_all, CheckError};
use rust_hdl::prelude::*;

/// Why a block has no Verilog: a mistake in its kernel that RustHDL sees.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// Signals that nothing drives, by path and name.
    #[error("nothing drives: {}", .0.join(", "))]
    Open(Vec<String>),
    /// Signals that are read before they are assigned, by path and name.
    #[error("read before they are assigned: {}", .0.join(", "))]
    Loops(Vec<String>),
    /// Inputs that the block itself assigns, by path and name.
    #[error("inputs that the block assigns: {}", .0.join(", "))]
    Inputs(Vec<String>),
    /// Registers below an input `reset` that are not RustHDL's flip-flops, by path.
    #[error("nothing knows how to reset: {}", .0.join(", "))]
    NoReset(Vec<String>),
    /// What others would meet at the block's edge without a word about it.
    #[error("nothing describes: {}", .0.join(", "))]
    Undescribed(Vec<String>),
}

impl From<CheckError> for EmitError {
    fn from(error: CheckError) -> Self {
        let list = |names: Vec<rust_hdl::core::check_error::PathedName>| {
            let mut list: Vec<_> =
                names.into_iter().map(|n| format!("{}${}", n.path, n.name)).collect();
            list.sort();
            list
        };
        match error {
            CheckError::OpenSignal(open) => Self::Open(list(open.into_values().collect())),
            CheckError::LogicLoops(names) => Self::Loops(list(names)),
            CheckError::WritesToInputs(names) => Self::Inputs(list(names)),
        }
    }
}

/// Verilator's opinion of widths is waived, for the kinds that the text names; the kernel lint
/// knows both widths and refuses where one changes the meaning.
const WAIVER: &str = "//
// Written by RustHDL. What linters say of widths is of these kinds, and none changes a value:
// - a literal in a kernel is printed with 32 bits, whatever it is assigned to or compared with;
// - a cast is a mask of the wider width around a narrower value;
// - an index is wider than its vector's, where it is a constant of one bit or is computed;
// - a clock and other wires pass through modules that only hand them on.
// Where a width would change a value, the kernel lint refuses the kernel.
/* verilator lint_off WIDTH */

";

/// The Verilog of `block` and everything in it; the top module is called `top`.
///
/// The text depends on nothing but the block: the same block gives the same text everywhere.
/// An input `reset` of a block in it becomes the reset of everything below (see `reset.rs`).
/// Calls `connect_all` on the block, as RustHDL wants before anything else.
///
/// # Errors
/// Open signals, loops and driven inputs, as RustHDL's own checks find them.
pub fn emit(block: &mut dyn Block) -> Result<String, EmitError> {
    emit_as(block, "top", None)
}

/// As [`emit`], with a name for the top module that all other modules' names begin with, so that
/// several files can be used together; and with the edge of a block that others instantiate.
///
/// With an edge that names anything anew, `top` is the module around the block, and the block's own
/// module is called `<top>_core`; see [`edge`].
///
/// # Errors
/// As [`emit`], and ports without a docstring.
pub fn emit_as(block: &mut dyn Block, top: &str, edge: Option<&Edge>) -> Result<String, EmitError> {
    block.connect_all();
    check_all(block)?;
    let groups = edge.map(|edge| groups(block, edge)).transpose()?;
    let wrapped = groups.as_deref().filter(|groups| edge::wraps(groups));
    let core = wrapped.map_or(top.to_owned(), |_| core_name(top));
    let mut modules = ResettableModules::default();
    block.accept(&core, &mut modules);
    if !modules.stubborn.is_empty() {
        return Err(EmitError::NoReset(modules.stubborn));
    }
    let head = match (edge, &groups) {
        (Some(edge), Some(groups)) => {
            let docs = Docs::of(edge.structure, edge.sources).unwrap_or_default();
            head::described(top, &docs.about, groups)
        }
        _ => head::listed(top, &ports::ports(block)),
    };
    let around = wrapped.map(|groups| edge::module(top, &core, groups)).unwrap_or_default();
    let body = settled::settled(&tidy(&modules.defines()));
    Ok(format!("{head}{WAIVER}{around}{body}"))
}

/// The block's own module, in a file whose top module is `top` and something around it.
pub fn core_name(top: &str) -> String {
    format!("{top}_core")
}

/// The ports of the module that others instantiate.
///
/// # Errors
/// [`EmitError::Undescribed`].
pub fn groups(block: &dyn Block, edge: &Edge) -> Result<Vec<Group>, EmitError> {
    edge::groups(edge, &ports::ports(block)).map_err(EmitError::Undescribed)
}

/// Memories of no more words than this lie in distributed RAM. A block RAM has 512 words and few
/// bits in each: the wide, shallow queues between engines would take a third of an FPGA's.
const SHALLOW: usize = 32;

/// Says where a memory goes, if `line` declares one; and that it is zero at power-on, as it is in
/// Rust and in an FPGA, also for a simulator that has unknown values.
fn memory(line: &str) -> Option<String> {
    let (width, words) = line.trim_start().strip_prefix("reg[")?.split_once("] mem[")?;
    let last: usize = words.strip_suffix(":0];")?.parse().ok()?;
    let style = if last < SHALLOW { "(* ram_style = \"distributed\" *) " } else { "" };
    Some(format!(
        "    {style}reg[{width}] mem[{words}\n`ifndef SYNTHESIS\n    integer word;\n    \
         initial for (word = 0; word <= {last}; word = word + 1) mem[word] = 0;\n`endif"
    ))
}

/// Takes the printer's blank ends of lines and runs of empty lines away, and completes memories.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || !(tidy.is_empty() || tidy.ends_with("\n\n")) {
            match memory(line) {
                Some(memory) => tidy += &memory,
                None => tidy += line,
            }
            tidy.push('\n');
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shallow_memories_are_distributed() {
        let emitted = emit(&mut TwoMemories::default()).unwrap();
        let style = "(* ram_style = \"distributed\" *)";
        assert!(emitted.contains(&format!("{style} reg[7:0] mem[31:0];")));
        assert!(emitted.contains("\n    reg[7:0] mem[63:0];"));
        assert!(emitted.contains("word <= 31;") && emitted.contains("word <= 63;"));
    }

    /// Two memories on either side of the bound.
    #[derive(LogicBlock, Default)]
    struct TwoMemories {
        pub clock: Signal<In, Clock>,
        pub address: Signal<In, Bits<6>>,
        pub data: Signal<In, Bits<8>>,
        pub read: Signal<Out, Bits<8>>,
        shallow: RAM<Bits<8>, 5>,
        deep: RAM<Bits<8>, 6>,
    }

    impl Logic for TwoMemories {
        #[hdl_gen]
        fn update(&mut self) {
            self.shallow.read_clock.next = self.clock.val();
            self.shallow.write_clock.next = self.clock.val();
            self.shallow.read_address.next = self.address.val().get_bits::<5>(0);
            self.shallow.write_address.next = self.address.val().get_bits::<5>(0);
            self.shallow.write_data.next = self.data.val();
            self.shallow.write_enable.next = true;
            self.deep.read_clock.next = self.clock.val();
            self.deep.write_clock.next = self.clock.val();
            self.deep.read_address.next = self.address.val();
            self.deep.write_address.next = self.address.val();
            self.deep.write_data.next = self.data.val();
            self.deep.write_enable.next = true;
            self.read.next = self.shallow.read_data.val() ^ self.deep.read_data.val();
        }
    }
}
