//! Expressions that Verilog groups or widens differently from Rust.
//!
//! Rust computes every sum at the width of its operands. Verilog computes it at the width of its
//! *context*: the widest operand around it, and a literal without a size has 32 bits. The carry
//! that Rust drops then shows wherever high bits are looked at: in a comparison, a reduction, a
//! right shift, a widening cast. (IEEE 1364-2005, 5.4.)

use super::names;
use super::scope::{as_signal, Scope};
use rust_hdl::core::ast::{
    VerilogExpression as Expr, VerilogLiteral, VerilogOp as Op, VerilogOpUnary as Unary,
};

/// The left side of an assignment.
pub(super) fn target(scope: &mut Scope, e: &Expr) {
    match as_signal(e) {
        Some(name) => names::known(scope, name),
        None => scope.report("only a signal can be assigned", &show(e)),
    }
}

/// The right side of an assignment to `target`.
pub(super) fn assigned(scope: &mut Scope, target: &Expr, value: &Expr) {
    let width = verilog_width(scope, target).max(verilog_width(scope, value));
    check(scope, value, width);
}

/// An assignment to the `width` bits of `base` from `offset` up.
pub(super) fn part_assigned(
    scope: &mut Scope,
    base: &Expr,
    width: usize,
    offset: &Expr,
    value: &Expr,
) {
    index(scope, base, width, offset);
    let context = verilog_width(scope, value).max(width);
    check(scope, value, context);
}

/// An expression by itself, such as a condition.
pub(super) fn alone(scope: &mut Scope, e: &Expr) {
    let width = verilog_width(scope, e);
    check(scope, e, width);
}

/// Checks `e`, which Verilog computes with at least `context` bits.
fn check(scope: &mut Scope, e: &Expr, context: usize) {
    match e {
        Expr::Signal(name) => names::known(scope, name),
        Expr::Literal(_) => {}
        Expr::Paren(inner) | Expr::Signed(inner) | Expr::Unsigned(inner) => {
            check(scope, inner, context);
        }
        Expr::Cast(inner, width) => {
            if rust_width(scope, inner).is_some_and(|rust| *width > rust) {
                carries(scope, inner, (*width).max(context), "cast to more bits", e);
            }
            let inner_context = context.max(*width).max(verilog_width(scope, inner));
            check(scope, inner, inner_context);
        }
        Expr::Unary(operator, inner) => unary(scope, operator, inner, context, e),
        Expr::Binary(left, operator, right) => binary(scope, left, operator, right, context, e),
        Expr::Index(base, offset) => {
            sliceable(scope, base, e);
            index(scope, base, 1, offset);
        }
        Expr::Slice(base, width, offset) => {
            sliceable(scope, base, e);
            index(scope, base, *width, offset);
        }
        Expr::IndexReplace(base, offset, value) => {
            index(scope, base, 1, offset);
            check(scope, base, context);
            // The printer shifts the bit to its place, with what an inversion leaves above it.
            carries(scope, value, context.max(32), "put in as a bit", e);
            alone(scope, value);
        }
    }
}

fn unary(scope: &mut Scope, operator: &Unary, inner: &Expr, context: usize, e: &Expr) {
    if matches!(inner, Expr::Binary(..)) {
        scope.report("Verilog groups this differently; add parentheses", &show(e));
    }
    match operator {
        Unary::Not | Unary::Neg => check(scope, inner, context),
        Unary::All | Unary::Any | Unary::Xor => {
            carries(scope, inner, verilog_width(scope, inner), "reduced", e);
            alone(scope, inner);
        }
    }
}

fn binary(scope: &mut Scope, left: &Expr, op: &Op, right: &Expr, context: usize, e: &Expr) {
    if binds(left) < precedence(op) || binds(right) <= precedence(op) {
        scope.report("Verilog groups this differently; add parentheses", &show(e));
    }
    match op {
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => {
            let width = verilog_width(scope, left).max(verilog_width(scope, right));
            carries(scope, left, width, "compared", e);
            carries(scope, right, width, "compared", e);
            check(scope, left, width);
            check(scope, right, width);
        }
        Op::LogicalAnd | Op::LogicalOr => {
            alone(scope, left);
            alone(scope, right);
        }
        Op::Shl | Op::Shr => {
            let context = context.max(verilog_width(scope, left));
            if matches!(op, Op::Shr) {
                carries(scope, left, context, "shifted right", e);
            }
            check(scope, left, context);
            whole(scope, right);
        }
        Op::Add | Op::Sub | Op::Mul | Op::BitAnd | Op::BitOr | Op::BitXor => {
            let context = context.max(verilog_width(scope, e));
            check(scope, left, context);
            check(scope, right, context);
        }
    }
}

