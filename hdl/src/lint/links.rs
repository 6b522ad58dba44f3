//! Ports of a block inside that are linked to a port of the module: the printer connects the two
//! directly and declares no wire of the inner port's name for the kernel to use. And links by names
//! that are none: the printer takes a port called `next` for the assignment of that name, and then
//! links nothing.

use super::scope::Scope;
use rust_hdl::core::ast::{VerilogBlock, VerilogLink, VerilogLinkDetails};
use rust_hdl::core::verilog_gen::{verilog_combinatorial, verilog_link_extraction};
use std::collections::BTreeSet;

/// Reports inner ports that are linked outwards and that the kernel names besides, and ends of
/// links that are no signal.
pub(super) fn check(scope: &mut Scope, code: &VerilogBlock) {
    let links = verilog_link_extraction(code);
    if links.is_empty() {
        return;
    }
    // Printed, the loops are unrolled, so that elements of an array are told apart.
    let printed = verilog_combinatorial(code);
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let named: BTreeSet<&str> = printed.split(|c| !in_name(c)).collect();
    for link in &links {
        let (one, other) = ends(link);
        for end in [&one, &other] {
            if scope.signal(end).is_none() {
                let interface = end.rsplit_once('$').map_or(end.as_str(), |(owner, _)| owner);
                scope.report("linked, but no port has this name", interface);
            }
        }
        let is_port = |name: &str| scope.signal(name).is_some_and(|s| s.kind.is_parameter());
        let (inner, outer) = if is_port(&one) { (other, one) } else { (one, other) };
        if is_port(&outer) && named.contains(inner.as_str()) {
            let why = format!("linked outwards and not declared in the Verilog; use {outer}");
            scope.report(&why, &inner);
        }
    }
}

/// The two signals that a link makes one, as the printer names them.
fn ends(link: &VerilogLink) -> (String, String) {
    let (VerilogLink::Forward(ends)
    | VerilogLink::Backward(ends)
    | VerilogLink::Bidirectional(ends)) = link;
    let VerilogLinkDetails { my_name, owner_name, other_name } = ends;
    let name = |end: &str| {
        let end = end.replace('[', "$").replace(']', "");
        if my_name.is_empty() {
            end
        } else {
            format!("{end}${my_name}")
        }
    };
    (name(owner_name), name(other_name))
}
