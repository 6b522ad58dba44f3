//! The description of the emitted Verilog for FuseSoC, which many open cores are used through.

use crate::blocks::BlockEntry;

/// `ironwarp.core` for blocks that others instantiate, each in a file of its name: a target for
/// each, and one that only lints.
///
/// FuseSoC wants a name and a version, and a list of files; the format is CAPI 2.
pub fn core_file(entries: &[BlockEntry]) -> String {
    let public: Vec<&BlockEntry> = entries.iter().filter(|entry| entry.edge.is_some()).collect();
    let mut core = format!(
        "CAPI=2:\nname: ::ironwarp:{}\ndescription: An iWARP RNIC in the open, with its MAC.\n\n\
         filesets:\n",
        env!("CARGO_PKG_VERSION")
    );
    for entry in &public {
        core +=
            &format!("  {0}:\n    files: [{0}.v]\n    file_type: verilogSource-2005\n", entry.name);
    }
    core += "\ntargets:\n";
    for entry in &public {
        core += &format!(
            "  {0}:\n    description: {1}\n    filesets: [{0}]\n    toplevel: {1}\n",
            entry.name,
            entry.top()
        );
    }
    let names: Vec<&str> = public.iter().map(|entry| entry.name).collect();
    let top = public.first().map(|entry| entry.top()).unwrap_or_default();
    core += &format!(
        "  default:\n    filesets: [{names}]\n    toplevel: {top}\n  lint:\n    \
         description: Verilator's lint, without the waivers that the files explain\n    \
         filesets: [{names}]\n    toplevel: {top}\n    default_tool: verilator\n    tools:\n      \
         verilator:\n        mode: lint-only\n        verilator_options: [-Wall, -Wno-style]\n",
        names = names.join(", ")
    );
    core
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_instantiate_has_a_target() {
        let entries = [crate::blocks::whole(), crate::blocks()].concat();
        let core = core_file(&entries);
        for line in [
            "CAPI=2:\n",
            "  rnic:\n    files: [rnic.v]\n",
            "  mac:\n    description: ironwarp_mac\n",
            "  default:\n    filesets: [rnic, mac]\n    toplevel: ironwarp_rnic\n",
            "        mode: lint-only\n",
        ] {
            assert!(core.contains(line), "{line}{core}");
        }
    }
}
