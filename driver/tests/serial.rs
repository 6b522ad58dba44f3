//! A board behind a pseudo-terminal, played by this test: what the driver does with it, and with
//! lines that have none.

use ironwarp_abi::pci::{DEVICE_ID, VENDOR_ID};
use ironwarp_abi::serial::{kind, IDENTITY, VERSION};
use ironwarp_driver::msix::INTERRUPT_ADDRESS;
use ironwarp_driver::pci::PciFunction;
use ironwarp_driver::{open, Error};
use ironwarp_root_complex::serial::{Deframer, Frame};
use ironwarp_root_complex::tlp::{Completion, Request, Status, Tlp};
use rustix::pty::{grantpt, openpt, ptsname, unlockpt, OpenptFlags};
use rustix::termios::{tcgetattr, tcsetattr, OptionalActions};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

const COMMAND: u16 = 4;
const MEMORY_AND_MASTER: u32 = 6;
/// Writing a bus address here makes the device write `STAMP` to it.
const STAMP_REGISTER: u32 = 0x40;
const STAMP: [u8; 8] = *b"IronWARP";
/// Writing the number of a vector here makes the device send its interrupt.
const INTERRUPT_REGISTER: u32 = 0x44;

/// The device's end of the line, in software.
struct Device {
    line: File,
    version: u8,
    /// Of the packets that come, this one and every so many after it get lost once.
    loses: Option<usize>,
    packets: usize,
    expected: u8,
    next: u8,
    registers: HashMap<u64, u32>,
}

/// A line with a device, and its address.
fn device(version: u8, loses: Option<usize>) -> String {
    let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&line).unwrap();
    unlockpt(&line).unwrap();
    let mut settings = tcgetattr(&line).unwrap();
    settings.make_raw();
    tcsetattr(&line, OptionalActions::Now, &settings).unwrap();
    let path = ptsname(&line, Vec::new()).unwrap().into_string().unwrap();
    // Without an open end of the driver's, reading would fail.
    let other = File::open(&path).unwrap();
    let registers = HashMap::new();
    let line = File::from(line);
    let mut device = Device { line, version, loses, packets: 0, expected: 0, next: 0, registers };
    std::thread::spawn(move || {
        device.run();
        drop(other);
    });
    format!("serial:{path}")
}

impl Device {
    fn run(&mut self) {
        let mut deframer = Deframer::default();
        let mut octets = [0; 256];
        while let Ok(count) = self.line.read(&mut octets) {
            for frame in octets[..count].iter().filter_map(|octet| deframer.push(*octet)) {
                self.take(frame);
            }
        }
    }

    fn emit(&mut self, kind: u8, sequence: u8, acknowledge: u8, detail: u8, body: Vec<u8>) {
        let mut line = b"noise".to_vec();
        Frame { kind, sequence, acknowledge, detail, body }.emit(&mut line);
        self.line.write_all(&line).unwrap();
    }

    fn send(&mut self, tlp: &Tlp) {
        let mut body = Vec::new();
        tlp.emit(&mut body);
        self.emit(kind::PACKET, self.next, self.expected, 0, body);
        self.next = self.next.wrapping_add(1);
    }

    fn take(&mut self, frame: Frame) {
        match frame.kind {
            kind::OPEN => {
                (self.expected, self.next) = (0, 0);
                let (low, high) = (frame.sequence, frame.acknowledge);
                self.emit(kind::OPENED, low, high, self.version, IDENTITY.to_vec());
            }
            kind::PACKET => {
                self.packets += 1;
                if self.loses.is_some_and(|every| self.packets % every == 0) {
                    return;
                }
                if frame.sequence == self.expected {
                    self.expected = self.expected.wrapping_add(1);
                    self.serve(Tlp::parse(&frame.body).unwrap());
                }
                self.emit(kind::ACKNOWLEDGE, 0, self.expected, 0, vec![]);
            }
            _ => {}
        }
    }