/// Reports `inner` if it is arithmetic that Verilog computes with more bits than Rust.
fn carries(scope: &mut Scope, inner: &Expr, context: usize, how: &str, e: &Expr) {
    if wraps(inner) && rust_width(scope, inner).is_none_or(|rust| context > rust) {
        let why = format!("arithmetic {how} at {context} bits; put it in a Local first");
        scope.report(&why, &show(e));
    }
}

/// The base of a slice: `(a + b)[3:0]` and `a[7:0][3:0]` are not Verilog.
fn sliceable(scope: &mut Scope, base: &Expr, e: &Expr) {
    if as_signal(base).is_none() {
        scope.report("only a signal can be sliced; put the value in a Local", &show(e));
        alone(scope, base);
    }
}

/// The place of a slice of `width` bits in `base`.
fn index(scope: &mut Scope, base: &Expr, width: usize, offset: &Expr) {
    let known = as_signal(base).and_then(|name| scope.signal(name));
    if let Some(name) = as_signal(base) {
        names::known(scope, name);
    }
    if let (Some(known), Expr::Literal(at)) = (known, offset) {
        if value(at).is_none_or(|at| at + width > known.width) {
            let slice =
                format!("{}[{}+:{width}] of {} bits", show(base), show(offset), known.width);
            scope.report("the slice ends beyond the signal", &slice);
        }
    }
    whole(scope, offset);
}

/// A number that Rust may compute as `usize` where Verilog has the operands' width: a place or a
/// shift. Whether `.index()` stood inside or outside a sum cannot be seen here.
fn whole(scope: &mut Scope, e: &Expr) {
    if wraps(e) && !constant(scope, e) {
        scope.report("arithmetic as a place or shift; put it in a Local first", &show(e));
    }
    alone(scope, e);
}

/// Whether the printer or Verilog knows the value: literals and loop indices only.
fn constant(scope: &Scope, e: &Expr) -> bool {
    match e {
        Expr::Literal(_) => true,
        Expr::Signal(name) => scope.is_index(name),
        Expr::Paren(inner) => constant(scope, inner),
        Expr::Binary(a, _, b) => constant(scope, a) && constant(scope, b),
        _ => false,
    }
}

/// Whether more bits of context change the bits above the operands' own: a carry, a borrow, bits
/// shifted out on the left, an inversion of leading zeros.
fn wraps(e: &Expr) -> bool {
    match e {
        Expr::Paren(a) | Expr::Signed(a) | Expr::Unsigned(a) => wraps(a),
        Expr::Unary(Unary::Not | Unary::Neg, _) => true,
        Expr::Binary(_, Op::Add | Op::Sub | Op::Mul | Op::Shl, _) => true,
        // A mask that does not wrap clears what the other side carries.
        Expr::Binary(a, Op::BitAnd, b) => wraps(a) && wraps(b),
        Expr::Binary(a, Op::BitOr | Op::BitXor, b) => wraps(a) || wraps(b),
        // A right shift of what wraps is a finding of its own.
        _ => false,
    }
}

/// The bits that Rust computes `e` with; `None` if it is literals only.
fn rust_width(scope: &Scope, e: &Expr) -> Option<usize> {
    match e {
        Expr::Signal(name) if scope.is_index(name) => None,
        Expr::Signal(name) => Some(scope.signal(name).map_or(1, |known| known.width)),
        Expr::Literal(_) => None,
        Expr::Cast(_, width) | Expr::Slice(_, width, _) => Some(*width),
        Expr::Index(..) => Some(1),
        Expr::IndexReplace(a, ..) | Expr::Paren(a) | Expr::Signed(a) | Expr::Unsigned(a) => {
            rust_width(scope, a)
        }
        Expr::Unary(Unary::Not | Unary::Neg, a) => rust_width(scope, a),
        Expr::Unary(..) => Some(1),
        Expr::Binary(_, op, _) if precedence(op) <= 2 || is_comparison(op) => Some(1),
        Expr::Binary(a, Op::Shl | Op::Shr, _) => rust_width(scope, a),
        Expr::Binary(a, _, b) => rust_width(scope, a).or_else(|| rust_width(scope, b)),
    }
}

