//! PCI functions as Linux shows them in `/sys`, and who drives them.

use crate::error::Error;
use pci_driver::config::caps::{MsiXCapability, PciExpressCapability};
use pci_driver::config::PciConfig;
use pci_driver::regions::{BackedByPciSubregion, PciMemoryRegion, PciRegion};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The kernel's driver that gives functions to processes.
pub const VFIO_PCI: &str = "vfio-pci";

/// A PCI function of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PciDevice {
    /// Domain, bus, device and function, such as `0000:01:00.0`.
    pub address: String,
    /// The vendor's number.
    pub vendor: u16,
    /// The vendor's number for the device.
    pub device: u16,
    /// The kernel's driver that it is bound to.
    pub driver: Option<String>,
    /// The IOMMU group; none if no IOMMU stands between the function and memory.
    pub group: Option<u32>,
    /// Interrupts that it can have (MSI-X); zero where configuration space does not say.
    pub vectors: u16,
    /// It can be reset by itself (function-level reset).
    pub resets: bool,
}

impl fmt::Display for PciDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, vendor, device, driver, group, vectors, resets } = self;
        write!(f, "{address} {vendor:04x}:{device:04x}")?;
        match driver {
            Some(driver) => write!(f, ", bound to {driver}")?,
            None => write!(f, ", bound to no driver")?,
        }
        match group {
            Some(group) => write!(f, ", IOMMU group {group}")?,
            None => write!(f, ", no IOMMU")?,
        }
        let resets = if *resets { "" } else { ", no function-level reset" };
        write!(f, ", {vectors} interrupts{resets}")
    }
}

/// The PCI buses of a machine.
#[derive(Clone, Debug)]
pub struct PciBus {
    root: PathBuf,
}

impl Default for PciBus {
    /// This machine's.
    fn default() -> Self {
        Self::at("/sys")
    }
}

/// What a file of one line says.
fn line(path: &Path) -> io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}

/// The last part of what a link points to.
fn target(link: &Path) -> Option<String> {
    Some(link.read_link().ok()?.file_name()?.to_string_lossy().into_owned())
}

