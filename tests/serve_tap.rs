//! `ironwarp serve` on a TAP interface, in a network namespace of its own: the kernel's ping and a
//! plain TCP client of the kernel.

use ironwarp_machine::DeviceKind;
use std::path::Path;
use std::process::Command;

/// Arguments: the command, the kind of device, a file for what it says.
const SCRIPT: &str = r"
set -e
$1 serve --device $2 --network tap:iwarp0 --ip 10.9.0.2/24 2>$3 &
serve=$!
until grep -q listening $3; do sleep 0.1; done
ip address add 10.9.0.1/24 dev iwarp0
ip link set iwarp0 up
if command -v ping >/dev/null; then ping -c 3 -W 20 10.9.0.2; else echo 'no ping here'; fi
exec 3<>/dev/tcp/10.9.0.2/7174
printf 'GET / HTTP/1.0\r\n\r\n%040d' 0 >&3
cat <&3 2>/dev/null || true
until grep -q nothing $3; do sleep 0.1; done
kill -INT $serve
wait $serve
";

/// Why this machine cannot run it, if it cannot.
fn obstacle() -> Option<&'static str> {
    let says = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output();
        output.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if says("id", "-u").as_deref() != Some("0") {
        return Some("not root");
    }
    if says("ip", "-V").is_none() {
        return Some("no ip");
    }
    if !Path::new("/dev/net/tun").exists() {
        return Some("no TAP interfaces");
    }
    let namespace = Command::new("unshare").args(["-n", "true"]).status();
    (!namespace.is_ok_and(|status| status.success())).then_some("no network namespaces")
}

#[test]
fn the_kernel_pings_and_connects() {
    if let Some(obstacle) = obstacle() {
        println!("skipped: {obstacle}");
        return;
    }
    for kind in DeviceKind::ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let said = folder.path().join("stderr");
        let output = Command::new("timeout")
            .args(["300", "unshare", "-n", "bash", "-c", SCRIPT, "tap"])
            .args([env!("CARGO_BIN_EXE_ironwarp"), kind.name()])
            .arg(&said)
            .output()
            .expect("bash runs");
        let said = std::fs::read_to_string(&said).unwrap_or_default();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{kind}: {errors}\n{said}");
        println!("{kind} {}", String::from_utf8_lossy(&output.stdout));
        let lines: Vec<_> = said.lines().collect();
        let [listening, garbage, summary] = lines[..] else { panic!("{said}") };
        assert_eq!(listening, format!("{kind} on tap:iwarp0, 10.9.0.2/24: listening on port 7174"));
        assert!(garbage.contains("does not begin with MPA's key"), "{garbage}");
        assert_eq!(summary, "served 0 pings of 0 clients, 1 connections failed");
    }
}
