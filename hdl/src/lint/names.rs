//! Names and patterns that Verilog does not know.

use super::scope::{Known, Scope};

/// Words that some Verilog tool takes for its own, beyond those that RustHDL refuses itself.
/// Verilator reads SystemVerilog unless told otherwise.
const RESERVED: &str = " accept_on alias always and assert assign assume automatic before begin \
    bind bins binsof bit break buf byte case cell chandle checker class clocking cmos const \
    constraint context continue cover covergroup coverpoint cross deassign default defparam \
    design dist do else end enum event eventually expect export extends extern final for force \
    foreach forever fork function generate genvar global highz0 highz1 if iff ifnone \
    illegal_bins implements implies import incdir include initial inout inside instance int \
    integer interconnect interface intersect join large let liblist library local localparam \
    logic longint macromodule matches medium modport nand negedge nettype new nexttime nmos nor \
    noshowcancelled not notif0 notif1 null or package packed parameter pmos posedge primitive \
    priority program property protected pull0 pull1 pulldown pullup pure rand randc randcase \
    randsequence rcmos real realtime ref reject_on release repeat restrict return rnmos rpmos \
    rtran scalared sequence shortint shortreal showcancelled signed small soft solve specify \
    specparam static string strong strong0 strong1 struct super supply0 supply1 table tagged \
    task this throughout time timeprecision timeunit tran tri tri0 tri1 triand trior trireg type \
    typedef union unique unique0 unsigned until untyped use uwire var vectored virtual void wait \
    wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor ";

/// Words of C++ and of Verilator's classes: its models have members for ports and instances.
/// Signals inside a module may have these names, as Verilator renames them.
const RESERVED_IN_CPP: &str =
    " alignas alignof asm auto bool catch char char16_t char32_t char8_t \
    co_await co_return co_yield compl concept consteval constexpr constinit const_cast decltype \
    delete double dynamic_cast eval explicit false float friend goto inline long mutable \
    namespace noexcept nullptr operator private public register reinterpret_cast requires short \
    sizeof static_assert static_cast switch template thread_local throw trace true try typeid \
    typename volatile wchar_t ";

/// What `name` is already in Verilog, or `outside`, in the C++ that a model shows: no name then.
fn taken(name: &str, outside: bool) -> Option<&'static str> {
    let word = format!(" {name} ");
    if RESERVED.contains(&word) {
        return Some("a SystemVerilog keyword");
    }
    (outside && RESERVED_IN_CPP.contains(&word)).then_some("a word of C++ or Verilator")
}

/// Checks the name of a block, a register or a memory in the module.
pub(super) fn instance(scope: &mut Scope, name: &str) {
    if let Some(why) = taken(name, true) {
        scope.report(why, name);
    }
}

/// Checks the module's own declarations.
pub(super) fn declarations(scope: &mut Scope) {
    let names: Vec<(String, Known)> =
        scope.signals.iter().map(|(name, known)| (name.clone(), *known)).collect();
    for (name, known) in names {
        if let Some(why) = taken(&name, known.kind.is_parameter()) {
            scope.report(why, &name);
        }
        if known.signed {
            scope.report("signed arithmetic turns unsigned beside a literal in Verilog", &name);
        }
    }
}

/// Checks that `name`, read or written by a kernel, is declared in the module.
pub(super) fn known(scope: &mut Scope, name: &str) {
    let state = name.replace("::", "$");
    if scope.signal(name).is_none() && !scope.is_index(name) && !scope.states.contains_key(&state) {
        let why = "not declared in the Verilog; hold a Rust constant in a Constant field";
        scope.report(why, name);
    }
}

/// Checks a `match` arm's pattern, which the printer copies.
pub(super) fn pattern(scope: &mut Scope, pattern: &str) {
    let decimal = pattern.bytes().all(|c| c.is_ascii_digit());
    let state = scope.states.contains_key(&pattern.replace("::", "$"));
    if !(decimal || state || pattern == "default") {
        let why = "not a pattern in Verilog; write a decimal number, a variant, or `_`";
        scope.report(why, pattern);
    }
}
