//! A device in one process and its driver in another, over vfio-user sockets.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const IRONWARP: &str = env!("CARGO_BIN_EXE_ironwarp");

/// Microseconds until the latest kill: then traffic has been running for long.
const LAST_KILL: u64 = 120_000;

/// A process that does not outlive the test.
struct Process(Child);

impl Process {
    /// Starts a command, and waits for its first line on the error output.
    fn start(args: &[&str], first: &str) -> Self {
        let mut child =
            Command::new(IRONWARP).args(args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn();
        let child = child.as_mut().map(|child| child.stderr.take()).ok().flatten().zip(child.ok());
        let (stderr, child) = child.expect("the command runs");
        let mut lines = BufReader::new(stderr).lines();
        let line = lines.next().expect("a line").expect("text");
        assert!(line.contains(first), "{line}");
        // Whatever else it says is read, so that it never waits for that.
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| eprintln!("{line}"))
        });
        Self(child)
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, unless the test has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two exported devices at the two ends of a link.
struct Pair {
    folder: TempDir,
    devices: [Process; 2],
}

impl Pair {
    fn new(kinds: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let device = |end: usize| {
            let [near, far] = [end, 1 - end].map(|end| folder.path().join(format!("link{end}")));
            let network = format!("dgram:{},{}", near.display(), far.display());
            let socket = socket(folder.path(), end);
            let socket = socket.to_str().expect("text");
            let args =
                ["export", "--vfio-user", socket, "--device", kinds[end], "--network", &network];
            Process::start(&args, "vfio-user socket")
        };
        let devices = [device(0), device(1)];
        Self { folder, devices }
    }

    fn address(&self, end: usize) -> String {
        format!("vfio-user:{}", socket(self.folder.path(), end).display())
    }

    /// Serves at end 1.
    fn serve(&self) -> Process {
        let address = self.address(1);
        let args = ["serve", "--device", &address, "--ip", "10.0.0.2/24"];
        let args = [&args[..], &["--mac", "02:49:57:00:00:02"]].concat();
        Process::start(&args, "listening on port 7174")
    }

    fn client(&self, count: &str) -> Command {
        let mut command = Command::new(IRONWARP);
        command.args(["rping", "-c", "-a", "10.0.0.2", "-v", "-V", "-S", "4096", "-C", count]);
        command.args(["--device", &self.address(0), "--ip", "10.0.0.1/24"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn ping(&self, count: usize) {
        let output = self.client(&count.to_string()).output().expect("the command runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(pings(&output), count);
    }
}

fn socket(folder: &Path, end: usize) -> PathBuf {
    folder.join(format!("rnic{end}.sock"))
}

fn pings(output: &Output) -> usize {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| line.starts_with("ping data: rdma-ping-")).count()
}

#[test]
fn drivers_use_devices_of_other_processes() {
    for kinds in [["model:", "model:"], ["sim:", "model:"], ["model:", "sim:"]] {
        let pair = Pair::new(kinds);
        let server = pair.serve();
        pair.ping(20);
        // The next client finds a device that nobody has touched.
        pair.ping(3);
        drop(server);
        let Pair { devices, .. } = pair;
        for mut device in devices {
            device.signal("-INT");
            assert!(device.0.wait().expect("an end").success(), "{kinds:?}");
        }
    }
}

/// A driver that is killed, at whatever moment, leaves a device that the next one opens, resets and
/// uses. `KILLS=200 KILL_SEED=1 cargo test --test vfio_user killed` for more moments, or others.
#[test]
fn a_killed_driver_leaves_a_device_that_works() {
    let number = |name, or| match std::env::var(name) {
        Ok(text) => text.parse::<u64>().expect(name),
        Err(_) => or,
    };
    let (kills, seed) = (number("KILLS", 16), number("KILL_SEED", 1));
    for kinds in [["model:", "model:"], ["sim:", "model:"]] {
        println!("{kinds:?}: KILLS={kills} KILL_SEED={seed} cargo test --test vfio_user killed");
        let mut random = StdRng::seed_from_u64(seed);
        let pair = Pair::new(kinds);
        let mut server = None;
        for kill in 0..kills {
            // Who was killed has said nothing to the server, which keeps a place for it.
            if kill % 20 == 0 {
                drop(server.take());
                server = Some(pair.serve());
            }
            let delay = Duration::from_micros(random.random_range(0..LAST_KILL));
            let mut client = pair.client("100000").spawn().expect("the command runs");
            sleep(delay);
            client.kill().expect("kill");
            let status = client.wait().expect("an end");
            assert_eq!(status.signal(), Some(9), "kill {kill}, after {delay:?}");
            pair.ping(2);
        }
    }
}

/// A device process that goes is an error, and soon.
#[test]
fn a_device_that_is_unplugged_is_an_error() {
    let pair = Pair::new(["model:", "model:"]);
    let _server = pair.serve();
    let client = pair.client("1000000").spawn().expect("the command runs");
    sleep(Duration::from_millis(300));
    let start = Instant::now();
    pair.devices[0].signal("-KILL");
    let output = client.wait_with_output().expect("an end");
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("cannot be reached") && errors.contains("rnic0.sock"), "{errors}");
    eprintln!("told after {:?}", start.elapsed());
}

#[test]
fn what_cannot_be_exported_or_reached_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "kept").expect("a file");
    let run = |args: &[&str]| {
        let output = Command::new(IRONWARP).args(args).output().expect("the command runs");
        assert!(!output.status.success(), "{args:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let [near, far] = ["near", "far"].map(|name| folder.path().join(name).display().to_string());
    let network = format!("dgram:{near},{far}");
    let taken = taken.to_str().expect("text");
    let error = run(&["export", "--vfio-user", taken, "--network", &network]);
    assert!(error.contains(taken) && error.contains("exists"), "{error}");
    assert_eq!(std::fs::read_to_string(taken).expect("it is there"), "kept");
    let error = run(&["export", "--vfio-user", &far, "--network", "tcp"]);
    assert!(error.contains("tcp"), "{error}");
    let error = run(&["serve", "--device", "vfio-user:/nowhere/rnic"]);
    assert!(error.contains("/nowhere/rnic"), "{error}");
}
