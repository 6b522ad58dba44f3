//! What is known of every completion queue.
use super::records::CqRecord;
use crate::configuration::{CqNumber, CQ_BITS};
use crate::control::records::{CqCommand, CqDoorbell};
use crate::memory::{FreshTable, Table};
use crate::pins::Ports;
use crate::queue::NumberList;
use crate::stream::*;
use rust_hdl::prelude::*;

/// log2 of the places of a list of completion queues.
const LIST_BITS: usize = CQ_BITS + 1;

/// Keeps every queue's record, consumer index and whether it runs; lists those that were armed.
///
/// ```text
/// clock   0   `look`          the queue `index`
///         2   `record` ...    as it was two clocks ago, and `disturbed`
/// ```
/// A queue that is started or stopped is empty, as is everything after a reset, which is a stop for
/// every queue. The record is written by the entry writer alone, the consumer index by the host
/// alone. What the host arms is put into a list, and the entry writer sets the bit when it takes
/// the number: so the bit has one writer, too.
#[derive(LogicBlock, Ports, Default)]
pub struct CqState {
    pub clock: Signal<In, Clock>,
    /// A `wipe` comes with a stop of every queue.
    pub wipe: Signal<In, Bit>,
    pub command: Signal<In, CqCommand>,
    pub doorbell: Signal<In, CqDoorbell>,
    /// Queues that were armed.
    pub armed: StreamSource<CqNumber>,
    /// What follows is about `index`, which must stay until the writer is done with it.
    pub look: Signal<In, Bit>,
    pub index: Signal<In, CqNumber>,
    /// Its record.
    pub record: Signal<Out, CqRecord>,
    /// Entries not yet consumed.
    pub used: Signal<Out, Bits<16>>,
    /// It is started and not stopped.
    pub runs: Signal<Out, Bit>,
    /// It was armed since it was started.
    pub asked: Signal<Out, Bit>,
    /// It was started or stopped after the clock of `look` and before this one: what was looked up
    /// is of a former life.
    pub disturbed: Signal<Out, Bit>,
    /// The record of `index` from now on. If the queue is started or stopped in this clock, that
    /// wins.
    pub write: Signal<In, Bit>,
    pub write_record: Signal<In, CqRecord>,
    records: FreshTable<CqRecord, CQ_BITS>,
    consumers: FreshTable<Bits<16>, CQ_BITS>,
    requests: FreshTable<Bit, CQ_BITS>,
    running: Table<Bit, CQ_BITS>,
    list: NumberList<CQ_BITS, LIST_BITS>,
    found: DFF<CqRecord>,
    held: DFF<Bits<16>>,
    found_runs: DFF<Bit>,
    found_request: DFF<Bit>,
    changed: DFF<Bit>,
    own: DFF<CqNumber>,
    rings: Signal<Local, Bit>,
    consumes: Signal<Local, Bit>,
    produced: Signal<Local, Bits<16>>,
    hit: Signal<Local, Bit>,
}

