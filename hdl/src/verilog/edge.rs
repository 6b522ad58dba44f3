//! The edge of a block that others instantiate: AXI4-Stream and named ports around RustHDL's.
//!
//! RustHDL packs a record into one port and puts `$` into the names of an interface's. Foreign
//! designs and their tools expect neither, so such a block gets a module around it, which is
//! nothing but names, made from the types of the block's own ports:
//!
//! | port of the block | ports of the module |
//! |---|---|
//! | a stream of beats `x_in`, `from_x` | `s_axis_x_tdata`, `tkeep`, `tlast`, `tuser`, ... |
//! | a stream of beats `x_out`, `to_x` | the same with `m_axis_x` |
//! | a record `x` | `x_<field>` for every field |
//! | bits `x` that have names each | `x_<name>` for every bit |
//! | anything else | the same |

use super::docs::Docs;
use super::ports::{BlockPort, Field};

/// What a block that others instantiate has beside its circuit.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The name of the block's structure.
    pub structure: &'static str,
    /// The program texts with that structure and the records of its ports, for their docstrings.
    pub sources: &'static [&'static str],
    /// Outputs whose bits have names each: the port; the number, name and meaning of every bit.
    pub bits: &'static [(&'static str, NamedBits)],
}

/// The number, name and meaning of every bit of a port.
pub type NamedBits = &'static [(usize, &'static str, &'static str)];

/// A port of the module that others instantiate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OuterPort {
    /// Its name.
    pub name: String,
    /// It goes into the module.
    pub input: bool,
    /// Bits.
    pub width: usize,
    /// What it means.
    pub about: String,
}

/// Ports of the module that belong together, and how they hang on the block's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// What all of them are for; nothing if there is only one.
    pub about: String,
    /// The module's ports.
    pub ports: Vec<OuterPort>,
    /// The text between them and the block's.
    pub glue: String,
    /// For every port of the block, what is connected to it.
    pub connections: Vec<(String, String)>,
}

/// The ports of the module around a block, in the order of the block's.
///
/// # Errors
/// The names of what has no docstring or cannot be named.
pub fn groups(edge: &Edge, ports: &[BlockPort]) -> Result<Vec<Group>, Vec<String>> {
    let mut missing = Vec::new();
    let docs = Docs::of(edge.structure, edge.sources).unwrap_or_default();
    let mut groups = Vec::new();
    for parts in ports.chunk_by(|a, b| a.owner == b.owner) {
        let about = docs.field(&parts[0].owner);
        if about.is_empty() {
            missing.push(format!("{}.{}", edge.structure, parts[0].owner));
        }
        groups.push(match parts {
            [port] => single(edge, port, about, &mut missing),
            parts => stream(parts, about).unwrap_or_else(|| {
                missing.push(format!("{} as a stream of beats", parts[0].owner));
                Group::default()
            }),
        });
    }
    let owners: Vec<(&str, bool)> = ports
        .iter()
        .filter(|port| port.part == "beat")
        .map(|port| (port.owner.as_str(), port.input))
        .collect();
    for group in &mut groups {
        group.about = in_outer_words(&group.about, &owners);
        group.ports.iter_mut().for_each(|port| port.about = in_outer_words(&port.about, &owners));
    }
    match missing.is_empty() {
        true => Ok(groups),
        false => Err(missing),
    }
}

/// A docstring, with the module's names in place of the block's.
fn in_outer_words(about: &str, streams: &[(&str, bool)]) -> String {
    let parts = [("error", "tuser"), ("ready", "tready"), ("valid", "tvalid")];
    let about = parts
        .iter()
        .fold(about.to_owned(), |about, (old, new)| about.replace(&format!("`{old}`"), new));
    streams.iter().fold(about, |about, (owner, input)| {
        about.replace(&format!("`{owner}`"), &axis_name(owner, *input))
    })
}

