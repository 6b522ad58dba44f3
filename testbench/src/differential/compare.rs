//! Compares what the two devices have shown in a step. Here and nowhere else they may differ; the
//! module's documentation says in words how.

use super::arena::Arena;
use super::layout::{cq_octets, BASE};
use super::ring::Octets;
use super::side::Seen;
use crate::station::{Segment, TcpFrame};
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::status;
use std::collections::BTreeMap;

/// What both devices have done differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was compared.
    pub what: String,
    /// The hardware's view.
    pub rtl: String,
    /// The model's view.
    pub model: String,
}

impl Difference {
    /// A difference between two things that can be printed.
    pub fn new(
        what: impl Into<String>,
        rtl: impl std::fmt::Debug,
        model: impl std::fmt::Debug,
    ) -> Self {
        let print = |it: &dyn std::fmt::Debug| format!("{it:?}");
        Self { what: what.into(), rtl: print(&rtl), model: print(&model) }
    }

    /// What was compared, without numbers: two differences of a kind may have one cause.
    pub fn kind(&self) -> String {
        self.what.chars().filter(|letter| !letter.is_ascii_digit()).collect()
    }
}

/// Equal, or a difference.
pub fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    rtl: T,
    model: T,
) -> Result<(), Difference> {
    match rtl == model {
        true => Ok(()),
        false => Err(Difference::new(what, rtl, model)),
    }
}

/// What is known of a queue pair's connection, for judging its segments.
pub struct Connection {
    /// The addresses of the frames that the device sends.
    pub outgoing: TcpFrame,
    /// The window scale of what the device sends.
    pub shift: u8,
    /// The queue pair has ended in this step.
    pub ended: bool,
    /// Octets that have arrived in this step.
    pub arrived: u32,
    /// The last acknowledgement number before this step.
    pub acknowledged: u32,
}

/// All frames of a step: those of each connection by themselves, and the others in their order.
pub fn frames(
    rtl: &[Vec<u8>],
    model: &[Vec<u8>],
    connections: &BTreeMap<u32, Connection>,
    raw_ended: bool,
) -> Result<(), Difference> {
    let (mut rtl, rtl_raw) =
        sort(rtl, connections).map_err(|why| Difference::new("a frame", why, ""))?;
    let (mut model, model_raw) =
        sort(model, connections).map_err(|why| Difference::new("a frame", "", why))?;
    let common = if raw_ended { rtl_raw.len().min(model_raw.len()) } else { usize::MAX };
    let raw = |all: &[Vec<u8>]| all.iter().take(common).cloned().collect::<Vec<_>>();
    same("raw frames", raw(&rtl_raw), raw(&model_raw))?;
    for (qp, connection) in connections {
        let rtl = rtl.remove(qp).unwrap_or_default();
        let model = model.remove(qp).unwrap_or_default();
        data(*qp, &rtl, &model, connection)?;
        acknowledgements(*qp, &rtl, &model, connection)?;
    }
    Ok(())
}

type Sorted = (BTreeMap<u32, Vec<Segment>>, Vec<Vec<u8>>);

fn sort(frames: &[Vec<u8>], connections: &BTreeMap<u32, Connection>) -> Result<Sorted, String> {
    let mut sorted = Sorted::default();
    for frame in frames {
        let owner = connections.iter().find(|(_, it)| ports(frame) == Some(ports_of(&it.outgoing)));
        match owner {
            Some((qp, connection)) => {
                let segment = connection.outgoing.parse(frame)?;
                sorted.0.entry(*qp).or_default().push(segment);
            }
            None => sorted.1.push(frame.clone()),
        }
    }
    Ok(sorted)
}

/// Ports of an IPv4 packet that carries TCP.
fn ports(frame: &[u8]) -> Option<[u8; 4]> {
    let tcp = frame.get(12..14)? == [8, 0] && frame.get(23) == Some(&6);
    frame.get(34..38).filter(|_| tcp)?.try_into().ok()
}

