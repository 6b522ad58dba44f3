//! Mistakes planted in the device's Verilog, for the test that the test bench finds them.
//!
//! All of them are in one text; a further input of the top module, `mutant`, chooses one at run
//! time, or none with zero. The real device's Verilog has nothing of this.

use crate::verilog::settled::constant_slices;

/// A mistake: in one module, one assignment has another right-hand side.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// What is wrong with the device that has it.
    pub about: &'static str,
    /// The module, by the path of its instance below the whole device, `top`.
    module: &'static str,
    /// What is assigned to.
    target: &'static str,
    /// What is assigned, as the emitter writes it.
    right: &'static str,
    /// What is assigned in the mutant.
    wrong: &'static str,
}

/// Why a mistake cannot be planted: the RTL has changed, and the mutation must follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlantError {
    /// The module is not there.
    #[error("mutation \"{0}\": there is no module {1}")]
    Module(&'static str, String),
    /// The assignment is not there exactly once.
    #[error("mutation \"{about}\": {found} times in module {module}: {text}")]
    Text {
        /// The mutation.
        about: &'static str,
        /// Its module.
        module: String,
        /// The text that should be there once.
        text: String,
        /// How often it is there.
        found: usize,
    },
}

/// The mistakes; the first has number 1.
pub const MUTATIONS: &[Mutation] = &[
    Mutation {
        about: "the gate lets a peer write one octet beyond a region",
        module: "top$receive$gate$gate",
        target: "outside",
        right: "below$q | (relative_end > ((size$q) & 65'h1ffffffffffffffff))",
        wrong: "below$q | (relative_end > ((size$q) & 65'h1ffffffffffffffff) + 65'h1)",
    },
    Mutation {
        about: "an FPDU that ends where a marker is due counts that marker",
        module: "top$transmit$segmenter$planner$sizer$count",
        target: "beyond",
        right: "octets - ((distance) & 15'h7fff)",
        wrong: "octets - ((distance) & 15'h7fff) + 15'h4",
    },
    Mutation {
        about: "the CRC covers the room for itself when it begins a beat",
        module: "top$transmit$path$writer$crc",
        target: "crc$valid",
        right: "taken & ~(sink$beat[(64'h44)+:(1)] & short)",
        wrong: "taken",
    },
    Mutation {
        about: "the MSN of received Sends is counted in three bits",
        module: "top$receive$judge$check",
        target: "msn_after",
        right: "msn + one",
        wrong: "{msn[31:3], msn[2:0] + 3'h1}",
    },
    Mutation {
        about: "a window scale of fourteen counts as thirteen",
        module: "top$transmit$acks$scale",
        target: "value",
        right: "values$read_data",
        wrong: "(values$read_data == 4'he) ? 4'hd : values$read_data",
    },
    Mutation {
        about: "the checksum of a long received segment loses carries",
        module: "top$receive$intake$checksums",
        target: "tcp_fold",
        right: "((tcp_sum$q[15:0]) & 17'h1ffff) + ((tcp_sum$q[31:16]) & 17'h1ffff)",
        wrong: "((tcp_sum$q[15:0]) & 17'h1ffff) + ((tcp_sum$q[23:16]) & 17'h1ffff)",
    },
    Mutation {
        about: "the first entry of a pass has the phase bit of the first pass",
        module: "top$complete$entries$fate$place",
        target: "phase",
        right: "~passes[32'h0]",
        wrong: "~passes[32'h0] | ~|slot",
    },
    Mutation {
        about: "a DMA write inside four octets writes to their end",
        module: "top$pcie$splitter$enables",
        target: "first",
        right: "beginning & ending",
        wrong: "beginning",
    },
    Mutation {
        about: "a fetch of send requests runs over the end of its ring",
        module: "top$transmit$requests$asker",
        target: "room",
        right: "page_mask - page_offset + one",
        wrong: "page_mask - page_offset + one + one",
    },
    Mutation {
        about: "beats before a segment's new octets are written to the ring",
        module: "top$receive$tcp$octets",
        target: "from_start",
        right: "octets << start",
        wrong: "octets << start[2:0]",
    },
    Mutation {
        about: "a fence is done before what was to be sent has left",
        module: "top$control$fences",
        target: "in_transmit$d",
        right: "1'b1",
        wrong: "1'b0",
    },
    Mutation {
        about: "a fence is done before what was received is placed",
        module: "top$control$fences",
        target: "in_receive$d",
        right: "1'b1",
        wrong: "1'b0",
    },
    Mutation {
        about: "a completion entry's generation is not compared",
        module: "top$complete$life",
        target: "same",
        right: "life[(64'h8)+:(1)] & (life[(64'h0)+:(8)] == entry[(64'hc)+:(8)])",
        wrong: "life[(64'h8)+:(1)]",
    },
    Mutation {
        about: "the segmenter takes a start or stop of queue pair 17 for one of queue pair 1",
        module: "top$transmit$segmenter$watch",
        target: "lives$write_index",
        right: "change[(64'h2)+:(6)]",
        wrong: "change[(64'h2)+:(6)] & 6'h2f",
    },
    Mutation {
        about: "a tag of a payload read is free before its answer is whole",
        module: "top$pcie$payload_channel",
        target: "issuer$busy",
        right: "store$busy",
        wrong: "32'h0",
    },
    Mutation {
        about: "the upper bits of a peer's STag are not compared",
        module: "top$receive$gate$gate",
        target: "stranger$d",
        right: "~grant[32'h1f] | (stags$words$0 != asked$q[(64'h0)+:(32)])",
        wrong: "~grant[32'h1f] | (stags$words$0[17:0] != asked$q[17:0])",
    },
    Mutation {
        about: "lines of a page list are kept when a region's record changes",
        module: "top$receive$gate$pages$cache",
        target: "flush",
        right: "context_write[(64'h0)+:(1)] & ((context_write[(64'h1)+:(4)] == mr_table) | \
                (context_write[(64'h1)+:(4)] == every_table))",
        wrong: "1'b0",
    },
    Mutation {
        about: "an entry of a page list that is not the address of a page is taken for one",
        module: "top$receive$gate$pages",
        target: "stray",
        right: "((entry$q) & 32'hffffffff) & below",
        wrong: "32'h0",
    },
    Mutation {
        about: "the end of a page larger than 4 KiB is passed over",
        module: "top$transmit$path$pages",
        target: "reach",
        right: "((in_page$q) & 33'h1ffffffff) + ((left$q) & 33'h1ffffffff)",
        wrong: "((in_page$q) & 33'hfff) + ((left$q) & 33'h1ffffffff)",
    },
];

