//! Flip-flops around a block, so that a block by itself has every path timed that it will have
//! among others.

use crate::error::{read, write, FlowError};
use serde_json::{json, Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A netlist's nets have numbers; constants are strings.
type Net = u64;

/// What was put around a block.
#[derive(Debug, PartialEq)]
pub struct Surroundings {
    /// Flip-flops, which are no part of the block.
    pub flip_flops: u64,
    /// The names of the block's clocks.
    pub clocks: Vec<String>,
}

/// Puts a flip-flop before every input and behind every output of the netlist in `file`, clocks
/// excepted. A combinational block gets a clock.
///
/// # Errors
/// The file is no netlist of Yosys's.
pub fn between_registers(file: &Path, top: &str) -> Result<Surroundings, FlowError> {
    let wrong = |why: &str| FlowError::content(file, why);
    let mut netlist = parse(file)?;
    let module = netlist["modules"][top]
        .as_object_mut()
        .ok_or_else(|| wrong(&format!("there is no module {top}")))?;
    let take = |module: &mut Map<String, Value>, part: &str| match module.remove(part) {
        Some(Value::Object(part)) => Ok(part),
        _ => Err(wrong(&format!("the module has no {part}"))),
    };
    let mut ports = take(module, "ports")?;
    let mut cells = take(module, "cells")?;
    let added = surround(&mut ports, &mut cells);
    module.insert("ports".to_owned(), Value::Object(ports));
    module.insert("cells".to_owned(), Value::Object(cells));
    write(file, netlist.to_string())?;
    Ok(added)
}

fn parse(file: &Path) -> Result<Value, FlowError> {
    serde_json::from_str(&read(file)?).map_err(|why| FlowError::content(file, why))
}

/// The pins of cells that a clock comes to.
const CLOCK_PINS: &[&str] = &["CLK", "CLKA", "CLKB", "WCK", "CLK0", "CLK1", "CLK2", "CLK3"];

/// How the netlist hangs together: what each net leads to, and where it comes from.
struct Web {
    clocks: BTreeSet<Net>,
    /// The clock of a cell that keeps something.
    clock: Vec<Option<Net>>,
    readers: BTreeMap<Net, Vec<usize>>,
    driver: BTreeMap<Net, usize>,
    inputs: Vec<Vec<Net>>,
    outputs: Vec<Vec<Net>>,
}

impl Web {
    fn of(cells: &Map<String, Value>) -> Self {
        let mut web = Self {
            clocks: BTreeSet::new(),
            clock: Vec::new(),
            readers: BTreeMap::new(),
            driver: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        for (number, cell) in cells.values().enumerate() {
            let mut clock = None;
            let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
            for (pin, nets) in cell["connections"].as_object().into_iter().flatten() {
                let mut nets = nets.as_array().into_iter().flatten().filter_map(Value::as_u64);
                if CLOCK_PINS.contains(&pin.as_str()) {
                    clock = nets.next().or(clock);
                } else if cell["port_directions"][pin] == "output" {
                    outputs.extend(nets);
                } else {
                    inputs.extend(nets);
                }
            }
            web.clocks.extend(clock);
            web.clock.push(clock);
            inputs.iter().for_each(|net| web.readers.entry(*net).or_default().push(number));
            outputs.iter().for_each(|net| _ = web.driver.insert(*net, number));
            web.inputs.push(inputs);
            web.outputs.push(outputs);
        }
        web
    }

    /// The clock of the first flip-flop on the way from `net` forward, or backward.
    fn domain(&self, net: Net, forward: bool) -> Option<Net> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![net]);
        while let Some(net) = open.pop() {
            let readers = self.readers.get(&net).map(Vec::as_slice).unwrap_or_default();
            let driver = self.driver.get(&net).map(std::slice::from_ref).unwrap_or_default();
            for cell in if forward { readers } else { driver } {
                if self.clock[*cell].is_some() {
                    return self.clock[*cell];
                }
                if seen.insert(*cell) {
                    open.extend(if forward { &self.outputs[*cell] } else { &self.inputs[*cell] });
                }
            }
        }
        None
    }
}

