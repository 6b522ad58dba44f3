//! Yosys, nextpnr and ecppack: where they are, and how they are run.

use crate::error::FlowError;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{channel, Receiver, Sender};

/// The oldest Yosys whose checks and counts are known to be right.
const OLDEST_YOSYS: (u32, u32) = (0, 52);
/// The oldest nextpnr with the report that is read here.
const OLDEST_NEXTPNR: (u32, u32) = (0, 7);

/// The programs of the flow, one set that goes together.
#[derive(Clone, Debug)]
pub struct Tools {
    /// Synthesis.
    pub yosys: PathBuf,
    /// Placement, routing and timing.
    pub nextpnr: PathBuf,
    /// From a configuration to a bitstream.
    pub ecppack: PathBuf,
    /// The version of Yosys.
    pub yosys_version: String,
    /// The version of nextpnr.
    pub nextpnr_version: String,
}

impl Tools {
    /// The programs on `PATH` if they are new enough, else those in `.tools`.
    ///
    /// # Errors
    /// Neither are there. The message says what to do.
    pub fn find() -> Result<Self, FlowError> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/fpga/bin");
        let mut why = String::new();
        let sets = [(PathBuf::new(), ""), (own.canonicalize().unwrap_or(own), "yowasp-")];
        for (folder, prefix) in sets {
            match Self::examine(&folder, prefix) {
                Ok(tools) => return Ok(tools),
                Err(reason) => why.push_str(&format!("  {reason}\n")),
            }
        }
        let ((a, b), (c, d)) = (OLDEST_YOSYS, OLDEST_NEXTPNR);
        Err(FlowError::Tools(format!(
            "Yosys {a}.{b}, nextpnr-ecp5 {c}.{d} and ecppack or newer are needed:\n\
             {why}`./ironwarp fpga` in the top folder fetches them."
        )))
    }

    fn examine(folder: &Path, prefix: &str) -> Result<Self, String> {
        let program = |name: &str| folder.join(format!("{prefix}{name}"));
        let (yosys, nextpnr) = (program("yosys"), program("nextpnr-ecp5"));
        let yosys_version = version(&yosys, OLDEST_YOSYS)?;
        let nextpnr_version = version(&nextpnr, OLDEST_NEXTPNR)?;
        let ecppack = program("ecppack");
        answer(&ecppack, "--help")?;
        Ok(Self { yosys, nextpnr, ecppack, yosys_version, nextpnr_version })
    }

    /// Both versions, for a report.
    pub fn versions(&self) -> [String; 2] {
        [format!("Yosys {}", self.yosys_version), format!("nextpnr-ecp5 {}", self.nextpnr_version)]
    }
}

/// What a program says when asked something.
fn answer(program: &Path, what: &str) -> Result<String, String> {
    let output = Command::new(program)
        .arg(what)
        .output()
        .map_err(|why| format!("{}: {why}", program.display()))?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// A program's version, if it is new enough.
fn version(program: &Path, oldest: (u32, u32)) -> Result<String, String> {
    let said = answer(program, "--version")?;
    let found = number(&said).ok_or_else(|| format!("{}: no version", program.display()))?;
    let mut parts = found.split('.').map(|part| part.parse().unwrap_or(0));
    let known = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    match known >= oldest {
        true => Ok(found),
        false => Err(format!("{}: {found} is too old", program.display())),
    }
}

/// The first number with a point in it: `Yosys 0.70 (git ...)`, `(Version nextpnr-0.11.1)`.
fn number(text: &str) -> Option<String> {
    let candidates = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    candidates.map(|word| word.trim_matches('.')).find(|word| word.contains('.')).map(str::to_owned)
}

/// Runs a program in `folder`; its output goes to `log` there, and each line to `seen` as it comes.
///
/// # Errors
/// The program cannot be run, or fails; then its error messages are told, or its last lines.
pub(crate) fn run(
    program: &Path,
    arguments: &[&str],
    folder: &Path,
    log: &str,
    seen: &mut dyn FnMut(&str),
) -> Result<(), FlowError> {
    let log = folder.join(log);
    let mut written = File::create(&log).map_err(FlowError::file(&log))?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(FlowError::file(program))?;
    let (sender, lines) = channel();
    forward(child.stdout.take(), sender.clone());
    forward(child.stderr.take(), sender);
    let said = follow(lines, &mut written, seen);
    if said.is_err() {
        // What it would still say is lost. If it cannot be ended, it has ended by itself.
        let _ = child.kill();
    }
    let status = child.wait().map_err(FlowError::file(program))?;
    let said = said.map_err(FlowError::file(&log))?;
    if status.success() {
        return Ok(());
    }
    let tool = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Err(FlowError::Tool { tool, message: complaint(&said), log })
}

/// Writes `lines` down as they come, so that a person can follow what takes so long; all of them.
fn follow(
    lines: Receiver<String>,
    log: &mut File,
    seen: &mut dyn FnMut(&str),
) -> std::io::Result<Vec<String>> {
    let mut all = Vec::new();
    for line in lines {
        seen(&line);
        writeln!(log, "{line}")?;
        all.push(line);
    }
    Ok(all)
}

/// Sends the lines of a stream; ends with it.
fn forward(stream: Option<impl Read + Send + 'static>, to: Sender<String>) {
    let Some(stream) = stream else { return };
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if to.send(line).is_err() {
                return;
            }
        }
    });
}

/// The errors among a tool's lines; without any, its last ones.
fn complaint(lines: &[String]) -> String {
    let mut errors: Vec<_> = lines.iter().filter(|line| line.contains("ERROR")).cloned().collect();
    errors.dedup();
    if errors.is_empty() {
        errors = lines.iter().rev().take(5).rev().cloned().collect();
    }
    errors.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(number("Yosys 0.70 (git sha1 abc, g++ 12.2.0)").as_deref(), Some("0.70"));
        let nextpnr = "\"nextpnr-ecp5\" -- Next Generation Place and Route (Version 0.11.1)";
        assert_eq!(number(nextpnr).as_deref(), Some("0.11.1"));
        assert_eq!(number("no version. at all"), None);
    }

    #[test]
    fn a_missing_program_and_a_failing_one_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let missing = run(Path::new("no-such-tool"), &[], folder.path(), "log", &mut |_| ());
        assert!(missing.unwrap_err().to_string().contains("no-such-tool"));
        let script = "echo 'Info: all is well'; echo 'ERROR: but this' >&2; exit 3";
        let failed = run(Path::new("sh"), &["-c", script], folder.path(), "log", &mut |_| ());
        let told = failed.unwrap_err().to_string();
        assert!(told.starts_with("sh: ERROR: but this\n"), "{told}");
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(log.contains("all is well") && log.contains("but this"), "{log}");
    }

    #[test]
    fn a_tool_whose_log_cannot_be_written_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        // Writes to this file fail: there is never room.
        let full = "/dev/full";
        let script = "echo begun; exec sleep 1000";
        let ended = run(Path::new("sh"), &["-c", script], folder.path(), full, &mut |_| ());
        assert!(ended.unwrap_err().to_string().contains(full));
    }
}
