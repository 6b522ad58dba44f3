//! Signals that a kernel leaves undriven on some path: they become latches in Verilog.

use super::expressions::{show, value};
use super::scope::{as_signal, flat, Scope};
use rust_hdl::core::ast::{
    VerilogBlock, VerilogBlockOrConditional, VerilogExpression as Expr, VerilogLink,
    VerilogLinkDetails, VerilogMatch, VerilogOp, VerilogStatement,
};
use std::collections::{BTreeMap, BTreeSet};

/// Which bits of each signal every path so far has driven.
type Driven = BTreeMap<String, Vec<bool>>;

/// Reports the signals that are driven on some paths only, and registers whose `dff_setup!`
/// comes after an assignment, which it would undo.
pub(super) fn check(scope: &mut Scope, code: &VerilogBlock) {
    let mut walk = Walk { scope, touched: BTreeSet::new(), indices: Vec::new() };
    let mut driven = Driven::new();
    walk.block(code, &mut driven);
    let touched = std::mem::take(&mut walk.touched);
    for name in touched {
        let must = scope.signal(&name).is_some_and(|known| known.driven_here());
        let always = driven.get(&name).is_some_and(|bits| bits.iter().all(|bit| *bit));
        if must && !always {
            scope.report("a latch: not driven on every path; assign it before the first if", &name);
        }
    }
}

struct Walk<'a> {
    scope: &'a mut Scope,
    /// Every signal that is driven anywhere.
    touched: BTreeSet<String>,
    /// The loops' variables and their present values.
    indices: Vec<(String, usize)>,
}

impl Walk<'_> {
    fn block(&mut self, code: &VerilogBlock, driven: &mut Driven) {
        for statement in code {
            self.statement(statement, driven);
        }
    }

    fn statement(&mut self, statement: &VerilogStatement, driven: &mut Driven) {
        match statement {
            VerilogStatement::Assignment(target, _) => self.drive(target, None, driven),
            VerilogStatement::SliceAssignment { base, width, offset, .. } => {
                let from = self.number(offset);
                self.drive(base, Some(from.map_or(0..0, |from| from..from + width)), driven);
            }
            VerilogStatement::If(condition) => {
                let mut then = driven.clone();
                self.block(&condition.then, &mut then);
                let mut otherwise = driven.clone();
                match &condition.otherwise {
                    VerilogBlockOrConditional::Block(block) => self.block(block, &mut otherwise),
                    VerilogBlockOrConditional::Conditional(next) => {
                        self.statement(next, &mut otherwise);
                    }
                    VerilogBlockOrConditional::None => {}
                }
                *driven = both(then, &otherwise);
            }
            VerilogStatement::Match(choice) => self.choice(choice, driven),
            VerilogStatement::Loop(repeat) => {
                for i in repeat.from.as_usize()..repeat.to.as_usize() {
                    self.indices.push((repeat.index.clone(), i));
                    self.block(&repeat.block, driven);
                    self.indices.pop();
                }
            }
            VerilogStatement::Link(links) => self.links(links, driven),
            VerilogStatement::Macro(inner) => {
                for statement in inner {
                    self.not_undone(statement, driven);
                }
                self.block(inner, driven);
            }
            VerilogStatement::Comment(_) => {}
        }
    }

    fn choice(&mut self, choice: &VerilogMatch, driven: &mut Driven) {
        let mut paths = choice.cases.iter().map(|case| {
            let mut path = driven.clone();
            self.block(&case.block, &mut path);
            path
        });
        let Some(first) = paths.next() else { return };
        let taken = paths.fold(first, |all, path| both(all, &path));
        let width = as_signal(&choice.test).and_then(|name| self.scope.signal(name));
        let all = width.is_some_and(|known| choice.cases.len() >= 1 << known.width.min(60));
        if all || choice.cases.iter().any(|case| case.condition == "default") {
            *driven = taken;
        }
    }

    /// Notes that `bits`, or all, of a signal are driven.
    fn drive(&mut self, target: &Expr, bits: Option<std::ops::Range<usize>>, driven: &mut Driven) {
        let Some(name) = as_signal(target).map(flat) else { return };
        let Some(known) = self.scope.signal(&name) else { return };
        self.touched.insert(name.clone());
        let map = driven.entry(name).or_insert_with(|| vec![false; known.width]);
        let bits = bits.unwrap_or(0..known.width);
        map.iter_mut().take(bits.end).skip(bits.start).for_each(|bit| *bit = true);
    }

    /// `dff_setup!` drives each `d` with its `q`.
    fn not_undone(&mut self, statement: &VerilogStatement, driven: &Driven) {
        let VerilogStatement::Assignment(target, _) = statement else { return };
        let done = as_signal(target).is_some_and(|name| driven.contains_key(&flat(name)));
        if done {
            let why = "dff_setup! undoes an earlier assignment; put it first";
            self.scope.report(why, &show(target));
        }
    }

    /// Joined and linked interfaces drive their signals outside the kernel's paths.
    fn links(&mut self, links: &[VerilogLink], driven: &mut Driven) {
        for link in links {
            let (VerilogLink::Forward(ends)
            | VerilogLink::Backward(ends)
            | VerilogLink::Bidirectional(ends)) = link;
            let VerilogLinkDetails { my_name, owner_name, other_name } = ends;
            for end in [owner_name, other_name] {
                let name = format!("{end}${}", my_name.trim_start_matches('.'));
                self.drive(&Expr::Signal(name), None, driven);
            }
        }
    }

    /// A number that is known where loops are unrolled.
    fn number(&self, e: &Expr) -> Option<usize> {
        match e {
            Expr::Literal(literal) => value(literal),
            Expr::Signal(name) => {
                self.indices.iter().rev().find(|(index, _)| index == name).map(|(_, i)| *i)
            }
            Expr::Paren(inner) => self.number(inner),
            Expr::Binary(a, op, b) => {
                let (a, b) = (self.number(a)?, self.number(b)?);
                match op {
                    VerilogOp::Add => a.checked_add(b),
                    VerilogOp::Sub => a.checked_sub(b),
                    VerilogOp::Mul => a.checked_mul(b),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// What both of two paths drive.
fn both(mut one: Driven, other: &Driven) -> Driven {
    one.retain(|name, bits| match other.get(name) {
        Some(theirs) => {
            bits.iter_mut().zip(theirs).for_each(|(bit, their)| *bit &= their);
            true
        }
        None => false,
    });
    one
}
