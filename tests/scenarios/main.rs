//! One list of scenarios, on every device that there is: in the process of its driver, in another
//! (vfio-user), and as a PCI function of a Linux kernel (VFIO, in a guest).
//!
//! `./ironwarp test --guest` makes the guest (`testbench/guest`) and runs what is ignored here.

mod guest;
#[path = "../interop/guest.rs"]
mod linux;
mod list;
#[path = "../harness/process.rs"]
mod process;
mod run;
mod stray;

use process::Process;
use run::{run, Link, LIMIT};

/// Runs all scenarios on a device that `--device` and more arguments name.
fn all(link: &Link, device: &[String]) {
    for scenario in list::ALL {
        println!("{}", scenario.name);
        if let Err(why) = run(link, scenario, device) {
            panic!("{}: {why}", scenario.name);
        }
    }
}

fn in_its_drivers_process(kind: &str) {
    let link = Link::new();
    let device = ["--device", kind, "--network", &link.network(true)].map(str::to_owned);
    all(&link, &device);
}

/// A device that is exported, until the process is dropped, and the address of its socket.
pub fn exported(link: &Link, kind: &str) -> (Process, String) {
    let socket = link.path("rnic.sock").display().to_string();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ironwarp"));
    command.args(["export", "--vfio-user", &socket, "--device", kind]);
    command.args(["--network", &link.network(true)]);
    let mut process = Process::start("the exported device", &mut command).expect("it starts");
    process.wait_for("vfio-user socket", LIMIT).expect("it listens");
    (process, socket)
}

fn in_another_process(kind: &str) {
    let link = Link::new();
    let (_device, socket) = exported(&link, kind);
    all(&link, &["--device".to_owned(), format!("vfio-user:{socket}")]);
}

#[test]
fn on_the_model() {
    in_its_drivers_process("model:");
}

#[test]
fn on_the_hardware() {
    in_its_drivers_process("sim:");
}

#[test]
fn on_the_model_behind_a_socket() {
    in_another_process("model:");
}

#[test]
fn on_the_hardware_behind_a_socket() {
    in_another_process("sim:");
}

#[test]
#[ignore = "boots a Linux guest: ./ironwarp test --guest runs it"]
fn on_the_model_in_a_guest_by_vfio() {
    guest::all("model:");
}

#[test]
#[ignore = "boots a Linux guest: ./ironwarp test --guest runs it"]
fn on_the_hardware_in_a_guest_by_vfio() {
    guest::all("sim:");
}

#[test]
#[ignore = "boots two Linux guests: ./ironwarp test --guest runs it"]
fn on_the_model_in_a_guest_with_linux_in_another() {
    guest::with_linux("model:");
}

#[test]
#[ignore = "boots two Linux guests: ./ironwarp test --guest runs it"]
fn on_the_hardware_in_a_guest_with_linux_in_another() {
    guest::with_linux("sim:");
}

#[test]
#[ignore = "boots a Linux guest: ./ironwarp test --guest runs it"]
fn killed_drivers_leave_a_model_that_works() {
    guest::killed("model:");
}

#[test]
#[ignore = "boots a Linux guest: ./ironwarp test --guest runs it"]
fn killed_drivers_leave_hardware_that_works() {
    guest::killed("sim:");
}

#[test]
#[ignore = "boots a Linux guest: ./ironwarp test --guest runs it"]
fn what_is_not_mapped_in_a_guest_ends_its_queue_pair_on_the_model() {
    guest::strays("model:");
}

#[test]
#[ignore = "boots a Linux guest: ./ironwarp test --guest runs it"]
fn what_is_not_mapped_in_a_guest_ends_its_queue_pair_on_the_hardware() {
    guest::strays("sim:");
}