fn ports_of(addresses: &TcpFrame) -> [u8; 4] {
    let ([a, b], [c, d]) =
        (addresses.source_port.to_be_bytes(), addresses.destination_port.to_be_bytes());
    [a, b, c, d]
}

/// Segments with octets are the same but for what they acknowledge. If the queue pair ended, one
/// device may have sent more of them than the other.
fn data(qp: u32, rtl: &[Segment], model: &[Segment], it: &Connection) -> Result<(), Difference> {
    let data = |all: &[Segment]| -> Vec<Segment> {
        let sent = all.iter().filter(|segment| !segment.payload.is_empty());
        sent.map(|it| Segment { acknowledgement: 0, window: 0, ..it.clone() }).collect()
    };
    let (rtl, model) = (data(rtl), data(model));
    let common = rtl.len().min(model.len());
    for (n, (rtl, model)) in rtl.iter().zip(&model).enumerate() {
        same(&format!("queue pair {qp}: segment {n} with data"), rtl, model)?;
    }
    if rtl.len() != model.len() && !it.ended {
        let (rtl, model) = (&rtl[common..], &model[common..]);
        let what = format!("queue pair {qp}: segments with data, after {common}");
        return Err(Difference::new(what, rtl, model));
    }
    Ok(())
}

/// Acknowledgements may be merged and repeated, but come to the same; windows may be those of a
/// moment ago.
fn acknowledgements(
    qp: u32,
    rtl: &[Segment],
    model: &[Segment],
    it: &Connection,
) -> Result<(), Difference> {
    let what = |what: &str| format!("queue pair {qp}: {what}");
    let short = |all: &[Segment]| -> Vec<String> {
        let line = |s: &Segment| {
            let octets = s.payload.len();
            format!("seq {} ack {} win {} +{octets}", s.sequence, s.acknowledgement, s.window)
        };
        all.iter().map(line).collect()
    };
    let views = || (short(rtl), short(model));
    let differ = |which: &str| Err(Difference::new(what(which), views().0, views().1));
    let (Some(last), Some(last_of_model)) = (rtl.last(), model.last()) else {
        let silent = rtl.is_empty() && model.is_empty();
        return if silent || it.ended { Ok(()) } else { differ("only one of them sends") };
    };
    let all = last_of_model.acknowledgement.wrapping_sub(it.acknowledged);
    let mut before = 0;
    for segment in rtl {
        let forward = segment.acknowledgement.wrapping_sub(it.acknowledged);
        if forward < before || forward > all {
            return differ("acknowledgement number");
        }
        before = forward;
    }
    if before != all && !it.ended {
        return differ("last acknowledgement number");
    }
    if it.ended {
        return Ok(());
    }
    let octets = |segment: &Segment| u32::from(segment.window) << it.shift;
    let (window, right) = (octets(last), octets(last_of_model));
    let slack = it.arrived + (1 << it.shift);
    if window > right || right - window > slack {
        return differ("window of the last segment");
    }
    let plain = rtl.iter().filter(|segment| segment.payload.is_empty());
    for segment in plain {
        let as_sent = Segment {
            sequence: segment.sequence,
            acknowledgement: segment.acknowledgement,
            flags: ironwarp_wire::tcp::ACK,
            window: segment.window,
            ..Segment::default()
        };
        same(&what("an acknowledgement"), segment, &as_sent)?;
    }
    Ok(())
}

