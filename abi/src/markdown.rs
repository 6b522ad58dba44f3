//! Renders the contract as `docs/registers.md`.

use crate::record::Field;
use crate::{configuration, context, queue, registers, status, trace};
use std::fmt::Write;

fn tidy(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace('|', "\\|");
    text.replace("(crate::status)", "").replace("[`", "`").replace("`]", "`")
}

fn record(page: &mut String, title: &str, about: &str, bytes: usize, fields: &[Field]) {
    let about = tidy(about);
    let _ = write!(page, "\n## {title}\n\n{about} {bytes} bytes.\n\n");
    page.push_str("| word | bits | field | meaning |\n|---|---|---|---|\n");
    for field in fields {
        let (first, last) = (field.offset, field.offset + field.width - 1);
        let bits = match first / 32 == last / 32 {
            true => format!("{} | {}:{}", first / 32, last % 32, first % 32),
            false => format!(
                "{}–{} | {}:{}–{}:{}",
                first / 32,
                last / 32,
                first / 32,
                first % 32,
                last / 32,
                last % 32
            ),
        };
        let _ = writeln!(page, "| {bits} | `{}` | {} |", field.name, tidy(field.about));
    }
}

fn register_table(page: &mut String) {
    page.push_str("\n## Registers\n\n| address | access | register | fields | meaning |\n");
    page.push_str("|---|---|---|---|---|\n");
    for register in registers::ALL {
        let fields: Vec<String> = register
            .fields
            .iter()
            .map(|field| format!("`{}` {}:{}", field.name, field.high, field.low))
            .collect();
        let _ = writeln!(
            page,
            "| {:#07x} | {:?} | `{}` | {} | {} |",
            register.address,
            register.access,
            register.name,
            fields.join(", "),
            tidy(register.about)
        );
    }
}

fn areas(page: &mut String) {
    use registers::*;
    page.push_str("\n## Areas\n\n| address | what |\n|---|---|\n");
    for (address, what) in [
        (0, "the registers below"),
        (MSIX_TABLE, "MSI-X table"),
        (MSIX_PENDING, "MSI-X pending-bit array"),
        (CONTEXT_WINDOW, "context window"),
    ] {
        let _ = writeln!(page, "| {address:#07x} | {what} |");
    }
    let _ = writeln!(
        page,
        "| area {AREA_QP} | doorbell pages of the queue pairs: send at {DOORBELL_SEND}, receive at \
         {DOORBELL_RECEIVE} |\n| area {AREA_CQ} | doorbell pages of the completion queues: consumed \
         at {DOORBELL_CONSUMED}, arm at {DOORBELL_ARM} |\n\nAn area has 2^({DOORBELL_PAGE_BITS} + n) \
         bytes, n the greater of `CAPABILITIES.qp` and `CAPABILITIES.cq`; area a begins at a times \
         that. A doorbell page has 2^{DOORBELL_PAGE_BITS} bytes.\n"
    );
    page.push_str("| configuration | queue pairs | completion queues | regions | BAR 0 |\n");
    page.push_str("|---|---|---|---|---|\n");
    for (name, device) in configuration::ALL {
        let _ = writeln!(
            page,
            "| {name} | {} | {} | {} | {} KiB |",
            device.qp_count(),
            device.cq_count(),
            device.mr_count(),
            device.bar_bytes() / 1024
        );
    }
}

/// The whole page.
pub fn page() -> String {
    use context::*;
    use queue::*;
    let mut page = String::from(
        "# The host's contract\n\nThis page is generated from the `abi` crate; \
         `UPDATE_DOCS=1 cargo test -p ironwarp-abi` writes it anew.\n\
         Everything is little-endian; BAR 0 is read and written in aligned 32-bit words.\n",
    );
    areas(&mut page);
    register_table(&mut page);
    macro_rules! records {
        ($($title:literal $name:ident),*) => {
            $(record(&mut page, $title, $name::ABOUT, $name::BYTES, $name::FIELDS);)*
        };
    }
    records!("Queue pair context" QueuePairContext,
        "Completion queue context" CompletionQueueContext,
        "Memory region record" MemoryRegionContext,
        "Flow table entry" FlowContext,
        "Flow table bucket" FlowBucketContext,
        "Next hop" NextHopContext,
        "Send work request" SendRequest,
        "Receive work request" ReceiveRequest,
        "Completion entry" CompletionEntry);
    page.push_str("\n## Status codes\n\n| value | status | meaning |\n|---|---|---|\n");
    for (value, name, about) in status::ALL {
        let _ = writeln!(page, "| {value} | `{name}` | {} |", tidy(about));
    }
    page.push_str("\n## Trace stations\n\n| bit | station | meaning |\n|---|---|---|\n");
    for (bit, name, about) in trace::ALL {
        let _ = writeln!(page, "| {bit} | `{name}` | {} |", tidy(about));
    }
    page
}
