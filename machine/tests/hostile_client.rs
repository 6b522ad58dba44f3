//! A client of an exported device that keeps to nothing: the next one finds the device well.

use ironwarp_abi::configuration::REFERENCE;
use ironwarp_driver::backend::VfioUser;
use ironwarp_driver::os::Region;
use ironwarp_driver::{Context, Options};
use ironwarp_machine::{DeviceKind, Export, World, WorldOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vfio_user::Client;

const CONFIGURATION: u32 = 7;
const BAR: u32 = 0;
const MSIX: u32 = 2;

/// Exports a model while `clients` come and go.
fn exported(clients: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rnic");
    let world = World::pair([DeviceKind::Model; 2], WorldOptions::default()).unwrap();
    let export = Export::new(world.function(0).unwrap(), &REFERENCE, &path).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                export.pump(Duration::from_millis(1)).unwrap();
                std::thread::sleep(Duration::from_micros(100));
            }
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| clients(&path)));
        done.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// The device can be opened, and has memory.
fn is_well(path: &Path) {
    let function = VfioUser::open(path.to_str().unwrap()).unwrap();
    let context = Context::open(function, Options::station(1)).unwrap();
    let domain = context.protection_domain().unwrap();
    let region = Region::new(5000).unwrap();
    domain.register(&region, ironwarp_driver::Access::REMOTE).unwrap();
}

#[test]
fn reads_and_writes_beyond_a_region_lead_nowhere() {
    exported(|path| {
        let mut client = Client::new(path).unwrap();
        for region in [CONFIGURATION, BAR, 1, 8] {
            for offset in [4094, 1 << 40, u64::MAX - 3, u64::MAX] {
                let mut octets = [0; 8];
                client.region_read(region, offset, &mut octets).unwrap();
                if offset > 4094 {
                    assert_eq!(octets, [0xff; 8], "region {region} at {offset:#x}");
                }
                client.region_write(region, offset, &[0; 7]).unwrap();
            }
        }
        drop(client);
        is_well(path);
    });
}

/// A message that says less than it is: the library gives up, and the next client is served.
#[test]
fn messages_that_are_none_end_their_client_alone() {
    exported(|path| {
        // Number, command 1 (version), size, flags, error; then octets without an end.
        let version = |size: u32, data: &[u8]| {
            let header = [1_u16.to_ne_bytes(), 1_u16.to_ne_bytes()].concat();
            [&header[..], &size.to_ne_bytes(), &[0; 8], data].concat()
        };
        let bad = [
            version(24, b"\0\0\x01\0{}{}"),
            version(3, b""),
            version(20, b"\0\0\x01\0"),
            vec![0xff; 64],
        ];
        for message in bad {
            let mut stream = UnixStream::connect(path).unwrap();
            stream.write_all(&message).unwrap();
            drop(stream);
            std::thread::sleep(Duration::from_millis(20));
            is_well(path);
        }
    });
}

#[test]
fn memory_and_interrupts_that_make_no_sense_are_refused() {
    exported(|path| {
        let mut client = Client::new(path).unwrap();
        let region = Region::new(1 << 16).unwrap();
        let file = region.file().unwrap().0.as_raw_fd();
        // The library's client does not look at what the answer says.
        for (offset, address, size) in [
            (0x800, 0x1000, 0x1000),
            (0, 0x1001, 0x1000),
            (0, 0x1000, 0x1001),
            (0, u64::MAX - 0xfff, 0x2000),
            (1 << 40, 0x1000, 0x1000),
        ] {
            let _ = client.dma_map(offset, address, size, file);
        }
        // A pipe that is full, as an interrupt: nobody may wait for its reader.
        let (reader, mut writer) = std::io::pipe().unwrap();
        let full = vec![0; 1 << 16];
        writer.write_all(&full).unwrap();
        let fds = [reader.as_raw_fd(), writer.as_raw_fd()];
        let flags = 1 << 2 | 1 << 5;
        let _ = client.set_irqs(MSIX, flags, 0, 2, &fds);
        let _ = client.set_irqs(MSIX, flags, 1000, 2, &fds);
        drop(client);
        is_well(path);
    });
}
