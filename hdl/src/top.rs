//! The RNIC: the block diagram of `docs/architecture.md`, in the same words.
//!
//! ```text
//!            +------+ bar  +---------+ contexts, lives, doorbells, fences to every engine
//! pcie_in -->|      |----->| Control |- - - - - - - - - - - - - - - - - - - - - - - ->
//!            |      |<-----|         |<---------------- events, fenced --------+
//!            | Pcie |      +---------+                                         |
//!            |      |  ended, fences |    ^ overflows                          |
//!            |      |                v    |                                    |
//!            |      |  entries, MSI-X  +------------------+  completions       |
//! pcie_out<--|      |<-----------------| CompletionWriter |<------------+      |
//!            |      |                  +------------------+             |      |
//!            |      |                                            +----------+  |
//!            |      |-- send requests, payload ----------------->| Transmit |--+--> mac_out
//!            |      |                                            +----------+  |
//!            |      |     edge, acknowledgement, opened, read_asked ^  |       |
//!            |      |                          and read_done        |  v read_sent, read_room
//!            |      |-- receive requests ----------------------> +----------+  |
//!            |      |<- payload ---------------------------------| Receive  |--+<-- mac_in
//!            +------+                                            +----------+
//! ```
use crate::complete::{Completion, CompletionWriter};
use crate::configuration::BAR_BITS;
use crate::control::{BarWrite, Control, MsixMessage, QpEvent};
use crate::mac::MacCounts;
use crate::pcie::{Pcie, ReadRequest, WriteRequest};
use crate::pins::Ports;
use crate::receive::records::ReadAsked;
use crate::receive::{Acknowledgement, Receive};
use crate::restart::Restart;
use crate::stream::*;
use crate::transmit::Transmit;
use rust_hdl::prelude::*;

/// The pulses that the counters count, in the order of the `COUNT_` registers.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Counted {
    pub sent: Bit,
    pub received: Bits<9>,
    pub unexpected: Bit,
    pub overflow: Bit,
    pub mac: Bits<4>,
}

/// The stations that are passed in a clock, in the order of `ironwarp_abi::trace`.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Passed {
    pub transmit: Bits<7>,
    pub receive: Bits<5>,
    pub written: Bit,
    pub interrupted: Bit,
}

/// The whole device between the PCIe hard block and the Ethernet MAC.
#[derive(LogicBlock, Ports, Default)]
pub struct Rnic {
    /// The core clock: everything happens at its rising edge.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset, active high; one clock is enough. Afterwards the device is as after
    /// power-on, but for some clocks in which it clears its tables, one for each object of the
    /// largest: packets from the host wait, frames are lost.
    ///
    /// Who is at the other end of a stream need not know of a reset. What comes of a packet that
    /// it cut on its way in is dropped; one that it cut on its way out ends with `error`. A beat
    /// that was offered as the first of a packet and not taken may be withdrawn.
    ///
    /// The device forgets the reads that it has under way and gives their tags to others: after a
    /// reset, the other end of `pcie_in` must not answer a read of before.
    pub reset: Signal<In, Bit>,
    /// Transaction-layer packets from the root complex, octets in wire order.
    pub pcie_in: StreamSink<Beat>,
    /// Transaction-layer packets to the root complex.
    pub pcie_out: StreamSource<Beat>,
    /// Frames from the MAC, without preamble and frame check sequence. `ready` is always set: a
    /// wire cannot be stopped. `error` says that the frame check sequence was wrong.
    pub mac_in: StreamSink<Beat>,
    /// Frames to the MAC. Once a frame has begun, `valid` stays set to its end.
    pub mac_out: StreamSource<Beat>,
    /// The station's address, its first octet in bits 47:40, for a MAC that obeys PAUSE to it.
    pub mac_address: Signal<Out, Bits<48>>,
    /// What the MAC did, for the host's counters.
    pub mac_counts: Signal<In, MacCounts>,
    /// Maximum payload size, as in PCI Express device control: 0 is 128 octets, 1 is 256, ...
    pub max_payload: Signal<In, Bits<3>>,
    /// Maximum read request size, in the same code.
    pub max_read: Signal<In, Bits<3>>,
    /// Bus, device and function number of this function.
    pub requester: Signal<In, Bits<16>>,
    /// Bus Master Enable of the Command register: the device may send memory reads and writes, of
    /// which interrupt messages are some. While not, they wait, and a read that waits is not under
    /// way; answers to the host's reads leave. Up to two packets may follow its fall.
    pub bus_master_enable: Signal<In, Bit>,
    /// MSI-X Enable of the MSI-X capability. While not, or while the function is masked, no message
    /// is begun, and interrupts make their vectors pending.
    pub msix_enable: Signal<In, Bit>,
    /// Function Mask of the MSI-X capability.
    pub msix_function_mask: Signal<In, Bit>,
    /// Completion Timeout Disable of Device Control 2: reads wait for ever.
    pub completion_timeout_disable: Signal<In, Bit>,
    /// One-clock pulses: the stations of `ironwarp_abi::trace`.
    pub stations: Signal<Out, Bits<16>>,
    restart: Restart,
    pcie: Pcie,
    control: Control,
    complete: CompletionWriter,
    transmit: Transmit,
    receive: Receive,
    counted: Signal<Local, Counted>,
    passed: Signal<Local, Passed>,
}

