//! Answers the host's reads of BAR 0.
use super::register_file::word;
use crate::receive::ring_sizes::ring_bits;
use crate::stream::beat::*;
use ironwarp_abi::{limits, registers};
use rust_hdl::prelude::*;

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

/// Takes an address, and offers the register's value three clocks later. Contexts, doorbells and
/// addresses that mean nothing read as zero.
#[derive(LogicBlock)]
pub struct RegisterReader<const BANK: usize> {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<Bits<20>>,
    pub source: StreamSource<Bits<32>>,
    pub clocks_per_microsecond: Signal<In, Bits<16>>,
    pub microseconds: Signal<In, Bits<32>>,
    pub completion_timeout: Signal<In, Bits<24>>,
    pub mac_address: Signal<In, Bits<48>>,
    pub active: Signal<In, Bits<16>>,
    pub query_qp: Signal<In, Bits<8>>,
    /// Bit n: queue pair n has run; else its `QUERY_` registers read zero.
    pub started: Signal<In, Bits<16>>,
    pub query_send_next: Signal<In, Bits<32>>,
    pub query_send_unacknowledged: Signal<In, Bits<32>>,
    pub query_receive_next: Signal<In, Bits<32>>,
    pub query_send_window: Signal<In, Bits<32>>,
    /// The counter to read, and its value in the same clock.
    pub count_index: Signal<Out, Bits<4>>,
    pub count_value: Signal<In, Bits<32>>,
    /// The word of the MSI-X table to read, and its value one clock later.
    pub msix_word: Signal<Out, Bits<10>>,
    pub msix_value: Signal<In, Bits<32>>,
    pub msix_pending: Signal<In, Bits<16>>,
    state: DFF<Looking>,
    address: DFF<Bits<20>>,
    value: DFF<Bits<32>>,
    found: Signal<Local, Bits<32>>,
    queried: Signal<Local, Bits<4>>,
    known: Signal<Local, Bit>,
    word: Signal<Local, Bits<10>>,
    page: Signal<Local, Bits<8>>,
    register_page: Constant<Bits<8>>,
    msix_page: Constant<Bits<8>>,
    pending_page: Constant<Bits<8>>,
    device: Constant<Bits<10>>,
    device_value: Constant<Bits<32>>,
    version: Constant<Bits<10>>,
    version_value: Constant<Bits<32>>,
    capabilities: Constant<Bits<10>>,
    capabilities_value: Constant<Bits<32>>,
    sizes: Constant<Bits<10>>,
    sizes_value: Constant<Bits<32>>,
    time_base: Constant<Bits<10>>,
    time_now: Constant<Bits<10>>,
    timeout: Constant<Bits<10>>,
    mac_low: Constant<Bits<10>>,
    mac_high: Constant<Bits<10>>,
    qp_active: Constant<Bits<10>>,
    query: Constant<Bits<10>>,
    send_next: Constant<Bits<10>>,
    send_unacknowledged: Constant<Bits<10>>,
    receive_next: Constant<Bits<10>>,
    send_window: Constant<Bits<10>>,
    /// The sixteen words of the counters: bits 9:4 of their numbers.
    counters: Constant<Bits<6>>,
}

/// What the register `CAPABILITIES` reads.
const CAPABILITIES_VALUE: u64 = (limits::QP_BITS
    | limits::CQ_BITS << 4
    | limits::MR_BITS << 8
    | limits::FLOW_BITS << 12
    | limits::VECTOR_COUNT << 16
    | limits::SGE_MAX << 24) as u64;

/// What the register `SIZES` reads, with stream rings of `2^stream_ring` octets.
const fn sizes_value(stream_ring: usize) -> u64 {
    (limits::WQE_CACHE_BITS | limits::OUTSTANDING_BITS << 4 | stream_ring << 8) as u64
}

