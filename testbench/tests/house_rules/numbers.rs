//! A number of an object is as wide as the contract or the configuration has it, and how many
//! objects there are is nowhere written down but in the configuration: with other counts, what
//! breaks these rules compiles, and takes one object for another.

use super::{none, rust};
use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Where numbers of objects go.
const FOLDERS: &[&str] =
    &["hdl/src/", "driver/src/", "machine/src/", "firmware-model/src/", "testbench/"];
/// What names the number of an object, alone or as the last word.
const NUMBERS: &[&str] = &["qp", "cq", "mr", "queue_pair", "completion_queue", "bucket"];
/// What names all of them.
const ALL: &[&str] =
    &["qps", "cqs", "mrs", "pairs", "queue_pairs", "completion_queues", "regions", "buckets"];
/// Integers that are narrower than a number.
const NARROW: &[&str] = &["u8", "i8", "u16", "i16"];
/// Kernel operations whose first parameter is a width in bits.
const CUTS: &[&str] = &["bit_cast", "get_bits"];

fn names(words: &[&str], name: &str) -> bool {
    words.iter().any(|word| {
        name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    })
}

/// The last name of a place: `x` of `x`, `self.x`, `self.x.q.val()` and `(*x)`.
fn last_name(place: &syn::Expr) -> Option<String> {
    match place {
        syn::Expr::Path(path) => path.path.segments.last().map(|it| it.ident.to_string()),
        syn::Expr::Field(field) => match &field.member {
            syn::Member::Named(name) if ["q", "d", "next"].iter().any(|wire| name == wire) => {
                last_name(&field.base)
            }
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        syn::Expr::MethodCall(call) if call.method == "val" => last_name(&call.receiver),
        syn::Expr::Paren(inner) => last_name(&inner.expr),
        syn::Expr::Unary(inner) => last_name(&inner.expr),
        syn::Expr::Reference(inner) => last_name(&inner.expr),
        _ => None,
    }
}

fn is_number(place: &syn::Expr) -> bool {
    last_name(place).is_some_and(|name| names(NUMBERS, &name))
}

fn is_literal(it: &syn::Expr) -> bool {
    match it {
        syn::Expr::Lit(_) => true,
        syn::Expr::Block(block) => {
            matches!(&block.block.stmts[..], [syn::Stmt::Expr(only, None)] if is_literal(only))
        }
        _ => false,
    }
}

/// A literal width in a type, as in `Bits<4>` or `Signal<In, Bits<4>>`.
fn literal_width(of: &syn::Type) -> bool {
    let syn::Type::Path(path) = of else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    arguments.args.iter().any(|argument| match argument {
        syn::GenericArgument::Const(width) => last.ident == "Bits" && is_literal(width),
        syn::GenericArgument::Type(inner) => literal_width(inner),
        _ => false,
    })
}

fn is_narrow(of: &syn::Type) -> bool {
    matches!(of, syn::Type::Path(path) if NARROW.iter().any(|narrow| path.path.is_ident(narrow)))
}

struct Numbers<'a> {
    file: &'a str,
    findings: Vec<String>,
    /// Inside of tests: they choose a few objects, and may say how many.
    tests: bool,
}

impl Numbers<'_> {
    fn find(&mut self, at: Span, what: impl std::fmt::Display) {
        self.findings.push(format!("{}:{}: {what}", self.file, at.start().line));
    }

    /// Something has this name and type.
    fn declared(&mut self, name: &str, of: &syn::Type) {
        let shown = of.to_token_stream().to_string().replace(' ', "");
        if names(NUMBERS, name) && (is_narrow(of) || literal_width(of)) {
            self.find(of.span(), format!("the number {name} has the width of {shown}"));
        }
        let counted = matches!(of, syn::Type::Array(array) if is_literal(&array.len));
        if names(ALL, name) && (counted || literal_width(of)) && !self.tests {
            self.find(of.span(), format!("{name} counts objects by a literal: {shown}"));
        }
    }
}

/// The attributes say that what has them is a test, or is there for tests alone.
fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.to_token_stream().to_string();
        attribute.path().is_ident("test") || text.replace(' ', "").contains("cfg(test)")
    })
}

