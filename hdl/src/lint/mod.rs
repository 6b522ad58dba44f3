//! Refuses kernels whose Verilog would not mean what the Rust means.
//!
//! RustHDL prints an expression as it was typed and leaves it to Verilog's own precedence and
//! width rules. Both differ from Rust's, and neither Yosys nor Verilator can know what was meant.
//! The lint walks the tree that the printer walks and names every place where the two readings
//! can differ, with what to write instead:
//!
//! | finding | write instead |
//! |---|---|
//! | Verilog groups it differently | parentheses around `&`, `\|`, `^` beside a comparison |
//! | a carry shows in Verilog and not in Rust | the arithmetic in a `Local` of its width |
//! | only a signal can be sliced | the value in a `Local`, then slice that |
//! | an undeclared name | a `Constant` field rather than a Rust constant |
//! | a match pattern that is no Verilog | a decimal number or an enum's variant |
//! | a latch | an assignment before the first `if` |
//! | a keyword of SystemVerilog, or of C++ for a port, register or block | another name |
//! | the kernel uses a port that is linked outwards | the outer port of the link |

mod expressions;
mod latches;
mod links;
mod names;
mod scope;

use rust_hdl::core::ast::{VerilogBlock, VerilogBlockOrConditional, VerilogStatement};
use rust_hdl::prelude::*;
use scope::{Scope, Scopes};

/// Checks `block`, of which `connect_all` was called or not, and all blocks inside it.
///
/// One line a finding: where, what is wrong with it, and the expression as Verilog reads it.
pub fn lint(block: &dyn Block) -> Vec<String> {
    let mut scopes = Scopes::default();
    block.accept("top", &mut scopes);
    scopes.findings
}

/// Checks one kernel whose names are all known.
fn kernel(scope: &mut Scope, code: &VerilogBlock) {
    names::declarations(scope);
    statements(scope, code);
    latches::check(scope, code);
    links::check(scope, code);
}

fn statements(scope: &mut Scope, code: &VerilogBlock) {
    for statement in code {
        match statement {
            VerilogStatement::Assignment(target, value) => {
                expressions::target(scope, target);
                expressions::assigned(scope, target, value);
            }
            VerilogStatement::SliceAssignment { base, width, offset, replacement } => {
                expressions::target(scope, base);
                expressions::part_assigned(scope, base, *width, offset, replacement);
            }
            VerilogStatement::If(condition) => {
                expressions::alone(scope, &condition.test);
                statements(scope, &condition.then);
                match &condition.otherwise {
                    VerilogBlockOrConditional::Block(block) => statements(scope, block),
                    VerilogBlockOrConditional::Conditional(next) => {
                        statements(scope, &vec![(**next).clone()]);
                    }
                    VerilogBlockOrConditional::None => {}
                }
            }
            VerilogStatement::Match(choice) => {
                expressions::alone(scope, &choice.test);
                for case in &choice.cases {
                    names::pattern(scope, &case.condition);
                    statements(scope, &case.block);
                }
            }
            VerilogStatement::Loop(repeat) => {
                scope.loops.push(repeat.index.clone());
                statements(scope, &repeat.block);
                scope.loops.pop();
            }
            VerilogStatement::Macro(inner) => statements(scope, inner),
            VerilogStatement::Comment(_) | VerilogStatement::Link(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
