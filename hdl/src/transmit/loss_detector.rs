//! Finds out that octets are lost: by duplicate acknowledgements, and by time.
use crate::configuration::{QpNumber, CQ_BITS};
use crate::control::records::{ContextWrite, QpEvent};
use crate::life::{LifeTable, LifeWatch, QpChange};
use crate::literal::Literal;
use crate::memory::{field_number, QpField};
use crate::pins::Ports;
use crate::queue::QpNote;
use crate::stream::*;
use crate::transmit::records::*;
use ironwarp_abi::{registers, status};
use rust_hdl::prelude::*;

/// What the detector does in this clock.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum DetectorState {
    /// The next queue pair's records are looked up ...
    Look,
    /// ... and kept.
    Read,
    /// What is newly acknowledged counts, and gives a sample of the round trip.
    Sample,
    /// How long may an acknowledgement take?
    Limit,
    /// Are octets lost? Then tells.
    Judge,
    /// Offers the error: the peer is silent.
    Fail,
}

/// What is known of a queue pair's round trips and losses.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct LossRecord {
    /// Octets of the stream that were acknowledged when it was looked at last.
    pub acknowledged: Bits<32>,
    /// The retransmission timer runs, until `deadline` (in microseconds, as all times).
    pub running: Bit,
    pub deadline: Bits<32>,
    /// How often it has expired in a row.
    pub expiries: Bits<4>,
    /// The acknowledgement of `timed` octets is awaited, since `since`.
    pub timing: Bit,
    pub timed: Bits<32>,
    pub since: Bits<32>,
    /// There was a sample: eight times the mean of the round trip, four times its deviation.
    pub measured: Bit,
    pub mean: Bits<32>,
    pub deviation: Bits<32>,
    /// What was lost is sent again, until `recover` octets are acknowledged.
    pub recovering: Bit,
    pub recover: Bits<32>,
    /// There was a loss before.
    pub lossy: Bit,
}

/// Looks at one queue pair after the other, five clocks each, and never waits for any.
///
/// ```text
/// sent, send_edge --> tables
///                       |
/// Look -> Read -> Sample -> Limit -> Judge --+--> lost, cured by the segmenter
///  ^------------------------------------+    +--> event: the peer is silent
/// ```
/// Octets are lost when a third duplicate acknowledgement comes (RFC 5681 s. 3.2), but not twice for
/// what was sent before the last loss (RFC 6582 s. 3.2), and when the retransmission timer expires
/// (RFC 6298). What is sent again gives no sample (Karn). A queue pair whose context says no
/// `retries` is left alone.
#[derive(LogicBlock, Ports, Default)]
pub struct LossDetector {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    pub change: Signal<In, QpChange>,
    /// Microseconds; wraps.
    pub now: Signal<In, Bits<32>>,
    /// `RETRANSMIT_MIN`.
    pub least: Signal<In, Bits<24>>,
    /// SND.NXT is further than ever.
    pub sent: Signal<In, SendNext>,
    pub send_edge: Signal<In, SendEdge>,
    /// A queue pair, and a clock later whether octets of it are lost and not sent again.
    pub qp: Signal<In, QpNumber>,
    pub lost: Signal<Out, Bit>,
    /// They are being sent again from now on: `qp` as in the clocks before.
    pub found: Signal<In, QpNote>,
    /// Octets of a queue pair are lost: only while it is `free`.
    pub loss: Signal<Out, QpNote>,
    pub free: Signal<In, Bit>,
    /// With `loss`: the timer has expired.
    pub expired: Signal<Out, Bit>,
    pub event: StreamSource<QpEvent>,

    retries: QpField<4, { field_number("retries") }>,
    cqs: QpField<CQ_BITS, { field_number("receive_cq") }>,
    ends: LifeTable<Bits<32>>,
    edges: LifeTable<SendEdge>,
    records: LifeTable<LossRecord>,
    // Octets are lost while the two of a queue pair differ; each has one writer and two readers.
    losses: LifeTable<Bit>,
    losses_seen: LifeTable<Bit>,
    cures: LifeTable<Bit>,
    cures_seen: LifeTable<Bit>,
    watch: LifeWatch,
    state: DFF<DetectorState>,
    number: DFF<QpNumber>,
    work: DFF<LossRecord>,
    told: DFF<SendEdge>,
    furthest: DFF<Bits<32>>,
    reached: DFF<Bit>,
    sample: DFF<Bits<32>>,
    limit: DFF<Bits<32>>,
    differs: DFF<Bit>,
    lives: Signal<Local, Bit>,
    progress: Signal<Local, Bit>,
    outstanding: Signal<Local, Bit>,
    to_timed: Signal<Local, Bits<32>>,
    to_recover: Signal<Local, Bits<32>>,
    error: Signal<Local, Bits<32>>,
    least_now: Signal<Local, Bits<32>>,
    first: Signal<Local, Bits<32>>,
    patience: Signal<Local, Bits<32>>,
    longer: Signal<Local, Bits<48>>,
    late: Signal<Local, Bits<32>>,
    thrice: Signal<Local, Bit>,
    expires: Signal<Local, Bit>,
    loses: Signal<Local, Bit>,
    one: Literal<4, 1>,
    next_one: Signal<Local, QpNumber>,
    three: Literal<2, 3>,
    longest_first: Literal<32, { registers::RETRANSMIT_FIRST_MAX as u64 }>,
    longest: Literal<32, { registers::RETRANSMIT_MAX as u64 }>,
    longest_wide: Literal<48, { registers::RETRANSMIT_MAX as u64 }>,
    silent: Literal<8, { status::PEER_SILENT as u64 }>,
}

