//! Renders the contract as `docs/registers.md`.

use crate::record::Field;
use crate::registers::{Access, Register, Reset};
use crate::reserved::{self, Reserved};
use crate::{configuration, context, limits, pci, queue, registers, status, trace};
use std::fmt::Write;

/// Text of a doc comment as Markdown: one line, and of links what they show.
fn tidy(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = text.replace('|', "\\|").replace("[`", "`").replace("`]", "`");
    let mut tidy = String::new();
    while let Some((before, after)) = rest.split_once("`(") {
        let link = after.split_once(')').filter(|(to, _)| to.contains("::"));
        let (shown, behind) = link.map_or(("`(", after), |(_, behind)| ("`", behind));
        tidy = tidy + before + shown;
        rest = behind.to_owned();
    }
    tidy + &rest
}

/// Bits of a word: `[high:low]`, or one of them.
fn bits(high: usize, low: usize) -> String {
    match high == low {
        true => format!("[{low}]"),
        false => format!("[{high}:{low}]"),
    }
}

/// A field's bits, with the word before them, for each word that it lies in.
fn position(field: &Field) -> String {
    let end = field.offset + field.width;
    let words = field.offset / 32..end.div_ceil(32);
    let parts = words.map(|word| {
        let (low, high) = (field.offset.max(32 * word), end.min(32 * word + 32) - 1);
        format!("{word}{}", bits(high % 32, low % 32))
    });
    let parts: Vec<_> = parts.collect();
    match parts.as_slice() {
        [first, _, .., last] => format!("{first} … {last}"),
        parts => parts.join(" "),
    }
}

fn record(page: &mut String, title: &str, name: &str, about: &str, bytes: usize, fields: &[Field]) {
    let about = tidy(about);
    let _ = write!(page, "\n### {title}\n\n{about} {bytes} bytes.\n\n");
    page.push_str("| bits | field | meaning |\n|---|---|---|\n");
    let used =
        fields.iter().map(|field| (field, format!("`{}` | {}", field.name, tidy(field.about))));
    let kept = reserved::ALL.iter().filter(|range| range.record == name).map(|range| {
        let Reserved { field, .. } = range;
        (field, format!("*{}* | *Reserved, zero.* {}", field.name, tidy(field.about)))
    });
    let mut rows: Vec<_> = used.chain(kept).collect();
    rows.sort_by_key(|(field, _)| field.offset);
    for (field, row) in rows {
        let _ = writeln!(page, "| {} | {row} |", position(field));
    }
}

fn access(register: &Register) -> &'static str {
    match register.access {
        Access::ReadOnly => "RO",
        Access::ReadWrite => "RW",
        Access::WriteOnly => "WO",
    }
}

fn register_table(page: &mut String) {
    page.push_str(
        "\n## Registers\n\nRO: a write is ignored. RW: reads back what was written to its fields. WO: \
         a write acts, and a read gives zero. What\nstands behind a field is its access; bits of no \
         field read as zero and are ignored. `configuration` as a reset value: what the device has.\n\n\
         | address | register | reset | fields | meaning |\n|---|---|---|---|---|\n",
    );
    for register in registers::ALL {
        let fields: Vec<String> = register
            .fields
            .iter()
            .map(|f| {
                let bits = bits(f.high as usize, f.low as usize);
                format!("`{}` {bits} {}", f.name, access(register))
            })
            .collect();
        let reset = match register.reset {
            Reset::Value(value) => format!("{value:#x}"),
            Reset::Configuration => "configuration".to_owned(),
        };
        let _ = writeln!(
            page,
            "| {:#05x} | `{}` | {reset} | {} | {} |",
            register.address,
            register.name,
            fields.join(", "),
            tidy(register.about)
        );
    }
}

