//! Both devices come to rest and are compared, and the script learns what the model has shown.

use super::batch::{Batch, Race};
use super::compare::{self, same, Connection, Difference};
use super::layout::{QPS, RAW};
use super::ring;
use super::run::{End, Runner};
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers;
use std::collections::BTreeMap;

/// So many clocks without a beat at any pin mean that nothing is under way, if no octets wait.
const QUIET: u64 = 170;

impl Runner {
    /// Both come to rest, and are compared.
    pub(super) fn rest(&mut self) -> Result<(), End> {
        let batch = std::mem::take(&mut self.batch);
        let busiest = (0..QPS as usize).map(|qp| self.waiting[qp] + batch.arrived[qp]).max();
        let quiet = QUIET + u64::from(busiest.unwrap_or(0)) / 5;
        let rtl = self.rtl.rest(quiet).map_err(|why| Difference::new("conduct", why, ""))?;
        let model = self.model.seen();
        self.outcome.rests += 1;
        self.outcome.moved.0 += model.frames.len();
        self.sent = self.sent.wrapping_add(rtl.frames.len() as u32);

        let ours = ring::all(&self.rtl.memory, &self.script.cqs);
        let theirs = ring::all(&self.model.memory, &self.script.cqs);
        let ended: Vec<u32> = (0..QPS).filter(|qp| batch.ended >> qp & 1 != 0).collect();
        let connections = self.connections(&batch, &ended);
        let raw_ended = ended.contains(&RAW);
        let frames = compare::frames(&rtl.frames, &model.frames, &connections, raw_ended);
        self.ended.extend(&ended);
        same("reserved bits of a completion entry", compare::stray_bits(&ours), None)?;
        let overflows = self.model.read(registers::COUNT_CQ_OVERFLOWS.address);
        let lost = std::mem::replace(&mut self.overflows, overflows) != overflows;
        if frames.is_err() && lost && batch.has_several() {
            return Err(End::Race(Race::Overflow));
        }
        frames?;
        let equal = match lost {
            true => {
                // A bad work request ends it before what was sent in front of it has completed.
                let doubtful = ended.iter().any(|qp| self.script.qps[*qp as usize].doubtful);
                let alone = !batch.has_several() && !doubtful;
                if self.by_full_queue(batch.ended) && alone {
                    let full = |all: &[Vec<ring::Octets>]| -> Vec<bool> {
                        all.iter().map(|entries| compare::overflows(entries)).collect()
                    };
                    same("full completion queues", full(&ours), full(&theirs))?;
                }
                // Which entry was lost is left to chance, and who ended for it.
                let same = compare::completions(&ours, &theirs, &ended).unwrap_or(false);
                same && self.rtl_overflows()? == overflows
            }
            false => compare::completions(&ours, &theirs, &ended)?,
        };
        let memory = compare::memory(&self.rtl.memory, &self.model.memory);
        if !equal {
            return Err(End::Race(if lost { Race::Overflow } else { Race::Ended }));
        }
        if memory.is_err() && batch.is_mixed() {
            return Err(End::Race(Race::Overlap));
        }
        memory?;
        compare::interrupts(&rtl, &model)?;
        self.learn(&theirs, &model.frames, &connections);
        Ok(())
    }

    /// Entries that the hardware has lost since power-on.
    fn rtl_overflows(&mut self) -> Result<u32, Difference> {
        let lost = self.rtl.simulation.bar_read32(0, registers::COUNT_CQ_OVERFLOWS.address);
        lost.map_err(|why| Difference::new("COUNT_CQ_OVERFLOWS", why.to_string(), self.overflows))
    }

    fn connections(&self, batch: &Batch, ended: &[u32]) -> BTreeMap<u32, Connection> {
        let pairs = self.script.qps.iter().zip(0..);
        let known = pairs.filter_map(|(pair, qp)| Some((qp, pair.peer.as_ref()?, pair.context?)));
        let connection = |(qp, peer, context): (u32, &super::peer::Peer, _)| {
            let context: ironwarp_abi::context::QueuePairContext = context;
            let at = qp as usize;
            let connection = Connection {
                outgoing: peer.incoming(),
                shift: context.receive_window_shift,
                ended: ended.contains(&qp),
                arrived: batch.arrived[at] + self.waiting[at],
                acknowledged: match batch.started >> qp & 1 {
                    0 => self.acknowledged[at],
                    _ => context.receive_next,
                },
            };
            (qp, connection)
        };
        known.map(connection).collect()
    }

    /// Takes note of what the model has shown.
    fn learn(
        &mut self,
        entries: &[Vec<ring::Octets>],
        frames: &[Vec<u8>],
        connections: &BTreeMap<u32, Connection>,
    ) {
        for (queue, new) in self.script.cqs.iter_mut().zip(entries) {
            queue.written = queue.written.wrapping_add(new.len() as u16);
        }
        for entry in entries.iter().flatten().map(CompletionEntry::from_bytes) {
            self.outcome.moved.1 += 1;
            if entry.kind == kind::FENCE {
                continue;
            }
            let pair = &mut self.script.qps[entry.qp as usize];
            match entry.kind {
                kind::SEND => pair.sends.done = entry.request.wrapping_add(1),
                kind::RECEIVE => pair.receives.done = entry.request.wrapping_add(1),
                _ => {
                    self.outcome.statuses.insert(entry.status);
                }
            }
        }
        for (qp, connection) in connections {
            let at = *qp as usize;
            self.acknowledged[at] = connection.acknowledged;
            let pair = &mut self.script.qps[at];
            let (Some(peer), Some(context)) = (&mut pair.peer, pair.context) else { continue };
            for segment in frames.iter().filter_map(|frame| connection.outgoing.parse(frame).ok()) {
                self.acknowledged[at] = segment.acknowledgement;
                let window = u32::from(segment.window) << context.receive_window_shift;
                self.waiting[at] = context.receive_window.saturating_sub(window);
                peer.reads.take(&segment.payload);
            }
            peer.sent = self.model.query(*qp, registers::QUERY_SEND_NEXT);
        }
    }
}
