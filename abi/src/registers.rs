//! BAR 0: the register map. The only place that has an address.

use crate::limits::VECTOR_COUNT;

/// What the host may do with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads only; a write is ignored.
    ReadOnly,
    /// Reads back what was written.
    ReadWrite,
    /// A write acts; a read gives zero.
    WriteOnly,
}

/// One bit field of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// The field's name.
    pub name: &'static str,
    /// Highest bit.
    pub high: u32,
    /// Lowest bit.
    pub low: u32,
}

/// What a register reads after a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// This, in every device.
    Value(u32),
    /// What the device's [`Configuration`](crate::configuration::Configuration) says.
    Configuration,
}

/// A 32-bit register of BAR 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// The register's name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Byte offset in BAR 0.
    pub address: u32,
    /// What the host may do with each of its fields; other bits read as zero and are ignored.
    pub access: Access,
    /// What it reads after a reset.
    pub reset: Reset,
    /// Its fields, lowest first.
    pub fields: &'static [Bits],
}

impl Register {
    /// A field of what the register reads; zero if the register has no field of that name.
    pub fn get(&self, word: u32, name: &str) -> u32 {
        let (low, mask) = self.bits(name);
        word >> low & mask
    }

    /// What to write into the register, with one more field set; `word` as it is if the register
    /// has no field of that name.
    pub fn put(&self, word: u32, name: &str, value: u32) -> u32 {
        let (low, mask) = self.bits(name);
        debug_assert!(value <= mask, "{name} of {} has no room for {value}", self.name);
        word & !(mask << low) | (value & mask) << low
    }

    /// Where a field begins, and its ones at bit 0.
    fn bits(&self, name: &str) -> (u32, u32) {
        let field = self.fields.iter().find(|field| field.name == name);
        field.map_or((0, 0), |field| (field.low, u32::MAX >> (31 - (field.high - field.low))))
    }
}

macro_rules! reset {
    () => {
        Reset::Value(0)
    };
    (configuration) => {
        Reset::Configuration
    };
    ($value:ident) => {
        Reset::Value($value)
    };
}

macro_rules! registers {
    ($($(#[doc = $about:literal])* $address:literal $access:ident $name:ident $(: $reset:ident)? {
        $($field:ident $high:literal : $low:literal),* $(,)?
    })*) => {
        $($(#[doc = $about])* pub const $name: Register = Register {
            name: stringify!($name),
            about: concat!($($about),*),
            address: $address,
            access: Access::$access,
            reset: reset!($($reset)?),
            fields: &[$(Bits { name: stringify!($field), high: $high, low: $low }),*],
        };)*
        /// Every register, by address.
        pub const ALL: &[Register] = &[$($name),*];
    };
}

