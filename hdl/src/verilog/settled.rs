//! Kernels' processes as every simulator takes them.
//!
//! RustHDL prints a kernel as one `always @(*)` that does what the kernel does. Three things about
//! it do not suit a simulator that keeps to the order of events (IEEE 1364-2005 sections 9.7.5 and
//! 11), and are changed here.
//!
//! **What leaves the process changes once.** A kernel assigns defaults and then overrides them, and
//! who reads such a signal in another process sees the default for a moment. Where two processes
//! read each other's signals, as a block and a block in it do, each wakes the other by its moment
//! for ever, though no signal depends on itself. So the overriding happens in a draft that is the
//! process's own:
//!
//! ```text
//! always @(*) begin                     always @(*) begin
//!     read_record = ram$read_data;          read_record$draft = ram$read_data;
//!     if (forward$q) begin                  if (forward$q) begin
//!         read_record = forwarded$q;            read_record$draft = forwarded$q;
//!     end                                   end
//! end                                       read_record = read_record$draft;
//!                                       end
//! ```
//!
//! **Inputs pass by.** An input that is only handed on, the clock above all, gets an `assign` of
//! its own: else every process runs at both edges of the clock, and does nothing.
//!
//! **Every process runs at the start.** `always @(*)` waits for a change, and what has none, since
//! all that it reads is constant or as it was at power-on, would stay unknown for ever.

use std::collections::{BTreeMap, BTreeSet};

/// What is put behind a signal's name.
const DRAFT: &str = "$draft";
/// How the printer begins a kernel's process, and ends it.
const BEGIN: &str = "    always @(*) begin";
const END: &str = "    end";

/// The Verilog of all modules, with drafts.
pub(super) fn settled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = rest.find("\nendmodule") {
        let (module, after) = rest.split_at(end + 1);
        let line_end = after.find('\n').map_or(after.len(), |end| end + 1);
        out += &settled_module(module);
        out += &after[..line_end];
        rest = &after[line_end..];
    }
    out + rest
}

fn settled_module(module: &str) -> String {
    let mut lines: Vec<String> = module.lines().map(str::to_owned).collect();
    let begin = lines.iter().position(|line| line == BEGIN);
    let Some((begin, end)) = begin.and_then(|begin| {
        let length = lines[begin..].iter().position(|line| line == END)?;
        Some((begin, begin + length))
    }) else {
        return module.to_owned();
    };
    let mut tail = lines.split_off(end);
    let mut body = lines.split_off(begin);
    let vectors: BTreeSet<String> =
        lines.iter().filter_map(|line| Some(declared(line).filter(|it| it.1)?.0)).collect();
    for line in &mut body {
        if let Some(bit) = bit_assigned(line, &vectors) {
            *line = bit;
        }
        *line = constant_slices(line);
    }
    let passed = pass_by(&mut lines, &mut body);
    if body.len() == 1 {
        // Nothing is left of the process.
        body.clear();
        tail.remove(0);
    }
    let declared: Vec<&str> = lines.iter().map(String::as_str).collect();
    let seen = seen_outside(&declared);
    let times = times(&body);
    let often = |name: &&str| times.get(*name).is_some_and(|times| *times > 1);
    let drafts: BTreeSet<&str> = seen.keys().copied().filter(often).collect();
    let mut out = declared.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    if !drafts.is_empty() {
        out.push("    // What signals are before they are final".to_owned());
        out.extend(drafts.iter().map(|name| format!("    reg {}{name}{DRAFT};", seen[name])));
    }
    out.extend(passed);
    if !body.is_empty() {
        out.extend(POWER_ON.lines().map(str::to_owned));
    }
    out.extend(body.iter().map(|line| renamed(line, &drafts)));
    out.extend(drafts.iter().map(|name| format!("        {name} = {name}{DRAFT};")));
    if let Some(begin) = out.iter().position(|line| line == BEGIN) {
        out.splice(begin + 1..begin + 1, POWER_SEEN.lines().map(str::to_owned));
    }
    out.extend(tail);
    out.join("\n") + "\n"
}

