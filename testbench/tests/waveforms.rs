//! A waveform says the same in both formats, and what it says is what happened.

use fst_reader::{FstFilter, FstHierarchyEntry, FstReader, FstSignalValue};
use ironwarp_testbench::verilated::specimen::Specimen;
use std::collections::BTreeMap;
use std::path::Path;
use verilator_sys::VerilatedModel;

/// Every change of every signal: its time and its value in binary, by the signal's path.
type Changes = BTreeMap<String, Vec<(u64, String)>>;

/// Runs the specimen for `clocks` clocks, 6,400 ps each, into `path`; `count` after each clock.
fn record(path: &Path, clocks: u64) -> Vec<u16> {
    let mut model = Specimen::new();
    model.open_waveform(path).unwrap();
    let mut counts = Vec::new();
    for half in 0..2 * clocks {
        model.set_enable(half / 2 % 3 != 0);
        model.set_wide([half as u32, !0, (half * half) as u32]);
        model.set_clock(half % 2 == 1);
        model.eval();
        model.dump(half * 3200);
        counts.push(model.count());
    }
    model.close_waveform().unwrap();
    counts
}

fn read_vcd(path: &Path) -> Changes {
    let text = std::fs::read_to_string(path).unwrap();
    let (mut scopes, mut time) = (Vec::new(), 0);
    let mut paths: BTreeMap<&str, Vec<(String, usize)>> = BTreeMap::new();
    let mut changes = Changes::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["$scope", _, name, _] => scopes.push(name),
            ["$upscope", _] => drop(scopes.pop()),
            ["$var", _, width, code, name, ..] => {
                let path = format!("{}.{name}", scopes.join("."));
                paths.entry(code).or_default().push((path, width.parse().unwrap()));
            }
            [stamp] if stamp.starts_with('#') => time = stamp[1..].parse().unwrap(),
            [value] if value.starts_with(['0', '1']) => {
                for (path, _) in &paths[&value[1..]] {
                    changes.entry(path.clone()).or_default().push((time, value[..1].to_owned()));
                }
            }
            [value, code] if value.starts_with('b') => {
                for (path, width) in &paths[code] {
                    let value = format!("{:0>width$}", &value[1..]);
                    changes.entry(path.clone()).or_default().push((time, value));
                }
            }
            _ => {}
        }
    }
    changes
}

fn read_fst(path: &Path) -> Changes {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = FstReader::open(file).unwrap();
    let (mut scopes, mut paths) = (Vec::new(), BTreeMap::<usize, Vec<String>>::new());
    let hierarchy = |entry| match entry {
        FstHierarchyEntry::Scope { name, .. } => scopes.push(name),
        FstHierarchyEntry::UpScope => drop(scopes.pop()),
        FstHierarchyEntry::Var { name, handle, .. } => {
            let name = name.split(' ').next().unwrap().to_owned();
            let path = format!("{}.{name}", scopes.join("."));
            paths.entry(handle.get_index()).or_default().push(path);
        }
        _ => {}
    };
    reader.read_hierarchy(hierarchy).unwrap();
    let mut changes = Changes::new();
    let note = |time, handle: fst_reader::FstSignalHandle, value: FstSignalValue<'_>| {
        let FstSignalValue::String(value) = value else { panic!("a real number") };
        let value = std::str::from_utf8(value).unwrap();
        for path in &paths[&handle.get_index()] {
            changes.entry(path.clone()).or_default().push((time, value.to_owned()));
        }
        Ok::<(), std::convert::Infallible>(())
    };
    reader.read_signals(&FstFilter::all(), note).unwrap();
    changes
}

#[test]
fn both_formats_tell_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let (vcd, fst) = (folder.path().join("w.vcd"), folder.path().join("w.fst"));
    let counts = record(&vcd, 3000);
    assert_eq!(record(&fst, 3000), counts);
    let (vcd, fst) = (read_vcd(&vcd), read_fst(&fst));
    assert_eq!(vcd.keys().collect::<Vec<_>>(), fst.keys().collect::<Vec<_>>());
    for (path, changes) in &vcd {
        assert!(fst[path] == *changes, "{path} differs");
    }
    let (_, count) = fst.iter().find(|(path, _)| path.ends_with("top.count")).unwrap();
    for (half, value) in counts.iter().enumerate() {
        let time = 3200 * half as u64;
        let (_, bits) = count.iter().rfind(|(at, _)| *at <= time).unwrap();
        assert_eq!(u16::from_str_radix(bits, 2).unwrap(), *value, "at {time} ps");
    }
    assert!(vcd.keys().any(|path| path.contains("mix")), "registers are in it, too");
}

#[test]
fn a_waveform_without_a_moment_is_a_file_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["empty.vcd", "empty.fst"] {
        let mut model = Specimen::new();
        model.open_waveform(&folder.path().join(name)).unwrap();
        model.close_waveform().unwrap();
        assert!(folder.path().join(name).exists());
    }
}
