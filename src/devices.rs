//! `ironwarp devices`, `bind` and `unbind`: the PCI functions of this machine, and who has them.

use clap::Args;
use ironwarp_abi::pci::{DEVICE_ID, VENDOR_ID};
use ironwarp_driver::backend::{PciBus, PciDevice};
use ironwarp_driver::{Address, Error};
use std::io::Write;

/// List the RNICs of this machine.
#[derive(Args, Clone, Debug)]
pub struct Devices {
    /// Every PCI function, not only RNICs
    #[arg(long)]
    all: bool,
}

/// A PCI function to change.
#[derive(Args, Clone, Debug)]
pub struct Function {
    /// Domain, bus, device and function, such as 0000:01:00.0, as `ironwarp devices` shows it
    #[arg(value_parser = function)]
    address: String,
}

/// Reads `0000:01:00.0`, with or without `vfio:` before it.
fn function(text: &str) -> Result<String, String> {
    let address = text.strip_prefix("vfio:").unwrap_or(text);
    match format!("vfio:{address}").parse() {
        Ok(Address::Vfio(address)) => Ok(address),
        _ => Err("a PCI function looks like 0000:01:00.0".into()),
    }
}

fn is_ours(device: &PciDevice) -> bool {
    (device.vendor, device.device) == (VENDOR_ID, DEVICE_ID)
}

/// Lists functions, one a line.
///
/// # Errors
/// The machine does not show its PCI functions.
pub fn list(command: &Devices) -> Result<(), Error> {
    let devices = PciBus::default().devices()?;
    let mut shown = devices.iter().filter(|device| command.all || is_ours(device)).peekable();
    if shown.peek().is_none() {
        eprintln!("no RNIC among {} PCI functions", devices.len());
    }
    let mut out = std::io::stdout().lock();
    for device in shown {
        // Whoever reads no further has enough.
        if writeln!(out, "{device}").is_err() {
            break;
        }
    }
    Ok(())
}

/// Gives a function to processes.
///
/// # Errors
/// It is not there, there is no IOMMU, or this user may not.
pub fn bind(function: &Function) -> Result<(), Error> {
    println!("{}", PciBus::default().bind(&function.address)?);
    Ok(())
}

/// Gives a function back to the kernel.
///
/// # Errors
/// As [`bind`].
pub fn unbind(function: &Function) -> Result<(), Error> {
    println!("{}", PciBus::default().unbind(&function.address)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_read_or_refused() {
        for text in ["0000:01:00.0", "vfio:0000:01:00.0"] {
            assert_eq!(function(text).as_deref(), Ok("0000:01:00.0"));
        }
        for bad in ["", "01:00.0", "sim:", "../0000:01:00.0"] {
            assert!(function(bad).is_err(), "{bad}");
        }
    }
}