fn identity(page: &mut String) {
    page.push_str("\n## Identity and limits\n\n| what | value |\n|---|---|\n");
    let mut row = |what: &str, value: String| {
        let _ = writeln!(page, "| {what} | {value} |");
    };
    row("PCI vendor, device", format!("{:#06x}, {:#06x}", pci::VENDOR_ID, pci::DEVICE_ID));
    row("class code, revision", format!("{:#08x}, {:#04x}", pci::CLASS_CODE, pci::REVISION));
    row("BAR 0", "64-bit, not prefetchable; its size is the configuration's".into());
    row("`DEVICE` reads", format!("{:#010x}, `IWRP` in ASCII", registers::DEVICE_MAGIC));
    row("`VERSION` reads", format!("{:#010x}", registers::ABI_VERSION));
    row("MSI-X vectors", limits::VECTOR_COUNT.to_string());
    row("the raw queue pair", limits::RAW_QP.to_string());
    row(
        "`QUEUE_BITS_MAX`: log2 of the largest send or receive queue",
        limits::QUEUE_BITS_MAX.to_string(),
    );
    row(
        "`CQ_ENTRY_BITS_MAX`: log2 of the largest completion queue",
        limits::CQ_ENTRY_BITS_MAX.to_string(),
    );
    row(
        "`OUTSTANDING_MAX`: work requests of a queue pair, sent and not done",
        limits::OUTSTANDING_MAX.to_string(),
    );
    row("`READS_MAX`: the greatest ORD and IRD", limits::READS_MAX.to_string());
    row("elements of a work request", limits::SGE_MAX.to_string());
    row("largest and smallest MTU", format!("{}, {}", limits::MTU_MAX, limits::MTU_MIN));
    page.push_str(
        "\n| configuration | queue pairs | completion queues | regions | buckets | BAR 0 | stream \
         ring | largest frame | largest FPDU | greatest honest window |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (name, device) in configuration::ALL {
        let _ = writeln!(
            page,
            "| {name} | {} | {} | {} | {} | {} KiB | {} | {} | {} | {} |",
            device.qp_count(),
            device.cq_count(),
            device.mr_count(),
            device.bucket_count(),
            device.bar_bytes() / 1024,
            device.stream_ring_bytes(),
            device.frame_bytes_max(),
            device.fpdu_bytes_max(),
            device.receive_window_max(),
        );
    }
    page.push_str(
        "\nSizes are octets; a frame is without its check sequence, an FPDU with its markers. Of a \
         stream ring of r octets, the\nlargest frame is r / 2, but no more than the largest MTU and \
         14; the largest FPDU r / 2 - 384; the window that promises\nno more than the chip can \
         hold, whatever segments come, r - 64. A driver computes them from `SIZES`.\n",
    );
}

fn areas(page: &mut String) {
    use registers::*;
    page.push_str("\n## Areas of BAR 0\n\n| address | access | what |\n|---|---|---|\n");
    let table_end = MSIX_TABLE + 16 * limits::VECTOR_COUNT as u32;
    let window_end = CONTEXT_WINDOW + 4 * CONTEXT_WINDOW_WORDS as u32;
    for (first, end, access, what) in [
        (0, MSIX_TABLE, "", "the registers below"),
        (MSIX_TABLE, table_end, "RW", "MSI-X table, as PCI Express has it"),
        (MSIX_PENDING, MSIX_PENDING + 4, "RO", "MSI-X pending-bit array"),
        (CONTEXT_WINDOW, window_end, "WO", "context window"),
    ] {
        let _ = writeln!(page, "| {first:#06x} – {:#06x} | {access} | {what} |", end - 1);
    }
    let page_bytes = 1 << DOORBELL_PAGE_BITS;
    let _ = writeln!(
        page,
        "| {AREA_QP} A + {page_bytes} n + {DOORBELL_SEND} | WO | send doorbell of queue pair n: how \
         many send work requests were posted since its start, modulo 2^16 |\n\
         | {AREA_QP} A + {page_bytes} n + {DOORBELL_RECEIVE} | WO | its receive doorbell: how many \
         receive work requests, likewise |\n\
         | {AREA_CQ} A + {page_bytes} n + {DOORBELL_CONSUMED} | WO | how many entries of completion \
         queue n were consumed since its start, modulo 2^16 |\n\
         | {AREA_CQ} A + {page_bytes} n + {DOORBELL_ARM} | WO | arms completion queue n: an \
         interrupt with the next entry, or at once if entries wait; the value is ignored |\n\
         | 3 A – 4 A | | reserved |\n\n\
         A is 2^({DOORBELL_PAGE_BITS} + b) bytes, b the greater of `CAPABILITIES.qp` and \
         `CAPABILITIES.cq`. What lies nowhere here reads as zero,\nand a write there changes nothing. \
         Every object's doorbells have a page of their own, which can be given to a process."
    );
}

fn codes(page: &mut String, title: &str, about: &str, list: &[(u8, &str, &str)]) {
    let _ = write!(page, "\n### {title}\n\n{about}\n\n| value | name | meaning |\n|---|---|---|\n");
    for (value, name, about) in list {
        let _ = writeln!(page, "| {value} | `{name}` | {} |", tidy(about));
    }
    let kept = title.to_lowercase();
    for (list, value, about) in reserved::CODES {
        if kept.starts_with(list) {
            let _ = writeln!(page, "| {value} | | *Reserved.* {about} |");
        }
    }
}

