//! What a kernel can name: its module's signals, their widths, and the states of its enums.

use rust_hdl::core::ast::{Verilog, VerilogExpression as Expr};
use rust_hdl::core::atom::{Atom, AtomKind};
use rust_hdl::core::type_descriptor::{TypeDescriptor, TypeKind};
use rust_hdl::prelude::*;
use std::collections::BTreeMap;

/// A signal that a kernel can name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Known {
    pub width: usize,
    /// What it is to this module; a child's port counts as the local wire that it becomes.
    pub kind: AtomKind,
    pub signed: bool,
}

impl Known {
    /// Whether this module's kernel must drive it.
    pub(super) fn driven_here(&self) -> bool {
        use AtomKind::{LocalSignal, OutputParameter, StubInputSignal};
        matches!(self.kind, LocalSignal | OutputParameter | StubInputSignal)
    }
}

/// One module while it is checked.
#[derive(Debug, Default)]
pub(super) struct Scope {
    path: String,
    /// By name as [`flat`] writes it.
    pub signals: BTreeMap<String, Known>,
    /// An enum's variants, as `Type$Variant`, and their values.
    pub states: BTreeMap<String, usize>,
    /// The index variables of the loops around the current statement.
    pub loops: Vec<String>,
    namespace: Vec<String>,
    pub findings: Vec<String>,
}

impl Scope {
    pub(super) fn report(&mut self, why: &str, what: &str) {
        self.findings.push(format!("{}: {why}: {what}", self.path));
    }

    pub(super) fn signal(&self, name: &str) -> Option<Known> {
        self.signals.get(&flat(name)).copied()
    }

    /// Whether `name` is a loop's index, which the printer replaces by a number.
    pub(super) fn is_index(&self, name: &str) -> bool {
        self.loops.iter().any(|index| index == name)
    }

    fn learn(&mut self, name: String, atom: &dyn Atom, kind: AtomKind) {
        let descriptor = atom.descriptor();
        self.learn_states(&descriptor);
        let signed = matches!(descriptor.kind, TypeKind::Signed(_));
        self.signals.insert(flat(&name), Known { width: atom.bits(), kind, signed });
    }

    fn learn_states(&mut self, descriptor: &TypeDescriptor) {
        match &descriptor.kind {
            TypeKind::Enum(variants) => {
                for (value, variant) in variants.iter().enumerate() {
                    let name = variant.replace("::", "$");
                    if self.states.insert(name, value).is_some_and(|old| old != value) {
                        self.report("two enums give one name two values", variant);
                    }
                }
            }
            TypeKind::Composite(fields) => {
                fields.iter().for_each(|field| self.learn_states(&field.kind));
            }
            TypeKind::Bits(_) | TypeKind::Signed(_) => {}
        }
    }
}

/// A name as the printer flattens it, with every array index, number or expression, as `#`: an
/// array's elements are alike, so one stands for all.
pub(super) fn flat(name: &str) -> String {
    let name = name.replace("::", "$").replace('.', "$");
    let name = name.trim_start_matches('$').trim_end_matches("$next");
    let mut flat = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        flat += before;
        flat += "$#";
        rest = after.split_once(']').map_or("", |(_, tail)| tail);
    }
    flat += rest;
    let number = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let parts = flat.split('$').map(|part| if number(part) { "#" } else { part });
    parts.collect::<Vec<_>>().join("$")
}

/// Walks all modules and checks each when everything in it is known.
#[derive(Default)]
pub(super) struct Scopes {
    open: Vec<(String, Scope)>,
    pub findings: Vec<String>,
}

impl Probe for Scopes {
    fn visit_start_scope(&mut self, name: &str, _: &dyn Block) {
        let path = match self.open.last_mut() {
            Some((_, parent)) => {
                super::names::instance(parent, name);
                format!("{}${name}", parent.path)
            }
            None => name.to_owned(),
        };
        self.open.push((name.to_owned(), Scope { path, ..Scope::default() }));
    }

    fn visit_start_namespace(&mut self, name: &str, _: &dyn Block) {
        if let Some((_, scope)) = self.open.last_mut() {
            scope.namespace.push(name.to_owned());
        }
    }

    fn visit_atom(&mut self, name: &str, atom: &dyn Atom) {
        let Some((module, mut scope)) = self.open.pop() else { return };
        scope.namespace.push(name.to_owned());
        let name = scope.namespace.join("$");
        scope.namespace.pop();
        scope.learn(name.clone(), atom, atom.kind());
        if let (Some((_, parent)), true) = (self.open.last_mut(), atom.kind().is_parameter()) {
            let kind = match atom.kind() {
                AtomKind::InputParameter => AtomKind::StubInputSignal,
                _ => AtomKind::StubOutputSignal,
            };
            parent.learn(format!("{module}${name}"), atom, kind);
        }
        self.open.push((module, scope));
    }

    fn visit_end_namespace(&mut self, _: &str, _: &dyn Block) {
        if let Some((_, scope)) = self.open.last_mut() {
            scope.namespace.pop();
        }
    }

    fn visit_end_scope(&mut self, _: &str, node: &dyn Block) {
        let Some((_, mut scope)) = self.open.pop() else { return };
        if let Verilog::Combinatorial(code) = node.hdl() {
            super::kernel(&mut scope, &code);
        }
        // A loop of blocks, or a shared shape, says the same thing many times.
        for finding in scope.findings {
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }
}

/// The signal that an expression is, if it is nothing but one.
pub(super) fn as_signal(e: &Expr) -> Option<&str> {
    match e {
        Expr::Signal(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::flat;

    #[test]
    fn names_are_flattened_as_the_printer_does() {
        assert_eq!(flat("sink.beat"), "sink$beat");
        assert_eq!(flat("stage[i-1]$sink$valid"), "stage$#$sink$valid");
        assert_eq!(flat("stage$12$sink$valid"), "stage$#$sink$valid");
        assert_eq!(flat("State::Idle"), "State$Idle");
        assert_eq!(flat("count$d$next"), "count$d");
    }
}