impl PciBus {
    /// Those whose `/sys` is at `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn devices_folder(&self) -> PathBuf {
        self.root.join("bus/pci/devices")
    }

    /// The folder of a function.
    pub fn folder(&self, address: &str) -> PathBuf {
        self.devices_folder().join(address)
    }

    /// All functions, in the order of their addresses.
    ///
    /// # Errors
    /// [`Error::File`] if the machine does not show its PCI functions.
    pub fn devices(&self) -> Result<Vec<PciDevice>, Error> {
        let folder = self.devices_folder();
        let entries =
            folder.read_dir().map_err(|source| Error::File { path: folder.clone(), source })?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        // One that is unplugged meanwhile is none.
        let mut devices: Vec<_> = names.filter_map(|name| self.device(&name).ok()).collect();
        devices.sort_by(|a, b| a.address.cmp(&b.address));
        Ok(devices)
    }

    /// A function.
    ///
    /// # Errors
    /// [`Error::Vfio`] if there is none at this address.
    pub fn device(&self, address: &str) -> Result<PciDevice, Error> {
        let folder = self.folder(address);
        if !folder.is_dir() {
            return Err(Error::vfio(
                address,
                "there is no such PCI function",
                "`ironwarp devices --all` lists those that there are",
            ));
        }
        let number = |file: &str| {
            let path = folder.join(file);
            let text = line(&path).map_err(|source| Error::File { path: path.clone(), source })?;
            let digits = text.trim_start_matches("0x");
            u16::from_str_radix(digits, 16).map_err(|why| Error::File {
                path,
                source: io::Error::new(io::ErrorKind::InvalidData, why),
            })
        };
        // Without root only the first 64 octets are shown: no capabilities then.
        let configuration = std::fs::read(folder.join("config")).unwrap_or_default();
        let (vectors, resets) = capabilities(&configuration).unwrap_or_default();
        Ok(PciDevice {
            address: address.to_owned(),
            vendor: number("vendor")?,
            device: number("device")?,
            driver: target(&folder.join("driver")),
            group: target(&folder.join("iommu_group")).and_then(|group| group.parse().ok()),
            vectors,
            resets,
        })
    }

    /// Functions of the same IOMMU group that keep it from being given away: a driver of the
    /// kernel's has them.
    pub fn in_the_way(&self, address: &str) -> Vec<PciDevice> {
        let Ok(entries) = self.folder(address).join("iommu_group/devices").read_dir() else {
            return Vec::new();
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let others = names.filter(|name| name != address);
        // Bridges stay with their own driver.
        let harmless = [VFIO_PCI, "vfio-pci-core", "pci-stub", "pcieport"];
        let blocks = |device: &PciDevice| {
            device.driver.as_ref().is_some_and(|driver| !harmless.contains(&driver.as_str()))
        };
        others.filter_map(|name| self.device(&name).ok()).filter(blocks).collect()
    }

    /// Gives a function to processes: `vfio-pci` drives it from now on, until the machine starts
    /// again or [`PciBus::unbind`].
    ///
    /// # Errors
    /// [`Error::Vfio`] if there is no such function or no IOMMU, or the kernel lacks `vfio-pci`;
    /// [`Error::File`] if this process may not.
    pub fn bind(&self, address: &str) -> Result<PciDevice, Error> {
        let device = self.device(address)?;
        if device.driver.as_deref() == Some(VFIO_PCI) {
            return Ok(device);
        }
        if device.group.is_none() {
            return Err(Error::no_iommu(address));
        }
        let driver = self.root.join("bus/pci/drivers").join(VFIO_PCI);
        if !driver.is_dir() {
            // It may be a module that nobody has loaded yet.
            let loaded = std::process::Command::new("modprobe").arg(VFIO_PCI).status();
            if !loaded.is_ok_and(|status| status.success()) || !driver.is_dir() {
                return Err(Error::vfio(
                    address,
                    "the kernel has no driver vfio-pci",
                    "`modprobe vfio-pci` as root, or a kernel that has it (CONFIG_VFIO_PCI)",
                ));
            }
        }
        self.drive(address, Some(VFIO_PCI))
    }

    /// Gives a function back to the kernel's own driver for it, if there is one.
    ///
    /// # Errors
    /// As [`PciBus::bind`].
    pub fn unbind(&self, address: &str) -> Result<PciDevice, Error> {
        match self.device(address)? {
            // Whatever else drives it is the kernel's own.
            device if device.driver.as_ref().is_some_and(|driver| driver != VFIO_PCI) => Ok(device),
            _ => self.drive(address, None),
        }
    }

    /// Changes the driver: that of this name, or whichever the kernel chooses.
    fn drive(&self, address: &str, driver: Option<&str>) -> Result<PciDevice, Error> {
        let folder = self.folder(address);
        let write = |path: PathBuf, text: &str| {
            std::fs::write(&path, text).map_err(|source| Error::File { path, source })
        };
        // An empty line ends an override.
        write(folder.join("driver_override"), &format!("{}\n", driver.unwrap_or_default()))?;
        if folder.join("driver").exists() {
            write(folder.join("driver/unbind"), address)?;
        }
        write(self.root.join("bus/pci/drivers_probe"), address)?;
        let device = self.device(address)?;
        match driver {
            Some(driver) if device.driver.as_deref() != Some(driver) => {
                // Whoever had it gets it back.
                self.drive(address, None)?;
                Err(Error::vfio(
                    address,
                    "the kernel did not bind it to vfio-pci",
                    "its log (dmesg) says why",
                ))
            }
            _ => Ok(device),
        }
    }
}

