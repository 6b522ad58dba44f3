//! Circuits with what must not be found: each is caught, and for what it is.

use ironwarp_fpga::block::{Figures, Job, Outcome};
use ironwarp_fpga::synthesis::{Design, Finding};
use ironwarp_fpga::tools::Tools;

/// Does a module `top` of ours with these ports besides `clock`, and this body.
fn measure(ports: &str, body: &str, mhz: fn(&str) -> f64) -> Outcome {
    measure_of((ports, body), mhz, false, &[1])
}

/// The same, of ours or `foreign`, with these seeds of the placer.
fn measure_of(
    (ports, body): (&str, &str),
    mhz: fn(&str) -> f64,
    foreign: bool,
    seeds: &[u64],
) -> Outcome {
    let tools = Tools::find().expect("run `./ironwarp setup`");
    let names: Vec<_> = ports.split(';').filter_map(|port| port.split(' ').next_back()).collect();
    let verilog = format!(
        "module top(clock, {});\ninput wire clock;\n{};\n{body}\nendmodule\n",
        names.join(", "),
        ports.trim()
    );
    let folder = tempfile::tempdir().unwrap();
    let design = Design::of_block("top", &verilog);
    let command = String::new();
    let job = Job { name: "planted", design: &design, command, seeds, speed: mhz, foreign };
    job.run(&tools, (folder.path(), 2), &()).unwrap()
}

fn slow(_: &str) -> f64 {
    62.5
}

#[test]
fn a_latch_is_found() {
    let ports = "input wire a; input wire b; output reg q";
    let body = "reg held; always @(*) if (a) held = b; always @(posedge clock) q <= held;";
    let found = measure(ports, body, slow);
    assert!(matches!(&found.findings[..], [Finding::Latch(_)]), "{found:?}");
    assert!(found.figures.is_none());
}

#[test]
fn a_combinational_loop_is_found() {
    let ports = "input wire a; output reg q";
    let body =
        "wire x; wire y; assign x = y ^ a; assign y = x & a; always @(posedge clock) q <= y;";
    let found = measure(ports, body, slow);
    assert!(matches!(&found.findings[..], [Finding::Loop(cells)] if cells.contains("$xor")));
}

/// No RAM of the part can be cleared in one clock.
const CLEARED: (&str, &str) = (
    "input wire clear; input wire write; input wire [5:0] at; input wire [31:0] data; \
     output reg [31:0] q",
    "reg [31:0] words [0:63]; integer i; always @(posedge clock) begin q <= words[at]; \
     if (write) words[at] <= data; \
     if (clear) for (i = 0; i < 64; i = i + 1) words[i] <= 0; end",
);

#[test]
fn a_memory_of_flip_flops_is_found() {
    let found = measure(CLEARED.0, CLEARED.1, slow);
    assert_eq!(found.findings, [Finding::FlipFlopRam("words".to_owned())]);
    assert!(found.figures.is_none());
    // What the reader of Verilog itself takes apart.
    let ports = "input wire [1:0] at; input wire [7:0] data; output reg [7:0] q";
    let body = "reg [7:0] words [0:3]; always @(*) begin words[0] = data; words[1] = ~data; \
                words[2] = 0; words[3] = data + 1; end always @(posedge clock) q <= words[at];";
    let found = measure(ports, body, slow);
    assert!(matches!(&found.findings[..], [Finding::FlipFlopRam(name)] if name.contains("words")));
}

#[test]
fn what_is_not_ours_is_measured_all_the_same() {
    let found = measure_of(CLEARED, slow, true, &[1]);
    assert_eq!(found.findings, [Finding::FlipFlopRam("words".to_owned())]);
    assert!(found.figures.unwrap().ff >= 64 * 32);
}

#[test]
fn a_signal_without_a_driver_is_found() {
    let found = measure("output reg q", "wire x; always @(posedge clock) q <= x;", slow);
    assert!(matches!(&found.findings[..], [Finding::Drivers(_)]), "{found:?}");
}

const PRODUCT: (&str, &str) = (
    "input wire [15:0] a; output reg [15:0] q",
    "wire [15:0] b = a * 5 + 3; wire [15:0] c = b * b + a; \
     always @(posedge clock) q <= c * b + a;",
);

#[test]
fn a_slow_path_is_found() {
    let found = measure(PRODUCT.0, PRODUCT.1, |_| 300.0);
    let is_slow = |finding: &Finding| {
        matches!(finding, Finding::Slow { clock, fmax_mhz, .. }
        if clock == "clock" && *fmax_mhz < 300.0)
    };
    assert!(matches!(&found.findings[..], [finding] if is_slow(finding)), "{found:?}");
    let path = found.figures.unwrap().critical_path.unwrap();
    // From the flip-flop before the input to its own.
    assert!(path.stations[0].starts_with("input a") && path.cells > 3, "{path:?}");
}

#[test]
fn of_several_seeds_the_figures_are_those_in_the_middle_and_the_slowest_is_judged() {
    let with = |seeds: &[u64]| measure_of(PRODUCT, |_| 300.0, false, seeds);
    let fmax = |outcome: Outcome| outcome.figures.unwrap().fmax_mhz;
    let mut alone = [1, 2, 3].map(|seed| fmax(with(&[seed])));
    alone.sort_by(f64::total_cmp);
    assert!(alone[0] < alone[2], "the seeds make no difference: {alone:?}");
    let found = with(&[1, 2, 3]);
    let [Finding::Slow { fmax_mhz, .. }] = found.findings[..] else { panic!("{found:?}") };
    assert_eq!((fmax_mhz, fmax(found)), (alone[0], alone[1]), "{alone:?}");
}

#[test]
fn a_good_circuit_has_figures_and_a_ram_is_one() {
    let ports = "input wire write; input wire [8:0] at; input wire [35:0] data; \
                 output reg [35:0] q";
    // What is read in the clock of its write does not matter; otherwise Yosys adds a bypass.
    let body = "(* no_rw_check *) reg [35:0] words [0:511]; always @(posedge clock) begin \
                q <= words[at]; if (write) words[at] <= data; end";
    let found = measure(ports, body, slow);
    assert!(found.findings.is_empty(), "{found:?}");
    let Figures { lut, ff, ebr, dsp, fmax_mhz, required_mhz, .. } = found.figures.unwrap();
    assert_eq!((ff, ebr, dsp, required_mhz), (0, 1, 0, 62.5));
    // nextpnr's constants.
    assert!(lut <= 2, "{lut}");
    assert!(fmax_mhz > 100.0);
    let found = measure(PRODUCT.0, PRODUCT.1, slow);
    assert!(found.findings.is_empty(), "{found:?}");
    let figures = found.figures.unwrap();
    assert!(figures.dsp > 0 && figures.ff == 16, "{figures:?}");
}