/// Plants all mistakes in the Verilog of the whole device, whose own module is called `core`.
///
/// # Errors
/// One of them finds no place.
pub fn plant(verilog: &str, core: &str) -> Result<String, PlantError> {
    const ABOUT: &str = "any";
    let mut text = verilog.to_owned();
    for (mutation, number) in MUTATIONS.iter().zip(1..) {
        let Mutation { about, module, target, right, wrong } = mutation;
        let module = format!("{core}{}", module.trim_start_matches("top"));
        let (right, wrong) = (constant_slices(right), constant_slices(wrong));
        let planted = |draft: &str| {
            let new = format!("({core}.mutant == {number}) ? ({wrong}) : ({right});");
            let (old, new) =
                (format!(" {target}{draft} = {right};"), format!(" {target}{draft} = {new}"));
            replace(&text, about, &module, &old, &new)
        };
        // What is overridden further on is a draft until then.
        text = planted("").or_else(|why| planted("$draft").map_err(|_| why))?;
    }
    let (old, new) = (format!("module {core}("), format!("module {core}(mutant,"));
    text = replace(&text, ABOUT, core, &old, &new)?;
    let old = "// Module arguments\n";
    replace(&text, ABOUT, core, old, &format!("{old}    input wire [7:0] mutant;\n"))
}

/// Replaces what is in a module exactly once.
fn replace(
    text: &str,
    about: &'static str,
    module: &str,
    old: &str,
    new: &str,
) -> Result<String, PlantError> {
    let range = text.find(&format!("module {module}(")).and_then(|start| {
        let length = text[start..].find("\nendmodule")?;
        Some(start..start + length)
    });
    let range = range.ok_or_else(|| PlantError::Module(about, module.to_owned()))?;
    let body = &text[range.clone()];
    match body.matches(old).count() {
        1 => Ok([&text[..range.start], &body.replacen(old, new, 1), &text[range.end..]].concat()),
        found => {
            let (module, text) = (module.to_owned(), old.to_owned());
            Err(PlantError::Text { about, module, text, found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERILOG: &str = "module top(clock);\n\n    // Module arguments\n    a = 1;\nendmodule\n\
                           module top$b(clock);\n    a = 1;\n    b = a;\n    b = a;\nendmodule\n";

    #[test]
    fn every_mistake_finds_its_place() {
        let rnic = crate::blocks::whole()[0];
        let planted = plant(&rnic.emit().unwrap(), &rnic.core()).unwrap();
        let chosen = format!("{}.mutant == ", rnic.core());
        assert_eq!(planted.matches(&chosen).count(), MUTATIONS.len());
    }

    #[test]
    fn only_what_is_there_once_is_replaced() {
        let once = replace(VERILOG, "x", "top$b", " a = 1;", " a = 2;").unwrap();
        assert_eq!(once.matches("a = 1").count(), 1);
        assert!(once.find("a = 1") < once.find("a = 2"));
        let twice = replace(VERILOG, "x", "top$b", " b = a;", " b = 2;");
        assert!(matches!(twice, Err(PlantError::Text { found: 2, .. })));
        let never = replace(VERILOG, "x", "top$b", " c = a;", " c = 2;");
        assert!(matches!(never, Err(PlantError::Text { found: 0, .. })));
        let nowhere = replace(VERILOG, "x", "top$c", " a = 1;", " a = 2;");
        assert_eq!(nowhere, Err(PlantError::Module("x", "top$c".to_owned())));
    }
}