/// The bits that Verilog gives `e` when nothing around it asks for more.
fn verilog_width(scope: &Scope, e: &Expr) -> usize {
    match e {
        Expr::Signal(name) => scope.signal(name).map_or(32, |known| known.width),
        Expr::Literal(literal) => literal_width(literal),
        Expr::Cast(a, width) => verilog_width(scope, a).max(*width),
        Expr::Slice(_, width, _) => *width,
        Expr::Index(..) => 1,
        Expr::IndexReplace(a, ..) => verilog_width(scope, a).max(32),
        Expr::Paren(a) | Expr::Signed(a) | Expr::Unsigned(a) => verilog_width(scope, a),
        Expr::Unary(Unary::Not | Unary::Neg, a) => verilog_width(scope, a),
        Expr::Unary(..) => 1,
        Expr::Binary(_, op, _) if precedence(op) <= 2 || is_comparison(op) => 1,
        Expr::Binary(a, Op::Shl | Op::Shr, _) => verilog_width(scope, a),
        Expr::Binary(a, _, b) => verilog_width(scope, a).max(verilog_width(scope, b)),
    }
}

/// How tightly Verilog binds an operator, loosest first (IEEE 1364-2005, table 5-4).
fn precedence(op: &Op) -> u8 {
    match op {
        Op::LogicalOr => 1,
        Op::LogicalAnd => 2,
        Op::BitOr => 3,
        Op::BitXor => 4,
        Op::BitAnd => 5,
        Op::Eq | Op::Ne => 6,
        Op::Lt | Op::Le | Op::Gt | Op::Ge => 7,
        Op::Shl | Op::Shr => 8,
        Op::Add | Op::Sub => 9,
        Op::Mul => 10,
    }
}

fn binds(e: &Expr) -> u8 {
    match e {
        Expr::Binary(_, op, _) => precedence(op),
        _ => u8::MAX,
    }
}

fn is_comparison(op: &Op) -> bool {
    matches!(op, Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge)
}

/// A literal's printed form is its width, `'`, a base letter and digits.
fn literal_width(literal: &VerilogLiteral) -> usize {
    let text = literal.to_string();
    text.split_once('\'').and_then(|(width, _)| width.parse().ok()).unwrap_or(32)
}

pub(super) fn value(literal: &VerilogLiteral) -> Option<usize> {
    let text = format!("{literal:x}");
    let (_, digits) = text.split_once("'h")?;
    usize::from_str_radix(digits, 16).ok()
}

/// An expression much as it is printed, for a person to find it.
pub(super) fn show(e: &Expr) -> String {
    match e {
        Expr::Signal(name) => name.clone(),
        Expr::Literal(literal) => literal.to_string(),
        Expr::Cast(a, width) => format!("bit_cast::<{width}>({})", show(a)),
        Expr::Paren(a) => format!("({})", show(a)),
        Expr::Signed(a) => format!("signed({})", show(a)),
        Expr::Unsigned(a) => format!("unsigned({})", show(a)),
        Expr::Unary(Unary::Not, a) => format!("!{}", show(a)),
        Expr::Unary(Unary::Neg, a) => format!("-{}", show(a)),
        Expr::Unary(Unary::All, a) => format!("{}.all()", show(a)),
        Expr::Unary(Unary::Any, a) => format!("{}.any()", show(a)),
        Expr::Unary(Unary::Xor, a) => format!("{}.xor()", show(a)),
        Expr::Index(a, b) => format!("{}[{}]", show(a), show(b)),
        Expr::Slice(a, width, b) => format!("{}[{}+:{width}]", show(a), show(b)),
        Expr::IndexReplace(a, b, c) => {
            format!("{}.replace_bit({}, {})", show(a), show(b), show(c))
        }
        Expr::Binary(a, op, b) => format!("{} {} {}", show(a), symbol(op), show(b)),
    }
}

fn symbol(op: &Op) -> &'static str {
    match op {
        Op::LogicalOr => "||",
        Op::LogicalAnd => "&&",
        Op::BitOr => "|",
        Op::BitXor => "^",
        Op::BitAnd => "&",
        Op::Eq => "==",
        Op::Ne => "!=",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        Op::Ge => ">=",
        Op::Shl => "<<",
        Op::Shr => ">>",
        Op::Add => "+",
        Op::Sub => "-",
        Op::Mul => "*",
    }
}
