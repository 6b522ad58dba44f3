//! Ethernet frames as a pcapng file. Its bytes depend on the frames and their times alone.
#![forbid(unsafe_code)]

use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::section_header::SectionHeaderBlock;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::{DataLink, Endianness, PcapError};
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `epb_flags`: the frame left through its interface.
const OUTBOUND: u32 = 2;
/// `if_tsresol`: time counts in 10^-9 s.
const NANOSECONDS: u8 = 9;

/// The capture could not be written.
#[derive(Debug, thiserror::Error)]
#[error("capture {}: {source}", path.display())]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

/// A capture that is being written: an interface for every end of the link, and every frame once,
/// at the end that sent it.
pub struct Capture {
    path: PathBuf,
    writer: PcapNgWriter<BufWriter<File>>,
    error: Option<PcapError>,
}

impl Capture {
    /// Creates the file, with one interface per name, numbered from 0.
    ///
    /// # Errors
    /// [`Error`] if the file cannot be written.
    pub fn create(path: &Path, interfaces: &[&str]) -> Result<Self, Error> {
        let fail = |error| Error { path: path.to_owned(), source: io_error(error) };
        let file = File::create(path).map_err(|error| fail(PcapError::IoError(error)))?;
        let section =
            SectionHeaderBlock { endianness: Endianness::Little, ..SectionHeaderBlock::default() };
        let mut writer =
            PcapNgWriter::with_section_header(BufWriter::new(file), section).map_err(fail)?;
        for &name in interfaces {
            let interface = InterfaceDescriptionBlock {
                linktype: DataLink::ETHERNET,
                snaplen: 0, // no limit
                options: vec![
                    InterfaceDescriptionOption::IfName(Cow::Borrowed(name)),
                    InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
                ],
            };
            writer.write_pcapng_block(interface).map_err(fail)?;
        }
        // A file that cannot be written should be known before the simulation runs.
        writer.get_mut().flush().map_err(|error| fail(PcapError::IoError(error)))?;
        Ok(Self { path: path.to_owned(), writer, error: None })
    }

    /// Adds a frame that `interface` has sent, without frame check sequence, and the time at which
    /// it had sent it, in nanoseconds since 1970 or since a simulation began. The first error is
    /// kept for [`Capture::finish`], and nothing is written after it.
    pub fn frame(&mut self, interface: usize, nanoseconds: u64, octets: &[u8]) {
        if self.error.is_some() {
            return;
        }
        let packet = EnhancedPacketBlock {
            interface_id: interface as u32,
            timestamp: Duration::from_nanos(nanoseconds),
            original_len: octets.len() as u32,
            data: Cow::Borrowed(octets),
            options: vec![EnhancedPacketOption::Flags(OUTBOUND)],
        };
        self.error = self.writer.write_pcapng_block(packet).err();
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// The first error that writing the file met.
    pub fn finish(&mut self) -> Result<(), Error> {
        let result = match self.error.take() {
            Some(error) => Err(io_error(error)),
            None => self.writer.get_mut().flush(),
        };
        result.map_err(|source| Error { path: self.path.clone(), source })
    }
}

fn io_error(error: PcapError) -> std::io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => std::io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pcap_file::pcapng::{Block, PcapNgReader};

    /// What is written is read back: interfaces, times in nanoseconds, octets.
    #[test]
    fn a_capture_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pcapng");
        let mut capture = Capture::create(&path, &["nic0", "nic1"]).unwrap();
        capture.frame(0, 1234, &[1; 61]);
        capture.frame(1, 5_000_000_001, &[2; 60]);
        capture.finish().unwrap();
        let mut reader = PcapNgReader::new(File::open(&path).unwrap()).unwrap();
        let mut packets = Vec::new();
        while let Some(block) = reader.next_block() {
            if let Block::EnhancedPacket(packet) = block.unwrap() {
                packets.push((packet.interface_id, packet.timestamp, packet.data.to_vec()));
            }
        }
        let expected = [
            (0, Duration::from_nanos(1234), vec![1; 61]),
            (1, Duration::from_nanos(5_000_000_001), vec![2; 60]),
        ];
        assert_eq!(packets, expected);
        assert_eq!(reader.interfaces().len(), 2);
    }

    /// A place that cannot be written to is an error at once, and the error names it.
    #[test]
    fn an_unwritable_capture_is_an_error() {
        let error = Capture::create(Path::new("/nowhere/a.pcapng"), &["nic0"]).err().unwrap();
        assert!(error.to_string().contains("/nowhere/a.pcapng"), "{error}");
    }
}
