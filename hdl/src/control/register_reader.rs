//! Answers the host's reads of BAR 0.
use super::bar_decoder::{page, PAGE_BITS};
use super::fields::{compose, low, word};
use super::records::QpRecord;
use crate::configuration::*;
use crate::literal::Literal;
use crate::pins::Ports;
use crate::stream::beat::*;
use ironwarp_abi::{limits, registers};
use rust_hdl::prelude::*;

/// The width of a register; any object's number fits.
const REGISTER_BITS: usize = 32;
const _: () = assert!(limits::NUMBER_BITS <= REGISTER_BITS);

/// What the reader does.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Looking {
    /// Waits for an address.
    Idle,
    /// The tables are being read.
    Look,
    /// Chooses the value.
    Choose,
    /// Offers the value.
    Answer,
}

/// What the register `QUERY_STATE` reads.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct QueryState {
    pub generation: Generation,
    pub active: Bit,
    pub started: Bit,
    pub reserved: Bits<6>,
    pub status: Bits<8>,
}

/// What the register `FENCED` reads.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct FenceState {
    pub number: Bits<16>,
    pub busy: Bit,
}

const _: () = {
    use registers::*;
    assert!(low(&QUERY_STATE, "generation") == 0 && low(&QUERY_STATE, "active") == 8);
    assert!(low(&QUERY_STATE, "started") == 9 && low(&QUERY_STATE, "status") == 16);
    assert!(low(&FENCED, "number") == 0 && low(&FENCED, "busy") == 16);
    assert!(COUNT_FRAMES_SENT.address % 128 == 0, "room for 32 counters, aligned");
};

/// What the register `CAPABILITIES` reads.
const CAPABILITIES: u64 = compose(
    &registers::CAPABILITIES,
    &[("qp", QP_BITS), ("cq", CQ_BITS), ("mr", MR_BITS), ("buckets", BUCKET_BITS)],
);

/// What the register `SIZES` reads.
const SIZES: u64 = compose(
    &registers::SIZES,
    &[
        ("wqe_cache", limits::WQE_CACHE_BITS),
        ("outstanding", limits::OUTSTANDING_BITS),
        ("stream_ring", STREAM_RING_BITS),
        ("vectors", limits::VECTOR_COUNT),
        ("elements", limits::SGE_MAX),
    ],
);

/// Takes an address, and offers the register's value three clocks later. The context window,
/// doorbells, write-only registers and addresses that mean nothing read as zero.
#[derive(LogicBlock, Ports, Default)]
pub struct RegisterReader {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Bits<BAR_BITS>>,
    pub source: StreamSource<Bits<32>>,
    /// Writes that came before are not done yet: nothing is taken.
    pub hold: Signal<In, Bit>,
    pub clocks_per_microsecond: Signal<In, Bits<16>>,
    pub microseconds: Signal<In, Bits<32>>,
    pub completion_timeout: Signal<In, Bits<24>>,
    pub retransmit_min: Signal<In, Bits<24>>,
    pub mac_address: Signal<In, Bits<48>>,
    pub query_qp: Signal<In, QpNumber>,
    /// What is known of that queue pair; if it has never begun, its `QUERY_` registers read zero.
    pub query_record: Signal<In, QpRecord>,
    pub query_send_next: Signal<In, Bits<32>>,
    pub query_send_unacknowledged: Signal<In, Bits<32>>,
    pub query_receive_next: Signal<In, Bits<32>>,
    pub query_send_window: Signal<In, Bits<32>>,
    pub fence_queue: Signal<In, CqNumber>,
    pub fence_number: Signal<In, Bits<16>>,
    pub fence_busy: Signal<In, Bit>,
    /// The counter to read, and its value in the same clock.
    pub count_index: Signal<Out, Bits<5>>,
    pub count_value: Signal<In, Bits<32>>,
    /// The word of the MSI-X table to read, and its value one clock later.
    pub msix_word: Signal<Out, Bits<10>>,
    pub msix_value: Signal<In, Bits<32>>,
    pub msix_pending: Signal<In, Bits<16>>,
    state: DFF<Looking>,
    address: DFF<Bits<BAR_BITS>>,
    value: DFF<Bits<32>>,
    found: Signal<Local, Bits<32>>,
    queried: Signal<Local, Bits<32>>,
    query_state: Signal<Local, QueryState>,
    fence_state: Signal<Local, FenceState>,
    word: Signal<Local, Bits<10>>,
    page: Signal<Local, Bits<PAGE_BITS>>,
    shifted: Signal<Local, Bits<BAR_BITS>>,
    area_bits: Literal<8, { AREA_BITS as u64 }>,
    register_page: Literal<PAGE_BITS, 0>,
    msix_page: Literal<PAGE_BITS, { page(registers::MSIX_TABLE) }>,
    pending_page: Literal<PAGE_BITS, { page(registers::MSIX_PENDING) }>,
    device: Literal<10, { word(&registers::DEVICE) }>,
    device_value: Literal<32, { registers::DEVICE_MAGIC as u64 }>,
    version: Literal<10, { word(&registers::VERSION) }>,
    version_value: Literal<32, { registers::ABI_VERSION as u64 }>,
    capabilities: Literal<10, { word(&registers::CAPABILITIES) }>,
    capabilities_value: Literal<32, CAPABILITIES>,
    sizes: Literal<10, { word(&registers::SIZES) }>,
    sizes_value: Literal<32, SIZES>,
    time_base: Literal<10, { word(&registers::TIME_BASE) }>,
    time_now: Literal<10, { word(&registers::TIME) }>,
    timeout: Literal<10, { word(&registers::COMPLETION_TIMEOUT) }>,
    retransmit: Literal<10, { word(&registers::RETRANSMIT_MIN) }>,
    mac_low: Literal<10, { word(&registers::MAC_LOW) }>,
    mac_high: Literal<10, { word(&registers::MAC_HIGH) }>,
    query: Literal<10, { word(&registers::QUERY_QP) }>,
    send_next: Literal<10, { word(&registers::QUERY_SEND_NEXT) }>,
    send_unacknowledged: Literal<10, { word(&registers::QUERY_SEND_UNACKNOWLEDGED) }>,
    receive_next: Literal<10, { word(&registers::QUERY_RECEIVE_NEXT) }>,
    send_window: Literal<10, { word(&registers::QUERY_SEND_WINDOW) }>,
    life: Literal<10, { word(&registers::QUERY_STATE) }>,
    fence_cq: Literal<10, { word(&registers::FENCE_QUEUE) }>,
    fenced: Literal<10, { word(&registers::FENCED) }>,
    /// The words of the counters: bits 9:5 of their numbers.
    counters: Literal<5, { word(&registers::COUNT_FRAMES_SENT) / 32 }>,
}

