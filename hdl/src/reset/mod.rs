//! Gives the emitted circuit the reset that its Rust does not need.
//!
//! In Rust a reset is a new instance. In hardware it is an input: where a block has one that is
//! called `reset`, every flip-flop in it and below takes its power-on value at the clock edges at
//! which the input is set. The kernels say nothing about it; the way down and the flip-flops' code
//! are added as the Verilog is made.
//!
//! ```text
//! Rnic, which has `reset` -> its parts' `reset` -> ... -> if (reset) q <= INITIAL; else q <= d;
//! ```
//! A part that has an input `reset` of its own is reset by what its parent drives there. Memories
//! keep what they hold: who relies on their first content must write it again.

use rust_hdl::core::ast::{
    Verilog, VerilogBlock, VerilogLink, VerilogLinkDetails, VerilogStatement,
};
use rust_hdl::core::atom::{Atom, AtomKind};
use rust_hdl::core::module_defines::ModuleDefines;
use rust_hdl::core::probe::Probe;
use rust_hdl::prelude::*;

/// The input's name.
const RESET: &str = "reset";

/// The modules of a block, with their resets.
#[derive(Default)]
pub(crate) struct ResettableModules {
    modules: ModuleDefines,
    /// For every open scope, from the top: it is reset.
    open: Vec<bool>,
    path: Vec<String>,
    /// Instances that should be reset and cannot, by their paths.
    pub(crate) stubborn: Vec<String>,
}

impl ResettableModules {
    /// The Verilog of all modules.
    pub(crate) fn defines(&self) -> String {
        self.modules.defines()
    }
}

impl Probe for ResettableModules {
    fn visit_start_scope(&mut self, name: &str, node: &dyn Block) {
        let part = Part::of(node);
        let from_above = self.open.last().is_some_and(|reset| *reset);
        let reset = part.input || from_above;
        self.path.push(name.to_owned());
        self.open.push(reset);
        if !reset {
            return self.modules.visit_start_scope(name, node);
        }
        match resettable(node, &part) {
            Some(code) => self.modules.visit_start_scope(name, &Recoded(code)),
            None => {
                self.stubborn.push(self.path.join("$"));
                self.modules.visit_start_scope(name, node);
            }
        }
        if part.needs_input() {
            self.modules.visit_atom(RESET, &Signal::<In, Bit>::default());
        }
    }

    fn visit_start_namespace(&mut self, name: &str, node: &dyn Block) {
        self.modules.visit_start_namespace(name, node);
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        self.modules.visit_atom(name, signal);
    }

    fn visit_end_namespace(&mut self, name: &str, node: &dyn Block) {
        self.modules.visit_end_namespace(name, node);
    }

    fn visit_end_scope(&mut self, name: &str, node: &dyn Block) {
        self.modules.visit_end_scope(name, node);
        self.open.pop();
        self.path.pop();
    }
}

/// A block as a reset sees it.
#[derive(Debug, Default)]
struct Part {
    name: String,
    /// It has the input already.
    input: bool,
    /// It is a flip-flop, or a flip-flop in it is reset through it.
    state: bool,
    /// What is directly in it.
    parts: Vec<Part>,
}

impl Part {
    fn of(node: &dyn Block) -> Self {
        let mut survey = Survey::default();
        node.accept("", &mut survey);
        survey.whole
    }

    /// The input must be added.
    fn needs_input(&self) -> bool {
        self.state && !self.input
    }
}

/// Looks at a block and everything in it.
#[derive(Default)]
struct Survey {
    open: Vec<Part>,
    namespaces: usize,
    whole: Part,
}

impl Probe for Survey {
    fn visit_start_scope(&mut self, name: &str, node: &dyn Block) {
        let state = node.timing().iter().any(|timing| timing.name == "dff");
        self.open.push(Part { name: name.to_owned(), state, ..Part::default() });
    }

    fn visit_start_namespace(&mut self, _: &str, _: &dyn Block) {
        self.namespaces += 1;
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        if let (Some(part), 0) = (self.open.last_mut(), self.namespaces) {
            part.input |= name == RESET && signal.kind() == AtomKind::InputParameter;
        }
    }

    fn visit_end_namespace(&mut self, _: &str, _: &dyn Block) {
        self.namespaces -= 1;
    }

    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
        let Some(part) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => {
                parent.state |= part.needs_input();
                parent.parts.push(part);
            }
            None => self.whole = part,
        }
    }
}

/// The code of a block that is reset, or none if there is no way to reset it.
fn resettable(node: &dyn Block, part: &Part) -> Option<Verilog> {
    match node.hdl() {
        Verilog::Combinatorial(code) => Some(Verilog::Combinatorial(handed_down(code, part))),
        Verilog::Custom(code) if part.state => flip_flop(&code).map(Verilog::Custom),
        Verilog::Custom(code) if code.contains("posedge") && !is_memory(node) => None,
        other => Some(other),
    }
}

/// A kernel, and the reset for the parts that take it from here.
fn handed_down(mut code: VerilogBlock, part: &Part) -> VerilogBlock {
    let link = |part: &Part| {
        VerilogLink::Bidirectional(VerilogLinkDetails {
            my_name: String::new(),
            owner_name: RESET.to_owned(),
            other_name: format!("{}${RESET}", part.name),
        })
    };
    let parts = part.parts.iter().filter(|part| part.needs_input());
    code.push(VerilogStatement::Link(parts.map(link).collect()));
    code
}

/// RustHDL's flip-flop with a synchronous reset.
fn flip_flop(code: &str) -> Option<String> {
    const STEP: &str = "q <= d;";
    let (_, from_initial) = code.split_once("q = ")?;
    let (initial, _) = from_initial.split_once(';')?;
    let step = format!("if (reset) q <= {initial}; else {STEP}");
    (code.matches(STEP).count() == 1).then(|| code.replace(STEP, &step))
}

/// One of RustHDL's memories.
fn is_memory(node: &dyn Block) -> bool {
    node.timing().iter().any(|timing| ["ram_read", "sync_rom"].contains(&timing.name.as_str()))
}

/// A block with other code than its own, for the printer.
struct Recoded(Verilog);

impl Logic for Recoded {
    fn update(&mut self) {}

    fn hdl(&self) -> Verilog {
        self.0.clone()
    }
}

impl Block for Recoded {
    fn connect_all(&mut self) {}

    fn update_all(&mut self) {}

    fn has_changed(&self) -> bool {
        false
    }

    fn accept(&self, _: &str, _: &mut dyn Probe) {}
}

#[cfg(test)]
mod tests;
