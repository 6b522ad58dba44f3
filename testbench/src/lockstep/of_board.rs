//! The blocks of the board's crate, whose RTL is compiled for another configuration: its traits
//! have the same words, and are others to the compiler.
use ironwarp_hdl::blocks::{BlockEntry, Specimen};
use ironwarp_hdl::pins::{PinVisitor, Words};
use ironwarp_hdl::verilog::edge::Edge;
use ironwarp_hdl::verilog::EmitError;
use ironwarp_hdl_board::verilog::EmitError as BoardError;
use rust_hdl::prelude::Block;

/// A block of the board under this crate's face.
struct OfBoard {
    entry: ironwarp_hdl_board::BlockEntry,
    specimen: Box<dyn ironwarp_hdl_board::blocks::Specimen>,
}

impl Specimen for OfBoard {
    fn emit(&mut self, _: &str, _: Option<&Edge>) -> Result<String, EmitError> {
        self.entry.emit().map_err(|why| match why {
            BoardError::Open(names) => EmitError::Open(names),
            BoardError::Loops(names) => EmitError::Loops(names),
            BoardError::Inputs(names) => EmitError::Inputs(names),
            BoardError::NoReset(names) => EmitError::NoReset(names),
            BoardError::Undescribed(names) => EmitError::Undescribed(names),
        })
    }

    fn lint(&self) -> Vec<String> {
        self.specimen.lint()
    }

    fn pins(&mut self, visitor: &mut dyn PinVisitor) {
        self.specimen.pins(&mut Visitor(visitor));
    }

    fn settle(&mut self) -> bool {
        self.specimen.settle()
    }

    fn block(&self) -> &dyn Block {
        self.specimen.block()
    }
}

struct Visitor<'a>(&'a mut dyn PinVisitor);

impl ironwarp_hdl_board::pins::PinVisitor for Visitor<'_> {
    fn input(&mut self, name: &str, width: usize) -> Option<Words> {
        self.0.input(name, width)
    }

    fn output(&mut self, name: &str, width: usize, value: &dyn Fn() -> Words) {
        self.0.output(name, width, value);
    }
}

/// The same block, for who drives blocks of `ironwarp_hdl`. Its Verilog is the board's, edge and
/// all.
pub fn of_board(entry: ironwarp_hdl_board::BlockEntry) -> BlockEntry {
    let make =
        move || -> Box<dyn Specimen> { Box::new(OfBoard { entry, specimen: (entry.make)() }) };
    // A registry is made once in a while, and lives as long as the tests.
    BlockEntry { name: entry.name, edge: None, make: Box::leak(Box::new(make)) }
}