/// The new entries of the completion queues: for each queue pair and kind in their order.
///
/// If a queue pair has ended, send work requests that were acknowledged at the same time may have
/// completed or not: then the answer is false, and the rings differ from now on.
///
/// # Errors
/// A difference.
pub fn completions(
    rtl: &[Vec<Octets>],
    model: &[Vec<Octets>],
    ended: &[u32],
) -> Result<bool, Difference> {
    let mut equal = true;
    for (cq, (rtl, model)) in rtl.iter().zip(model).enumerate() {
        let (mut rtl, mut model) = (by_source(rtl), by_source(model));
        for qp in ended {
            let (ours, theirs) = (rtl.remove(&(*qp, kind::SEND)), model.remove(&(*qp, kind::SEND)));
            equal &= ours == theirs;
            let (ours, theirs) = (ours.unwrap_or_default(), theirs.unwrap_or_default());
            let common = ours.len().min(theirs.len());
            same("completions of a queue pair that ended", &ours[..common], &theirs[..common])?;
        }
        for qp in ended {
            let event = (*qp, kind::EVENT);
            if rtl.get(&event).map(|it| causes(it)) != model.get(&event).map(|it| causes(it)) {
                rtl.remove(&event);
                model.remove(&event);
                // What ended it in one of them may have come before the last messages.
                let received = (*qp, kind::RECEIVE);
                let ours = rtl.remove(&received).unwrap_or_default();
                let theirs = model.remove(&received).unwrap_or_default();
                let common = ours.len().min(theirs.len());
                same("receives of a queue pair that ended", &ours[..common], &theirs[..common])?;
                equal = false;
            }
        }
        same(&format!("completion queue {cq}"), rtl, model)?;
    }
    Ok(equal)
}

/// Who made the queue pair end: the bus, its own work requests, or the peer. If two did at a time,
/// either may be told.
fn causes(events: &[CompletionEntry]) -> Vec<u8> {
    let cause = |event: &CompletionEntry| match event.status {
        status::DMA_FAULT => 0,
        own if is_own(own) => 1,
        _ => 2,
    };
    events.iter().map(cause).collect()
}

/// The status is that of the queue pair's own work requests, or of an answer that it has to give.
pub fn is_own(status: u8) -> bool {
    status <= status::RAW_LENGTH || status >= status::READ_STAG
}

/// By queue pair and kind.
fn by_source(entries: &[Octets]) -> BTreeMap<(u32, u8), Vec<CompletionEntry>> {
    let mut sorted: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for octets in entries {
        // The phase bit is that of the place, which is free; it was checked when it was read.
        let entry = CompletionEntry { phase: true, ..CompletionEntry::from_bytes(octets) };
        sorted.entry((entry.qp, entry.kind)).or_default().push(entry);
    }
    sorted
}

/// A queue's entries tell that it has overflowed.
pub fn overflows(entries: &[Octets]) -> bool {
    entries.iter().any(|octets| CompletionEntry::from_bytes(octets).kind == kind::OVERFLOW)
}

/// Whether an entry has bits where none belong.
pub fn stray_bits(entries: &[Vec<Octets>]) -> Option<Octets> {
    let stray = |octets: &&Octets| CompletionEntry::from_bytes(octets).to_bytes() != **octets;
    entries.iter().flatten().find(stray).copied()
}

/// All of the host's memory but the completion queues.
pub fn memory(rtl: &Arena, model: &Arena) -> Result<(), Difference> {
    let (rtl, model) = (rtl.lock(), model.lock());
    let rings = cq_octets();
    let parts = [0..rings.start, rings.end..rtl.len()];
    for part in parts {
        let (ours, theirs) = (&rtl[part.clone()], &model[part.clone()]);
        if ours == theirs {
            continue;
        }
        let first = ours.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(0);
        let differing = ours.iter().zip(theirs).filter(|(a, b)| a != b).count();
        let end = (first + 32).min(ours.len());
        let address = BASE + (part.start + first) as u64;
        let what = format!("host memory at {address:#x} ({differing} octets in all)");
        return Err(Difference::new(what, &ours[first..end], &theirs[first..end]));
    }
    Ok(())
}

/// What was seen besides.
pub fn interrupts(rtl: &Seen, model: &Seen) -> Result<(), Difference> {
    let sorted = |seen: &Seen| {
        let mut interrupts = seen.interrupts.clone();
        interrupts.sort_unstable();
        interrupts
    };
    same("interrupts", sorted(rtl), sorted(model))
}
