//! The summary: a line a case.

use crate::capture::Findings;
use crate::run::Success;
use std::fmt;
use std::time::Duration;

/// A case and what came of it.
pub struct Row {
    name: String,
    took: Duration,
    outcome: Result<Success, String>,
}

impl Row {
    /// Of a case that took so long.
    pub fn new(name: String, took: Duration, outcome: Result<Success, String>) -> Self {
        Self { name, took, outcome }
    }

    /// The case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it failed.
    pub fn failed(&self) -> bool {
        self.outcome.is_err()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_secs_f64();
        let success = match &self.outcome {
            Ok(success) => success,
            Err(why) => return write!(f, "FAILED {took:6.1} s  {why}"),
        };
        let (linux, peer) = success.pings;
        write!(f, "passed {took:6.1} s {linux:9} {peer:9} ")?;
        match &success.findings {
            Some(found) => {
                let Findings { frames, good_crcs, retransmissions, .. } = found;
                write!(f, "{frames:9} {good_crcs:9} {retransmissions:9}")
            }
            None => write!(f, "(no tshark)"),
        }
    }
}

/// All rows, below their heading.
pub fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let mut text = format!(
        "{:width$}  result    time  of Linux   of peer    frames good CRCs sent again\n",
        "case"
    );
    for row in rows {
        text += &format!("{:width$}  {row}\n", row.name);
    }
    text
}

#[test]
fn a_row_tells_what_happened() {
    let found = Findings { frames: 1234, good_crcs: 600, ..Findings::default() };
    let success = Success { pings: (100, 100), findings: Some(found) };
    let took = Duration::from_millis(4321);
    let passed = Row::new("model-server-crc".into(), took, Ok(success));
    let failed = Row::new("rtl-server-crc".into(), took, Err("Linux: 3 of 100 pings".into()));
    assert!(failed.failed() && !passed.failed());
    let text = table(&[passed, failed]);
    let lines: Vec<&str> = text.lines().collect();
    let words: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(words, ["model-server-crc", "passed", "4.3", "s", "100", "100", "1234", "600", "0"]);
    assert!(lines[2].ends_with("FAILED    4.3 s  Linux: 3 of 100 pings"), "{text}");
}
