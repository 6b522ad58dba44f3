//! Engines that are whole: the tools for the FPGA measure them. They stand in no lockstep, since
//! all that is in them does.
use crate::complete::CompletionWriter;
use crate::control::Control;
use crate::pcie::Pcie;

blocks! {
    pcie: Pcie::default(),
        [clock, pcie_in, pcie_out, max_payload, max_read, requester, bus_master, microsecond,
         completion_timeout, bar_write, bar_read,
         bar_answer, payload_read, payload_data, send_read, send_data, receive_read, receive_data,
         payload_write, payload_write_data, completion_write, completion_write_data, unexpected];
    control: Control::default(),
        [clock, bar_write, bar_read, bar_answer, wipe, context_write, change, qp_doorbell,
         cq_doorbell, cq_command, mac_address, flow_key, event_send, event_receive, event_overflow,
         event_completion, fence, transmit_fenced, receive_fenced, fence_completion, fence_told,
         query_qp, query_send_next, query_send_unacknowledged, query_receive_next,
         query_send_window, counts, interrupt, interrupt_write, messages_enabled, microsecond,
          completion_timeout];
    completion_writer: CompletionWriter::default(),
        [clock, context_write, change, cq_command, doorbell, send, receive, event, fence, write,
         write_data, overflow_event, interrupt, message, written, interrupted, overflow,
         fence_told];
}
