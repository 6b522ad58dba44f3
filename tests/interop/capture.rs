//! What an independent dissector says of the frames that a case put on the link.

use std::path::Path;
use std::process::Command;

/// tshark's findings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// All frames.
    pub frames: usize,
    /// FPDUs with a good CRC.
    pub good_crcs: usize,
    /// FPDUs with a bad CRC.
    pub bad_crcs: usize,
    /// Malformed packets, and wrong checksums of ours.
    pub complaints: usize,
    /// Segments that TCP sent again.
    pub retransmissions: usize,
    /// RDMAP Terminate messages.
    pub terminates: usize,
}

impl Findings {
    /// What is wrong for a stream that negotiated CRCs, or did not.
    pub fn wrong(&self, crc: bool) -> Option<String> {
        if self.complaints + self.bad_crcs + self.terminates > 0 {
            return Some(format!(
                "tshark: {} malformed, {} bad CRCs, {} Terminates",
                self.complaints, self.bad_crcs, self.terminates
            ));
        }
        match (crc, self.good_crcs) {
            (true, 0) => Some("tshark: no FPDU has a CRC".to_owned()),
            (false, 1..) => Some(format!("tshark: {} FPDUs have a CRC", self.good_crcs)),
            _ => None,
        }
    }
}

/// Lets tshark read the capture; `None` where there is no tshark.
///
/// `ours` is our address: Linux leaves TCP checksums to its virtual network card, so that its own
/// are not in the capture.
pub fn inspect(capture: &Path, ours: Option<&str>) -> Result<Option<Findings>, String> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-V", "-r"]);
    let output = match tshark.arg(capture).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("tshark: {error}")),
    };
    if !output.status.success() {
        return Err(format!("tshark: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(Some(count(&String::from_utf8_lossy(&output.stdout), ours)))
}

/// Counts in the text of `tshark -V`.
fn count(text: &str, ours: Option<&str>) -> Findings {
    let mut findings = Findings::default();
    let mut from_us = false;
    for line in text.lines() {
        let line = line.trim_start();
        if let Some(source) = line.strip_prefix("Source Address: ") {
            from_us = Some(source) == ours;
        }
        findings.frames += usize::from(line.starts_with("Frame Number: "));
        findings.good_crcs += usize::from(line.contains("Good CRC32"));
        findings.bad_crcs += usize::from(line.contains("Bad CRC32"));
        findings.complaints += usize::from(line.contains("Malformed Packet"));
        let wrong = line.contains("hecksum Status: Bad") && from_us;
        findings.complaints += usize::from(wrong);
        let again = line.starts_with("[This frame is a (suspected)");
        findings.retransmissions += usize::from(again && line.contains("retransmission"));
        findings.terminates += usize::from(line.contains("OpCode: Terminate"));
    }
    findings
}

#[test]
fn a_capture_of_siw_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbench/vectors");
    for (file, crc) in [("siw-rping.pcap", false), ("siw-rping-crc.pcap", true)] {
        let findings = inspect(&folder.join(file), None).unwrap();
        let findings = findings.expect("tshark is installed: ./ironwarp setup");
        assert!(findings.frames > 20, "{file}: {findings:?}");
        assert_eq!(findings.wrong(crc), None, "{file}: {findings:?}");
        assert!(findings.wrong(!crc).is_some(), "{file}: {findings:?}");
    }
}

#[test]
fn a_frame_counts_once_and_a_bad_checksum_if_it_is_ours() {
    let text =
        "Frame Number: 1\nSource Address: 10.0.0.1\n  Checksum Status: Bad\nFrame Number: 2\n\
        Source Address: 10.0.0.2\n  Header checksum status: Good\n  Checksum Status: Bad\n\
        MPA CRC check: 0x1 (Bad CRC32)\n\
        [Expert Info (Note/Sequence): This frame is a (suspected) retransmission]\n\
        [This frame is a (suspected) retransmission]\n";
    let findings = count(text, Some("10.0.0.2"));
    let expected = Findings {
        frames: 2,
        complaints: 1,
        bad_crcs: 1,
        retransmissions: 1,
        ..Findings::default()
    };
    assert_eq!(findings, expected);
    assert!(findings.wrong(true).is_some());
}
