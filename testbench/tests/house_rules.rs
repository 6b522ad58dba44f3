//! What every file of the project must keep to.

#[path = "house_rules/numbers.rs"]
mod numbers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// The only files and folders with `unsafe` in them: foreign functions and the operating system.
const UNSAFE_HOMES: &[&str] =
    &["sim/verilator-sys/src/instance.rs", "sim/verilator-sys/src/waveform.rs", "driver/src/os/"];

/// The longest line, in characters.
const COLUMNS: usize = 100;
/// The longest function, in lines.
const FUNCTION: usize = 70;
/// The longest kernel: a state machine cannot be split into functions.
const KERNEL: usize = 150;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file of the project by its path: what Git knows or would take, else what is there.
fn files() -> Vec<String> {
    let git = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let mut files: Vec<String> = match git {
        Ok(list) if list.status.success() && !list.stdout.is_empty() => {
            String::from_utf8(list.stdout).unwrap().lines().map(str::to_owned).collect()
        }
        _ => walk(Path::new("")),
    };
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files.dedup();
    assert!(files.iter().any(|file| file == "Cargo.toml"), "{files:?}");
    files
}

fn walk(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let path = folder.join(entry.unwrap().file_name());
        let name = path.to_str().unwrap();
        if ["target", ".git", ".tools"].contains(&name) {
            continue;
        }
        match root().join(&path).is_dir() {
            true => found.extend(walk(&path)),
            false => found.push(name.to_owned()),
        }
    }
    found
}

/// The text of every text file; `Cargo.lock` is Cargo's own.
fn texts() -> Vec<(String, String)> {
    let files = files().into_iter().filter(|file| file != "Cargo.lock");
    files.filter_map(|f| std::fs::read_to_string(root().join(&f)).ok().map(|t| (f, t))).collect()
}

/// The program texts: what people edit in a terminal.
fn sources() -> Vec<(String, String)> {
    let ends = [
        ".rs", ".cpp", ".h", ".v", ".py", ".toml", ".sh", ".ys", ".lpf", "ironwarp", ".ci/run",
        "/measure",
    ];
    texts().into_iter().filter(|(file, _)| ends.iter().any(|end| file.ends_with(end))).collect()
}

fn rust() -> Vec<(String, syn::File)> {
    let files = sources().into_iter().filter(|(file, _)| file.ends_with(".rs"));
    files.map(|(file, text)| (file.clone(), syn::parse_file(&text).expect(&file))).collect()
}

/// Fails with all findings, one line each.
fn none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

/// The lines in which `wrong` says something.
fn lines(texts: &[(String, String)], wrong: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, text) in texts {
        for (number, line) in text.lines().enumerate() {
            findings.extend(wrong(line).map(|why| format!("{file}:{}: {why}", number + 1)));
        }
    }
    findings
}

#[test]
fn lines_are_short_and_clean() {
    none(lines(&sources(), |line| {
        let length = line.chars().count();
        (length > COLUMNS).then(|| format!("{length} columns")).or_else(|| {
            let untidy = line.ends_with([' ', '\t']) || line.contains('\r');
            untidy.then(|| "blanks at the end of the line".to_owned())
        })
    }));
}

/// Functions that are too long, and `unsafe` outside its homes.
struct Walker<'a> {
    file: &'a str,
    findings: Vec<String>,
    lines: Vec<&'a str>,
}

impl Walker<'_> {
    fn function(&mut self, name: &syn::Ident, attributes: &[syn::Attribute], body: &syn::Block) {
        let kernel = attributes.iter().any(|attribute| attribute.path().is_ident("hdl_gen"));
        let limit = if kernel { KERNEL } else { FUNCTION };
        let span = body.span();
        let lines = span.end().line - span.start().line + 1;
        if lines > limit {
            let at = span.start().line;
            self.findings.push(format!("{}:{at}: {name} has {lines} lines", self.file));
        }
    }

    fn unsafety(&mut self, at: usize) {
        let home = UNSAFE_HOMES.iter().any(|home| self.file.starts_with(home));
        let reason = self.lines[at.saturating_sub(8)..at].iter();
        // An `unsafe fn` states its contract in its documentation.
        if !home || !reason.clone().any(|l| l.contains("SAFETY") || l.contains("# Safety")) {
            let why = if home { "unsafe without its reason" } else { "unsafe" };
            self.findings.push(format!("{}:{at}: {why}", self.file));
        }
    }
}

impl<'ast> Visit<'ast> for Walker<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig.ident, &item.attrs, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig.ident, &item.attrs, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(word) = signature.unsafety {
            self.unsafety(word.span().start().line);
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.unsafety(block.unsafe_token.span().start().line);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some(word) = item.unsafety {
            self.unsafety(word.span().start().line);
        }
        visit::visit_item_impl(self, item);
    }
}