impl Logic for LossDetector {
    //= rfc6298#2  SRTT and RTTVAR; s. 5: the timer.
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, number, work, told, furthest, reached, sample, limit, differs);
        clock!(self, clock, retries, cqs, ends, edges, records, watch);
        clock!(self, clock, losses, losses_seen, cures, cures_seen);
        self.retries.context_write.next = self.context_write.val();
        self.cqs.context_write.next = self.context_write.val();
        self.ends.change.next = self.change.val();
        self.edges.change.next = self.change.val();
        self.records.change.next = self.change.val();
        self.losses.change.next = self.change.val();
        self.losses_seen.change.next = self.change.val();
        self.cures.change.next = self.change.val();
        self.cures_seen.change.next = self.change.val();
        self.watch.change.next = self.change.val();
        self.ends.write.next = self.sent.val().valid;
        self.ends.write_qp.next = self.sent.val().qp;
        self.ends.write_record.next = self.sent.val().position;
        self.edges.write.next = self.send_edge.val().valid;
        self.edges.write_qp.next = self.send_edge.val().qp;
        self.edges.write_record.next = self.send_edge.val();

        // Who sends asks, and cures.
        self.losses.read_qp.next = self.qp.val();
        self.cures.read_qp.next = self.qp.val();
        self.lost.next = self.losses.read_record.val() != self.cures.read_record.val();
        self.cures.write.next = self.found.val().valid;
        self.cures.write_qp.next = self.found.val().qp;
        self.cures.write_record.next = self.losses.read_record.val();
        self.cures_seen.write.next = self.found.val().valid;
        self.cures_seen.write_qp.next = self.found.val().qp;
        self.cures_seen.write_record.next = self.losses.read_record.val();

        // One after the other.
        self.retries.qp.next = self.number.q.val();
        self.cqs.qp.next = self.number.q.val();
        self.ends.read_qp.next = self.number.q.val();
        self.edges.read_qp.next = self.number.q.val();
        self.records.read_qp.next = self.number.q.val();
        self.losses_seen.read_qp.next = self.number.q.val();
        self.cures_seen.read_qp.next = self.number.q.val();
        self.watch.look.next = self.state.q.val() == DetectorState::Look;
        self.watch.qp.next = self.number.q.val();
        self.lives.next = self.watch.life_now.val().active
            & !self.watch.disturbed_now.val()
            & self.retries.value.val().any();

        self.progress.next = self.told.q.val().acknowledged != self.work.q.val().acknowledged;
        self.outstanding.next = self.told.q.val().acknowledged != self.furthest.q.val();
        self.to_timed.next =
            self.edges.read_record.val().acknowledged - self.records.read_record.val().timed;
        self.to_recover.next = self.told.q.val().acknowledged - self.work.q.val().recover;
        self.error.next = self.sample.q.val() - (self.work.q.val().mean >> 3);
        if self.error.val().get_bit(31) {
            self.error.next = (self.work.q.val().mean >> 3) - self.sample.q.val();
        }

        // The retransmission timeout: longer with each expiry in a row.
        self.least_now.next = bit_cast::<32, 24>(self.least.val());
        if !self.least.val().any() {
            self.least_now.next = 1.into();
        }
        self.first.next = self.least_now.val() << 2;
        if self.first.val() > self.longest_first.val() {
            self.first.next = self.longest_first.val();
        }
        self.patience.next = (self.work.q.val().mean >> 3) + self.work.q.val().deviation;
        if !self.work.q.val().measured {
            self.patience.next = self.first.val();
        }
        if self.patience.val() < self.least_now.val() {
            self.patience.next = self.least_now.val();
        }
        if self.patience.val() > self.longest.val() {
            self.patience.next = self.longest.val();
        }
        self.longer.next = bit_cast::<48, 32>(self.patience.val()) << self.work.q.val().expiries;
        if self.longer.val() > self.longest_wide.val() {
            self.longer.next = self.longest_wide.val();
        }
        self.late.next = self.now.val() - self.work.q.val().deadline;
        self.expires.next = self.work.q.val().running & !self.late.val().get_bit(31);
        self.thrice.next = (self.told.q.val().duplicates == self.three.val())
            & !self.work.q.val().recovering
            & (!self.work.q.val().lossy
                | (self.to_recover.val().any() & !self.to_recover.val().get_bit(31)));
        self.loses.next = self.outstanding.val()
            & !self.differs.q.val()
            & (self.expires.val() | self.thrice.val());

        self.loss.next.valid = false;
        self.loss.next.qp = self.number.q.val();
        self.expired.next = self.expires.val();
        self.records.write.next = false;
        self.records.write_qp.next = self.number.q.val();
        self.records.write_record.next = self.work.q.val();
        self.next_one.next = self.number.q.val() + 1;
        self.event.beat.next.qp = self.number.q.val();
        self.event.beat.next.generation = self.watch.life.val().generation;
        self.event.beat.next.status = self.silent.val();
        self.event.beat.next.cq = self.cqs.value.val();
        self.event.beat.next.sequence = 0.into();
        self.event.valid.next = self.state.q.val() == DetectorState::Fail;
        match self.state.q.val() {
            DetectorState::Look => {
                self.state.d.next = DetectorState::Read;
            }
            DetectorState::Read => {
                self.work.d.next = self.records.read_record.val();
                self.told.d.next = self.edges.read_record.val();
                self.furthest.d.next = self.ends.read_record.val();
                self.reached.d.next = !self.to_timed.val().get_bit(31);
                self.sample.d.next = self.now.val() - self.records.read_record.val().since;
                self.differs.d.next =
                    self.losses_seen.read_record.val() != self.cures_seen.read_record.val();
                self.state.d.next = DetectorState::Sample;
            }
            DetectorState::Sample => {
                if self.progress.val() {
                    self.work.d.next.acknowledged = self.told.q.val().acknowledged;
                    self.work.d.next.expiries = 0.into();
                    self.work.d.next.running = false;
                    if !self.to_recover.val().get_bit(31) {
                        self.work.d.next.recovering = false;
                    }
                }
                if self.work.q.val().timing & self.reached.q.val() {
                    self.work.d.next.timing = false;
                    self.work.d.next.measured = true;
                    self.work.d.next.mean = self.work.q.val().mean + self.sample.q.val()
                        - (self.work.q.val().mean >> 3);
                    self.work.d.next.deviation = self.work.q.val().deviation + self.error.val()
                        - (self.work.q.val().deviation >> 2);
                    if !self.work.q.val().measured {
                        self.work.d.next.mean = self.sample.q.val() << 3;
                        self.work.d.next.deviation = self.sample.q.val() << 1;
                    }
                }
                self.state.d.next = DetectorState::Limit;
            }
            DetectorState::Limit => {
                self.limit.d.next = self.now.val() + self.longer.val().get_bits::<32>(0);
                if !self.outstanding.val() {
                    self.work.d.next.running = false;
                    self.work.d.next.timing = false;
                }
                self.state.d.next = DetectorState::Judge;
            }
            DetectorState::Judge => {
                self.state.d.next = DetectorState::Look;
                if self.outstanding.val() & !self.work.q.val().running {
                    self.records.write_record.next.running = true;
                    self.records.write_record.next.deadline = self.limit.q.val();
                }
                if self.outstanding.val()
                    & !self.work.q.val().timing
                    & !self.work.q.val().recovering
                {
                    self.records.write_record.next.timing = true;
                    self.records.write_record.next.timed = self.furthest.q.val();
                    self.records.write_record.next.since = self.now.val();
                }
                if self.expires.val() & self.outstanding.val() {
                    // In the next look at it, with more expiries in a row.
                    self.records.write_record.next.running = false;
                    self.records.write_record.next.expiries =
                        self.work.q.val().expiries + self.one.val();
                }
                if self.loses.val() {
                    self.records.write_record.next.timing = false;
                    self.records.write_record.next.recovering = true;
                    self.records.write_record.next.recover = self.furthest.q.val();
                    self.records.write_record.next.lossy = true;
                }
                if !self.lives.val() {
                    self.number.d.next = self.next_one.val();
                } else if self.expires.val()
                    & self.outstanding.val()
                    & (self.work.q.val().expiries == self.retries.value.val())
                {
                    self.state.d.next = DetectorState::Fail;
                } else if self.loses.val() & !self.free.val() {
                    self.state.d.next = DetectorState::Judge;
                } else {
                    self.loss.next.valid = self.loses.val();
                    self.records.write.next = true;
                    self.number.d.next = self.next_one.val();
                }
            }
            DetectorState::Fail => {
                if self.event.ready.val() {
                    self.state.d.next = DetectorState::Look;
                    self.number.d.next = self.next_one.val();
                }
            }
            _ => {
                self.state.d.next = DetectorState::Look;
            }
        }
        self.losses.write.next = self.loss.val().valid;
        self.losses.write_qp.next = self.number.q.val();
        self.losses.write_record.next = !self.losses_seen.read_record.val();
        self.losses_seen.write.next = self.loss.val().valid;
        self.losses_seen.write_qp.next = self.number.q.val();
        self.losses_seen.write_record.next = !self.losses_seen.read_record.val();
    }
}
