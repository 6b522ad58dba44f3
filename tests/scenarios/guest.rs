//! A guest whose PCI function is a device of ours: QEMU with an emulated IOMMU, and a stock kernel.

use crate::exported;
use crate::linux::{Guest, Report};
use crate::list::{Scenario, Server, ALL, INSIDE, LISTENING, OUTSIDE};
use crate::process::Process;
use crate::run::{ends_well, file, guest_folder, guest_scripts, inside_address, Link, LIMIT};
use crate::stray;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Boots, loads its modules and binds the card.
const BOOT: Duration = Duration::from_secs(120);
const MEMORY: &str = "768M";
/// Round trips between two guests.
const PINGS: usize = 100;
/// Drivers that are killed in a guest, and one more, in whose time the last of them is missed.
const KILLS: usize = 10;
/// Until the latest kill, when it is known that the one before it is dead.
const LAST_KILL: Duration = Duration::from_millis(500);
/// What a shell says of a process that was killed.
const KILLED: i32 = 128 + 9;

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

/// A queue pair of the guest's whose memory the IOMMU does not let the device reach, and one of the
/// same process that goes on.
pub fn strays(kind: &str) {
    in_a_guest(kind, &[stray::STEP.to_owned()], |link, guest| {
        let network = link.network(false);
        let outside = std::thread::spawn(move || stray::outside(&network));
        guest.wait_for("guest: step 0", BOOT)?;
        guest.tell("")?;
        guest.wait_for(stray::ENDED, LIMIT)?;
        guest.wait_for("guest: status 0 0", LIMIT)?;
        outside.join().map_err(|_| "the peer: see above".to_owned())
    });
}

/// Drivers that are killed in the guest, at seeded moments of their traffic: after each, the next
/// one opens the device, which is reset, and uses it; and the peer outside lets go of the dead.
/// `KILL_SEED=2` for other moments.
pub fn killed(kind: &str) {
    let seed = std::env::var("KILL_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    println!("KILL_SEED={seed} ./ironwarp test --guest killed");
    let mut random = StdRng::seed_from_u64(seed);
    let ping = |count: usize| format!("rping -c -a {OUTSIDE} -v -V -S 4096 -C {count}");
    let mut steps: Vec<_> = (0..=KILLS)
        .map(|_| random.random_range(Duration::ZERO..LAST_KILL).as_micros())
        .map(|after| format!("kill {after} {}", ping(1_000_000)))
        .collect();
    steps.push(ping(3));
    in_a_guest(kind, &steps, |link, guest| {
        let mut server = link.outside("serve --keep-alive 1")?;
        server.wait_for(LISTENING, LIMIT)?;
        for step in 0..=KILLS {
            guest.wait_for(&format!("guest: step {step}"), BOOT)?;
            guest.tell("")?;
            guest.wait_for("guest: works", LIMIT)?;
            // Whoever is there says that it knows nothing of the one before.
            if step > 0 {
                server.wait_for("ended after", LIMIT)?;
            }
            guest.tell("")?;
            guest.wait_for(&format!("guest: status {step} {KILLED}"), LIMIT)?;
        }
        guest.wait_for(&format!("guest: step {}", KILLS + 1), BOOT)?;
        guest.tell("")?;
        guest.wait_for(&format!("guest: status {} 0", KILLS + 1), LIMIT)?;
        let said = server.stop();
        said.iter().filter(|line| line.contains("ended after")).for_each(|line| println!("{line}"));
        Ok(())
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
            let mut outside = link.outside(scenario.outside)?;
            outside.wait_for(LISTENING, LIMIT)?;
            guest.tell("")?;
            outside
        }
        Server::Inside => {
            guest.tell("")?;
            guest.wait_for(LISTENING, LIMIT)?;
            link.outside(scenario.outside)?
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
    let line = |words: &String| match words.starts_with("test ") {
        true => format!("{words}\n"),
        false => format!("{words} --device vfio:CARD {device}\n"),
    };
    let list = link.path("steps");
    let failed = |why: std::io::Error| format!("the guest's files: {why}");
    std::fs::write(&list, steps.iter().map(line).collect::<String>()).map_err(failed)?;
    let test = link.path("test");
    let own = std::env::current_exe().map_err(failed)?;
    std::fs::copy(own, &test).map_err(failed)?;
    let output = std::fs::File::create(initramfs).map_err(failed)?;
    let made = Command::new(guest_scripts().join("card.sh"))
        .arg(guest_folder())
        .arg(env!("CARGO_BIN_EXE_ironwarp"))
        .arg(&list)
        .arg(file())
        .arg(&test)
        .stdout(output)
        .status()
        .map_err(failed)?;
    match made.success() {
        true => Ok(()),
        false => Err(format!("the guest's files: card.sh {made}")),
    }
}