fn surround(ports: &mut Map<String, Value>, cells: &mut Map<String, Value>) -> Surroundings {
    let web = Web::of(cells);
    let nets = |value: &Value| -> Vec<Net> {
        value.as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
    };
    let in_cells = cells.values().filter_map(|cell| cell["connections"].as_object());
    let all = in_cells.flat_map(|pins| pins.values()).chain(ports.values().map(|it| &it["bits"]));
    let mut free = all.flat_map(nets).max().unwrap_or(1) + 1;
    let mut fresh = || {
        free += 1;
        free
    };
    let only = web.clocks.first().copied().unwrap_or_else(&mut fresh);
    let (mut fed, mut added) = (BTreeMap::new(), 0);
    for (name, port) in ports.iter_mut() {
        let into = port["direction"] == "input";
        for (bit, net) in port["bits"].as_array_mut().into_iter().flatten().enumerate() {
            let Some(inner) = net.as_u64().filter(|net| !web.clocks.contains(net)) else {
                continue;
            };
            let clock = web.domain(inner, into).unwrap_or(only);
            let outer = *fed.entry((inner, into)).or_insert_with(|| {
                let outer = fresh();
                let (from, to) = if into { (outer, inner) } else { (inner, outer) };
                let end = if into { "input" } else { "output" };
                cells.insert(format!("{end} {name}[{bit}]"), flip_flop(clock, from, to));
                added += 1;
                outer
            });
            *net = outer.into();
        }
    }
    if web.clocks.is_empty() {
        ports.insert("clock".to_owned(), json!({"direction": "input", "bits": [only]}));
    }
    let is_clock = |port: &Value| {
        nets(&port["bits"])
            .iter()
            .any(|net| web.clocks.contains(net) || (web.clocks.is_empty() && *net == only))
    };
    let clocks = ports.iter().filter(|(_, port)| is_clock(port));
    Surroundings { flip_flops: added, clocks: clocks.map(|(name, _)| name.clone()).collect() }
}

fn flip_flop(clock: Net, from: Net, to: Net) -> Value {
    json!({
        "hide_name": 0,
        "type": "TRELLIS_FF",
        "parameters": {
            "CEMUX": "1 ", "CLKMUX": "CLK", "GSR": "DISABLED", "LSRMUX": "LSR", "REGSET": "RESET",
        },
        "attributes": {},
        "port_directions": {"CLK": "input", "DI": "input", "LSR": "input", "Q": "output"},
        "connections": {"CLK": [clock], "DI": [from], "LSR": ["0"], "Q": [to]},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `q <= a` at clock 2, and `b` goes through a LUT to the flip-flop of clock 3.
    #[test]
    fn every_port_gets_a_flip_flop_of_its_own_clock() {
        let lut = json!({
            "port_directions": {"A": "input", "Z": "output"},
            "connections": {"A": [11], "Z": [12]},
        });
        let mut cells = Map::new();
        cells.insert("slow".to_owned(), flip_flop(2, 10, 20));
        cells.insert("lut".to_owned(), lut);
        cells.insert("fast".to_owned(), flip_flop(3, 12, 21));
        let port = |way: &str, bits: &[u64]| json!({"direction": way, "bits": bits});
        let mut ports = Map::new();
        ports.insert("clock".to_owned(), port("input", &[2, 3]));
        ports.insert("data".to_owned(), port("input", &[10, 11]));
        ports.insert("q".to_owned(), port("output", &[20, 21, 20]));
        let around = surround(&mut ports, &mut cells);
        assert_eq!(around, Surroundings { flip_flops: 4, clocks: vec!["clock".to_owned()] });
        let clock = |cell: &str| cells[cell]["connections"]["CLK"][0].as_u64();
        assert_eq!(clock("input data[0]"), Some(2));
        assert_eq!(clock("input data[1]"), Some(3));
        assert_eq!(clock("output q[0]"), Some(2));
        assert_eq!(clock("output q[1]"), Some(3));
        assert_eq!(cells["input data[1]"]["connections"]["Q"], json!([11]));
        assert_eq!(ports["q"]["bits"][0], ports["q"]["bits"][2]);
        assert_eq!(ports["clock"]["bits"], json!([2, 3]));
    }

    #[test]
    fn a_combinational_block_gets_a_clock() {
        let mut ports = Map::new();
        ports.insert("a".to_owned(), json!({"direction": "input", "bits": [2]}));
        ports.insert("b".to_owned(), json!({"direction": "output", "bits": [2, "0"]}));
        let mut cells = Map::new();
        let around = surround(&mut ports, &mut cells);
        assert_eq!(around, Surroundings { flip_flops: 2, clocks: vec!["clock".to_owned()] });
        let clock = &ports["clock"]["bits"][0];
        assert!(cells.values().all(|cell| cell["connections"]["CLK"][0] == *clock));
    }
}