impl<'ast> Visit<'ast> for Numbers<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let before = self.tests;
        self.tests |= for_tests(&item.attrs);
        visit::visit_item_mod(self, item);
        self.tests = before;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let before = self.tests;
        self.tests |= for_tests(&item.attrs);
        visit::visit_item_fn(self, item);
        self.tests = before;
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(name) = &field.ident {
            self.declared(&name.to_string(), &field.ty);
        }
        visit::visit_field(self, field);
    }

    fn visit_pat_type(&mut self, pattern: &'ast syn::PatType) {
        if let syn::Pat::Ident(name) = &*pattern.pat {
            self.declared(&name.ident.to_string(), &pattern.ty);
        }
        visit::visit_pat_type(self, pattern);
    }

    fn visit_expr_cast(&mut self, cast: &'ast syn::ExprCast) {
        if is_narrow(&cast.ty) && is_number(&cast.expr) {
            let text = cast.to_token_stream();
            self.find(cast.span(), format!("a number is cut: {text}"));
        }
        visit::visit_expr_cast(self, cast);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let of_number = call.args.first().is_some_and(is_number);
        if let (syn::Expr::Path(function), true) = (&*call.func, of_number) {
            let cut = function.path.segments.iter().any(|segment| {
                CUTS.iter().any(|cut| segment.ident == cut) && begins_literal(&segment.arguments)
            });
            if cut {
                self.find(call.span(), "a number is cut to a literal width");
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let cut = CUTS.iter().any(|cut| call.method == cut)
            && call.turbofish.as_ref().is_some_and(|it| first_literal(&it.args));
        if cut && is_number(&call.receiver) {
            self.find(call.span(), "a number is cut to a literal width");
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_for_loop(&mut self, it: &'ast syn::ExprForLoop) {
        let name = match &*it.pat {
            syn::Pat::Ident(name) => name.ident.to_string(),
            _ => String::new(),
        };
        let range = match &*it.expr {
            syn::Expr::Range(range) => range.end.as_deref().is_some_and(is_literal),
            _ => false,
        };
        if names(NUMBERS, &name) && range && !self.tests {
            self.find(it.pat.span(), format!("{name} counts objects by a literal"));
        }
        visit::visit_expr_for_loop(self, it);
    }
}

fn begins_literal(arguments: &syn::PathArguments) -> bool {
    match arguments {
        syn::PathArguments::AngleBracketed(arguments) => first_literal(&arguments.args),
        _ => false,
    }
}

fn first_literal<'a>(arguments: impl IntoIterator<Item = &'a syn::GenericArgument>) -> bool {
    match arguments.into_iter().next() {
        Some(syn::GenericArgument::Const(width)) => is_literal(width),
        _ => false,
    }
}

fn findings(file: &str, tree: &syn::File) -> Vec<String> {
    let tests = file.contains("/tests/") || file.ends_with("/tests.rs") || file.contains("/bench");
    let mut numbers = Numbers { file, findings: Vec::new(), tests };
    numbers.visit_file(tree);
    numbers.findings
}

#[test]
fn no_number_is_cut_and_no_count_is_a_literal() {
    let ours = |file: &str| FOLDERS.iter().any(|folder| file.starts_with(folder));
    let trees = rust().into_iter().filter(|(file, _)| ours(file));
    none(trees.flat_map(|(file, tree)| findings(&file, &tree)).collect());
}

#[test]
fn what_cuts_a_number_is_found_and_what_does_not_is_left_alone() {
    let cases = [
        ("struct A { qp: Bits<4> }", 1),
        ("struct A { pub head_qp: Signal<In, Bits<4>>, pub queue: Signal<In, Bits<4>> }", 1),
        ("struct A { qp: u8, cq: u32, cqs: u8 }", 1),
        ("struct A { qp: QpNumber, cq: Bits<NUMBER_BITS> }", 0),
        ("struct A { regions: [Region; 256], regions_max: [u8; 4] }", 1),
        ("struct A { regions: Vec<Region>, regions_named: [&str; N] }", 0),
        ("fn f(send_cq: u8, count: u8) {}", 1),
        ("fn f() { g(self.qp as u8); g(number as u8); g(qp as usize); g(qp.len() as u8) }", 1),
        ("fn f() { self.d.next = bit_cast::<4, 8>(self.command.val().qp); }", 1),
        ("fn f() { self.d.next = bit_cast::<{ QP_BITS }, 24>(self.command.val().qp); }", 0),
        ("fn f() { let a = self.qp.val().get_bits::<4>(0); }", 1),
        ("fn f() { let a = self.word.val().get_bits::<4>(0); }", 0),
        ("fn f() { for qp in 0..16 {} for qp in 0..QP_COUNT {} for bit in 0..16 {} }", 1),
        ("#[test] fn f() { for qp in 0..3 {} }", 0),
    ];
    for (text, expected) in cases {
        let found = findings("hdl/src/a.rs", &syn::parse_file(text).unwrap());
        assert_eq!(found.len(), expected, "{text}: {found:?}");
    }
}