/// Wakes a process at the start. Verilator needs no waking, and synthesis has no start.
const POWER_ON: &str = "`ifndef SYNTHESIS
`ifndef VERILATOR
    reg power$on, power$seen;
    initial power$on <= 1'b1;
`endif
`endif";
const POWER_SEEN: &str = "`ifndef SYNTHESIS
`ifndef VERILATOR
        power$seen = power$on;
`endif
`endif";

/// Takes what only hands an input on out of a process's `body`, and gives it as assignments.
fn pass_by(declarations: &mut [String], body: &mut Vec<String>) -> Vec<String> {
    let inputs: BTreeSet<String> = declarations
        .iter()
        .filter(|line| line.trim_start().starts_with("input wire "))
        .filter_map(|line| Some(line.trim_end_matches(';').rsplit_once(' ')?.1.to_owned()))
        .collect();
    let times: BTreeMap<String, usize> =
        times(body).into_iter().map(|(name, times)| (name.to_owned(), times)).collect();
    let text: Vec<&str> = declarations.iter().map(String::as_str).collect();
    let seen: BTreeSet<String> = seen_outside(&text).into_keys().map(str::to_owned).collect();
    let goes = |line: &str| {
        let (to, from) = handed_on(line)?;
        let only = times.get(to) == Some(&1) && seen.contains(to) && inputs.contains(from);
        only.then(|| (to.to_owned(), from.to_owned()))
    };
    let signals: BTreeSet<String> =
        declarations.iter().filter_map(|line| Some(declared(line)?.0)).collect();
    let mut stay = body.iter().skip(1).filter(|line| goes(line).is_none()).peekable();
    // A process that reads nothing would never run: it keeps what it can read.
    if stay.peek().is_some() && !stay.any(|line| reads(line, &signals)) {
        return Vec::new();
    }
    let passed: Vec<(String, String)> = body.iter().filter_map(|line| goes(line)).collect();
    body.retain(|line| goes(line).is_none());
    for line in declarations.iter_mut() {
        let name = line.trim_end_matches(';').rsplit_once(' ').map_or("", |it| it.1);
        if line.contains("reg ") && passed.iter().any(|(to, _)| to == name) {
            *line = line.replacen("reg ", "wire ", 1);
        }
    }
    passed.iter().map(|(to, from)| format!("    assign {to} = {from};")).collect()
}

/// The name that a line declares as a signal, and whether it has a range.
fn declared(line: &str) -> Option<(String, bool)> {
    let line = line.trim_start().strip_suffix(';')?;
    let kinds = ["input wire ", "output reg ", "output wire ", "reg ", "wire "];
    let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
    let name = rest.rsplit(' ').next()?;
    Some((name.to_owned(), rest.contains('[')))
}

/// The line reads one of the signals.
fn reads(line: &str, signals: &BTreeSet<String>) -> bool {
    let read = target(line).map_or(line, |name| line.trim_start().trim_start_matches(name));
    read.split(|c| !of_name(c)).any(|word| signals.contains(word))
}

/// RustHDL's way to set one bit of a vector, by masks of 32 bits, as an assignment to the bit.
fn bit_assigned(line: &str, vectors: &BTreeSet<String>) -> Option<String> {
    let text = line.trim_start();
    let (name, rest) = text.split_once(" = (")?;
    let rest = rest.strip_prefix(name)?.strip_prefix(" & ~(1 << (")?;
    let (index, rest) = rest.split_once(")) | ((")?;
    let value = rest.strip_suffix(&format!(") << ({index})));"))?;
    let number: usize = index.rsplit("'h").next().and_then(|it| match index.contains("'h") {
        true => usize::from_str_radix(it, 16).ok(),
        false => it.parse().ok(),
    })?;
    let lead = &line[..line.len() - text.len()];
    vectors.contains(name).then(|| format!("{lead}{name}[{number}] = {value};"))
}

/// RustHDL's way to take bits at an offset of 32 bits, where that is a constant, as a range.
pub(crate) fn constant_slices(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some((before, from)) = rest.split_once("[(32'h") {
        out += before;
        let slice = from.split_once(")+:(").and_then(|(low, from)| {
            let (width, after) = from.split_once(")]")?;
            let low = usize::from_str_radix(low, 16).ok()?;
            let width: usize = width.parse().ok()?;
            (width > 1).then(|| (format!("[{}:{low}]", low + width - 1), after))
        });
        let (text, after) = slice.unwrap_or_else(|| ("[(32'h".to_owned(), from));
        out += &text;
        rest = after;
    }
    out + rest
}

/// The two names of a line that assigns one whole signal to another, whatever happens.
fn handed_on(line: &str) -> Option<(&str, &str)> {
    let (to, from) = line.strip_prefix("        ")?.strip_suffix(';')?.split_once(" = ")?;
    (to.chars().all(of_name) && from.chars().all(of_name)).then_some((to, from))
}

/// How often each signal is assigned to.
fn times(body: &[String]) -> BTreeMap<&str, usize> {
    let mut times = BTreeMap::new();
    for name in body.iter().filter_map(|line| target(line)) {
        *times.entry(name).or_default() += 1;
    }
    times
}

/// The module's outputs and what it gives to the blocks in it, with their ranges.
fn seen_outside<'a>(declarations: &[&'a str]) -> BTreeMap<&'a str, &'a str> {
    let mut seen = BTreeMap::new();
    let mut local = false;
    for line in declarations.iter().map(|line| line.trim()) {
        if let Some(heading) = line.strip_prefix("// ") {
            local = heading == "Local signals";
        }
        let Some(kind) = line.strip_prefix("output reg ").or(line.strip_prefix("reg ")) else {
            continue;
        };
        let declared = kind.trim_end_matches(';');
        let at = declared.rfind(' ').map_or(0, |at| at + 1);
        if !local {
            seen.insert(&declared[at..], declared[..at].trim_start());
        }
    }
    seen
}

/// What a line assigns to, if it is an assignment.
fn target(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let name = &line[..line.find(|c| !of_name(c)).unwrap_or(line.len())];
    let rest = &line[name.len()..];
    let assigns = rest.starts_with(" = ") || rest.starts_with('[');
    (assigns && !name.is_empty()).then_some(name)
}

fn of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

/// The line, with the drafts for the signals.
fn renamed(line: &str, drafts: &BTreeSet<&str>) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(of_name) {
        let word = &rest[start..];
        let word = &word[..word.find(|c| !of_name(c)).unwrap_or(word.len())];
        out += &rest[..start + word.len()];
        if drafts.contains(word) {
            out += DRAFT;
        }
        rest = &rest[start + word.len()..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = "module m(a,x,y,z);

    // Module arguments
    input wire a;
    output reg [3:0] x;
    output reg  y;
    output reg  z;

    // Stub signals
    reg  [1:0] part$x;

    // Local signals
    reg  l;

    // Update code
    always @(*) begin
        x = 4'h0;
        y = a;
        l = a;
        l = x[0];
        part$x[(0)+:(1)] = a;
        part$x[(1)+:(1)] = x[1];
        if (a) begin
            x = part$x;
            z = 1;
        end
        else begin
            z = x$y;
            z = 0;
        end
    end
    assign q = x;
endmodule // m
";

    #[test]
    fn what_is_overridden_is_drafted() {
        let text = settled(MODULE);
        for line in [
            "    reg [3:0] x$draft;\n",
            "    reg z$draft;\n",
            "    output wire  y;\n",
            "    assign y = a;\n",
            "        power$seen = power$on;\n",
            "    reg [1:0] part$x$draft;\n",
            "        x$draft = 4'h0;\n",
            "        l = x$draft[0];\n",
            "        part$x$draft[(1)+:(1)] = x$draft[1];\n",
            "            x$draft = part$x$draft;\n",
            "            z$draft = x$y;\n",
            "        x = x$draft;\n",
            "        part$x = part$x$draft;\n    ",
            "    assign q = x;\nendmodule // m\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert!(!text.contains("        y = a;"), "{text}");
        assert!(!text.contains("y$draft;") && !text.contains("l$draft"), "{text}");
        assert_eq!(text.matches("        x = ").count(), 1);
    }

    #[test]
    fn a_bit_is_set_as_a_bit() {
        let vectors = BTreeSet::from(["v".to_owned()]);
        let bit = |line: &str| bit_assigned(line, &vectors);
        let set = "    v = (v & ~(1 << (12)) | ((a == (b | c)) << (12)));";
        assert_eq!(bit(set).unwrap(), "    v[12] = a == (b | c);");
        let set = "v = (v & ~(1 << (32'h1f)) | ((a) << (32'h1f)));";
        assert_eq!(bit(set).unwrap(), "v[31] = a;");
        for other in [
            "w = (w & ~(1 << (1)) | ((a) << (1)));",
            "v = (v & ~(1 << (n)) | ((a) << (n)));",
            "v = (w & ~(1 << (1)) | ((a) << (1)));",
        ] {
            assert_eq!(bit(other), None, "{other}");
        }
    }

    #[test]
    fn constant_slices_are_ranges() {
        let line = "a[(32'h10)+:(8)] = b[(32'h1)+:(1)] & c[(n)+:(4)] & d[(32'h0)+:(4)];";
        assert_eq!(constant_slices(line), "a[23:16] = b[(32'h1)+:(1)] & c[(n)+:(4)] & d[3:0];");
    }

    #[test]
    fn a_process_keeps_something_to_read_or_goes() {
        let head = "module m(c);\n    input wire c;\n    reg  p$c;\n    reg  p$e;\n\n";
        let process =
            |body: &str| format!("{head}    always @(*) begin\n{body}    end\nendmodule\n");
        let gone = settled(&process("        p$c = c;\n"));
        assert!(gone.contains("assign p$c = c;") && !gone.contains("always"), "{gone}");
        let kept = settled(&process("        p$c = c;\n        p$e = 1'b1;\n"));
        assert!(kept.contains("        p$c = c;\n        p$e = 1'b1;\n    end"), "{kept}");
    }

    #[test]
    fn what_is_assigned_once_stays() {
        let module = "module m(a,x);\n    input wire a;\n    output reg  x;\n\n    always @(*) \
                      begin\n        x = ~a;\n    end\nendmodule // m\n";
        let text = settled(module);
        assert!(text.contains("        x = ~a;\n    end\nendmodule // m\n"), "{text}");
        assert!(text.starts_with(&module[..40]) && !text.contains("draft"), "{text}");
    }
}
