//! What a network did, in figures.

use crate::Impairment;
use serde::Serialize;
use std::fmt;

/// What became of the frames of one direction. Of `sent` and `duplicated`, each was `lost`, was
/// `dropped`, has been `delivered`, or is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Frames that were given to the network.
    pub sent: u64,
    /// Frames that came out of it.
    pub delivered: u64,
    /// Frames that chance has lost.
    pub lost: u64,
    /// Frames of which a second one was made.
    pub duplicated: u64,
    /// Frames that at least one later frame has overtaken.
    pub reordered: u64,
    /// Frames of which a bit was changed.
    pub corrupted: u64,
    /// Frames that had to wait for the line.
    pub queued: u64,
    /// Frames that found the queue full.
    pub dropped: u64,
    /// TCP segments that were given to the network and bring nothing that their sender has not sent
    /// before: what repairs a loss, or was taken for one.
    pub resent: u64,
}

/// What happened, in words; what did not is left out.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames", self.sent)?;
        for (count, what) in [
            (self.lost, "lost"),
            (self.dropped, "dropped by the queue"),
            (self.queued, "queued"),
            (self.duplicated, "duplicated"),
            (self.reordered, "reordered"),
            (self.corrupted, "corrupted"),
            (self.resent, "TCP segments sent again"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// What a network did in both directions, for people and for programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What was asked for.
    #[serde(serialize_with = "as_text")]
    pub impairment: Impairment,
    /// What became of it, by the end that sends.
    pub directions: [Counts; 2],
}

fn as_text<S: serde::Serializer>(value: &Impairment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [there, back] = &self.directions;
        writeln!(f, "network {}", self.impairment)?;
        writeln!(f, "  there    {there}")?;
        write!(f, "  and back {back}")
    }
}
