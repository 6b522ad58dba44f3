//! Where Verilator is. Shared by this crate's build script and by its `build` half.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest Verilator that is known to work, as major and minor version.
pub const OLDEST: (u32, u32) = (5, 6);

/// How Verilator's C++, the runtime's and the models', is compiled.
#[allow(dead_code)]
pub const CXX_FLAGS: &[&str] = &[
    "-std=gnu++17",
    "-faligned-new",
    "-DVERILATOR=1",
    "-DVM_COVERAGE=0",
    "-DVM_SC=0",
    "-DVM_TIMING=0",
    "-DVM_TRACE=1",
    "-DVM_TRACE_VCD=1",
    "-DVM_TRACE_FST=0",
    "-DVM_TRACE_SAIF=0",
    "-DVL_TIME_CONTEXT",
];

/// An installed Verilator.
#[derive(Clone, Debug)]
pub struct Verilator {
    /// The program that translates Verilog to C++.
    pub program: PathBuf,
    /// The folder of `verilated.h`.
    pub include: PathBuf,
    /// What the program says about itself.
    #[allow(dead_code)]
    pub version: String,
    /// What `VERILATOR_ROOT` must be for the program to find its own files, if anything.
    #[allow(dead_code)]
    pub root: Option<PathBuf>,
}

impl Verilator {
    /// The project's own Verilator in `.tools`, else the one on `PATH`.
    ///
    /// The error is a message for a person and says what to do.
    pub fn find() -> Result<Self, String> {
        let mut why = String::new();
        for (program, root) in candidates() {
            match Self::examine(&program, root) {
                Ok(verilator) => return Ok(verilator),
                Err(reason) => why.push_str(&format!("  {}: {reason}\n", program.display())),
            }
        }
        let (major, minor) = OLDEST;
        Err(format!(
            "Verilator {major}.{minor:03} or newer is needed and was not found:\n\
             {why}Run `./ironwarp setup` in the top folder to install it."
        ))
    }

    /// The program, ready to be given arguments.
    #[allow(dead_code)]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(root) = &self.root {
            command.env("VERILATOR_ROOT", root);
        }
        command
    }

    fn examine(program: &Path, root: Option<PathBuf>) -> Result<Self, String> {
        let ask = |what: &str| -> Result<String, String> {
            let mut command = Command::new(program);
            if let Some(root) = &root {
                command.env("VERILATOR_ROOT", root);
            }
            let answer = command.arg(what).output().map_err(|e| e.to_string())?;
            if !answer.status.success() {
                let error = String::from_utf8_lossy(&answer.stderr);
                return Err(format!("{what} failed: {}", error.trim()));
            }
            Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
        };
        let version = ask("--version")?;
        if !new_enough(&version) {
            return Err(format!("too old: {version}"));
        }
        let root_folder = match &root {
            Some(root) => root.clone(),
            None => PathBuf::from(ask("--getenv=VERILATOR_ROOT").or_else(|_| {
                ask("-V").map(|report| root_in_report(&report).unwrap_or_default())
            })?),
        };
        let include = root_folder.join("include");
        if !include.join("verilated.h").is_file() {
            return Err(format!("no verilated.h in {}", include.display()));
        }
        Ok(Self { program: program.to_owned(), include, version, root })
    }
}

/// `VERILATOR_ROOT` as `verilator -V` prints it.
fn root_in_report(report: &str) -> Option<String> {
    let line = report.lines().rfind(|l| l.trim_start().starts_with("VERILATOR_ROOT"))?;
    Some(line.split('=').nth(1)?.trim().to_owned())
}

fn new_enough(version: &str) -> bool {
    let number = version.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    let mut parts = number.unwrap_or("").split('.').map(|p| p.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= OLDEST
}

/// The programs to try, and the `VERILATOR_ROOT` each needs.
fn candidates() -> Vec<(PathBuf, Option<PathBuf>)> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tools = workspace.join(".tools/verilator");
    let mut found = Vec::new();
    if let Ok(tools) = tools.canonicalize() {
        let share = tools.join("share/verilator");
        let root = if share.is_dir() { share } else { tools.clone() };
        // The perl wrapper `verilator` adds nothing that a build needs, and perl costs time.
        found.push((tools.join("bin/verilator_bin"), Some(root)));
    }
    for folder in std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()) {
        let program = folder.join("verilator");
        if program.is_file() {
            found.push((program, None));
            break;
        }
    }
    found
}