/// The module differs from the block in some name.
pub fn wraps(groups: &[Group]) -> bool {
    groups.iter().any(|group| !group.glue.is_empty())
}

/// The module `top` around the block `core`.
pub fn module(top: &str, core: &str, groups: &[Group]) -> String {
    let ports = groups.iter().flat_map(|group| &group.ports);
    let declared: Vec<String> = ports
        .map(|port| {
            let way = if port.input { "input" } else { "output" };
            format!("    {way} wire {}{}", range(port.width), port.name)
        })
        .collect();
    let glue: String = groups.iter().map(|group| group.glue.as_str()).collect();
    let connected: Vec<String> = groups
        .iter()
        .flat_map(|group| &group.connections)
        .map(|(inner, outer)| format!("        .{inner}({outer})"))
        .collect();
    format!(
        "module {top}(\n{}\n);\n{glue}\n    {core} core(\n{}\n    );\nendmodule // {top}\n",
        declared.join(",\n"),
        connected.join(",\n")
    )
}

/// A range as a declaration has it, with a space behind; nothing for a single bit.
pub fn range(width: usize) -> String {
    match width {
        1 => String::new(),
        width => format!("[{}:0] ", width - 1),
    }
}

fn single(edge: &Edge, port: &BlockPort, about: &str, missing: &mut Vec<String>) -> Group {
    if let Some((_, bits)) = edge.bits.iter().find(|it| it.0 == port.owner) {
        return named_bits(port, bits, about);
    }
    if let Some((record, fields)) = &port.record {
        let docs = Docs::of(record, edge.sources).unwrap_or_default();
        let unsaid = fields.iter().filter(|field| docs.field(&field.name).is_empty());
        missing.extend(unsaid.map(|field| format!("{record}.{}", field.name)));
        return named_fields(port, fields, &docs, about);
    }
    let name = port.owner.clone();
    let about = about.to_owned();
    let outer = OuterPort { name: name.clone(), input: port.input, width: port.width, about };
    Group { ports: vec![outer], connections: vec![(name.clone(), name)], ..Group::default() }
}

fn named_fields(port: &BlockPort, fields: &[Field], docs: &Docs, about: &str) -> Group {
    let name = &port.owner;
    let packed = format!("{name}_packed");
    let mut group = Group { about: about.to_owned(), ..Group::default() };
    group.glue = format!("\n    wire {}{packed};\n", range(port.width));
    for field in fields {
        let outer = format!("{name}_{}", field.name.replace('.', "_"));
        group.glue += &assign(port.input, &outer, &packed, field.low, field.width);
        group.ports.push(OuterPort {
            name: outer,
            input: port.input,
            width: field.width,
            about: docs.field(&field.name).to_owned(),
        });
    }
    group.connections.push((port.inner_name(), packed));
    group
}

fn named_bits(port: &BlockPort, bits: NamedBits, about: &str) -> Group {
    let name = &port.owner;
    let packed = format!("{name}_packed");
    let mut group = Group { about: about.to_owned(), ..Group::default() };
    group.glue = format!("\n    wire {}{packed};\n", range(port.width));
    for (bit, called, about) in bits {
        let outer = format!("{name}_{}", called.to_lowercase());
        group.glue += &assign(port.input, &outer, &packed, *bit, 1);
        let about = about.trim().to_owned();
        group.ports.push(OuterPort { name: outer, input: port.input, width: 1, about });
    }
    group.connections.push((port.inner_name(), packed));
    group
}

/// A part of the block's packed port is a port of the module.
fn assign(input: bool, outer: &str, packed: &str, low: usize, width: usize) -> String {
    let part = slice(packed, low, width);
    match input {
        true => format!("    assign {part} = {outer};\n"),
        false => format!("    assign {outer} = {part};\n"),
    }
}

fn slice(packed: &str, low: usize, width: usize) -> String {
    match width {
        1 => format!("{packed}[{low}]"),
        width => format!("{packed}[{}:{low}]", low + width - 1),
    }
}

