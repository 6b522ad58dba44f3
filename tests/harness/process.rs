//! A child process, what it says line by line, and its certain end.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// A running program. It is killed when this is dropped.
pub struct Process {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    coming: Receiver<String>,
    lines: Vec<String>,
}

impl Process {
    /// Starts it; its output and its errors are gathered as one.
    pub fn start(name: &'static str, command: &mut Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let (sender, coming) = channel();
        gather(child.stdout.take(), sender.clone());
        gather(child.stderr.take(), sender);
        let input = child.stdin.take();
        Ok(Self { name, child, input, coming, lines: Vec::new() })
    }

    /// Gives it a line to read.
    #[allow(dead_code, reason = "not every test that shares this file speaks to its processes")]
    pub fn tell(&mut self, line: &str) -> Result<(), String> {
        let input = self.input.as_mut().ok_or("its input is closed")?;
        writeln!(input, "{line}").map_err(|error| format!("{}: {error}", self.name))
    }

    /// The number that the kernel has for it.
    #[allow(dead_code, reason = "not every test that shares this file watches its processes")]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the first line that holds `text`.
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> Result<(), String> {
        let deadline = Instant::now() + limit;
        loop {
            match self.coming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let found = line.contains(text);
                    self.lines.push(line);
                    if found {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("{} did not say {text:?} in {limit:?}", self.name));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("{} ended before it said {text:?}", self.name));
                }
            }
        }
    }

    /// Waits for its end, at most so long.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + limit;
        loop {
            match self.coming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.lines.push(line),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("{} did not end in {limit:?}", self.name));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return self.child.wait().map_err(|error| format!("{}: {error}", self.name));
                }
            }
        }
    }

    /// The name that its errors have.
    #[allow(dead_code, reason = "not every test that shares this file asks")]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Everything that it has said, after killing it if it still runs.
    pub fn stop(mut self) -> Vec<String> {
        self.kill();
        self.lines.extend(self.coming.iter());
        std::mem::take(&mut self.lines)
    }

    fn kill(&mut self) {
        // It may have ended; then there is nothing to kill, and it is only waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends every line, until the other end is closed. A console's lines may hold any octet.
fn gather(from: Option<impl Read + Send + 'static>, to: Sender<String>) {
    let Some(from) = from else { return };
    std::thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if to.send(line).is_err() {
                break;
            }
        }
    });
}

#[test]
fn lines_and_the_end_are_seen() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo one; echo two >&2; echo three; exit 3"]);
    let mut process = Process::start("shell", &mut shell).unwrap();
    process.wait_for("three", Duration::from_secs(10)).unwrap();
    let missing = process.wait_for("four", Duration::from_secs(10)).unwrap_err();
    assert_eq!(missing, "shell ended before it said \"four\"");
    assert_eq!(process.wait(Duration::from_secs(10)).unwrap().code(), Some(3));
    let mut lines = process.stop();
    lines.sort();
    assert_eq!(lines, ["one", "three", "two"]);
}

#[test]
fn a_process_that_hangs_is_given_up_and_killed() {
    let mut sleep = Command::new("sleep");
    sleep.arg("1000");
    let mut process = Process::start("sleep", &mut sleep).unwrap();
    assert!(process.wait(Duration::from_millis(20)).unwrap_err().contains("did not end"));
    assert!(process.stop().is_empty());
}
