//! What the connection manager is told, and what it tells.

use crate::error::Reason;
use ironwarp_abi::limits::READS_MAX;
use std::net::SocketAddrV4;
use std::time::Duration;

/// How MPA is to be started (RFC 5044 s. 7.1, RFC 6581).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartupOptions {
    /// For the peer's upper layer: at most 512 octets, 508 with revision 2.
    pub private_data: Vec<u8>,
    /// Ask the peer for markers in what it sends (M).
    pub markers: bool,
    /// Ask for CRCs in both directions (C). They are in use if either side asks.
    //= rfc5044#4.4  CRCs are on unless the administrator says otherwise.
    pub crc: bool,
    /// Initiator: start with the enhanced Request of revision 2 (RFC 6581).
    pub enhanced: bool,
    /// Initiator, revision 2: peers as equals (A). The first message is then an empty RDMA Write
    /// that says ready-to-receive, and the Responder may send first.
    pub peer_to_peer: bool,
    /// The RDMA Reads that this side takes and would like to have outstanding at a time. More than
    /// the device can count as what it can: [`ReadDepths::MAX`].
    pub reads: ReadDepths,
    /// Give up if startup takes longer, in device time.
    pub timeout: Duration,
}

impl Default for StartupOptions {
    fn default() -> Self {
        Self {
            private_data: Vec::new(),
            markers: false,
            crc: true,
            enhanced: true,
            peer_to_peer: false,
            reads: ReadDepths::MAX,
            timeout: Duration::from_secs(10),
        }
    }
}

impl StartupOptions {
    /// The defaults with private data.
    pub fn with_private_data(private_data: &[u8]) -> Self {
        Self { private_data: private_data.into(), ..Self::default() }
    }
}

/// How many RDMA Reads one side has to do with at a time (RFC 6581 s. 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadDepths {
    /// IRD: Read Requests of the other side that this side takes.
    pub inbound: u16,
    /// ORD: RDMA Reads that this side has outstanding.
    pub outbound: u16,
}

impl ReadDepths {
    /// What the device can.
    pub const MAX: Self = Self { inbound: READS_MAX as u16, outbound: READS_MAX as u16 };

    /// At most what the device can.
    pub(crate) fn capped(self) -> Self {
        Self {
            inbound: self.inbound.min(Self::MAX.inbound),
            outbound: self.outbound.min(Self::MAX.outbound),
        }
    }
}

/// A peer's startup frame, for the upper layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStartup {
    /// The peer.
    pub peer: SocketAddrV4,
    /// The revision of MPA in its frame.
    pub revision: u8,
    /// Its read depths as it sent them, in an enhanced frame; 0x3fff is "not negotiated".
    pub reads: Option<ReadDepths>,
    /// Its private data.
    pub private_data: Vec<u8>,
}

/// Names a connection request that waits for `accept` or `reject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub(crate) u32);

/// What happened to connections. Queue pairs go by their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A peer wants to connect to a port that is listened to; answer with `accept` or `reject`.
    ConnectRequest {
        /// For the answer.
        request: RequestId,
        /// The local TCP port.
        port: u16,
        /// The peer's Request.
        startup: PeerStartup,
    },
    /// The hardware owns the connection: sends can be posted.
    Established {
        /// The queue pair.
        qp: u32,
        /// The peer's Reply for the Initiator, its Request for the Responder.
        startup: PeerStartup,
        /// What both sides agreed on.
        agreement: Agreement,
    },
    /// The peer answered and refused. The queue pair is idle again.
    Rejected {
        /// The queue pair.
        qp: u32,
        /// The peer's Reply.
        startup: PeerStartup,
    },
    /// Both directions were closed in order, and outstanding work was flushed.
    Disconnected {
        /// The queue pair.
        qp: u32,
    },
    /// A connection ended otherwise, or did not come to be. If it was open, the queue pair is in
    /// error and its work was flushed; if not, it is idle again.
    Error {
        /// The queue pair, if the connection had one already.
        qp: Option<u32>,
        /// Why.
        reason: Reason,
    },
}

/// What the two startup frames come to, for one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// This side sends markers: the peer asked for them.
    pub send_markers: bool,
    /// The peer sends markers: this side asked for them.
    pub receive_markers: bool,
    /// CRCs are computed and checked.
    pub crc: bool,
    /// This side's read depths. ORD is at most the peer's IRD; if the startup frames did not
    /// negotiate depths (revision 1, or 2 without enhanced data), it is at most 1.
    pub reads: ReadDepths,
}