/// A stream of [`Beat`](crate::stream::Beat)s, of whatever width, as AXI4-Stream.
fn stream(parts: &[BlockPort], about: &str) -> Option<Group> {
    let part = |name: &str| parts.iter().find(|port| port.part == name);
    let (beat, valid, ready) = (part("beat")?, part("valid")?, part("ready")?);
    let (_, fields) = beat.record.as_ref()?;
    let field = |name: &str| fields.iter().find(|field| field.name == name);
    let (data, bytes) = (field("data")?, field("bytes")?);
    let (last, error) = (field("last")?, field("error")?);
    let input = beat.input;
    let axis = axis_name(&beat.owner, input);
    let lanes = data.width / 8;
    let packed = format!("{}_packed", beat.owner);
    let port = |name: &str, input: bool, width: usize, about: &str| OuterPort {
        name: format!("{axis}_{name}"),
        input,
        width,
        about: about.to_owned(),
    };
    let first = |range: &Field| slice(&packed, range.low, range.width);
    let glue = match input {
        true => {
            let mask = |lane: usize| format!("{{8{{{axis}_tkeep[{lane}]}}}}");
            let mask: Vec<String> = (0..lanes).rev().map(mask).collect();
            let width = bytes.width;
            let count = |n: usize| format!("{axis}_tkeep[{}] ? {width}'d{n} :\n        ", n - 1);
            let count: String = (1..=lanes).rev().map(count).collect();
            format!(
                "    assign {} = {axis}_tdata & {{\n        {}}};\n    assign {} = {count}\
                 {width}'d0;\n    assign {} = {axis}_tlast;\n    assign {} = {axis}_tuser;\n",
                first(data),
                mask.join(",\n        "),
                first(bytes),
                first(last),
                first(error),
            )
        }
        false => {
            let counts = |lane: usize| format!("{} > {}'d{lane}", first(bytes), bytes.width);
            let counts: Vec<String> = (0..lanes).rev().map(counts).collect();
            format!(
                "    assign {axis}_tdata = {};\n    assign {axis}_tkeep = {{\n        {}}};\n    \
                 assign {axis}_tlast = {};\n    assign {axis}_tuser = {};\n",
                first(data),
                counts.join(",\n        "),
                first(last),
                first(error),
            )
        }
    };
    Some(Group {
        about: about.to_owned(),
        ports: vec![
            port("tdata", input, data.width, TDATA),
            port("tkeep", input, lanes, TKEEP),
            port("tlast", input, 1, TLAST),
            port("tuser", input, 1, TUSER),
            port("tvalid", input, 1, TVALID),
            port("tready", !input, 1, TREADY),
        ],
        glue: format!("\n    wire {}{packed};\n{glue}", range(beat.width)),
        connections: vec![
            (beat.inner_name(), packed),
            (valid.inner_name(), format!("{axis}_tvalid")),
            (ready.inner_name(), format!("{axis}_tready")),
        ],
    })
}

const TDATA: &str = "The octets, the first on the wire in bits 7:0.";
const TKEEP: &str = "Bit n is set if octet n counts: from bit 0 up without a gap. Only the last \
                     beat of a packet may have fewer than all, and none has none.";
const TLAST: &str = "The packet ends with this beat.";
const TUSER: &str = "With tlast: the packet is bad and must have no effect.";
const TVALID: &str = "A beat is offered. It stays, unchanged, until it is taken.";
const TREADY: &str = "The beat is taken at the next rising edge of the clock if one is offered.";

fn axis_name(owner: &str, input: bool) -> String {
    let (role, way) =
        if input { ("s_axis", ["from_", "_in"]) } else { ("m_axis", ["to_", "_out"]) };
    let name = owner.strip_prefix(way[0]).or(owner.strip_suffix(way[1])).unwrap_or(owner);
    format!("{role}_{name}")
}
