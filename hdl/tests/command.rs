//! The command line: `ironwarp-hdl verilog`, `lint` and `blocks`.

use std::path::Path;
use std::process::{Command, Output};

fn run(words: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ironwarp-hdl")).args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

#[test]
fn writes_every_block_to_a_new_folder() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a/b");
    let (output, said) = run(&["verilog", target.to_str().unwrap()]);
    assert!(output.status.success(), "{said}");
    for entry in ironwarp_hdl::blocks() {
        let text = std::fs::read_to_string(target.join(format!("{}.v", entry.name))).unwrap();
        assert!(text.contains(&format!("module {}(", entry.top())), "{}", entry.name);
    }
}

#[test]
fn writes_one_block_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (output, said) = run(&["verilog", folder.path().to_str().unwrap(), "--block", "crc32c"]);
    assert!(output.status.success(), "{said}");
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn what_cannot_be_written_or_is_not_known_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("folder");
    for wrong in [Path::new(&file), &inside] {
        let wrong = wrong.to_str().unwrap();
        let (output, said) = run(&["verilog", wrong]);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(wrong), "{said}");
    }
    let (output, said) = run(&["verilog", folder.path().to_str().unwrap(), "--block", "nowhere"]);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("nowhere") && said.contains("crc32c"), "{said}");
}

#[test]
fn the_lint_passes_and_the_blocks_are_listed() {
    let (output, said) = run(&["lint"]);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    let (output, _) = run(&["blocks"]);
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(ironwarp_hdl::blocks().iter().all(|entry| listed.lines().any(|l| l == entry.name)));
}