#[test]
fn functions_are_short_and_unsafe_stays_at_home() {
    let texts: BTreeMap<String, String> = sources().into_iter().collect();
    let mut findings = Vec::new();
    for (file, tree) in rust() {
        let lines = texts[&file].lines().collect();
        let mut walker = Walker { file: &file, findings: Vec::new(), lines };
        walker.visit_file(&tree);
        findings.extend(walker.findings);
    }
    none(findings);
}

/// A word that must not stand in a file, put together here so that it does not stand in this one.
fn word(parts: &[&str]) -> String {
    parts.concat()
}

#[test]
fn nothing_is_left_undone() {
    let macros = [word(&["to", "do!("]), word(&["unimple", "mented!("]), word(&["db", "g!("])];
    let marks = [word(&["FIX", "ME"]), word(&["XX", "X:"]), word(&["<<<<", "<<<"])];
    let wrong = [&macros[..], &marks[..]].concat();
    none(lines(&texts(), |line| wrong.iter().find(|w| line.contains(*w)).cloned()));
}

#[test]
fn no_machine_no_registry_no_author_is_named() {
    let registries = [
        word(&["crates", ".io"]),
        word(&["py", "pi.org"]),
        word(&["python", "hosted.org"]),
        word(&["deb.deb", "ian.org"]),
        word(&["npm", "js.org"]),
        word(&["proxy.gol", "ang.org"]),
    ];
    let folders = ["work", "root", "home"].map(|folder| word(&["/", folder, "/"]));
    let makers = [
        word(&["cl", "aude"]),
        word(&["anth", "ropic"]),
        word(&["chat", "gpt"]),
        word(&["cop", "ilot"]),
        word(&["language ", "model"]),
        word(&["as an ", "ai"]),
    ];
    let temporary = word(&["/t", "mp/"]);
    none(lines(&texts(), |line| {
        let small = line.to_lowercase();
        let named = registries.iter().chain(&makers).find(|w| small.contains(*w));
        let folder = folders.iter().chain([&temporary]).find(|folder| {
            let at = line.find(*folder);
            // A folder of the machine's own starts a path; `net/home/x` does not.
            at.is_some_and(|at| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.'))
        });
        named.or(folder).map(|word| format!("names {word}"))
    }));
}

/// The cited sections, from `//= rfc5044#4.4  What it says.`
#[test]
fn citations_name_sections_that_exist() {
    let known: BTreeMap<&str, Vec<&str>> = include_str!("data/rfc-sections.txt")
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(rfc, sections)| (rfc, sections.split(' ').collect()))
        .collect();
    let mark = word(&["//", "= "]);
    none(lines(&sources(), |line| {
        let cited = line.trim_start().strip_prefix(&mark)?.split(' ').next()?;
        if cited.starts_with("type=") {
            return None;
        }
        let known = cited.split_once('#').is_some_and(|(rfc, section)| {
            known.get(rfc).is_some_and(|all| all.contains(&section) || all == &["*"])
        });
        (!known).then(|| format!("cites {cited}"))
    }));
}

#[test]
fn nothing_is_left_behind() {
    let ends = [
        ".orig",
        ".rej",
        ".bak",
        ".swp",
        "~",
        ".vcd",
        ".fst",
        ".profraw",
        ".o",
        ".a",
        ".so",
        ".log",
        ".whl",
        "nohup.out",
        ".DS_Store",
        ".rustfmt",
        ".pyc",
    ];
    let left = |file: &String| ends.iter().any(|end| file.ends_with(end));
    none(files().into_iter().filter(left).collect());
}

#[test]
fn the_licences_are_there_and_every_crate_carries_them() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).expect(file);
    assert!(read("LICENSE-APACHE").contains("Version 2.0, January 2004"));
    assert!(read("LICENSE-MIT").starts_with("MIT License"));
    assert!(read("Cargo.toml").contains("license = \"Apache-2.0 OR MIT\""));
    let manifests = files().into_iter().filter(|file| file.ends_with("/Cargo.toml"));
    none(manifests.filter(|file| !read(file).contains("license.workspace = true")).collect());
}

#[test]
fn generated_pages_are_fresh() {
    let page = std::fs::read_to_string(root().join("docs/registers.md")).unwrap();
    assert!(page == ironwarp_abi::markdown::page(), "docs/registers.md is stale");
}

#[cfg(unix)]
#[test]
fn the_commands_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    for file in ["ironwarp", ".ci/run"] {
        let mode = std::fs::metadata(root().join(file)).expect(file).permissions().mode();
        assert!(mode & 0o111 == 0o111, "{file} has mode {mode:o}");
        let check = Command::new("sh").arg("-n").arg(root().join(file)).status().unwrap();
        assert!(check.success(), "{file} is no shell script");
    }
}
