//! From a block to its Verilog.

use crate::reset::ResettableModules;
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

/// Verilator's opinion of widths is waived: RustHDL prints every literal with 32 bits and every
/// cast as a mask. Where a width changes the meaning is for the kernel lint, which knows both.
const WAIVER: &str = "// Written by RustHDL. Widths are judged by the kernel lint.\n\
    /* verilator lint_off WIDTH */\n\n";

/// The Verilog of `block` and everything in it; the top module is called `top`.
///
/// The text depends on nothing but the block: the same block gives the same text everywhere.
/// An input `reset` of a block in it becomes the reset of everything below (see `reset.rs`).
/// Calls `connect_all` on the block, as RustHDL wants before anything else.
///
/// # Errors
/// Open signals, loops and driven inputs, as RustHDL's own checks find them.
pub fn emit(block: &mut dyn Block) -> Result<String, EmitError> {
    block.connect_all();
    check_all(block)?;
    let mut modules = ResettableModules::default();
    block.accept("top", &mut modules);
    if !modules.stubborn.is_empty() {
        return Err(EmitError::NoReset(modules.stubborn));
    }
    Ok(format!("{WAIVER}{}", tidy(&modules.defines())))
}

/// Memories of no more words than this lie in distributed RAM. A block RAM has 512 words and few
/// bits in each: the wide, shallow queues between engines would take a third of an FPGA's.
const SHALLOW: usize = 32;

/// Says where a memory goes, if `line` declares one that is shallow.
fn placed(line: &str) -> Option<String> {
    let (width, words) = line.trim_start().strip_prefix("reg[")?.split_once("] mem[")?;
    let last: usize = words.strip_suffix(":0];")?.parse().ok()?;
    (last < SHALLOW)
        .then(|| format!("    (* ram_style = \"distributed\" *) reg[{width}] mem[{words}"))
}

/// Takes the printer's blank ends of lines and runs of empty lines away, and places memories.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || !(tidy.is_empty() || tidy.ends_with("\n\n")) {
            match placed(line) {
                Some(placed) => tidy += &placed,
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