/// How an STag is composed, and a flow's bucket.
fn composition(page: &mut String) {
    let key = [0x6d5a_56da, 0x255b_0ec2, 0x4167_253d];
    let (ip, remote, local, bits) = (0x0a00_0001, 0x5050, 7174, 8);
    let bucket = context::flow_hash(key, bits, ip, remote, local);
    let stag = context::stag(0x00ab_c123, 0x45);
    let _ = write!(
        page,
        "\n## The composition of an STag\n\n\
         | bits | what |\n|---|---|\n\
         | [31:8] | the index: 24 bits. Its low `CAPABILITIES.mr` bits are the number of the region's \
         record; the driver draws the others at random |\n\
         | [7:0] | the consumer's key, as verbs have it |\n\n\
         The record holds all 32 bits, and all are compared. STag {stag:#010x} has the index 0xabc123 \
         and the key 0x45; where\n`CAPABILITIES.mr` is 10 its record is number {:#x}.\n\n\
         ## The flow table's hash\n\n\
         The Toeplitz hash of receive-side scaling, of 64 bits f: the peer's address in [63:32], its \
         port in [31:16], our port in\n[15:0]. The key k has 96 bits: `FLOW_KEY_0` in [31:0], \
         `FLOW_KEY_1` in [63:32], `FLOW_KEY_2` in [95:64]. Bit i of the bucket,\nfor i from 0 to \
         `CAPABILITIES.buckets` - 1, is the parity of f & (k >> i), 64 bits of it.\n\n\
         For example: `FLOW_KEY_0` {:#010x}, `FLOW_KEY_1` {:#010x}, `FLOW_KEY_2` {:#010x}; the peer is \
         10.0.0.1, its port {remote},\nours {local}. In a table of 2^{bits} buckets that is bucket \
         {bucket:#04x}.\n",
        context::region_of(stag, 10),
        key[0],
        key[1],
        key[2],
    );
}

fn records(page: &mut String) {
    use context::*;
    use queue::*;
    macro_rules! records {
        ($($title:literal $name:ident),*) => {
            $(record(page, $title, stringify!($name), $name::ABOUT, $name::BYTES, $name::FIELDS);)*
        };
    }
    page.push_str(
        "\n## Records of the context window\n\nThe words of a record are written to the context \
         window, word 0 at its first address, in any order; `COMMIT` takes\nthem. They cannot be \
         read back. Everything outside a field is zero, to the window's last word, or the commit is \
         refused.\n",
    );
    records!("Queue pair context" QueuePairContext,
        "Completion queue context" CompletionQueueContext,
        "Memory region record" MemoryRegionContext,
        "Flow table entry" FlowContext,
        "Flow table bucket" FlowBucketContext,
        "Next hop" NextHopContext);
    codes(page, "Table numbers", "`COMMIT.table`.", table::ALL);
    page.push_str(
        "\n## Entries in host memory\n\nRings are arrays of entries; the n-th posted or written \
         since the start, from 0, lies at place n modulo the ring's size.\n",
    );
    records!("Send work request" SendRequest,
        "Receive work request" ReceiveRequest,
        "Completion entry" CompletionEntry);
    codes(page, "Opcodes", "`SendRequest.opcode`.", opcode::ALL);
    codes(page, "Kinds", "`CompletionEntry.kind`.", kind::ALL);
    codes(page, "Status codes", "`CompletionEntry.status` and `QUERY_STATE.status`.", status::ALL);
}

const HEAD: &str = "\
# The host's contract: registers and records

This page is generated from the `abi` crate; `UPDATE_DOCS=1 cargo test -p ironwarp-abi` writes it anew.
What the device does with all of this says [contract.md](contract.md): a driver can be written from these two pages.

Everything is little-endian. BAR 0 is read and written in aligned words of 32 bits. `[high:low]` are bits of a word, `[n]` is one;
`w[high:low]` are bits of word w of a record, counted from 0. A field in several words has its lowest bits in the first.
";

const HISTORY: &str = "
## History

| version | what changed |
|---|---|
| 1.0 | the first |
| 2.0 | numbers of 24 bits, counts that the device tells, BAR 0 by configuration; records committed whole in place of \
context words; STags with a consumer's key; regions of 64 bits; generations in entries and in `QUERY_STATE`, which replaces \
`QP_ACTIVE`; fences; a keyed flow table with lists in place of eight places from a fixed hash; next hops; a completion queue \
that overflows ends its queue pairs; what is refused is counted; MULPDU is at least 128; bits kept by name |

A driver refuses a major version that it does not know. A minor version only adds: what a driver does not use changes nothing.
";

/// The whole page.
pub fn page() -> String {
    let mut page = String::from(HEAD);
    identity(&mut page);
    areas(&mut page);
    register_table(&mut page);
    composition(&mut page);
    records(&mut page);
    page.push_str(HISTORY);
    page.push_str(
        "\n## Trace stations\n\nPins for the simulation, no part of the contract.\n\n\
         | bit | station | meaning |\n|---|---|---|\n",
    );
    for (bit, name, about) in trace::ALL {
        let _ = writeln!(page, "| {bit} | `{name}` | {} |", tidy(about));
    }
    page
}
