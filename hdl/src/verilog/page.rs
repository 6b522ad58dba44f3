//! The ports of the blocks that others instantiate, as a page of the documentation.

use super::edge::Group;
use super::EmitError;
use crate::blocks::BlockEntry;

const HEAD: &str = "# The ports

This page is generated: `cargo run -p ironwarp-hdl -- ports > docs/ports.md` writes it anew. It
shows the modules that other designs instantiate; `cargo run -p ironwarp-hdl -- verilog DIR` writes
each into a file of its own, and `DIR/ironwarp.core` for FuseSoC. All other modules of a file have
names that begin with that of the file's top module, so that several files can be used together.

Streams are AXI4-Stream: a beat moves at a rising edge of the clock at which `tvalid` and `tready`
are set.
";

/// `docs/ports.md`, of those of the blocks that have an edge.
///
/// # Errors
/// [`EmitError::Undescribed`].
pub fn ports_page(entries: &[BlockEntry]) -> Result<String, EmitError> {
    let mut page = HEAD.to_owned();
    for entry in entries.iter().filter(|entry| entry.edge.is_some()) {
        page += &format!("\n## `{}`\n\nIn `{}.v`.\n\n", entry.top(), entry.name);
        page += "| port | way | bits | meaning |\n|---|---|---|---|\n";
        entry.groups()?.iter().for_each(|group| page += &rows(group));
    }
    Ok(page)
}

fn rows(group: &Group) -> String {
    let mut rows = String::new();
    for (number, port) in group.ports.iter().enumerate() {
        let way = if port.input { "in" } else { "out" };
        let about = match number {
            0 if !group.about.is_empty() => format!("{} {}", group.about, port.about),
            _ => port.about.clone(),
        };
        let about = about.replace('\n', " ").replace('|', "\\|");
        rows += &format!("| `{}` | {way} | {} | {about} |\n", port.name, port.width);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_up_to_date() {
        let entries = [crate::blocks::whole(), crate::blocks()].concat();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ports.md");
        let page = std::fs::read_to_string(path).unwrap();
        let fresh = ports_page(&entries).unwrap();
        assert!(page == fresh, "run `cargo run -p ironwarp-hdl -- ports > docs/ports.md`");
    }
}
