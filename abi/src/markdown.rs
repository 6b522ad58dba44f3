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
    page.push_str(include_str!("markdown/registers.md"));
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
    use limits::*;
    page.push_str("\n## Identity and limits\n\n| what | value |\n|---|---|\n");
    for (what, value) in [
        ("PCI vendor, device", format!("{:#06x}, {:#06x}", pci::VENDOR_ID, pci::DEVICE_ID)),
        ("class code, revision", format!("{:#08x}, {:#04x}", pci::CLASS_CODE, pci::REVISION)),
        ("BAR 0", "64-bit, not prefetchable; as large as the configuration says".into()),
        ("`DEVICE` reads", format!("{:#010x}, `IWRP` in ASCII", registers::DEVICE_MAGIC)),
        ("`VERSION` reads", format!("{:#010x}", registers::ABI_VERSION)),
        ("MSI-X vectors", VECTOR_COUNT.to_string()),
        ("the raw queue pair", RAW_QP.to_string()),
        ("`QUEUE_BITS_MAX`: log2 of the largest send or receive queue", QUEUE_BITS_MAX.to_string()),
        (
            "`CQ_ENTRY_BITS_MAX`: log2 of the largest completion queue",
            CQ_ENTRY_BITS_MAX.to_string(),
        ),
        (
            "`OUTSTANDING_MAX`: requests of a queue pair, sent, not done",
            OUTSTANDING_MAX.to_string(),
        ),
        ("`READS_MAX`: the greatest ORD and IRD", READS_MAX.to_string()),
        ("elements of a work request", SGE_MAX.to_string()),
        ("largest and smallest MTU", format!("{MTU_MAX}, {MTU_MIN}")),
    ] {
        let _ = writeln!(page, "| {what} | {value} |");
    }
}

fn configurations(page: &mut String) {
    let columns = [
        "configuration",
        "queue pairs",
        "completion queues",
        "regions",
        "buckets",
        "BAR 0",
        "stream ring",
        "largest frame",
        "largest FPDU",
        "receive window",
    ];
    let _ = writeln!(page, "\n| {} |", columns.join(" | "));
    let _ = writeln!(page, "|---|{}", "--:|".repeat(columns.len() - 1));
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
    page.push_str(include_str!("markdown/sizes.md"));
}

/// A text whose names in braces are replaced.
fn filled(text: &str, values: &[(&str, String)]) -> String {
    values
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

fn areas(page: &mut String) {
    use registers::*;
    let address = |address: u32| format!("{address:#06x}");
    let number = |number: u32| number.to_string();
    page.push_str(&filled(
        include_str!("markdown/areas.md"),
        &[
            ("page_bits", DOORBELL_PAGE_BITS.to_string()),
            ("page", number(1 << DOORBELL_PAGE_BITS)),
            ("msix_table", address(MSIX_TABLE)),
            ("msix_table_end", address(MSIX_TABLE + 16 * limits::VECTOR_COUNT as u32)),
            ("msix_pending", address(MSIX_PENDING)),
            ("msix_pending_end", address(MSIX_PENDING + 4)),
            ("window", address(CONTEXT_WINDOW)),
            ("window_end", address(CONTEXT_WINDOW + 4 * CONTEXT_WINDOW_WORDS as u32)),
            ("area_qp", number(AREA_QP)),
            ("area_cq", number(AREA_CQ)),
            ("send", number(DOORBELL_SEND)),
            ("receive", number(DOORBELL_RECEIVE)),
            ("consumed", number(DOORBELL_CONSUMED)),
            ("arm", number(DOORBELL_ARM)),
        ],
    ));
}

/// How an STag is composed, and a flow's bucket.
fn composition(page: &mut String) {
    let flow_key = [0x6d5a_56da, 0x255b_0ec2, 0x4167_253d];
    let (ip, remote_port, local_port, bucket_bits) = (0x0a00_0001, 20_560, 7174, 8);
    let bucket = context::flow_hash(flow_key, bucket_bits, ip, remote_port, local_port);
    let (index, key) = (0xab_c123, 0x45);
    let stag = context::stag(index, key);
    page.push_str(&filled(
        include_str!("markdown/composition.md"),
        &[
            ("key_bits", limits::KEY_BITS.to_string()),
            ("key_high", (limits::KEY_BITS - 1).to_string()),
            ("stag", format!("{stag:#010x}")),
            ("index", format!("{index:#x}")),
            ("key", format!("{key:#x}")),
            ("region", format!("{:#x}", context::region_of(stag, 10))),
            ("key_0", format!("{:#010x}", flow_key[0])),
            ("key_1", format!("{:#010x}", flow_key[1])),
            ("key_2", format!("{:#010x}", flow_key[2])),
            ("remote_port", remote_port.to_string()),
            ("local_port", local_port.to_string()),
            ("bucket_bits", bucket_bits.to_string()),
            ("bucket", format!("{bucket:#x}")),
        ],
    ));
}

fn codes(page: &mut String, title: &str, field: &str, list: &[(u8, &str, &str)]) {
    let _ = write!(page, "\n### {title}\n\n`{field}`.\n\n");
    page.push_str("| value | name | meaning |\n|---|---|---|\n");
    for (value, name, about) in list {
        let _ = writeln!(page, "| {value} | `{name}` | {} |", tidy(about));
    }
    for (_, value, about) in reserved::CODES.iter().filter(|(of, ..)| *of == field) {
        let _ = writeln!(page, "| {value} | | *Reserved.* {about} |");
    }
}

fn records(page: &mut String) {
    use context::*;
    use queue::*;
    macro_rules! records {
        ($($title:literal $name:ident),*) => {
            $(record(page, $title, stringify!($name), $name::ABOUT, $name::BYTES, $name::FIELDS);)*
        };
    }
    page.push_str(include_str!("markdown/window.md"));
    records!("Queue pair context" QueuePairContext,
        "Completion queue context" CompletionQueueContext,
        "Memory region record" MemoryRegionContext,
        "Flow table entry" FlowContext,
        "Flow table bucket" FlowBucketContext,
        "Next hop" NextHopContext);
    codes(page, "Table numbers", "COMMIT.table", table::ALL);
    page.push_str(include_str!("markdown/entries.md"));
    records!("Send work request" SendRequest,
        "Receive work request" ReceiveRequest,
        "Completion entry" CompletionEntry);
    codes(page, "Opcodes", "SendRequest.opcode", opcode::ALL);
    codes(page, "Kinds", "CompletionEntry.kind", kind::ALL);
    codes(page, "Status codes", "status", status::ALL);
}

/// The whole page.
pub fn page() -> String {
    let mut page = String::from(include_str!("markdown/head.md"));
    identity(&mut page);
    configurations(&mut page);
    areas(&mut page);
    register_table(&mut page);
    composition(&mut page);
    records(&mut page);
    page.push_str(include_str!("markdown/history.md"));
    page.push_str("\n## Trace stations\n\nPins for the simulation, no part of the contract.\n\n");
    page.push_str("| bit | station | meaning |\n|---|---|---|\n");
    for (bit, name, about) in trace::ALL {
        let _ = writeln!(page, "| {bit} | `{name}` | {} |", tidy(about));
    }
    page
}
