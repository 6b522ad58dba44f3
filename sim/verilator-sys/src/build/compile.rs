//! Runs Verilator and the C++ compiler, and remembers what it did.

use super::header::{self, Declared};
use super::{generate, write, Job, Model};
use crate::find::CXX_FLAGS;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

/// Generated C++ above this many bytes is compiled in pieces, side by side.
const PIECE: u64 = 400_000;

/// Compiles all models and tells Cargo to link them; the ports of each.
pub(crate) fn all(job: &Job, models: &[Model]) -> Result<Vec<Vec<Declared>>, String> {
    let stamps: Vec<String> = models.iter().map(|m| stamp(job, m)).collect();
    let done = |i: usize| archive(job, &models[i]).is_file() && kept(job, &models[i], &stamps[i]);
    let stale: Vec<usize> = (0..models.len()).filter(|&i| !done(i)).collect();
    let header = if stale.len() > 2 { precompile(job) } else { None };
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let workers = workers().min(stale.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(&i) = stale.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = one(job, &models[i], header.as_deref())
                        .and_then(|()| write(&stamp_file(job, &models[i]), &stamps[i]));
                    if let Err(why) = result {
                        let mut failure = failure.lock().unwrap_or_else(|e| e.into_inner());
                        failure.get_or_insert(format!("module {}: {why}", models[i].name));
                        break;
                    }
                }
            });
        }
    });
    if let Some(why) = failure.into_inner().unwrap_or_else(|e| e.into_inner()) {
        return Err(why);
    }
    for model in models {
        println!("cargo:rustc-link-search=native={}", folder(job, model).display());
        println!("cargo:rustc-link-lib=static=verilated_{}", model.name);
    }
    models.iter().map(|m| ports(job, m)).collect()
}

fn workers() -> usize {
    std::env::var("NUM_JOBS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn folder(job: &Job, model: &Model) -> PathBuf {
    job.out.join("verilated").join(&model.name)
}

fn archive(job: &Job, model: &Model) -> PathBuf {
    folder(job, model).join(format!("libverilated_{}.a", model.name))
}

fn stamp_file(job: &Job, model: &Model) -> PathBuf {
    folder(job, model).join("stamp")
}

fn kept(job: &Job, model: &Model, stamp: &str) -> bool {
    std::fs::read_to_string(stamp_file(job, model)).is_ok_and(|old| old == stamp)
}

/// Names everything that the object depends on.
fn stamp(job: &Job, model: &Model) -> String {
    let mut digest = Sha256::new();
    digest.update(&model.top);
    digest.update(&model.verilog);
    for part in ["", include_str!("generate.rs"), include_str!("compile.rs"), job.version()] {
        digest.update(part);
    }
    digest.update(format!("{} {} {CXX_FLAGS:?}", job.waveforms, job.optimise));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Job {
    fn version(&self) -> &str {
        &self.verilator.version
    }

    /// The C++ compiler, set up.
    fn compiler(&self) -> cc::Build {
        let mut build = cc::Build::new();
        build.cpp(true).warnings(false).cargo_metadata(false).opt_level(self.optimise).debug(false);
        for flag in CXX_FLAGS {
            build.flag(flag);
        }
        let include = &self.verilator.include;
        build.include(include).include(include.join("vltstd"));
        build
    }
}

fn ports(job: &Job, model: &Model) -> Result<Vec<Declared>, String> {
    let path = folder(job, model).join(format!("V{}.h", model.name));
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    header::ports(&text)
}

/// Translates and compiles one model.
fn one(job: &Job, model: &Model, header: Option<&Path>) -> Result<(), String> {
    let folder = folder(job, model);
    let say = |e: std::io::Error| format!("{}: {e}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(say)?;
    }
    std::fs::create_dir_all(&folder).map_err(say)?;
    write(&folder.join("top.v"), &model.verilog)?;
    verilate(job, model, &folder)?;
    let shim = generate::shim(model, &ports(job, model)?, job.waveforms);
    write(&folder.join("shim.cpp"), &shim)?;
    let mut build = job.compiler();
    build.out_dir(&folder).include(&folder);
    if let Some(header) = header {
        build.flag("-include").flag(header);
    }
    build.files(pieces(&folder).map_err(say)?);
    let library = format!("verilated_{}", model.name);
    build.try_compile(&library).map_err(|e| e.to_string())
}

fn verilate(job: &Job, model: &Model, folder: &Path) -> Result<(), String> {
    let mut command = job.verilator.command();
    command.current_dir(folder);
    command.args("--cc --no-timing --noassert -O3 --x-assign fast --x-initial fast".split(' '));
    // Clock copies and unsized literals are RustHDL's style; the kernel lint judges widths.
    command.args(["-Wno-fatal", "-Wno-lint", "-Wno-style", "--quiet-exit"]);
    if job.waveforms {
        command.arg("--trace");
    }
    command.args(["--top-module", &model.top, "--Mdir", ".", "--output-split", "20000"]);
    command.arg("--prefix").arg(format!("V{}", model.name)).arg("top.v");
    let output = command.output().map_err(|e| format!("verilator: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("verilator refuses {}:\n{}", folder.join("top.v").display(), said.trim()))
}

/// The files to compile: Verilator's many small ones joined, because each costs a second.
fn pieces(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".cpp") {
            sources.push((name, entry.metadata()?.len()));
        }
    }
    sources.sort();
    let mut pieces: Vec<(String, u64)> = Vec::new();
    for (name, size) in sources {
        if pieces.last().is_none_or(|(_, total)| total + size > PIECE) {
            pieces.push((String::new(), 0));
        }
        if let Some((text, total)) = pieces.last_mut() {
            *text += &format!("#include \"{name}\"\n");
            *total += size;
        }
    }
    let mut files = Vec::new();
    for (i, (text, _)) in pieces.iter().enumerate() {
        let path = folder.join(format!("piece{i}.cc"));
        std::fs::write(&path, text)?;
        files.push(path);
    }
    Ok(files)
}

/// Verilator's headers, compiled ahead: a small module then takes a third of a second, not one.
/// Only GCC; nothing is lost without.
fn precompile(job: &Job) -> Option<PathBuf> {
    let compiler = job.compiler().try_get_compiler().ok()?;
    if !compiler.is_like_gnu() {
        return None;
    }
    let header = job.out.join("verilated_ahead.h");
    let text = "#include \"verilated.h\"\n#include \"verilated_vcd_c.h\"\n";
    write(&header, text).ok()?;
    let mut command = compiler.to_command();
    command
        .args(["-x", "c++-header"])
        .arg(&header)
        .arg("-o")
        .arg(job.out.join("verilated_ahead.h.gch"));
    command.output().ok().filter(|o| o.status.success()).map(|_| header)
}
