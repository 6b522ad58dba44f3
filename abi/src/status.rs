//! Why a work request, or a queue pair, ended.

use crate::codes::codes;

codes! {
    /// Done.
    0 SUCCESS,
    /// The work request's opcode is unknown, or not for this queue pair.
    1 BAD_OPCODE,
    /// A reserved field of the work request is not zero.
    2 RESERVED_FIELD,
    /// The work request's local STag names no valid memory region.
    3 LOCAL_STAG,
    /// The local memory region belongs to another protection domain.
    4 LOCAL_DOMAIN,
    /// The local memory region does not grant the access.
    5 LOCAL_RIGHTS,
    /// The local buffer is not inside its memory region.
    6 LOCAL_BOUNDS,
    /// The bus refused a read (unsupported request or completer abort), damaged it, or did not
    /// answer it in time.
    7 DMA_FAULT,
    /// A completion queue was full, and an entry of this queue pair is lost.
    8 CQ_OVERFLOW,
    /// The raw frame is shorter than 14 octets or longer than the device takes.
    9 RAW_LENGTH,
    /// The driver stopped the queue pair before the work request was done (driver only).
    15 FLUSHED,
    /// The peer closed its direction of the TCP stream (FIN) between two FPDUs.
    16 PEER_CLOSED,
    /// The peer reset the TCP connection.
    17 PEER_RESET,
    /// The peer closed its direction of the TCP stream inside an FPDU.
    18 PEER_CLOSED_EARLY,
    /// The peer ended the stream with a Terminate message (RFC 5040 s. 5.4).
    19 PEER_TERMINATED,
    /// TCP gave up: the peer acknowledged nothing for too long.
    20 PEER_SILENT,
    /// An FPDU's CRC is wrong (RFC 5044 s. 8 code 2).
    32 MPA_CRC,
    /// A marker disagrees with the FPDU's start (RFC 5044 s. 8 code 3).
    33 MPA_MARKER,
    /// An FPDU is larger than the device takes, or too short for its DDP header.
    34 MPA_LENGTH,
    /// DDP: the STag of a tagged segment is not valid (RFC 5041 s. 7.1).
    40 DDP_STAG,
    /// DDP: a tagged segment is outside its region.
    41 DDP_BOUNDS,
    /// DDP: the STag belongs to another protection domain.
    42 DDP_DOMAIN,
    /// DDP: tagged offset and length wrap.
    43 DDP_WRAP,
    /// DDP: the version of a tagged segment is not 1.
    44 DDP_TAGGED_VERSION,
    /// DDP: the region does not grant remote write.
    45 DDP_RIGHTS,
    /// DDP: the queue number of an untagged segment is not that of its opcode.
    46 DDP_QUEUE,
    /// DDP: no receive work request waits for the message, or the peer sent more Read Requests
    /// than IRD allows.
    47 DDP_NO_BUFFER,
    /// DDP: the message sequence number is not the next one.
    48 DDP_MSN,
    /// DDP: the message offset is not where the message was left.
    49 DDP_MO,
    /// DDP: the message is longer than the receive buffer.
    50 DDP_TOO_LONG,
    /// DDP: the version of an untagged segment is not 1.
    51 DDP_UNTAGGED_VERSION,
    /// RDMAP: the version is not 1 (RFC 5040 s. 7.2).
    56 RDMAP_VERSION,
    /// RDMAP: the opcode is unknown, unsupported, or does not go with the DDP segment's kind.
    57 RDMAP_OPCODE,
    /// RDMAP: a Read Request is not one segment of 28 octets (RFC 5040 s. 4.4).
    58 RDMAP_READ_REQUEST,
    /// RDMAP: a Read Response is not that to the oldest outstanding RDMA Read: no such read, other
    /// STag or offset, too long, or the last segment is not where it belongs.
    59 RDMAP_READ_RESPONSE,
    /// RDMAP: the source STag of a Read Request is not valid (RFC 5040 s. 7.1).
    60 READ_STAG,
    /// RDMAP: the source STag of a Read Request belongs to another protection domain.
    61 READ_DOMAIN,
    /// RDMAP: the source region does not grant remote read.
    62 READ_RIGHTS,
    /// RDMAP: the source of a Read Request is not inside its region.
    63 READ_BOUNDS,
    /// RDMAP: source offset and length of a Read Request wrap.
    64 READ_WRAP,
}
