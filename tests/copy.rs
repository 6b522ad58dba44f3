//! A file crosses from process to process in place: no memory of either grows with it.
//!
//! `COPY_MIB=1024 cargo test --test copy` for a file of so many MiB.

#[path = "harness/process.rs"]
mod process;

use process::Process;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);
/// What a process may have of its own, beside the file.
const MEMORY: u64 = 64 << 20;

/// Octets that are unlike each other, a piece at a time.
fn make(path: &Path, mib: u64) {
    let mut file = File::create(path).expect("a file");
    let mut state = 1_u64;
    let mut piece = vec![0; 1 << 20];
    for _ in 0..mib {
        for word in piece.chunks_exact_mut(8) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&piece).expect("room");
    }
    // So that the file does not end with a page.
    file.write_all(b"the end").expect("room");
}

/// A process's memory that is no file's, in octets; the driver's own rings and buffers count.
fn memory(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().strip_suffix(" kB")?.trim().parse().ok()
    };
    Some((kib("RssAnon")? + kib("RssShmem")?) << 10)
}

fn ironwarp(name: &'static str, arguments: &[&str]) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironwarp"));
    Process::start(name, command.args(arguments)).expect("it starts")
}

#[test]
fn a_file_crosses_without_a_copy() {
    let mib = std::env::var("COPY_MIB").map_or(64, |text| text.parse().expect("COPY_MIB"));
    let folder = tempfile::tempdir().expect("a folder");
    let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
    make(&from, mib);
    let [there, here] = [&to, &from].map(|path| path.to_str().expect("text"));
    let mut receiver = ironwarp("the receiver", &["receive", there, "--ip", "127.0.0.1", "-p7199"]);
    receiver.wait_for("listening", LIMIT).expect("it listens");
    let mut sender = ironwarp("the sender", &["send", here, "--to", "127.0.0.1:7199"]);
    let (ids, done) = ([receiver.id(), sender.id()], AtomicBool::new(false));
    let largest = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut largest = [0; 2];
            while !done.load(Ordering::Relaxed) {
                for (largest, id) in largest.iter_mut().zip(ids) {
                    *largest = memory(id).unwrap_or(0).max(*largest);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            largest
        });
        let ends = [sender.wait(LIMIT), receiver.wait(LIMIT)];
        done.store(true, Ordering::Relaxed);
        for end in ends {
            assert!(end.expect("an end").success());
        }
        watch.join().expect("no panic")
    });
    println!("{mib} MiB; {} KiB of memory there, {} KiB here", largest[0] >> 10, largest[1] >> 10);
    sender.stop().iter().for_each(|line| println!("{line}"));
    assert!(largest.iter().all(|octets| (1..MEMORY).contains(octets)), "{largest:?} octets");
    let same = Command::new("cmp").args([here, there]).status().expect("cmp");
    assert!(same.success(), "the files differ");
}

/// What is there is kept, and what did not come whole is not left behind.
#[test]
fn nothing_is_overwritten_and_nothing_half_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("kept");
    std::fs::write(&kept, "mine").expect("a file");
    let path = kept.to_str().expect("text");
    let mut refused = ironwarp("the receiver", &["receive", path, "--ip", "127.0.0.1"]);
    assert!(!refused.wait(LIMIT).expect("an end").success());
    assert!(refused.stop().join(" ").contains("kept"), "the file is named");
    assert_eq!(std::fs::read_to_string(&kept).expect("it is there"), "mine");

    let new = folder.path().join("new");
    let there = new.to_str().expect("text");
    let mut receiver = ironwarp("the receiver", &["receive", there, "--ip", "127.0.0.1", "-p7198"]);
    receiver.wait_for("listening", LIMIT).expect("it listens");
    let rping = ["rping", "-c", "-a", "127.0.0.1", "-p7198", "-C1"];
    let mut stranger = ironwarp("a stranger", &rping);
    assert!(!stranger.wait(LIMIT).expect("an end").success());
    assert!(stranger.stop().join(" ").contains("refused"));
    let large = folder.path().join("large");
    make(&large, 200);
    let large = large.to_str().expect("text");
    let sender = ironwarp("the sender", &["send", large, "--to", "127.0.0.1:7198"]);
    while std::fs::metadata(&new).map_or(0, |about| about.len()) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(sender);
    assert!(!receiver.wait(LIMIT).expect("an end").success());
    assert!(!new.exists(), "half a file is none: {:?}", receiver.stop());
    let empty = folder.path().join("empty");
    File::create(&empty).expect("a file");
    let empty = empty.to_str().expect("text");
    let mut refused = ironwarp("the sender", &["send", empty, "--to", "127.0.0.1:7198"]);
    assert!(!refused.wait(LIMIT).expect("an end").success());
}
