//! `docs/fpga.md`, from `fpga/results.json`.

use crate::block::Figures;
use crate::board::{Seed, Whole};
use crate::clocks::ENGINES;
use crate::growth::Grown;
use crate::part::{BLOCK_RAMS, FLIP_FLOPS, LUTS, MULTIPLIERS};
use crate::results::{Comparison, Results};
use ironwarp_abi::configuration;
use std::fmt::Write;

/// The page.
pub fn page(results: &Results) -> String {
    let mut page = String::from(INTRODUCTION);
    let tools = results.tools.join(" and ");
    let _ = writeln!(page, "\nThe part is {}. Tools: {tools}.", results.part);
    page += "\n## The whole\n\n";
    results.whole.iter().for_each(|it| whole(&mut page, it));
    if results.whole.is_empty() {
        page += "No board has been built yet.\n";
    }
    page += ENGINES_TITLE;
    page += TABLE;
    let (engines, others): (Vec<_>, Vec<_>) =
        results.blocks.iter().partition(|it| ENGINES.contains(&it.name.as_str()));
    engines.iter().for_each(|it| row(&mut page, it));
    page += "\n### Their critical paths\n\n";
    engines.iter().for_each(|it| path(&mut page, it));
    page += GROWTH;
    growth(&mut page, &results.growth);
    page += COMPARISON;
    results.comparison.iter().for_each(|it| comparison(&mut page, it));
    page += "\n## All other blocks\n\n";
    page += TABLE;
    others.iter().for_each(|it| row(&mut page, it));
    page
}

const INTRODUCTION: &str = "\
# Area and speed

Generated from `fpga/results.json` by `./ironwarp fpga ... --write-results`; do not edit.

- **LUT** is what the part loses (nextpnr's `TRELLIS_COMB`): 4-input look-up tables of logic, of
  carry chains and of distributed RAM.
- **FF** are flip-flops, **EBR** block RAMs of 18 Kbit, **DSP** multipliers of 18 by 18 bits.
- **Fmax** is the frequency at which every path holds after placement and routing, in the worst
  corner of the part, for the clock with the least margin; **required** is what it must reach.
- Where a command has `--seeds`, a block was placed so many times, and the figures are those of the
  seed in the middle: where the placer starts moves the speed of a small block by a tenth.
";

const ENGINES_TITLE: &str = "
## Engines and functional units

Each by itself, out of context. Every bit of its ports has a flip-flop before or behind it, so that
the paths into and out of a block count for its speed; these flip-flops are not counted in FF.
`./ironwarp fpga --blocks` makes them all, and fails when one of them is below its stated clock, or
when any block has a latch, a combinational loop, or a RAM that became flip-flops.

";

const GROWTH: &str = "
## What more objects cost

The same blocks in two configurations, as `./ironwarp fpga --growth` counts them behind synthesis,
without a placement.

";

const COMPARISON: &str = "
## Beside public cores

The same tools, the same part, the same flip-flops at all ports. Only the figures are here, nothing
of those cores; [public-cores](../fpga/public-cores/README.md) says how to come by their Verilog.

| function | block | LUT | FF | EBR | Fmax MHz | ours beside theirs | command |
|---|---|--:|--:|--:|--:|---|---|
";

const TABLE: &str = "\
| block | LUT | FF | EBR | DSP | Fmax MHz | required MHz | command |
|---|--:|--:|--:|--:|--:|--:|---|
";

fn row(page: &mut String, figures: &Figures) {
    let Figures { name, lut, ff, ebr, dsp, fmax_mhz, required_mhz, command, .. } = figures;
    let _ = writeln!(
        page,
        "| {name} | {lut} | {ff} | {ebr} | {dsp} | {fmax_mhz:.1} | {required_mhz} | `{command}` |"
    );
}

/// One row a block, and three columns a configuration.
fn growth(page: &mut String, grown: &[Grown]) {
    let mut configurations: Vec<&str> = Vec::new();
    for it in grown {
        if !configurations.contains(&it.configuration.as_str()) {
            configurations.push(&it.configuration);
        }
    }
    for name in &configurations {
        let Some((_, it)) = configuration::ALL.iter().find(|(known, _)| known == name) else {
            continue;
        };
        let (qps, cqs, mrs) = (it.qp_count(), it.cq_count(), it.mr_count());
        let (ring, frame) = (it.stream_ring_bytes(), it.frame_bytes_max());
        let _ = writeln!(
            page,
            "- *{name}*: {qps} queue pairs, {cqs} completion queues, {mrs} memory regions; a \
             stream ring of {ring} octets a queue pair, frames up to {frame} octets."
        );
    }
    page.push('\n');
    let columns: String =
        configurations.iter().map(|it| format!(" {it}: LUT | FF | EBR |")).collect();
    let rules = "--:|".repeat(3 * configurations.len());
    let _ = writeln!(page, "| block |{columns}\n|---|{rules}");
    let Some(first) = configurations.first() else { return };
    for first in grown.iter().filter(|it| it.configuration == *first) {
        let same = grown.iter().filter(|it| it.block == first.block);
        let cells: String =
            same.map(|it| format!(" {} | {} | {} |", it.lut, it.ff, it.ebr)).collect();
        let _ = writeln!(page, "| {} |{cells}", first.block);
    }
}

fn path(page: &mut String, figures: &Figures) {
    let Some(path) = &figures.critical_path else { return };
    let _ = writeln!(
        page,
        "- **{}**: {} ({} cells, {:.2} ns logic, {:.2} ns routing)",
        figures.name,
        path.stations.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" → "),
        path.cells,
        path.logic_ns,
        path.routing_ns
    );
}

fn whole(page: &mut String, whole: &Whole) {
    let figures = &whole.figures;
    let Figures { name, lut, ff, ebr, dsp, command, .. } = figures;
    let _ = writeln!(page, "### {name}\n\n`{command}`\n");
    let _ = writeln!(page, "| | used | of | |\n|---|--:|--:|--:|");
    let rows = [
        ("LUT", lut, LUTS),
        ("FF", ff, FLIP_FLOPS),
        ("EBR", ebr, BLOCK_RAMS),
        ("DSP", dsp, MULTIPLIERS),
    ];
    for (what, used, of) in rows {
        let share = 100.0 * *used as f64 / of as f64;
        let _ = writeln!(page, "| {what} | {used} | {of} | {share:.1} % |");
    }
    let _ = writeln!(page, "\n| seed | clock | Fmax MHz | required MHz | |\n|--:|---|--:|--:|---|");
    for Seed { seed, clocks, .. } in &whole.seeds {
        for clock in clocks {
            let met = if clock.finding().is_none() { "met" } else { "missed" };
            let _ = writeln!(
                page,
                "| {seed} | `{}` | {:.1} | {} | {met} |",
                clock.name, clock.fmax_mhz, clock.required_mhz
            );
        }
    }
    let _ = writeln!(page, "\nThe critical path of the seed with the least margin:\n");
    path(page, figures);
}

fn comparison(page: &mut String, comparison: &Comparison) {
    let Comparison { function, remark, ours, theirs } = comparison;
    let beside = comparison.beside();
    for (what, it, beside) in [(function, ours, ""), (remark, theirs, &beside)] {
        let Figures { name, lut, ff, ebr, fmax_mhz, command, .. } = it;
        let _ = writeln!(
            page,
            "| {what} | {name} | {lut} | {ff} | {ebr} | {fmax_mhz:.1} | {beside} | `{command}` |"
        );
    }
}