impl<const BANK: usize> Default for RegisterReader<BANK> {
    fn default() -> Self {
        use registers::*;
        assert_eq!(COUNT_FRAMES_SENT.address % 64, 0, "sixteen counters, aligned");
        Self {
            clock: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            clocks_per_microsecond: Default::default(),
            microseconds: Default::default(),
            completion_timeout: Default::default(),
            mac_address: Default::default(),
            active: Default::default(),
            query_qp: Default::default(),
            started: Default::default(),
            query_send_next: Default::default(),
            query_send_unacknowledged: Default::default(),
            query_receive_next: Default::default(),
            query_send_window: Default::default(),
            count_index: Default::default(),
            count_value: Default::default(),
            msix_word: Default::default(),
            msix_value: Default::default(),
            msix_pending: Default::default(),
            state: Default::default(),
            address: Default::default(),
            value: Default::default(),
            found: Default::default(),
            queried: Default::default(),
            known: Default::default(),
            word: Default::default(),
            page: Default::default(),
            register_page: Constant::new(0.into()),
            msix_page: Constant::new((MSIX_TABLE >> 12).to_bits()),
            pending_page: Constant::new((MSIX_PENDING >> 12).to_bits()),
            device: word(&DEVICE),
            device_value: Constant::new(DEVICE_MAGIC.to_bits()),
            version: word(&VERSION),
            version_value: Constant::new(ABI_VERSION.to_bits()),
            capabilities: word(&registers::CAPABILITIES),
            capabilities_value: Constant::new(CAPABILITIES_VALUE.to_bits()),
            sizes: word(&registers::SIZES),
            sizes_value: Constant::new(sizes_value(ring_bits(BANK)).to_bits()),
            time_base: word(&TIME_BASE),
            time_now: word(&TIME),
            timeout: word(&COMPLETION_TIMEOUT),
            mac_low: word(&MAC_LOW),
            mac_high: word(&MAC_HIGH),
            qp_active: word(&QP_ACTIVE),
            query: word(&QUERY_QP),
            send_next: word(&QUERY_SEND_NEXT),
            send_unacknowledged: word(&QUERY_SEND_UNACKNOWLEDGED),
            receive_next: word(&QUERY_RECEIVE_NEXT),
            send_window: word(&QUERY_SEND_WINDOW),
            counters: Constant::new((COUNT_FRAMES_SENT.address / 64).to_bits()),
        }
    }
}

impl<const BANK: usize> Logic for RegisterReader<BANK> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, address, value);
        self.sink.ready.next = self.state.q.val() == Looking::Idle;
        self.source.valid.next = self.state.q.val() == Looking::Answer;
        self.source.beat.next = self.value.q.val();
        self.page.next = self.address.q.val().get_bits::<8>(12);
        self.word.next = self.address.q.val().get_bits::<10>(2);
        self.count_index.next = self.word.val().get_bits::<4>(0);
        self.msix_word.next = self.word.val();

        self.queried.next = bit_cast::<4, 8>(self.query_qp.val());
        self.known.next = self.started.val().get_bit(self.queried.val().index());
        self.found.next = 0.into();
        if self.page.val() == self.msix_page.val() {
            self.found.next = self.msix_value.val();
        } else if self.page.val() == self.pending_page.val() {
            if self.word.val() == 0 {
                self.found.next = bit_cast::<32, 16>(self.msix_pending.val());
            }
        } else if self.page.val() == self.register_page.val() {
            if self.word.val().get_bits::<6>(4) == self.counters.val() {
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
            } else if self.word.val() == self.mac_low.val() {
                self.found.next = self.mac_address.val().get_bits::<32>(0);
            } else if self.word.val() == self.mac_high.val() {
                self.found.next = bit_cast::<32, 16>(self.mac_address.val().get_bits::<16>(32));
            } else if self.word.val() == self.qp_active.val() {
                self.found.next = bit_cast::<32, 16>(self.active.val());
            } else if self.word.val() == self.query.val() {
                self.found.next = bit_cast::<32, 8>(self.query_qp.val());
            } else if self.known.val() & (self.word.val() == self.send_next.val()) {
                self.found.next = self.query_send_next.val();
            } else if self.known.val() & (self.word.val() == self.send_unacknowledged.val()) {
                self.found.next = self.query_send_unacknowledged.val();
            } else if self.known.val() & (self.word.val() == self.receive_next.val()) {
                self.found.next = self.query_receive_next.val();
            } else if self.known.val() & (self.word.val() == self.send_window.val()) {
                self.found.next = self.query_send_window.val();
            }
        }

        match self.state.q.val() {
            Looking::Idle => {
                if self.sink.valid.val() {
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
