//! The longest path, by the names of blocks and registers instead of cells.

use crate::placement::{clock_name, hundredths};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The path that limits a clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CriticalPath {
    /// From register to register: the instances on the way, without repetitions.
    pub stations: Vec<String>,
    /// Delay of cells, and setup, in nanoseconds.
    pub logic_ns: f64,
    /// Delay of wires, in nanoseconds.
    pub routing_ns: f64,
    /// LUTs, carry cells and multiplexers on the way.
    pub cells: usize,
}

/// The path within the clock called `clock` in nextpnr's list of critical paths.
pub(crate) fn of(paths: &[Value], clock: &str) -> Option<CriticalPath> {
    let end = |value: &Value| {
        value.as_str().and_then(|end| end.split_once(' ')).map(|it| it.1.to_owned())
    };
    let is_ours = |path: &&Value| {
        let ends = [end(&path["from"]), end(&path["to"])];
        ends.iter().all(|it| it.as_deref().map(clock_name) == Some(clock))
    };
    let steps = paths.iter().find(is_ours)?["path"].as_array()?;
    let mut path = CriticalPath { stations: Vec::new(), logic_ns: 0.0, routing_ns: 0.0, cells: 0 };
    for step in steps {
        let delay = step["delay"].as_f64().unwrap_or(0.0);
        let kind = step["type"].as_str().unwrap_or_default();
        path.cells += usize::from(kind == "logic");
        match kind {
            "routing" => path.routing_ns += delay,
            _ => path.logic_ns += delay,
        }
    }
    path.logic_ns = hundredths(path.logic_ns);
    path.routing_ns = hundredths(path.routing_ns);
    let mut cells: Vec<_> = steps.iter().filter_map(|step| step["to"]["cell"].as_str()).collect();
    cells.dedup();
    let last = cells.len().saturating_sub(1);
    for (number, cell) in cells.into_iter().enumerate() {
        let name = if number == 0 || number == last { register(cell) } else { block(cell) };
        if !name.is_empty() && path.stations.last() != Some(&name) {
            path.stations.push(name);
        }
    }
    Some(path)
}

/// The kinds of cells: what Yosys names a cell after begins with the signal that it drives.
const KINDS: &[&str] = &[
    "_TRELLIS_",
    "_LUT4",
    "_PFUMX",
    "_L6MUX21",
    "_CCU2C",
    "_DP16KD",
    "_MULT18X18D",
    "_DPR16X4",
    "_PDPW16KD",
];

/// The signal that a cell drives, by instances: `judge.state` for `judge.state.q_TRELLIS_FF_Q_3`.
fn register(cell: &str) -> String {
    let end = KINDS.iter().filter_map(|kind| cell.find(kind)).min().unwrap_or(cell.len());
    let name = &cell[..end];
    // A RAM's bits and words.
    let name = name.split(".ram.").next().unwrap_or(name);
    let name = name.strip_suffix(".q").or_else(|| name.strip_suffix(".d")).unwrap_or(name);
    name.split('[').next().unwrap_or(name).to_owned()
}

/// The instance that a cell of logic belongs to; nothing for the top.
fn block(cell: &str) -> String {
    let register = register(cell);
    register.rsplit_once('.').map_or(String::new(), |(block, _)| block.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn step(kind: &str, delay: f64, cell: &str) -> Value {
        let to = json!({"cell": cell});
        json!({"type": kind, "delay": delay, "to": to})
    }

    #[test]
    fn cells_become_instances() {
        let long = "receive.judge.gate.below.q_LUT4_C_Z_PFUMX_Z";
        let paths = [
            json!({"from": "posedge $glbnet$other", "to": "posedge $glbnet$clock", "path": []}),
            json!({"from": "posedge $glbnet$clock", "to": "posedge $glbnet$clock", "path": [
                step("clk-to-q", 0.5, "receive.judge.state.q_TRELLIS_FF_Q_3"),
                step("routing", 1.0, long),
                step("logic", 0.25, long),
                step("routing", 2.0, "receive.judge.gate.x_LUT4_Z"),
                step("logic", 0.25, "receive.judge.gate.x_LUT4_Z"),
                step("routing", 2.0, "transmit.head.q_TRELLIS_FF_Q"),
                step("setup", 0.0, "transmit.head.q_TRELLIS_FF_Q"),
            ]}),
        ];
        let path = of(&paths, "clock").unwrap();
        assert_eq!(path.stations, ["receive.judge.state", "receive.judge.gate", "transmit.head"]);
        assert_eq!((path.logic_ns, path.routing_ns, path.cells), (1.0, 5.0, 2));
        assert_eq!(of(&paths, "third"), None);
    }

    #[test]
    fn ports_keep_their_names() {
        assert_eq!(register("input sink$beat[3]"), "input sink$beat");
        assert_eq!(block("a_LUT4_Z"), "");
    }
}