    fn serve(&mut self, tlp: Tlp) {
        match tlp {
            Tlp::Write(request, octets) => {
                let value = u32::from_le_bytes(octets.try_into().unwrap());
                self.registers.insert(request.address, value);
                let mut write = |address: u64, octets: &[u8]| {
                    let request = Request::of(0x100, 0, address, octets.len());
                    self.send(&Tlp::Write(request, octets.to_vec()));
                };
                match request.address as u32 & 0xfff {
                    STAMP_REGISTER => write(u64::from(value) << 12, &STAMP),
                    INTERRUPT_REGISTER => write(INTERRUPT_ADDRESS.into(), &value.to_le_bytes()),
                    _ => {}
                }
            }
            Tlp::Read(request) => {
                let value = self.registers.get(&request.address).copied().unwrap_or(0);
                self.send(&Tlp::Completion(Completion {
                    completer: 0x100,
                    status: Status::Success,
                    remaining: 4,
                    requester: request.requester,
                    tag: request.tag,
                    lower_address: request.address as u8 & 0x7f,
                    payload: value.to_le_bytes().to_vec(),
                }));
            }
            Tlp::Completion(_) => {}
        }
    }
}

fn works(function: &dyn PciFunction) {
    let ids = u32::from(DEVICE_ID) << 16 | u32::from(VENDOR_ID);
    assert_eq!(function.config_read32(0).unwrap(), ids);
    assert!(matches!(function.bar_read32(0), Err(Error::Bus(_))), "memory space is off");
    function.config_write32(COMMAND, MEMORY_AND_MASTER).unwrap();
    for n in 0..40 {
        function.bar_write32(0x100 + 4 * n, n ^ 0xa5).unwrap();
    }
    for n in 0..40 {
        assert_eq!(function.bar_read32(0x100 + 4 * n).unwrap(), n ^ 0xa5);
    }
    let memory = function.allocate_dma(4096).unwrap();
    let page = u32::try_from(memory.bus_address() >> 12).unwrap();
    function.bar_write32(STAMP_REGISTER, page).unwrap();
    // What the device wrote before it answers is there when the answer is.
    assert_eq!(function.bar_read32(STAMP_REGISTER).unwrap(), page);
    assert_eq!(memory.region().to_vec(0, 8).unwrap(), STAMP);
}

#[test]
fn registers_and_memory_are_reached() {
    works(&*open(&device(VERSION, None)).unwrap());
}

#[test]
fn lost_packets_are_sent_again() {
    works(&*open(&device(VERSION, Some(20))).unwrap());
}

#[test]
fn a_reset_begins_a_new_session() {
    let function = open(&device(VERSION, None)).unwrap();
    works(&*function);
    function.reset().unwrap();
    works(&*function);
}

#[test]
fn interrupts_end_waits() {
    let function = open(&device(VERSION, None)).unwrap();
    function.config_write32(COMMAND, MEMORY_AND_MASTER).unwrap();
    function.enable_interrupts(16).unwrap();
    assert!(!function.wait(Duration::from_millis(1)).unwrap(), "nothing has happened");
    function.bar_write32(INTERRUPT_REGISTER, 5).unwrap();
    assert!(function.wait(Duration::MAX).unwrap());
    assert!(function.interrupt(5).unwrap().take() && !function.interrupt(4).unwrap().take());
    assert!(!function.wait(Duration::ZERO).unwrap(), "it was told");
    // What another thread does meanwhile ends no wait, but makes the line move.
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| function.wait(Duration::MAX).unwrap());
        for n in 0..40 {
            function.bar_write32(0x100 + 4 * n, n).unwrap();
        }
        function.bar_write32(INTERRUPT_REGISTER, 7).unwrap();
        assert!(waiter.join().unwrap());
        assert!(function.interrupt(7).unwrap().take());
        let waiter = scope.spawn(|| function.wait(Duration::MAX).unwrap());
        function.rouse();
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn what_is_no_board_is_refused_with_a_reason() {
    let said = |address: &str| match open(address) {
        Ok(_) => panic!("{address} opens"),
        Err(error) => error.to_string(),
    };
    assert!(said("serial:/dev/null").contains("not a serial line"), "{}", said("serial:/dev/null"));
    assert!(said("serial:/nowhere/tty").contains("/nowhere/tty"));
    let wrong = said(&device(VERSION + 1, None));
    assert!(wrong.contains(&format!("version {}", VERSION + 1)), "{wrong}");
}

#[test]
fn a_line_has_one_user_and_then_the_next() {
    let address = device(VERSION, None);
    let first = open(&address).unwrap();
    let error = open(&address).err().map(|error| error.to_string());
    assert!(error.as_ref().is_some_and(|error| error.contains("in use")), "{error:?}");
    drop(first);
    works(&*open(&address).unwrap());
}