registers! {
    /// Says that this is an IronWARP device: reads [`DEVICE_MAGIC`].
    0x000 ReadOnly DEVICE: DEVICE_MAGIC { magic 31:0 }
    /// The version of this contract; a driver refuses a major version that it does not know.
    0x004 ReadOnly VERSION: ABI_VERSION { minor 15:0, major 31:16 }
    /// log2 of the number of queue pairs, completion queues, memory regions and buckets of the
    /// flow table: see [`Configuration`](crate::configuration::Configuration).
    0x008 ReadOnly CAPABILITIES: configuration { qp 4:0, cq 12:8, mr 20:16, buckets 28:24 }
    /// log2 of the on-chip sizes: work requests cached a queue, work requests outstanding a queue
    /// pair, octets of a stream ring; the number of interrupt vectors; scatter/gather elements of a
    /// work request.
    0x00c ReadOnly SIZES: configuration {
        wqe_cache 3:0, outstanding 7:4, stream_ring 12:8, vectors 23:16, elements 27:24
    }
    /// Core clocks that make a microsecond. Every timer of the device counts in these. The device
    /// does not know its clock: until this is written, a microsecond is one clock.
    0x010 ReadWrite TIME_BASE { clocks_per_microsecond 15:0 }
    /// Microseconds since the time base was last written; wraps.
    0x014 ReadOnly TIME { microseconds 31:0 }
    /// How long a memory read of the device may wait for its octets, in microseconds: it is given
    /// up after more than half of this, and not later than after it (PCI Express base
    /// specification, s. 2.8); less than 2 means never. What waits for the read ends with an error;
    /// its tag is kept back until its octets have come after all, or for as long again.
    0x018 ReadWrite COMPLETION_TIMEOUT: COMPLETION_TIMEOUT_RESET { microseconds 23:0 }
    /// The least retransmission timeout, in microseconds; zero counts as one. Before the first
    /// measurement of a connection the timeout is four times this, at most a second, but never less
    /// than this; behind it, what RFC 6298 s. 2 computes, no less than this and no more than 60 s.
    /// A change is heard at the next start of a timer.
    0x01c ReadWrite RETRANSMIT_MIN: RETRANSMIT_MIN_RESET { microseconds 23:0 }
    /// The station's MAC address, last four octets (the last octet in bits 7:0).
    0x020 ReadWrite MAC_LOW { octets 31:0 }
    /// The station's MAC address, first two octets (the first octet in bits 15:8). Unicast frames
    /// to any other address are dropped.
    0x024 ReadWrite MAC_HIGH { octets 15:0 }
    /// Starts (`enable` = 1) a queue pair from its context, in a new generation, or stops it
    /// (`enable` = 0). Starting one that runs stops it first. A stop is complete when a [`FENCE`]
    /// that was asked for behind it is done.
    0x030 WriteOnly QP_CONTROL { index 23:0, enable 24:24 }
    /// Starts (`enable` = 1) a completion queue, empty, from its context, or stops it.
    0x034 WriteOnly CQ_CONTROL { index 23:0, enable 24:24 }
    /// Takes the record that lies in the context window for the object `index` of the table `table`
    /// (see [`context::table`](crate::context::table)), whole and at once. What is not for a table,
    /// names what the device does not have, has a bit set outside its fields, or would change an
    /// object at work is refused and counted in [`COUNT_REFUSED`]. The window is zero after it, one
    /// way or the other.
    0x038 WriteOnly COMMIT { index 23:0, table 27:24 }
    /// The queue pair that the `QUERY_` registers show. Wait 16 clocks (any register read does)
    /// before reading them.
    0x040 ReadWrite QUERY_QP { index 23:0 }
    /// Sequence number of the next octet that the queue pair will send (RFC 9293 SND.NXT).
    0x044 ReadOnly QUERY_SEND_NEXT { sequence 31:0 }
    /// Oldest sequence number that the peer has not acknowledged (RFC 9293 SND.UNA).
    0x048 ReadOnly QUERY_SEND_UNACKNOWLEDGED { sequence 31:0 }
    /// Sequence number of the next octet expected from the peer (RFC 9293 RCV.NXT).
    0x04c ReadOnly QUERY_RECEIVE_NEXT { sequence 31:0 }
    /// The send window that the peer has left open, in octets, from SND.UNA.
    0x050 ReadOnly QUERY_SEND_WINDOW { octets 31:0 }
    /// Where the queue pair stands: its generation (starts since the reset, modulo 2^8), whether it
    /// runs, whether the host has started it and not stopped it, and why it ended, if it did
    /// (one of [`status`](crate::status)); the reason stays until the next start.
    0x054 ReadOnly QUERY_STATE { generation 7:0, active 8:8, started 9:9, status 23:16 }
    /// The completion queue that is told of fences.
    0x060 ReadWrite FENCE_QUEUE { cq 23:0 }
    /// Asks for a fence. It is done when everything that the device had under way when it was
    /// asked for has left its pipes: reads of host memory are answered, writes are on the bus,
    /// frames are sent or dropped. Together with what was written to the device before it (a region
    /// invalidated, a queue pair stopped) that means: the device touches that memory no more. Then
    /// [`FENCED`] shows `number`, and [`FENCE_QUEUE`] gets an entry of kind
    /// [`FENCE`](crate::queue::kind::FENCE) with it, behind every entry of before. A fence that is
    /// asked for while another is under way begins after it; of several that wait, the last stands
    /// for all.
    0x064 WriteOnly FENCE { number 15:0 }
    /// The number of the last fence that is done, and whether one is under way.
    0x068 ReadOnly FENCED { number 15:0, busy 16:16 }
    /// The secret of the flow table's hash, 96 bits, lowest first: see
    /// [`flow_hash`](crate::context::flow_hash). To be drawn at random, and written before the
    /// first connection; a table that was filled under another key is not found in.
    0x070 WriteOnly FLOW_KEY_0 { key 31:0 }
    /// The key's second word.
    0x074 WriteOnly FLOW_KEY_1 { key 31:0 }
    /// The key's third word.
    0x078 WriteOnly FLOW_KEY_2 { key 31:0 }
    /// Frames sent; wraps, as every counter does.
    0x100 ReadOnly COUNT_FRAMES_SENT { frames 31:0 }
    /// Frames received.
    0x104 ReadOnly COUNT_FRAMES_RECEIVED { frames 31:0 }
    /// Frames dropped: bad frame check sequence, bad IPv4, TCP checksum, or malformed.
    0x108 ReadOnly COUNT_FRAMES_BAD { frames 31:0 }
    /// Unicast frames dropped that were meant for another station.
    0x10c ReadOnly COUNT_FRAMES_FOREIGN { frames 31:0 }
    /// Frames dropped whole since the on-chip room was gone (no octet of them is acknowledged).
    0x110 ReadOnly COUNT_FRAMES_NO_ROOM { frames 31:0 }
    /// Raw frames dropped since queue pair 0 had no receive work request or was stopped.
    0x114 ReadOnly COUNT_RAW_NO_BUFFER { frames 31:0 }
    /// TCP segments of a flow that were not the next in sequence (old ones, or after a gap).
    0x118 ReadOnly COUNT_SEGMENTS_OUT_OF_ORDER { segments 31:0 }
    /// TCP segments accepted into a stream.
    0x11c ReadOnly COUNT_SEGMENTS_ACCEPTED { segments 31:0 }
    /// FPDUs whose CRC was wrong.
    0x120 ReadOnly COUNT_FPDU_CRC_ERRORS { fpdus 31:0 }
    /// FPDUs placed or delivered.
    0x124 ReadOnly COUNT_FPDUS_PLACED { fpdus 31:0 }
    /// Transaction-layer packets that the device could not take: malformed, writes of other sizes
    /// than a register or an aligned pair, and completions that no read waits for.
    0x128 ReadOnly COUNT_TLP_UNEXPECTED { tlps 31:0 }
    /// Completion queues that have overflowed: each counts the entry that found it full, and not
    /// what it then loses until it is started again.
    0x12c ReadOnly COUNT_CQ_OVERFLOWS { entries 31:0 }
    /// Frames in which the MAC found a wrong frame check sequence, or the PHY an error. Where the
    /// device has no MAC of its own this and the next three are zero.
    0x130 ReadOnly COUNT_MAC_DAMAGED { frames 31:0 }
    /// Frames that were shorter than 64 octets or longer than the largest, as the MAC found.
    0x134 ReadOnly COUNT_MAC_MISFITS { frames 31:0 }
    /// PAUSE frames that the MAC received.
    0x138 ReadOnly COUNT_MAC_PAUSES { frames 31:0 }
    /// Frames lost between MAC and device, one way or the other.
    0x13c ReadOnly COUNT_MAC_LOST { frames 31:0 }
    /// Writes of the host that the device refused: a number that it does not have, a record that
    /// it cannot take, a context of an object at work.
    0x140 ReadOnly COUNT_REFUSED { writes 31:0 }
    /// TCP segments with data that left again: behind a time-out, or since the peer's
    /// acknowledgements said that they were lost.
    0x144 ReadOnly COUNT_SEGMENTS_RETRANSMITTED { segments 31:0 }
    /// Retransmission timers that ran out.
    0x148 ReadOnly COUNT_RETRANSMIT_TIMEOUTS { timeouts 31:0 }
}

