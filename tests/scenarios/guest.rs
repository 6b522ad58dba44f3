//! A guest whose PCI function is a device of ours: QEMU with an emulated IOMMU, and a stock kernel.

use crate::exported;
use crate::linux::{Guest, Report};
use crate::list::{Scenario, Server, ALL, INSIDE, LISTENING, OUTSIDE};
use crate::process::Process;
use crate::run::{ends_well, file, guest_folder, guest_scripts, inside_address, Link, LIMIT};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Boots, loads its modules and binds the card.
const BOOT: Duration = Duration::from_secs(120);
const MEMORY: &str = "768M";
/// Round trips between two guests.
const PINGS: usize = 100;

/// Runs all scenarios on an exported device as the guest's card.
pub fn all(kind: &str) {
    let name = file().file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let words = |it: &Scenario| it.inside.replace("FILE", name).replace("NEW", "/new");
    let steps: Vec<_> = ALL.iter().map(words).collect();
    in_a_guest(kind, &steps, |link, guest| {
        for (number, scenario) in ALL.iter().enumerate() {
            println!("{}", scenario.name);
            step(link, guest, number, scenario)
                .map_err(|why| format!("{}: {why}", scenario.name))?;
        }
        Ok(())
    });
}

/// Two guests ping each other: rping of ours on our card in one, rdma-core's on Linux's own
/// software RNIC in the other, in both roles.
pub fn with_linux(kind: &str) {
    let load = format!("-C {PINGS} -S 4096 -V -v");
    let ours = [
        format!("rping -c -a {OUTSIDE} {load} --settle 20"),
        format!("rping -s -a {INSIDE} {load} -d"),
    ];
    in_a_guest(kind, &ours, |link, guest| {
        let sockets = (link.path("outside"), link.path("inside"));
        let linux = |peer, rping: &str| {
            let link = (&*sockets.0, &*sockets.1);
            Guest { address: OUTSIDE, peer, rping, link, capture: None }.start("Linux")
        };
        println!("Linux serves");
        guest.wait_for("guest: step 0", BOOT)?;
        let mut server = linux(None, &format!("-s -a {OUTSIDE} {load}"))?;
        server.wait_for("guest: listening", BOOT)?;
        guest.tell("")?;
        guest.wait_for("guest: status 0 0", LIMIT)?;
        all_pings(server)?;
        println!("Linux asks");
        guest.wait_for("guest: step 1", BOOT)?;
        guest.tell("")?;
        guest.wait_for(LISTENING, LIMIT)?;
        let client = linux(Some(INSIDE), &format!("-c -a {INSIDE} {load}"))?;
        guest.wait_for("guest: status 1 0", LIMIT)?;
        all_pings(client)
    });
}

/// Linux's end has seen every ping.
fn all_pings(mut linux: Process) -> Result<(), String> {
    let end = linux.wait(LIMIT);
    let said = linux.stop();
    let report = Report::read(&said);
    match report.pings {
        PINGS => end.map(|_| ()),
        pings => Err(format!("Linux: {pings} of {PINGS} pings; {}", report.remarks.join("; "))),
    }
}

/// Boots a guest with an exported device as its card, where `ironwarp` runs with the words of each
/// step, and does what there is to do outside of it.
fn in_a_guest(
    kind: &str,
    steps: &[String],
    outside: impl FnOnce(&Link, &mut Process) -> Result<(), String>,
) {
    let link = Link::new();
    let (_device, socket) = exported(&link, kind);
    let mut guest = start(&link, &socket, steps).unwrap_or_else(|why| panic!("{why}"));
    let outcome = outside(&link, &mut guest);
    let outcome = outcome.and_then(|()| guest.wait_for("guest: done", LIMIT));
    let console = guest.stop();
    console.iter().filter(|line| line.contains("guest: ")).for_each(|line| println!("{line}"));
    if let Err(why) = outcome {
        panic!("{why}; the console:\n{}", console.join("\n"));
    }
}

fn step(
    link: &Link,
    guest: &mut Process,
    number: usize,
    scenario: &Scenario,
) -> Result<(), String> {
    guest.wait_for(&format!("guest: step {number}"), BOOT)?;
    let outside = match scenario.server {
        Server::Outside => {
            let mut outside = link.outside(scenario)?;
            outside.wait_for(LISTENING, LIMIT)?;
            guest.tell("")?;
            outside
        }
        Server::Inside => {
            guest.tell("")?;
            guest.wait_for(LISTENING, LIMIT)?;
            link.outside(scenario)?
        }
    };
    let outside = ends_well(outside);
    // If it says another status, that is not found; and what the peer said is as good.
    guest.wait_for(&format!("guest: status {number} 0"), Duration::from_secs(30))?;
    outside
}

/// Boots it with the device behind a socket as its card. Its console is the process's output.
fn start(link: &Link, socket: &str, steps: &[String]) -> Result<Process, String> {
    let initramfs = link.path("initramfs");
    make_initramfs(link, steps, &initramfs)?;
    let card = format!(
        "{{\"driver\":\"vfio-user-pci\",\"socket\":{{\"path\":\"{socket}\",\"type\":\"unix\"}},\
         \"x-msg-timeout\":60000}}"
    );
    let memory = format!("memory-backend-memfd,id=memory,size={MEMORY},share=on");
    let mut qemu = Command::new(guest_folder().join("qemu"));
    qemu.args(["-accel", "tcg", "-cpu", "max", "-nodefaults", "-no-reboot", "-display", "none"])
        .args(["-M", "q35", "-m", MEMORY, "-object", &memory, "-machine", "memory-backend=memory"])
        .args(["-device", "intel-iommu,caching-mode=on,intremap=on", "-serial", "stdio"])
        .args(["-device", &card, "-append"])
        // On a busy machine the kernel takes its timer for broken, and gives up.
        .arg("console=ttyS0 quiet panic=-1 no_timer_check rdinit=/card/init intel_iommu=on")
        .arg("-kernel")
        .arg(guest_folder().join("vmlinuz"))
        .arg("-initrd")
        .arg(initramfs);
    Process::start("the guest", &mut qemu)
}

/// The guest's files, with the steps that it is to do.
fn make_initramfs(link: &Link, steps: &[String], initramfs: &Path) -> Result<(), String> {
    let device = inside_address().join(" ");
    let line = |words: &String| format!("{words} --device vfio:CARD {device}\n");
    let list = link.path("steps");
    let failed = |why: std::io::Error| format!("the guest's files: {why}");
    std::fs::write(&list, steps.iter().map(line).collect::<String>()).map_err(failed)?;
    let output = std::fs::File::create(initramfs).map_err(failed)?;
    let made = Command::new(guest_scripts().join("card.sh"))
        .arg(guest_folder())
        .arg(env!("CARGO_BIN_EXE_ironwarp"))
        .arg(&list)
        .arg(file())
        .stdout(output)
        .status()
        .map_err(failed)?;
    match made.success() {
        true => Ok(()),
        false => Err(format!("the guest's files: card.sh {made}")),
    }
}
