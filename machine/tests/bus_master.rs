//! A driver whose device is forbidden the bus for a while (PCI Express base specification,
//! s. 7.5.1.1.3, 7.7.2.2): what was posted waits, and is done afterwards.

use ironwarp_abi::registers::{MSIX_PENDING, TIME};
use ironwarp_driver::pci::PciFunction;
use ironwarp_driver::{Context, Options};
use ironwarp_machine::{DeviceKind, World, WorldOptions};
use std::time::Duration;

const COMMAND: u16 = 0x04;
const MEMORY_SPACE: u32 = 1 << 1;
const BUS_MASTER: u32 = 1 << 2;
const MSIX_ENABLE: u32 = 1 << 31;
const MSIX_MASK_ALL: u32 = 1 << 30;

/// What this build can make.
fn kinds() -> impl Iterator<Item = DeviceKind> {
    DeviceKind::ALL.into_iter().filter(|kind| cfg!(feature = "sim") || *kind != DeviceKind::Sim)
}

/// A broadcast of a host that asks for 10.0.0.1.
fn question() -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    let sender = [0x02, 0, 0, 0, 0, 0x99];
    frame.extend(sender);
    frame.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(sender);
    frame.extend([10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
    frame.resize(60, 0);
    frame
}

/// Lets a millisecond pass, a little at a time, and gives the frames that came.
fn pass(world: &World, function: &dyn PciFunction, context: Option<&Context>) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for _ in 0..20 {
        function.wait(Duration::from_micros(50)).unwrap();
        if let Some(context) = context {
            context.poll().unwrap();
        }
        frames.extend(world.received());
    }
    frames
}

fn msix(function: &dyn PciFunction) -> u16 {
    let mut at = function.config_read32(0x34).unwrap() as u16 & 0xfc;
    while at != 0 && function.config_read32(at).unwrap() & 0xff != 0x11 {
        at = (function.config_read32(at).unwrap() >> 8) as u16 & 0xfc;
    }
    at
}

#[test]
fn a_device_without_bus_mastering_waits() {
    for kind in kinds() {
        let world = World::single(kind, WorldOptions::default()).unwrap();
        let function = world.function(0).unwrap();
        let context = Context::open(function.clone(), Options::station(1)).unwrap();
        // The device has room for frames when its driver has looked after it once.
        pass(&world, &*function, Some(&context));
        world.send(question());
        assert_eq!(pass(&world, &*function, Some(&context)).len(), 1, "{kind} answers");

        // A frame comes while the device may not write it.
        function.config_write32(COMMAND, MEMORY_SPACE).unwrap();
        pass(&world, &*function, None);
        world.send(question());
        assert_eq!(pass(&world, &*function, Some(&context)), Vec::<Vec<u8>>::new(), "{kind}");
        assert_ne!(function.bar_read32(TIME.address).unwrap(), 0, "{kind} answers its host");
        function.config_write32(COMMAND, MEMORY_SPACE | BUS_MASTER).unwrap();
        assert_eq!(pass(&world, &*function, Some(&context)).len(), 1, "{kind} goes on");
    }
}

#[test]
fn interrupts_wait_while_the_function_is_masked() {
    for kind in kinds() {
        let world = World::single(kind, WorldOptions::default()).unwrap();
        let function = world.function(0).unwrap();
        let context = Context::open(function.clone(), Options::station(1)).unwrap();
        let at = msix(&*function);
        let pending = || function.bar_read32(MSIX_PENDING).unwrap();
        for forbidding in [MSIX_ENABLE | MSIX_MASK_ALL, 0] {
            pass(&world, &*function, Some(&context));
            while function.wait(Duration::ZERO).unwrap() {}
            context.arm().unwrap();
            function.config_write32(at, forbidding).unwrap();
            pass(&world, &*function, None);
            world.send(question());
            let interrupted = function.wait(Duration::from_millis(1)).unwrap();
            assert!(!interrupted && pending() != 0, "{kind}: {:#x}", pending());
            function.config_write32(at, MSIX_ENABLE).unwrap();
            assert!(function.wait(Duration::from_millis(1)).unwrap(), "{kind}");
            assert_eq!(pending(), 0, "{kind}");
        }
    }
}
