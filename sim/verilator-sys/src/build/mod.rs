//! For build scripts: from Verilog text to a linked object and a safe Rust type.
//!
//! ```no_run
//! # #[cfg(feature = "build")]
//! # fn emit() -> String { String::new() }
//! # #[cfg(feature = "build")]
//! verilator_sys::build::Models::new().add("counter", "top", emit()).compile();
//! ```
//!
//! writes `$OUT_DIR/counter.rs` with `pub struct Counter`, to be taken in with
//! `include!(concat!(env!("OUT_DIR"), "/counter.rs"))`.

mod compile;
mod generate;
mod header;

use crate::find::Verilator;
use std::path::{Path, PathBuf};

/// A module to Verilate.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// In snake case; also the name of the generated file.
    pub name: String,
    /// The top module's name.
    pub top: String,
    /// The whole text.
    pub verilog: String,
}

/// The modules that one build script wants, compiled side by side on the cores that Cargo grants.
#[derive(Clone, Debug)]
pub struct Models {
    models: Vec<Model>,
    waveforms: bool,
    optimise: Option<u32>,
}

impl Default for Models {
    fn default() -> Self {
        Self::new()
    }
}

impl Models {
    /// None yet.
    pub fn new() -> Self {
        Self { models: Vec::new(), waveforms: true, optimise: None }
    }

    /// Adds a module: `verilog` is the whole text, with a top module called `top`. `name` is in
    /// snake case and becomes the Rust type's name in camel case. No two models of a program may
    /// have one name, even when different crates build them.
    pub fn add(mut self, name: &str, top: &str, verilog: impl Into<String>) -> Self {
        let (name, top) = (name.to_owned(), top.to_owned());
        self.models.push(Model { name, top, verilog: verilog.into() });
        self
    }

    /// Whether the models can write waveforms (by default they can). A model that can but does
    /// not is hardly slower; it is about a third longer to compile.
    pub fn waveforms(mut self, waveforms: bool) -> Self {
        self.waveforms = waveforms;
        self
    }

    /// How hard the C++ compiler optimises: 1 compiles a quarter faster, 3 runs a tenth faster.
    /// By default 3 when Cargo's own `opt-level` is 3, else 1.
    pub fn optimise(mut self, level: u32) -> Self {
        self.optimise = Some(level);
        self
    }

    /// Compiles what changed since the last time and links it. Each model gets a file
    /// `$OUT_DIR/<name>.rs`, and `$OUT_DIR/models.rs` holds all of them, each in a module of its
    /// name, with a function `all()` that can make any.
    ///
    /// Ends the build with a message when Verilator is missing or refuses a module.
    pub fn compile(self) {
        if let Err(why) = self.try_compile() {
            eprintln!("{why}");
            std::process::exit(1);
        }
    }

    /// As [`Models::compile`].
    ///
    /// # Errors
    /// A message for a person: Verilator is missing or too old, a module is refused, or the
    /// C++ compiler failed.
    pub fn try_compile(self) -> Result<(), String> {
        println!("cargo:rerun-if-env-changed=PATH");
        let out = std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: not a build script")?;
        let job = Job {
            verilator: Verilator::find()?,
            out: PathBuf::from(out),
            waveforms: self.waveforms,
            optimise: self.optimise.unwrap_or_else(cargo_optimises),
        };
        println!("cargo:rerun-if-changed={}", job.verilator.program.display());
        let ports = compile::all(&job, &self.models)?;
        let mut index = String::new();
        for (model, ports) in self.models.iter().zip(&ports) {
            let rust = generate::rust(model, ports, job.waveforms);
            write(&job.out.join(format!("{}.rs", model.name)), &rust)?;
            index += &format!(
                "/// The Verilated module `{0}`.\npub mod {0} {{\n    \
                 include!(concat!(env!(\"OUT_DIR\"), \"/{0}.rs\"));\n}}\n",
                model.name
            );
        }
        index += &generate::all(&self.models);
        write(&job.out.join("models.rs"), &index)
    }
}

/// What all models of a build script share.
pub(crate) struct Job {
    pub verilator: Verilator,
    pub out: PathBuf,
    pub waveforms: bool,
    pub optimise: u32,
}

fn cargo_optimises() -> u32 {
    match std::env::var("OPT_LEVEL").as_deref() {
        Ok("3") => 3,
        _ => 1,
    }
}

/// Writes a file unless it holds that text already, so that its time says when it changed.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