impl Logic for CqState {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, found, held, found_runs, found_request, changed, own);
        clock!(self, clock, records, consumers, requests, running, list);
        self.rings.next = self.doorbell.val().valid & self.doorbell.val().arm;
        self.consumes.next = self.doorbell.val().valid & !self.doorbell.val().arm;

        // What the host says.
        self.records.begins.next = self.command.val().valid;
        self.records.begun.next = self.command.val().cq;
        self.consumers.begins.next = self.command.val().valid;
        self.consumers.begun.next = self.command.val().cq;
        self.consumers.write.next = self.consumes.val();
        self.consumers.write_index.next = self.doorbell.val().cq;
        self.consumers.write_record.next = self.doorbell.val().consumed;
        self.requests.begins.next = self.command.val().valid;
        self.requests.begun.next = self.command.val().cq;
        self.requests.write.next = self.rings.val();
        self.requests.write_index.next = self.doorbell.val().cq;
        self.requests.write_record.next = true;
        self.running.write.next = self.command.val().valid;
        self.running.write_index.next = self.command.val().cq;
        self.running.write_record.next = self.command.val().enable;
        self.list.wipe.next = self.wipe.val();
        self.list.wiped.next = self.command.val().cq;
        self.list.put.valid.next = self.rings.val();
        self.list.put.beat.next = self.doorbell.val().cq;
        StreamSource::<CqNumber>::link(&mut self.armed, &mut self.list.first);

        // Look up.
        self.records.read_index.next = self.index.val();
        self.consumers.read_index.next = self.index.val();
        self.requests.read_index.next = self.index.val();
        self.running.read_index.next = self.index.val();
        self.found.d.next = self.records.read_record.val();
        self.produced.next = self.records.read_record.val().producer;
        self.held.d.next = self.produced.val() - self.consumers.read_record.val();
        self.found_runs.d.next = self.running.read_record.val();
        self.found_request.d.next = self.requests.read_record.val();
        self.record.next = self.found.q.val();
        self.used.next = self.held.q.val();
        self.runs.next = self.found_runs.q.val();
        self.asked.next = self.found_request.q.val();

        self.hit.next = self.command.val().valid & (self.command.val().cq == self.own.q.val());
        self.disturbed.next = self.changed.q.val();
        self.changed.d.next = self.changed.q.val() | self.hit.val();
        if self.look.val() {
            self.own.d.next = self.index.val();
            self.changed.d.next = false;
        }
        self.records.write.next = self.write.val();
        self.records.write_index.next = self.own.q.val();
        self.records.write_record.next = self.write_record.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::CQ_COUNT;
    use crate::stream::bench::*;

    /// What the queue `index` is said to hold.
    fn look(uut: &mut CqState, index: u64) -> (u64, u64) {
        uut.index.next = index.to_bits();
        uut.look.next = true;
        tick!(*uut);
        uut.look.next = false;
        tick!(*uut);
        settle!(*uut);
        (uut.record.val().producer.to_u64(), uut.used.val().to_u64())
    }

    fn command(uut: &mut CqState, cq: u64, enable: bool) {
        uut.command.next = CqCommand { valid: true, cq: cq.to_bits(), enable };
        tick!(*uut);
        uut.command.next = Default::default();
    }

    #[test]
    fn indices_wrap() {
        let mut uut = CqState::default();
        uut.connect_all();
        for queue in 0..CQ_COUNT as u64 {
            assert_eq!(look(&mut uut, queue), (0, 0));
            for (producer, consumed) in [(0xfffe, 0xfff0), (0xffff, 0xffff), (2, 0xfffd), (9, 1)] {
                uut.write.next = true;
                uut.write_record.next =
                    CqRecord { producer: (producer as u64).to_bits(), ..Default::default() };
                uut.doorbell.next = CqDoorbell {
                    valid: true,
                    arm: false,
                    cq: queue.to_bits(),
                    consumed: (consumed as u64).to_bits(),
                };
                tick!(uut);
                uut.write.next = false;
                uut.doorbell.next = Default::default();
                let used = u16::wrapping_sub(producer, consumed);
                assert_eq!(look(&mut uut, queue), (producer.into(), used.into()));
            }
        }
        command(&mut uut, 5, true);
        assert_eq!(look(&mut uut, 5), (0, 0));
        assert!(uut.runs.val());
        assert_eq!(look(&mut uut, 6), (9, 8));
        assert!(!uut.runs.val());
    }

    /// A command at every clock around a look: the look sees it or is told of it, and a write of
    /// what followed from a look before it has no effect.
    #[test]
    fn a_command_is_seen_or_told_of() {
        for enable in [false, true] {
            for at in 0..6 {
                let mut uut = CqState::default();
                uut.connect_all();
                command(&mut uut, 3, true);
                for clock in 0..6 {
                    uut.index.next = 3.into();
                    uut.look.next = clock == 1;
                    uut.command.next = CqCommand { valid: clock == at, cq: 3.into(), enable };
                    uut.write_record.next = CqRecord { armed: true, ..Default::default() };
                    settle!(uut);
                    if clock == 3 {
                        assert_eq!(uut.runs.val(), enable || at > 1, "{at}");
                        assert_eq!(uut.disturbed.val(), at == 2, "{at}");
                    }
                    uut.write.next = clock == 3 && !uut.disturbed.val();
                    tick!(uut);
                }
                uut.command.next = Default::default();
                look(&mut uut, 3);
                assert_eq!(uut.record.val().armed, at < 2, "{at}");
            }
        }
    }
}