impl Logic for Rnic {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, restart, pcie, control, complete, transmit, receive);

        // The two edges of the device, and what outlives a reset of all the rest.
        self.restart.reset.next = false;
        self.restart.reset_asked.next = self.reset.val();
        self.control.wipe.next = self.restart.wipe.val();
        StreamSink::<Beat>::link(&mut self.pcie_in, &mut self.restart.pcie_in);
        StreamSource::<Beat>::join(&mut self.restart.to_pcie, &mut self.pcie.pcie_in);
        StreamSource::<Beat>::join(&mut self.pcie.pcie_out, &mut self.restart.from_pcie);
        StreamSource::<Beat>::link(&mut self.pcie_out, &mut self.restart.pcie_out);
        StreamSink::<Beat>::link(&mut self.mac_in, &mut self.restart.mac_in);
        StreamSource::<Beat>::join(&mut self.restart.to_mac, &mut self.receive.mac);
        StreamSource::<Beat>::join(&mut self.transmit.frame, &mut self.restart.from_mac);
        StreamSource::<Beat>::link(&mut self.mac_out, &mut self.restart.mac_out);
        self.pcie.max_payload.next = self.max_payload.val();
        self.pcie.max_read.next = self.max_read.val();
        self.pcie.requester.next = self.requester.val();
        self.pcie.bus_master.next = self.bus_master_enable.val();
        self.pcie.microsecond.next = self.control.microsecond.val();
        self.pcie.completion_timeout.next = self.control.completion_timeout.val();
        if self.completion_timeout_disable.val() {
            self.pcie.completion_timeout.next = 0.into();
        }
        self.control.messages_enabled.next =
            self.bus_master_enable.val() & self.msix_enable.val() & !self.msix_function_mask.val();
        self.transmit.max_read.next = self.max_read.val();
        self.transmit.now.next = self.control.now.val();
        self.transmit.retransmit_min.next = self.control.retransmit_min.val();
        self.receive.max_read.next = self.max_read.val();

        // The host's accesses.
        StreamSource::<BarWrite>::join(&mut self.pcie.bar_write, &mut self.control.bar_write);
        StreamSource::<Bits<BAR_BITS>>::join(&mut self.pcie.bar_read, &mut self.control.bar_read);
        StreamSource::<Bits<32>>::join(&mut self.control.bar_answer, &mut self.pcie.bar_answer);

        // What control tells everyone.
        self.transmit.context_write.next = self.control.context_write.val();
        self.receive.context_write.next = self.control.context_write.val();
        self.complete.context_write.next = self.control.context_write.val();
        self.transmit.change.next = self.control.change.val();
        self.receive.change.next = self.control.change.val();
        self.complete.change.next = self.control.change.val();
        self.transmit.doorbell.next = self.control.qp_doorbell.val();
        self.receive.doorbell.next = self.control.qp_doorbell.val();
        self.complete.doorbell.next = self.control.cq_doorbell.val();
        self.complete.cq_command.next = self.control.cq_command.val();
        self.receive.mac_address.next = self.control.mac_address.val();
        self.mac_address.next = self.control.mac_address.val();
        self.receive.flow_key.next = self.control.flow_key.val();

        // Fences, through everything.
        self.transmit.fence.next = self.control.fence.val();
        self.receive.fence.next = self.control.fence.val();
        self.control.transmit_fenced.next = self.transmit.fenced.val();
        self.control.receive_fenced.next = self.receive.fenced.val();
        StreamSource::<Completion>::join(
            &mut self.control.fence_completion,
            &mut self.complete.fence,
        );
        self.control.fence_told.next = self.complete.fence_told.val();

        // Work requests and payload from host memory.
        StreamSource::<ReadRequest>::join(
            &mut self.transmit.request_read,
            &mut self.pcie.send_read,
        );
        StreamSource::<Beat>::join(&mut self.pcie.send_data, &mut self.transmit.request_data);
        StreamSource::<ReadRequest>::join(
            &mut self.transmit.payload_read,
            &mut self.pcie.payload_read,
        );
        StreamSource::<Beat>::join(&mut self.pcie.payload_data, &mut self.transmit.payload_data);
        StreamSource::<ReadRequest>::join(
            &mut self.receive.request_read,
            &mut self.pcie.receive_read,
        );
        StreamSource::<Beat>::join(&mut self.pcie.receive_data, &mut self.receive.request_data);

        // Payload and completions to host memory.
        StreamSource::<WriteRequest>::join(&mut self.receive.write, &mut self.pcie.payload_write);
        StreamSource::<Beat>::join(&mut self.receive.write_data, &mut self.pcie.payload_write_data);
        StreamSource::<WriteRequest>::join(
            &mut self.complete.write,
            &mut self.pcie.completion_write,
        );
        StreamSource::<Beat>::join(
            &mut self.complete.write_data,
            &mut self.pcie.completion_write_data,
        );
        StreamSource::<Completion>::join(&mut self.transmit.completion, &mut self.complete.send);
        StreamSource::<Completion>::join(&mut self.receive.completion, &mut self.complete.receive);
        StreamSource::<Completion>::join(
            &mut self.control.event_completion,
            &mut self.complete.event,
        );
        StreamSource::<QpEvent>::join(&mut self.transmit.event, &mut self.control.event_send);
        StreamSource::<QpEvent>::join(&mut self.receive.event, &mut self.control.event_receive);
        StreamSource::<QpEvent>::join(
            &mut self.complete.overflow_event,
            &mut self.control.event_overflow,
        );

        // What the receive side tells the transmit side.
        StreamSource::<Acknowledgement>::join(
            &mut self.receive.acknowledgement,
            &mut self.transmit.acknowledgement,
        );
        self.transmit.receive_edge.next = self.receive.receive_edge.val();
        self.transmit.opened.next = self.receive.opened.val();

        // RDMA Reads, as responder and as requester.
        StreamSource::<ReadAsked>::join(
            &mut self.receive.read_asked,
            &mut self.transmit.read_asked,
        );
        self.transmit.room_qp.next = self.receive.room_qp.val();
        self.receive.read_room.next = self.transmit.read_room.val();
        self.receive.read_sent.next = self.transmit.read_sent.val();
        self.transmit.read_done.next = self.receive.read_done.val();

        // Interrupts: the completion writer asks, control knows the message.
        StreamSource::<Bits<8>>::join(&mut self.complete.interrupt, &mut self.control.interrupt);
        StreamSource::<MsixMessage>::join(
            &mut self.control.interrupt_write,
            &mut self.complete.message,
        );

        // What the host may look at.
        self.transmit.query_qp.next = self.control.query_qp.val();
        self.receive.query_qp.next = self.control.query_qp.val();
        self.control.query_send_next.next = self.transmit.query_send_next.val();
        self.control.query_send_unacknowledged.next = self.transmit.query_send_unacknowledged.val();
        self.control.query_send_window.next = self.transmit.query_send_window.val();
        self.control.query_receive_next.next = self.receive.query_receive_next.val();
        self.counted.next.sent = self.transmit.frame_sent.val();
        self.counted.next.received = self.receive.counts.val();
        self.counted.next.unexpected = self.pcie.unexpected.val();
        self.counted.next.overflow = self.complete.overflow.val();
        self.counted.next.mac = self.mac_counts.val().into();
        self.control.counts.next = self.counted.val().into();
        self.control.later_counts.next = self.transmit.counts.val();
        self.passed.next.transmit = self.transmit.stations.val();
        self.passed.next.receive = self.receive.stations.val();
        self.passed.next.written = self.complete.written.val();
        self.passed.next.interrupted = self.complete.interrupted.val();
        self.stations.next = bit_cast::<16, 14>(self.passed.val().into());
    }
}