impl Logic for RegisterReader {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, address, value);
        self.sink.ready.next = (self.state.q.val() == Looking::Idle) & !self.hold.val();
        self.source.valid.next = self.state.q.val() == Looking::Answer;
        self.source.beat.next = self.value.q.val();
        self.shifted.next = self.address.q.val() >> self.area_bits.val();
        self.page.next = self.address.q.val().get_bits::<PAGE_BITS>(12);
        self.word.next = self.address.q.val().get_bits::<10>(2);
        self.count_index.next = self.word.val().get_bits::<5>(0);
        self.msix_word.next = self.word.val();

        self.query_state.next.generation = self.query_record.val().generation;
        self.query_state.next.active = self.query_record.val().active;
        self.query_state.next.started = self.query_record.val().started;
        self.query_state.next.reserved = 0.into();
        self.query_state.next.status = self.query_record.val().status;
        self.fence_state.next.number = self.fence_number.val();
        self.fence_state.next.busy = self.fence_busy.val();
        self.queried.next = 0.into();
        if self.query_record.val().begun {
            if self.word.val() == self.send_next.val() {
                self.queried.next = self.query_send_next.val();
            } else if self.word.val() == self.send_unacknowledged.val() {
                self.queried.next = self.query_send_unacknowledged.val();
            } else if self.word.val() == self.receive_next.val() {
                self.queried.next = self.query_receive_next.val();
            } else if self.word.val() == self.send_window.val() {
                self.queried.next = self.query_send_window.val();
            } else if self.word.val() == self.life.val() {
                self.queried.next = bit_cast::<32, 24>(self.query_state.val().into());
            }
        }

        self.found.next = 0.into();
        if self.shifted.val().any() {
            self.found.next = 0.into();
        } else if self.page.val() == self.msix_page.val() {
            self.found.next = self.msix_value.val();
        } else if self.page.val() == self.pending_page.val() {
            if self.word.val() == 0 {
                self.found.next = bit_cast::<32, 16>(self.msix_pending.val());
            }
        } else if self.page.val() == self.register_page.val() {
            if self.word.val().get_bits::<5>(5) == self.counters.val() {
                self.found.next = self.count_value.val();
            } else if self.word.val() == self.device.val() {
                self.found.next = self.device_value.val();
            } else if self.word.val() == self.version.val() {
                self.found.next = self.version_value.val();
            } else if self.word.val() == self.capabilities.val() {
                self.found.next = self.capabilities_value.val();
            } else if self.word.val() == self.sizes.val() {
                self.found.next = self.sizes_value.val();
            } else if self.word.val() == self.time_base.val() {
                self.found.next = bit_cast::<32, 16>(self.clocks_per_microsecond.val());
            } else if self.word.val() == self.time_now.val() {
                self.found.next = self.microseconds.val();
            } else if self.word.val() == self.timeout.val() {
                self.found.next = bit_cast::<32, 24>(self.completion_timeout.val());
            } else if self.word.val() == self.retransmit.val() {
                self.found.next = bit_cast::<32, 24>(self.retransmit_min.val());
            } else if self.word.val() == self.mac_low.val() {
                self.found.next = self.mac_address.val().get_bits::<32>(0);
            } else if self.word.val() == self.mac_high.val() {
                self.found.next = bit_cast::<32, 16>(self.mac_address.val().get_bits::<16>(32));
            } else if self.word.val() == self.query.val() {
                self.found.next = bit_cast::<REGISTER_BITS, QP_BITS>(self.query_qp.val());
            } else if self.word.val() == self.fence_cq.val() {
                self.found.next = bit_cast::<REGISTER_BITS, CQ_BITS>(self.fence_queue.val());
            } else if self.word.val() == self.fenced.val() {
                self.found.next = bit_cast::<32, 17>(self.fence_state.val().into());
            } else {
                self.found.next = self.queried.val();
            }
        }

        match self.state.q.val() {
            Looking::Idle => {
                if self.sink.valid.val() & !self.hold.val() {
                    self.address.d.next = self.sink.beat.val();
                    self.state.d.next = Looking::Look;
                }
            }
            Looking::Look => {
                self.state.d.next = Looking::Choose;
            }
            Looking::Choose => {
                self.value.d.next = self.found.val();
                self.state.d.next = Looking::Answer;
            }
            Looking::Answer => {
                if self.source.ready.val() {
                    self.state.d.next = Looking::Idle;
                }
            }
        }
    }
}
