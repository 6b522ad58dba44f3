//! What stands at the head of an emitted file.

use super::edge::{range, Group};
use super::ports::BlockPort;

/// The longest line, in characters.
const COLUMNS: usize = 96;

/// The head of a block that others instantiate: every port, its width and its meaning.
pub fn described(top: &str, about: &str, groups: &[Group]) -> String {
    let mut head = format!("// {top}\n//\n");
    head += &paragraph("// ", about);
    head += "//\n// Ports:\n";
    for group in groups {
        head += "//\n";
        head += &paragraph("//   ", &group.about);
        for port in &group.ports {
            let way = if port.input { "input" } else { "output" };
            head += &format!("//   {way} {}{}\n", range(port.width), port.name);
            head += &paragraph("//       ", &port.about);
        }
    }
    head
}

/// The head of any other block: every port, its width and its fields.
pub fn listed(top: &str, ports: &[BlockPort]) -> String {
    let mut head = format!("// {top}\n//\n// Ports:\n");
    for port in ports {
        let way = if port.input { "input" } else { "output" };
        head += &format!("//   {way} {}{}\n", range(port.width), port.inner_name());
        let Some((record, fields)) = &port.record else { continue };
        let fields: Vec<String> = fields
            .iter()
            .rev()
            .map(|field| match field.width {
                1 => format!("{} {}", field.low, field.name),
                width => format!("{}:{} {}", field.low + width - 1, field.low, field.name),
            })
            .collect();
        head += &paragraph("//       ", &format!("{record}: {}", fields.join(", ")));
    }
    head
}

/// A text in lines that begin with `lead`; nothing of nothing.
fn paragraph(lead: &str, text: &str) -> String {
    let mut out = String::new();
    for text in text.lines().filter(|text| !text.is_empty()) {
        let mut line = lead.to_owned();
        for word in text.split_whitespace() {
            if line.len() + word.len() > COLUMNS && line.len() > lead.len() {
                out += line.trim_end();
                out.push('\n');
                line = lead.to_owned();
            }
            line += word;
            line.push(' ');
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}
