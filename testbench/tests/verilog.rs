//! The Verilog that comes out is Verilog: the kernel lint, Yosys and Verilator have no complaint.

use ironwarp_hdl::blocks::{engines, whole, BlockEntry};
use ironwarp_testbench::lockstep::{blocks, chosen, of_board};
use std::path::Path;
use std::process::{Command, Output};

/// Leaf blocks, engines, the whole device and the whole board; or the one that `BLOCK` names.
fn everything() -> Vec<BlockEntry> {
    let board = ironwarp_ecpix5::whole().into_iter().map(of_board).collect();
    chosen([blocks(), engines(), whole(), board].concat())
}

/// A block's Verilog, with what its cells do if it is of the board.
fn verilog(entry: &BlockEntry) -> String {
    let verilog = entry.emit().unwrap_or_else(|why| panic!("{}: {why}", entry.name));
    let board = [ironwarp_ecpix5::blocks(), ironwarp_ecpix5::whole()].concat();
    match board.iter().any(|it| it.name == entry.name) {
        true => verilog + ironwarp_ecpix5::CELLS,
        false => verilog,
    }
}

/// What a tool said, if it was not content.
fn complaint(entry: &BlockEntry, tool: &str, output: &Output) -> Option<String> {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    let end: Vec<&str> = said.lines().rev().take(20).collect();
    let end = end.into_iter().rev().collect::<Vec<_>>().join("\n");
    (!output.status.success())
        .then(|| format!("{} in {tool}: {}\n{end}", entry.name, output.status))
}

/// Gives every block's Verilog, in a file `top.v`, and its top module to `tool`; fails with all
/// complaints.
fn all_pass(tool: &str, run: impl Fn(&Path, &str) -> Output) {
    let mut complaints = Vec::new();
    for entry in everything() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("top.v"), verilog(&entry)).unwrap();
        complaints.extend(complaint(&entry, tool, &run(folder.path(), &entry.top())));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

fn yosys(folder: &Path, top: &str) -> Output {
    // Everything is connected and declared, nothing is driven twice, and there is no latch.
    let script = format!(
        "read_verilog top.v; hierarchy -check -top {top}; proc; \
         select -assert-none t:$dlatch t:$adlatch t:$dlatchsr; opt_clean; check -assert"
    );
    let mut command = Command::new("yosys");
    command.current_dir(folder).args(["-q", "-p", &script]);
    command.output().expect("yosys is installed: run `./ironwarp setup`")
}

fn verilator(folder: &Path, top: &str) -> Output {
    let verilator = verilator_sys::find::Verilator::find().expect("run `./ironwarp setup`");
    let arguments = ["--lint-only", "--top-module", top, "top.v"];
    verilator.command().current_dir(folder).args(arguments).output().expect("it was found")
}

#[test]
fn the_kernel_lint_is_clean() {
    let findings: Vec<String> = everything()
        .iter()
        .flat_map(|entry| entry.lint().into_iter().map(|line| format!("{}: {line}", entry.name)))
        .collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn yosys_accepts_every_block() {
    all_pass("Yosys", yosys);
}

#[test]
fn verilator_accepts_every_block() {
    all_pass("Verilator", verilator);
}

#[test]
fn the_text_is_the_same_every_time() {
    for entry in everything() {
        assert_eq!(entry.emit().unwrap(), entry.emit().unwrap(), "{}", entry.name);
    }
}

/// Tools that pass anything would make the tests above worthless.
#[test]
fn the_tools_see_mistakes() {
    let wrong = [
        ("a latch", "always @(*) if (a) q = b;"),
        ("an undeclared name", "always @(*) q = nowhere;"),
        ("no Verilog", "always @(*) q = ;"),
    ];
    for (what, body) in wrong {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "module top(a, b, q);\ninput wire a;\ninput wire b;\noutput reg q;\n{body}\nendmodule\n"
        );
        std::fs::write(folder.path().join("top.v"), text).unwrap();
        let yosys = yosys(folder.path(), "top");
        // Yosys declares a name that is not declared, and then finds that nothing drives it.
        assert!(!yosys.status.success(), "Yosys passes {what}");
        let verilator = verilator(folder.path(), "top");
        assert!(what == "a latch" || !verilator.status.success(), "Verilator passes {what}");
    }
}
