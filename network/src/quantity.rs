//! Shares, times and rates, as people write them: `0.1%`, `5ms`, `1gbit`.

use crate::Picoseconds;
use std::fmt;

/// Why a text is no such quantity, for people to read.
pub(crate) type Wrong = &'static str;

const NO_SHARE: Wrong = "a share is 0% to 100%, such as 0.1%";
const NO_TIME: Wrong =
    "a time is at most an hour and has a unit (s, ms, us, ns or ps), such as 5ms";
const NO_RATE: Wrong =
    "a rate is 1kbit to 1000gbit a second (bit, kbit, mbit or gbit), such as 1gbit";

/// The units of time in picoseconds, the largest first.
const TIMES: [(&str, u64); 5] =
    [("s", 1_000_000_000_000), ("ms", 1_000_000_000), ("us", 1_000_000), ("ns", 1_000), ("ps", 1)];
/// The longest time.
const HOUR: u64 = 3600 * TIMES[0].1;
/// The units of a rate in bits a second, the largest first.
const RATES: [(&str, u64); 4] =
    [("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1_000), ("bit", 1)];

/// A share of all frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Share {
    percent: f64,
}

impl Share {
    /// Of no frame.
    pub const NONE: Self = Self { percent: 0.0 };

    /// So many in a hundred, if that is 0 to 100.
    pub fn percent(percent: f64) -> Option<Self> {
        (0.0..=100.0).contains(&percent).then_some(Self { percent })
    }

    /// The share of one frame: its probability.
    pub fn probability(self) -> f64 {
        self.percent / 100.0
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        let percent = text.strip_suffix('%').and_then(number);
        percent.and_then(Self::percent).ok_or(NO_SHARE)
    }
}

/// In percent, as it is parsed.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent)
    }
}

/// A number of digits and at most one point: no sign, no exponent.
pub(crate) fn number(text: &str) -> Option<f64> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|_| plain)
}

/// A number with one of the units, in the smallest unit. `µs` is `us`.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.replace('µ', "u");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (value, unit) = text.split_at(digits);
    let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
    match value.parse::<u64>() {
        Ok(whole) => whole.checked_mul(*size),
        Err(_) => Some((number(value)? * *size as f64).round() as u64),
    }
}

/// The largest of the units in which the value is a whole number.
fn in_unit(value: u64, units: &[(&str, u64)]) -> String {
    let whole = units.iter().find(|(_, size)| value % size == 0 && value > 0);
    let (name, size) = whole.or(units.first()).copied().unwrap_or(("", 1));
    format!("{}{name}", value / size)
}

pub(crate) fn parse_time(text: &str) -> Result<Picoseconds, Wrong> {
    with_unit(text, &TIMES).filter(|time| *time <= HOUR).ok_or(NO_TIME)
}

pub(crate) fn time(time: Picoseconds) -> String {
    in_unit(time, &TIMES)
}

pub(crate) fn parse_rate(text: &str) -> Result<u64, Wrong> {
    with_unit(text, &RATES).filter(|rate| (1_000..=1_000_000_000_000).contains(rate)).ok_or(NO_RATE)
}

pub(crate) fn rate(rate: u64) -> String {
    in_unit(rate, &RATES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, value) in
            [("5ms", 5_000_000_000), ("1.5us", 1_500_000), ("0s", 0), ("2µs", 2_000_000)]
        {
            assert_eq!(parse_time(text), Ok(value), "{text}");
        }
        assert_eq!((time(1_500_000), time(0)), ("1500ns".into(), "0s".into()));
        for bad in ["", "5", "ms", "-1ms", "1e3ms", "1.2.3ms", "3601s", "5 ms", "5MS", ".ms"] {
            assert_eq!(parse_time(bad), Err(NO_TIME), "{bad}");
        }
    }

    #[test]
    fn rates_have_units() {
        for (text, value) in [("1gbit", 1_000_000_000), ("2.5mbit", 2_500_000), ("1000bit", 1000)] {
            assert_eq!(parse_rate(text), Ok(value), "{text}");
        }
        assert_eq!(rate(2_500_000), "2500kbit");
        for bad in ["", "1", "gbit", "0gbit", "999bit", "1001gbit", "99999999999gbit", "1gbps"] {
            assert_eq!(parse_rate(bad), Err(NO_RATE), "{bad}");
        }
    }

    #[test]
    fn shares_are_in_percent() {
        assert_eq!(Share::parse("0.1%").unwrap().to_string(), "0.1%");
        assert_eq!(Share::parse("7%").unwrap().probability(), 0.07);
        for bad in ["", "1", "%", "-1%", "100.1%", "NaN%", "inf%", "1e1%"] {
            assert_eq!(Share::parse(bad), Err(NO_SHARE), "{bad}");
        }
    }
}
