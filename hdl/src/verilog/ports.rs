//! The ports of a block, as RustHDL knows them.

use rust_hdl::core::atom::{Atom, AtomKind};
use rust_hdl::core::probe::Probe;
use rust_hdl::core::type_descriptor::{TypeDescriptor, TypeKind};
use rust_hdl::prelude::*;

/// A part of a record: its name, its lowest bit and its width in bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name; a field of a record in a record has both, with a dot.
    pub name: String,
    /// Its lowest bit in the record.
    pub low: usize,
    /// Its bits.
    pub width: usize,
}

/// A port of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockPort {
    /// The field of the block's structure that it is or belongs to.
    pub owner: String,
    /// The field of the interface, such as `valid`; nothing if it belongs to none.
    pub part: String,
    /// It goes into the block.
    pub input: bool,
    /// Bits.
    pub width: usize,
    /// The record's name and its fields from bit 0 up; nothing if it is a number.
    pub record: Option<(String, Vec<Field>)>,
}

impl BlockPort {
    /// Its name in the block's own module.
    pub fn inner_name(&self) -> String {
        match self.part.as_str() {
            "" => self.owner.clone(),
            part => format!("{}${part}", self.owner),
        }
    }
}

/// The ports of `block`, in the order of declaration.
pub fn ports(block: &dyn Block) -> Vec<BlockPort> {
    let mut found = Found::default();
    block.accept("", &mut found);
    found.ports
}

/// The bits of a type.
pub fn width(descriptor: &TypeDescriptor) -> usize {
    match &descriptor.kind {
        TypeKind::Bits(width) | TypeKind::Signed(width) => *width,
        TypeKind::Enum(variants) => clog2(variants.len()),
        TypeKind::Composite(fields) => fields.iter().map(|field| width(&field.kind)).sum(),
    }
}

/// The fields of a record.
fn fields(descriptor: &TypeDescriptor) -> Vec<Field> {
    let TypeKind::Composite(parts) = &descriptor.kind else { return Vec::new() };
    let mut low = 0;
    let mut list = Vec::new();
    for part in parts {
        let (name, inner) = (&part.fieldname, fields(&part.kind));
        let bits = width(&part.kind);
        if inner.is_empty() {
            list.push(Field { name: name.clone(), low, width: bits });
        }
        list.extend(inner.into_iter().map(|field| Field {
            name: format!("{name}.{}", field.name),
            low: low + field.low,
            width: field.width,
        }));
        low += bits;
    }
    list
}

/// Looks at the outermost block alone.
#[derive(Default)]
struct Found {
    scopes: usize,
    namespaces: Vec<String>,
    ports: Vec<BlockPort>,
}

impl Probe for Found {
    fn visit_start_scope(&mut self, _: &str, _: &dyn Block) {
        self.scopes += 1;
    }

    fn visit_start_namespace(&mut self, name: &str, _: &dyn Block) {
        self.namespaces.push(name.to_owned());
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        if self.scopes != 1 || !signal.kind().is_parameter() {
            return;
        }
        let owner = self.namespaces.join("$");
        let (owner, part) = match owner.is_empty() {
            true => (name.to_owned(), String::new()),
            false => (owner, name.to_owned()),
        };
        let descriptor = signal.descriptor();
        let fields = fields(&descriptor);
        self.ports.push(BlockPort {
            owner,
            part,
            input: signal.kind() == AtomKind::InputParameter,
            width: signal.bits(),
            record: (!fields.is_empty()).then_some((descriptor.name, fields)),
        });
    }

    fn visit_end_namespace(&mut self, _: &str, _: &dyn Block) {
        self.namespaces.pop();
    }

    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
        self.scopes -= 1;
    }
}
