//! A guest whose PCI function is a device of ours: QEMU with an emulated IOMMU, and a stock kernel.

use crate::exported;
use crate::list::{Scenario, Server, ALL, LISTENING};
use crate::process::Process;
use crate::run::{ends_well, file, guest_folder, guest_scripts, inside_address, Link, LIMIT};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Boots, loads its modules and binds the card.
const BOOT: Duration = Duration::from_secs(120);
const MEMORY: &str = "768M";

/// Runs all scenarios on an exported device as the guest's card.
pub fn all(kind: &str) {
    let link = Link::new();
    let (_device, socket) = exported(&link, kind);
    let mut guest = start(&link, &socket).unwrap_or_else(|why| panic!("{why}"));
    let mut outcome = Ok(());
    for (number, scenario) in ALL.iter().enumerate() {
        println!("{}", scenario.name);
        outcome = step(&link, &mut guest, number, scenario)
            .map_err(|why| format!("{}: {why}", scenario.name));
        if outcome.is_err() {
            break;
        }
    }
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
fn start(link: &Link, socket: &str) -> Result<Process, String> {
    let initramfs = link.path("initramfs");
    make_initramfs(link, &initramfs)?;
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
        .arg("console=ttyS0 quiet panic=-1 rdinit=/card/init intel_iommu=on")
        .arg("-kernel")
        .arg(guest_folder().join("vmlinuz"))
        .arg("-initrd")
        .arg(initramfs);
    Process::start("the guest", &mut qemu)
}

/// The guest's files, with the steps that it is to do.
fn make_initramfs(link: &Link, initramfs: &Path) -> Result<(), String> {
    let name = file().file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let device = inside_address().join(" ");
    let line = |scenario: &Scenario| {
        let words = scenario.inside.replace("FILE", name).replace("NEW", "/new");
        format!("{words} --device vfio:CARD {device}\n")
    };
    let steps = link.path("steps");
    let text: String = ALL.iter().map(line).collect();
    let failed = |why: std::io::Error| format!("the guest's files: {why}");
    std::fs::write(&steps, text).map_err(failed)?;
    let output = std::fs::File::create(initramfs).map_err(failed)?;
    let made = Command::new(guest_scripts().join("card.sh"))
        .arg(guest_folder())
        .arg(env!("CARGO_BIN_EXE_ironwarp"))
        .arg(&steps)
        .arg(file())
        .stdout(output)
        .status()
        .map_err(failed)?;
    if made.success() {
        Ok(())
    } else {
        Err(format!("the guest's files: card.sh {made}"))
    }
}