/// The number of interrupts, and whether the function can be reset by itself.
fn capabilities(configuration: &[u8]) -> io::Result<(u16, bool)> {
    let region = PciMemoryRegion::new(configuration);
    let capabilities = PciConfig::backed_by(&region).capabilities()?;
    let mut vectors = 0;
    if let Some(msix) = capabilities.of_type::<MsiXCapability>()?.next() {
        // The message control register: the table's size less one.
        vectors = (msix.read_le_u16(2)? & 0x7ff) + 1;
    }
    let resets = match capabilities.of_type::<PciExpressCapability>()?.next() {
        Some(express) => express.device_capabilities().function_level_reset_capability().read()?,
        None => false,
    };
    Ok((vectors, resets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::configuration::REFERENCE;
    use ironwarp_abi::pci::{DEVICE_ID, VENDOR_ID};
    use ironwarp_root_complex::config_space::ConfigSpace;
    use std::os::unix::fs::symlink;

    /// A `/sys` with one IronWARP device and a network card in its group. Nobody behind the files
    /// does anything.
    fn machine(configuration: &[u8]) -> (tempfile::TempDir, PciBus) {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let functions =
            [("0000:01:00.0", VENDOR_ID, None), ("0000:01:00.1", 0x8086, Some("e1000"))];
        for (name, vendor, driver) in functions {
            let folder = at("bus/pci/devices").join(name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("vendor"), format!("{vendor:#06x}\n")).unwrap();
            std::fs::write(folder.join("device"), format!("{DEVICE_ID:#06x}\n")).unwrap();
            std::fs::write(folder.join("config"), configuration).unwrap();
            std::fs::create_dir_all(at("kernel/iommu_groups/7/devices").join(name)).unwrap();
            symlink(at("kernel/iommu_groups/7"), folder.join("iommu_group")).unwrap();
            if let Some(driver) = driver {
                let driver = at("bus/pci/drivers").join(driver);
                std::fs::create_dir_all(&driver).unwrap();
                symlink(&driver, folder.join("driver")).unwrap();
            }
        }
        let bus = PciBus::at(root.path());
        (root, bus)
    }

    /// Configuration space as devices have it.
    fn configuration() -> Vec<u8> {
        let space = ConfigSpace::new(REFERENCE.bar_bytes());
        let mut octets = vec![0; 256];
        for (at, word) in (0..).step_by(4).zip(octets.chunks_exact_mut(4)) {
            space.read(at, word).unwrap();
        }
        octets
    }

    #[test]
    fn functions_are_listed_with_what_they_can_do() {
        let (_root, bus) = machine(&configuration());
        let [card, other] = &bus.devices().unwrap()[..] else { panic!() };
        assert_eq!((card.vendor, card.device, card.group), (VENDOR_ID, DEVICE_ID, Some(7)));
        assert_eq!((card.driver.as_deref(), card.vectors, card.resets), (None, 16, true));
        assert_eq!(other.driver.as_deref(), Some("e1000"));
        let text = "0000:01:00.0 1b36:4957, bound to no driver, IOMMU group 7, 16 interrupts";
        assert_eq!(card.to_string(), text);
        assert_eq!(bus.in_the_way(&card.address), std::slice::from_ref(other));
        assert!(bus.in_the_way(&other.address).is_empty());
    }

    #[test]
    fn what_is_not_shown_is_not_guessed() {
        let (_root, bus) = machine(&configuration()[..64]);
        assert_eq!(bus.device("0000:01:00.0").unwrap().vectors, 0);
        let (_root, bus) = machine(&[]);
        assert_eq!(bus.device("0000:01:00.0").unwrap().vectors, 0);
    }

    #[test]
    fn what_is_missing_is_said_with_the_remedy() {
        let (root, bus) = machine(&[]);
        let text = |result: Result<PciDevice, Error>| result.unwrap_err().to_string();
        assert!(text(bus.device("0000:02:00.0")).contains("ironwarp devices"));
        std::fs::remove_file(root.path().join("bus/pci/devices/0000:01:00.0/iommu_group")).unwrap();
        assert!(text(bus.bind("0000:01:00.0")).contains("iommu"));
    }

    /// The files that the kernel reads get what it wants; here nobody binds anything.
    #[test]
    fn binding_writes_what_the_kernel_reads() {
        let (root, bus) = machine(&[]);
        std::fs::create_dir_all(root.path().join("bus/pci/drivers/vfio-pci")).unwrap();
        let refused = bus.bind("0000:01:00.1").unwrap_err().to_string();
        assert!(refused.contains("did not bind"), "{refused}");
        let written = |path: &str| std::fs::read_to_string(root.path().join(path)).unwrap();
        assert_eq!(written("bus/pci/drivers/e1000/unbind"), "0000:01:00.1");
        assert_eq!(written("bus/pci/drivers_probe"), "0000:01:00.1");
        let choice = "bus/pci/devices/0000:01:00.1/driver_override";
        assert_eq!(written(choice), "\n", "it was given back");
        std::fs::remove_file(root.path().join("bus/pci/drivers/e1000/unbind")).unwrap();
        bus.unbind("0000:01:00.1").unwrap();
        assert!(!root.path().join("bus/pci/drivers/e1000/unbind").exists(), "it is the kernel's");
    }
}
