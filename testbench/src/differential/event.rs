//! What can happen in a programme.
//!
//! Events say what they mean and not which octets come of it: where the stream is, which sequence
//! number was acknowledged and where a ring ends is found out when they happen. So any subset of a
//! programme is a programme, and the one that shows a difference can be cut down.

use ironwarp_abi::context::{MemoryRegionContext, QueuePairContext};

/// One event of a programme.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Both devices come to rest and are compared.
    Rest,
    /// The hardware is given a little time, but does not come to rest.
    Pause(u16),
    /// Registers are read and compared.
    Inspect,
    /// A word of BAR 0 is read and compared.
    Read(u32),
    /// A word of BAR 0 is written.
    Write(u32, u32),
    /// A memory region's record is written, valid or not.
    Register(u32, MemoryRegionContext),
    /// The same, of a region that is a list of these pages.
    RegisterPages(u32, MemoryRegionContext, Vec<u64>),
    /// Host and peers know a memory region that the device was not told of.
    Remember(u32, MemoryRegionContext),
    /// A memory region becomes invalid.
    Forget(u32),
    /// A completion queue starts: log2 of its entries, and its vector.
    StartCq(u32, u8, u8),
    /// A completion queue stops.
    StopCq(u32),
    /// An interrupt vector is masked or not.
    Mask(u8, bool),
    /// The host has taken all entries but so many.
    Consume(u32, u8),
    /// The host wants an interrupt.
    Arm(u32),
    /// A queue pair starts with this context, in which addresses, ports and rings are filled in.
    Start(u32, Box<QueuePairContext>),
    /// The same, but only if it is not active.
    Revive(u32, Box<QueuePairContext>),
    /// A queue pair stops.
    Stop(u32),
    /// The next hop of a queue pair gets this last octet of its MAC address.
    Hop(u32, u8),
    /// A record is committed that the device must refuse: table, number, words.
    Commit(u8, u32, Vec<u32>),
    /// A fence with this number is asked for.
    Fence(u16),
    /// The flow of a queue pair is found from now on, or not.
    Flow(u32, bool),
    /// A send work request is posted.
    Send(u32, Work),
    /// A receive work request is posted.
    Receive(u32, Work),
    /// The peer puts a DDP segment into its stream; it leaves with [`Event::Segment`].
    Compose(u32, Compose),
    /// The peer sends a TCP segment.
    Segment(u32, Segment),
    /// A frame arrives that belongs to no queue pair.
    Stray(Stray),
}

/// A place in a memory region, resolved when it is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The region's index.
    pub region: u32,
    /// Where in it.
    pub at: At,
    /// What is wrong with the key: these bits are flipped.
    pub key: u32,
}

/// Where in a region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    /// So many octets after its first one; modulo the room that the message leaves.
    Inside(u32),
    /// The last octet is so many octets after the region's last one.
    End(i8),
    /// So many octets after its first one, or before it.
    Start(i8),
    /// At an offset of its own.
    Absolute(u64),
}

/// A work request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// One of `ironwarp_abi::queue::opcode`; zero for a receive work request.
    pub opcode: u8,
    /// Wants a completion entry.
    pub signaled: bool,
    /// Octets.
    pub length: u32,
    /// The local buffer.
    pub local: Place,
    /// The peer's STag and tagged offset.
    pub remote: (u32, u64),
    /// What is wrong with the entry: this bit of it is flipped.
    pub flip: Option<u16>,
    /// The doorbell is rung, for this and all before it.
    pub bell: bool,
}

/// A DDP segment, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compose {
    /// What it is.
    pub ulpdu: Ulpdu,
    /// L: it ends its message.
    pub last: bool,
    /// Octets of payload.
    pub length: u16,
    /// From which the payload is made.
    pub fill: u8,
    /// Bits to flip in an octet of the ULPDU before it is framed.
    pub header: Option<(u16, u8)>,
    /// Bits to flip in an octet of the FPDU after it was framed.
    pub damage: Option<(u16, u8)>,
}

/// What a DDP segment is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ulpdu {
    /// A Send, or with Solicited Event.
    Send(bool),
    /// An RDMA Write.
    Write(Place),
    /// A Read Request from this place, if the device can hold one more.
    Read(Place),
    /// A Read Response, if the device waits for one. L is set where it belongs.
    Response,
    /// A Terminate.
    Terminate,
    /// No DDP segment at all.
    Garbage,
}

/// A TCP segment of a queue pair's peer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Where it begins: octets from the next one that the device expects.
    pub skip: i32,
    /// Octets of the stream, at most; fewer if the peer has not composed so many.
    pub length: u16,
    /// Its acknowledgement number.
    pub ack: Ack,
    /// Its window field.
    pub window: u16,
    /// TCP flags that are not as usual (ACK, and PSH with octets).
    pub flags: u8,
    /// Words of TCP options.
    pub options: u8,
    /// What is wrong with the frame.
    pub spoil: Option<Spoil>,
}

/// An acknowledgement number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ack {
    /// All that the device has sent.
    All,
    /// Nothing new.
    Same,
    /// So many 256ths of what is not acknowledged.
    Part(u8),
    /// So many octets before the oldest that is not acknowledged.
    Old(u16),
    /// So many octets more than were ever sent.
    Beyond(u16),
}

/// Bits to flip in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spoil {
    /// The octet, modulo the frame's length.
    pub at: u16,
    /// The bits.
    pub mask: u8,
    /// Checksums are made right again.
    pub repair: bool,
}

/// A frame out of nowhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stray {
    /// What it looks like.
    pub kind: StrayKind,
    /// Its octets in all, about.
    pub length: u16,
    /// From which its content is made.
    pub fill: u8,
    /// What is wrong with it.
    pub spoil: Option<Spoil>,
}

/// What a stray frame looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrayKind {
    /// ARP, to everyone.
    Arp,
    /// UDP to this station.
    Udp,
    /// TCP of a connection that the device does not own.
    Tcp,
    /// TCP to another station's MAC address.
    Foreign,
    /// Random octets to this station.
    Noise,
}

impl Event {
    /// It is more than a pause.
    pub fn counts(&self) -> bool {
        !matches!(self, Self::Rest | Self::Pause(_))
    }
}
