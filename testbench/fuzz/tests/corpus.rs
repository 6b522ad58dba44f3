//! Every file of the corpus, and changed copies of it, through its target.
//!
//! `FUZZ_ROUNDS` says how many changed copies of each file are tried, `FUZZ_SEED` where to begin:
//! a failure prints the one line that replays it.

use ironwarp_fuzz::TARGETS;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

/// Changed copies of each file in `cargo test`.
const ROUNDS: u64 = 200;
/// The longest copy.
const LONGEST: usize = 1 << 16;

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target)
}

/// The files of a target with their contents, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = folder(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{folder:?}: {why}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

/// Changes a few octets, or cuts, repeats or joins pieces.
fn change(octets: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..5) {
        let at = rng.random_range(0..=octets.len());
        let end = rng.random_range(at..=octets.len().min(at + 64));
        let edges = [0, 1, 0x7f, 0x80, 0xff];
        match rng.random_range(0..8) {
            0 if at < octets.len() => octets[at] ^= 1 << rng.random_range(0..8),
            1 if at < octets.len() => octets[at] = edges[rng.random_range(0..edges.len())],
            2 if at < octets.len() => octets[at] = rng.random(),
            3 => drop(octets.drain(at..end)),
            4 => octets.splice(at..at, octets[at..end].to_vec()).for_each(drop),
            5 => octets.insert(at, rng.random()),
            6 if !other.is_empty() => {
                let from = rng.random_range(0..other.len());
                octets.splice(at.., other[from..].iter().copied()).for_each(drop);
            }
            _ => octets.truncate(at),
        }
    }
    octets.truncate(LONGEST);
}

#[test]
fn every_file_passes_and_so_do_changed_ones() {
    let (rounds, first) = (variable("FUZZ_ROUNDS", ROUNDS), variable("FUZZ_SEED", 0));
    for (target, run) in TARGETS {
        let files = corpus(target);
        assert!(!files.is_empty(), "no file for {target}");
        for (name, octets) in &files {
            run(octets);
            for seed in first..first + rounds {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let (mut changed, other) = (octets.clone(), rng.random_range(0..files.len()));
                change(&mut changed, &files[other].1, &mut rng);
                if panic::catch_unwind(|| run(&changed)).is_err() {
                    panic!(
                        "{target}/{name} changed to {changed:02x?} fails; again with\n\
                         FUZZ_SEED={seed} FUZZ_ROUNDS=1 cargo test -p ironwarp-fuzz"
                    );
                }
            }
        }
    }
}

/// A folder that no target reads is forgotten, as is a target that cargo-fuzz does not know.
#[test]
fn corpus_and_fuzzer_know_the_same_targets() {
    let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    for entry in fs::read_dir(folder("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name.as_str()), "{name}");
    }
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for name in known {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let call = format!("ironwarp_fuzz::{name}(data)");
        let target = fuzz.join("fuzz_targets").join(name).with_extension("rs");
        assert!(fs::read_to_string(target).unwrap().contains(&call), "{name}");
    }
}
