//! Every leaf block agrees with its Verilog on seeded stimulus, and the harness can see when not.

use ironwarp_hdl::blocks::{BlockEntry, Wired};
use ironwarp_hdl::pins::{PinVisitor, Words};
use ironwarp_hdl::verilog::edge::Edge;
use ironwarp_hdl::verilog::EmitError;
use ironwarp_testbench::lockstep::{
    blocks, chosen, seeds, Lockstep, Noise, Pins, Reference, Traffic,
};
use ironwarp_testbench::specimen::{Misread, Specimen};
use rust_hdl::prelude::Block;
use std::sync::Mutex;

const TEST: &str = "--test lockstep";

/// Legal streams in even seeds, nonsense in odd ones.
fn agrees(entry: BlockEntry, seed: u64) -> Result<(), String> {
    let run = Lockstep::new(entry, seed, TEST).clocks(1500);
    let result = match seed % 2 {
        0 => run.run(&mut Traffic::default()),
        _ => run.run(&mut Noise),
    };
    result.map_err(|difference| difference.to_string())
}

#[test]
fn every_block_agrees_with_its_verilog() {
    let todo: Vec<(BlockEntry, u64)> = chosen(blocks())
        .into_iter()
        .flat_map(|entry| seeds(4).into_iter().map(move |seed| (entry, seed)))
        .collect();
    assert!(!todo.is_empty(), "BLOCK names no block");
    let todo = Mutex::new(todo.into_iter());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| loop {
                let next = todo.lock().unwrap().next();
                let Some((entry, seed)) = next else { break };
                if let Err(why) = agrees(entry, seed) {
                    failures.lock().unwrap().push(why);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn specimen() -> BlockEntry {
    BlockEntry { name: "specimen", edge: None, make: &|| Box::new(Wired::new(Specimen::default())) }
}

/// What [`Specimen`] should do, or, with `wrong`, should not.
#[derive(Default)]
struct Counter {
    count: u64,
    wrong: bool,
}

impl Reference for Counter {
    fn clock(&mut self, pins: &Pins) -> Result<(), String> {
        let count = self.count % 4096;
        if pins.number("count") != count {
            return Err(format!("count is {}, not {count}", pins.number("count")));
        }
        self.count += u64::from(pins.bit("enable") || self.wrong);
        Ok(())
    }
}

#[test]
fn three_ways_of_one_block_agree() {
    for seed in seeds(3) {
        let run = Lockstep::new(specimen(), seed, TEST).clocks(6000);
        run.run_against(&mut Traffic::default(), &mut Counter::default()).unwrap();
    }
}

#[test]
fn a_wrong_model_is_noticed() {
    let mut wrong = Counter { wrong: true, ..Counter::default() };
    let run = Lockstep::new(specimen(), 1, TEST);
    let difference = run.run_against(&mut Traffic::default(), &mut wrong).unwrap_err();
    assert!(difference.what.contains("the model says: count is"), "{difference}");
}

#[test]
fn a_misread_kernel_is_noticed_and_names_its_replay() {
    let entry = BlockEntry {
        name: "misread",
        edge: None,
        make: &|| Box::new(Wired::new(Misread::default())),
    };
    let found = (0..10)
        .find_map(|seed| Lockstep::new(entry, seed, TEST).clocks(5000).run(&mut Noise).err());
    let difference = found.expect("255 + 1 compared with 0 comes up in 50,000 tries");
    let text = difference.to_string();
    assert!(text.contains("port follows") && text.contains("RustHDL 0x1, Verilog 0x0"), "{text}");
    let replay = format!("BLOCK=misread SEED={} IRONWARP_WAVE=waves cargo test", difference.seed);
    assert!(text.contains(&replay), "{text}");
    assert!(entry.lint().iter().any(|finding| finding.contains("compared at 32 bits")));
}

/// A block that keeps its port `b` to itself.
struct Reticent(Wired<Misread>);

impl ironwarp_hdl::blocks::Specimen for Reticent {
    fn emit(&mut self, top: &str, edge: Option<&Edge>) -> Result<String, EmitError> {
        self.0.emit(top, edge)
    }

    fn lint(&self) -> Vec<String> {
        self.0.lint()
    }

    fn pins(&mut self, visitor: &mut dyn PinVisitor) {
        self.0.pins(&mut WithoutB(visitor));
    }

    fn settle(&mut self) -> bool {
        self.0.settle()
    }

    fn block(&self) -> &dyn Block {
        self.0.block()
    }
}

struct WithoutB<'a>(&'a mut dyn PinVisitor);

impl PinVisitor for WithoutB<'_> {
    fn input(&mut self, name: &str, width: usize) -> Option<Words> {
        (name != "b").then(|| self.0.input(name, width)).flatten()
    }

    fn output(&mut self, name: &str, width: usize, value: &dyn Fn() -> Words) {
        self.0.output(name, width, value);
    }
}

#[test]
fn a_port_that_is_not_shown_is_noticed() {
    let entry = BlockEntry {
        name: "misread",
        edge: None,
        make: &|| Box::new(Reticent(Wired::new(Misread::default()))),
    };
    let difference = Lockstep::new(entry, 0, TEST).run(&mut Noise).unwrap_err();
    assert!(difference.what.contains("port b is not listed"), "{difference}");
}
