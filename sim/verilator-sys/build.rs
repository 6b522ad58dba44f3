//! Compiles Verilator's runtime, once for the whole workspace, as a static library.

#[path = "src/find.rs"]
mod find;

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cpp/runtime.cpp");
    println!("cargo:rerun-if-changed=src/find.rs");
    println!("cargo:rerun-if-env-changed=VERILATOR_ROOT");
    println!("cargo:rerun-if-env-changed=PATH");
    // The half that build scripts use only runs the `verilator` program.
    if std::env::var_os("CARGO_FEATURE_RUNTIME").is_none() {
        return;
    }
    let verilator = match find::Verilator::find() {
        Ok(verilator) => verilator,
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(1);
        }
    };
    println!("cargo:rerun-if-changed={}", verilator.program.display());
    let include = &verilator.include;
    let mut runtime = cc::Build::new();
    runtime.cpp(true).warnings(false).opt_level(2);
    for flag in find::CXX_FLAGS {
        runtime.flag(flag);
    }
    for source in ["verilated.cpp", "verilated_vcd_c.cpp", "verilated_threads.cpp"] {
        runtime.file(include.join(source));
    }
    runtime.include(include).include(include.join("vltstd"));
    runtime.file(Path::new("cpp/runtime.cpp"));
    runtime.compile("verilated");
    println!("cargo:include={}", include.display());
}