/// What [`DEVICE`] reads: `IWRP`.
pub const DEVICE_MAGIC: u32 = 0x4957_5250;
/// What [`COMPLETION_TIMEOUT`] reads after a reset: 50 ms, the end of PCI Express's default range.
pub const COMPLETION_TIMEOUT_RESET: u32 = 50_000;
/// What [`RETRANSMIT_MIN`] reads after a reset: 200 ms.
pub const RETRANSMIT_MIN_RESET: u32 = 200_000;
/// What [`VERSION`] reads.
pub const ABI_VERSION: u32 = 2 << 16 | 1;
/// The minor version of [`VERSION`] with which the repair of losses began.
pub const REPAIRS_MINOR: u32 = 1;

/// The MSI-X table: 16 bytes a vector (PCI Express base specification, MSI-X capability).
pub const MSIX_TABLE: u32 = 0x1000;
/// The MSI-X pending-bit array.
pub const MSIX_PENDING: u32 = 0x2000;
/// The context window: the words of a record, until [`COMMIT`] takes them; write only. What is not
/// written since the last commit is zero.
pub const CONTEXT_WINDOW: u32 = 0x3000;
/// Words of the context window.
pub const CONTEXT_WINDOW_WORDS: usize = 32;
/// BAR 0 has four areas of `1 << Configuration::area_bits()` bytes. The first has the registers;
/// this one has the doorbell pages of the queue pairs, write only;
pub const AREA_QP: u32 = 1;
/// this one those of the completion queues, write only; the last is reserved.
pub const AREA_CQ: u32 = 2;
/// log2 of the bytes from one doorbell page to the next: a page can be given to a process.
pub const DOORBELL_PAGE_BITS: usize = 12;
/// In a queue pair's page: send work requests posted so far, modulo 2^16.
pub const DOORBELL_SEND: u32 = 0;
/// In a queue pair's page: receive work requests posted so far, modulo 2^16.
pub const DOORBELL_RECEIVE: u32 = 4;
/// In a completion queue's page: entries consumed so far, modulo 2^16.
pub const DOORBELL_CONSUMED: u32 = 0;
/// In a completion queue's page: ask for an interrupt with the next entry. If entries wait that
/// are not yet consumed, the interrupt comes at once. The value is ignored.
pub const DOORBELL_ARM: u32 = 4;

const _: () = assert!(16 * VECTOR_COUNT <= 4096, "the MSI-X table has a page");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        assert_eq!(QP_CONTROL.put(0, "enable", 1), 1 << 24);
        assert_eq!(QP_CONTROL.put(1 << 24, "index", 0x123), 1 << 24 | 0x123);
        assert_eq!(CAPABILITIES.get(0x080a_0604, "mr"), 10);
        assert_eq!(CAPABILITIES.get(0x080a_0604, "buckets"), 8);
        for register in ALL {
            for field in register.fields {
                assert_ne!(register.bits(field.name).1, 0, "{} {}", register.name, field.name);
            }
        }
    }
}
