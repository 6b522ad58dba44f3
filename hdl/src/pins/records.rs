//! The records that ports carry, as [`Pin`](super::Pin)s. A record is added where its engine's are.

use crate::complete::records::{Completion, CqRecord};
use crate::control::record_masks::RecordWord;
use crate::control::records::{
    CommitCommand, ContextWrite, CqCommand, CqDoorbell, FenceCommand, MsixMessage, PageWrite,
    QpCommand, QpDoorbell, QpEvent, QpRecord, Wipe,
};
use crate::life::records::{Life, QpChange};
use crate::mac::records::{Gmii, MacCounts, ReceiveVerdict, ReceivedOctet};
use crate::pcie::completion_check::Awaited;
use crate::pcie::records::{
    BarCompletion, BarRequest, BarWrite, CompletionBeat, DataOrder, OpenRead, ReadIssue, ReadPiece,
    ReadRequest, ShiftBeat, TlpHeader, WriteRequest,
};
use crate::protect::records::{GateAnswer, GateQuestion};
use crate::queue::records::{FetchTicket, QpNote, QueueEntry};
use crate::receive::notes::*;
use crate::receive::records::{Acknowledgement, Opened, ReadAsked, ReadDone, ReceiveEdge};
use crate::record;
use crate::serial::records::{Arrived, FrameOctet};
use crate::stream::beat::Beat;
use crate::transmit::records::{
    FrameHeader, FrameJob, ReadJob, ReadSent, SegmentJob, SegmentSummary, SendEdge, SendJob,
    SendNext, SendState, SentRequest, StreamJob, Turn,
};

record!(Beat { data, bytes, last, error });
record!(Gmii { data, enable, error });
record!(ReceivedOctet { data, valid, end, damaged });
record!(MacCounts { damaged, misfit, pause, lost });
record!(ReceiveVerdict { valid, damaged, misfit });
record!(Completion { cq, qp, generation, kind, status, request, solicited, length, sequence });
record!(CqRecord { producer, armed, overflowed });
record!(Wipe { valid, index });
record!(CommitCommand { valid, table, index });
record!(FenceCommand { valid, number });
record!(QpCommand { valid, qp, enable });
record!(QpRecord { begun, generation, started, active, status });
record!(RecordWord { word, table });
record!(ContextWrite { valid, table, index, word, data });
record!(QpChange { valid, wipe, qp, generation, begins, started, active });
record!(Life { generation, started, active });
record!(CqCommand { valid, cq, enable });
record!(QpDoorbell { valid, receive, qp, posted });
record!(CqDoorbell { valid, arm, cq, consumed });
record!(QpEvent { qp, generation, status, cq, sequence });
record!(PageWrite { valid, word, data });
record!(MsixMessage { address, data });
record!(ReadRequest { address, bytes });
record!(WriteRequest { address, bytes });
record!(BarWrite { address, data });
record!(ShiftBeat { data, bytes, last, error, shift, drop_first });
record!(CompletionBeat {
    valid,
    tag,
    first,
    last,
    refused,
    poisoned,
    cut,
    count,
    lower_address,
    dwords,
    data,
    low,
    high
});
record!(Awaited { place, lead, left });
record!(ReadPiece { address, bytes, offset, last });
record!(ReadIssue { address, dwords, first_enables, last_enables, tag });
record!(OpenRead { start, first_beat, last_beat, lanes, offset, last, lead, bytes, slot, tag });
record!(BarRequest {
    address,
    requester,
    tag,
    traffic,
    attributes,
    dwords,
    enables,
    last_enables,
    memory,
    locked,
    supported
});
record!(BarCompletion { head, tail, data, dwords });
record!(DataOrder { from_completions, offset });
record!(TlpHeader { head, tail, wide, dwords, last });
record!(GateQuestion { stag, pd, right, offset, length });
record!(GateAnswer { refusal, address });
record!(QueueEntry {
    control,
    length,
    local_offset,
    local_stag,
    remote_stag,
    remote_offset,
    number,
    reserved,
    fault
});
record!(FetchTicket { fence, qp, generation, first, count });
record!(QpNote { valid, qp });
record!(Acknowledgement { qp, generation, sequence, number, window });
record!(ReceiveEdge { valid, qp, generation, expected, window, acknowledge });
record!(Opened { valid, qp, generation });
record!(ReadAsked { qp, generation, sink_stag, sink_offset, length, source_stag, source_offset });
record!(ReadDone { valid, qp, generation });
record!(FrameHead {
    way,
    kind,
    broken,
    bucket,
    qp,
    generation,
    remote_ip,
    local_ip,
    remote_port,
    local_port,
    sequence,
    acknowledgement,
    window,
    flags,
    payload_at,
    payload
});
record!(FlowEntry { remote_ip, local_ip, ports, behind, valid });
record!(FrameVerdict { intact, header_good, checked });
record!(FrameBeat {
    valid,
    data,
    bytes,
    first,
    last,
    way,
    kind,
    broken,
    intact,
    header_good,
    checked
});
record!(Decision {
    qp,
    accept,
    finish,
    no_room,
    out_of_order,
    reset,
    acknowledge,
    forward,
    expected,
    end,
    origin,
    low,
    high
});
record!(StreamGrown { valid, qp, end, finished });
record!(FpduFacts { markers, crc, position, start, available, end, finished });
record!(RawFrame { generation, octets });
record!(BuffersArrived { valid, qp, number });
record!(PeerReset { valid, qp, generation, expected });
record!(StreamTaken { valid, qp, generation, end });
record!(EdgeNote { qp, generation, expected, acknowledge });
record!(PacketHead {
    kind,
    qp,
    generation,
    buffered,
    markers,
    crc,
    position,
    status,
    sequence,
    start,
    octets
});
record!(Arrival {
    kind,
    qp,
    generation,
    buffered,
    status,
    sequence,
    tagged,
    last,
    solicited,
    request,
    response,
    stag,
    offset,
    length
});
record!(Delivery {
    fence,
    qp,
    generation,
    length,
    write,
    address,
    ask,
    done,
    complete,
    request,
    message,
    solicited,
    event,
    status,
    sequence,
    cq
});
record!(ReadJob { address, bytes });
record!(FrameJob {
    raw,
    empty,
    long,
    ulpdu,
    control,
    first,
    second,
    third,
    asks,
    sink_stag,
    sink_offset,
    length,
    source_stag,
    source_offset
});
record!(StreamJob { markers, crc, position });
record!(SendJob { fence, qp, generation, raw, position, bytes, signaled, request, cq });
record!(SegmentJob { read, frame, stream, send });
record!(SegmentSummary { sum, bytes, error });
record!(FrameHeader {
    fence,
    discard,
    raw,
    bare,
    tail,
    destination,
    source,
    network,
    address,
    ports,
    numbers,
    control
});
record!(SendNext { valid, qp, position });
record!(SendEdge { valid, qp, acknowledged, window });
record!(SentRequest { qp, generation, end, request, signaled, cq, length, read });
record!(SendState { position, sends, reads, offset });
record!(Turn { begun, posted, failed });
record!(ReadSent { valid, qp, generation, sink_stag, sink_offset, length });
record!(Arrived { valid, kind, acknowledge, detail, nonce, requester, stored });
record!(FrameOctet { octet, last });
