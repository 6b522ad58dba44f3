//! The Linux guest: QEMU, the link that is its network card, and what its console says.

use crate::process::Process;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seconds that rping gets in the guest.
const RPING_SECONDS: u32 = 90;

/// What `testbench/guest/make.sh` made.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/guest")
}

/// Which kernel, siw and rping are used.
#[allow(dead_code, reason = "not every test that shares this file says so")]
pub fn about() -> String {
    let about = std::fs::read_to_string(folder().join("about"));
    let about = about.expect("there is no guest yet: ./ironwarp test --interop makes it");
    format!("Linux {}", about.trim_end())
}

/// How a guest is to be started.
pub struct Guest<'a> {
    /// Its address, without prefix length.
    pub address: &'a str,
    /// Whom it pings first, if it is a client.
    pub peer: Option<&'a str>,
    /// The arguments of rping.
    pub rping: &'a str,
    /// The socket of its end of the link, and that of the other end.
    pub link: (&'a Path, &'a Path),
    /// Gets every frame of the link.
    pub capture: Option<&'a Path>,
}

impl Guest<'_> {
    /// Boots it. Its console is the process's output.
    pub fn start(&self, name: &'static str) -> Result<Process, String> {
        let (local, remote) = (self.link.0.display(), self.link.1.display());
        let network = format!(
            "dgram,id=link,local.type=unix,local.path={local},\
             remote.type=unix,remote.path={remote}"
        );
        // The last octet of the address makes the hardware address different.
        let host: u8 = self.address.rsplit('.').next().and_then(|n| n.parse().ok()).unwrap_or(1);
        let card = format!("virtio-net-pci,netdev=link,romfile=,mac=02:00:00:00:01:{host:02x}");
        // A newer one, where it was fetched.
        let fetched = folder().join("qemu");
        let mut qemu = match fetched.exists() {
            true => Command::new(fetched),
            false => Command::new("qemu-system-x86_64"),
        };
        qemu.args(["-accel", "tcg", "-cpu", "max", "-m", "256", "-nodefaults", "-no-reboot"])
            .args(["-display", "none", "-serial", "stdio", "-netdev", &network, "-device", &card])
            .args(["-append", &self.arguments()])
            .arg("-kernel")
            .arg(folder().join("vmlinuz"))
            .arg("-initrd")
            .arg(folder().join("initramfs"));
        if let Some(capture) = self.capture {
            let file = capture.display();
            qemu.args(["-object", &format!("filter-dump,id=dump,netdev=link,file={file}")]);
        }
        Process::start(name, &mut qemu)
    }

    /// The kernel's command line: what it does not know becomes `init.sh`'s environment.
    fn arguments(&self) -> String {
        let peer = self.peer.map(|peer| format!(" PEER={peer}")).unwrap_or_default();
        format!(
            "console=ttyS0 quiet panic=-1 no_timer_check rdinit=/init ADDRESS={}/24 \
             LIMIT={RPING_SECONDS}{peer} RPING=\"{}\"",
            self.address, self.rping
        )
    }
}

/// What rping says when a thread of its own still waits for connection events while another one
/// ends the process.
const CLOSED_BELOW: &str = "rping: rdma_get_cm_event: Bad file descriptor";

/// What the console says of rping.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Its exit status, which is 0 even after failures.
    pub status: Option<i32>,
    /// The different pings whose data it printed.
    pub pings: usize,
    /// What else it, siw or `init.sh` complained of.
    pub remarks: Vec<String>,
}

impl Report {
    /// rping has ended by itself, and has nothing to say against it. When all is done, its first
    /// thread closes the channel of connection events, and the one that reads it may end the
    /// process with `exit(-1)` before the first one does with 0 (rdma-core's rping.c, `cm_thread`).
    #[allow(dead_code, reason = "not every test that shares this file asks")]
    pub fn ended(&self) -> bool {
        let closed_below = || self.remarks.iter().any(|remark| remark == CLOSED_BELOW);
        self.status == Some(0) || self.status == Some(255) && closed_below()
    }

    /// Reads the lines that `init.sh` marks.
    pub fn read(console: &[String]) -> Self {
        let mut report = Self::default();
        for line in console {
            let Some((_, said)) = line.split_once("guest: ") else { continue };
            match said.split_once(' ') {
                Some(("status", number)) => report.status = number.parse().ok(),
                Some(("pings", number)) => report.pings = number.parse().unwrap_or(0),
                Some(("failed:" | "rping:" | "kernel:", _)) => report.remarks.push(said.to_owned()),
                _ => {}
            }
        }
        report
    }
}

#[test]
fn a_console_is_understood() {
    let console = "SeaBIOS\u{1b}[2J\nguest: up: 6.1.0, siw on 10.0.0.1/24\nguest: listening\n\
        guest: status 0\nguest: pings 100\nguest: rping: wait for RDMA_READ_ADV state 10\n\
        [    2.3] reboot: Power down";
    let lines: Vec<String> = console.lines().map(str::to_owned).collect();
    let report = Report::read(&lines);
    let remarks = vec!["rping: wait for RDMA_READ_ADV state 10".to_owned()];
    assert_eq!(report, Report { status: Some(0), pings: 100, remarks });
    assert_eq!(Report::read(&lines[..2]), Report::default());
    assert!(report.ended() && !Report::default().ended());
}

#[test]
fn the_end_of_rping_has_two_statuses() {
    let read = |text: &str| Report::read(&text.lines().map(str::to_owned).collect::<Vec<_>>());
    let closed_below = "guest: status 255\nguest: rping: rdma_get_cm_event: Bad file descriptor";
    assert!(read(closed_below).ended());
    assert!(!read("guest: status 255\nguest: rping: wait for CONNECTED state 10").ended());
    let killed = closed_below.replace("255", "143");
    assert!(!read(&killed).ended(), "its time was up");
}

#[test]
fn the_kernel_gets_rpings_arguments_as_one_word() {
    let nowhere = Path::new("socket");
    let link = (nowhere, nowhere);
    let guest = Guest { address: "10.0.0.1", peer: None, rping: "-s -v", link, capture: None };
    assert!(guest.arguments().ends_with("ADDRESS=10.0.0.1/24 LIMIT=90 RPING=\"-s -v\""));
}
