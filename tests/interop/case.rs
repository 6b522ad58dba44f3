//! What is tried: which device, who serves, and whether the streams carry CRCs.

/// rping's own port.
pub const PORT: u16 = 7174;
/// The guest's address; ours follows. The network is a /24.
pub const GUEST: &str = "10.0.0.1";
/// The peer's address.
pub const OURS: &str = "10.0.0.2";

/// What answers Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Another guest: shows that guests, link and rping work without us.
    Linux,
    /// The behavioural model.
    Model,
    /// The Verilated RTL.
    Rtl,
}

/// What is sent to and fro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Round trips.
    pub pings: usize,
    /// Octets of each.
    pub size: usize,
}

/// A ping fills three segments.
const SMALL: Load = Load { pings: 100, size: 4096 };
/// rping's largest: siw then splits FPDUs over segments, and the windows matter.
const LARGE: Load = Load { pings: 20, size: 65535 };

/// One connection of rping's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// At the other end of the guest's link.
    pub peer: Peer,
    /// Whether Linux is the client (and MPA's Initiator), the peer the server.
    pub linux_asks: bool,
    /// Whether the peer asks for CRCs; siw asks for none and agrees to whatever is asked.
    pub crc: bool,
    /// What is sent.
    pub load: Load,
}

impl Case {
    /// Linux against itself once; then either device in both roles, with CRC and without, and
    /// with large pings.
    pub fn all() -> Vec<Self> {
        let mut cases = vec![Self { peer: Peer::Linux, linux_asks: true, crc: false, load: SMALL }];
        for peer in [Peer::Model, Peer::Rtl] {
            for linux_asks in [true, false] {
                for (crc, load) in [(true, SMALL), (false, SMALL), (true, LARGE)] {
                    cases.push(Self { peer, linux_asks, crc, load });
                }
            }
        }
        cases
    }

    /// Such as `model-server-crc`: the peer's kind and role.
    pub fn name(&self) -> String {
        let peer = match self.peer {
            Peer::Linux => "linux",
            Peer::Model => "model",
            Peer::Rtl => "rtl",
        };
        let role = if self.linux_asks { "server" } else { "client" };
        let crc = if self.crc { "crc" } else { "no-crc" };
        let large = if self.load == LARGE { "-large" } else { "" };
        format!("{peer}-{role}-{crc}{large}")
    }

    /// The arguments of either rping: they are the same words.
    pub fn rping(&self, server: bool) -> String {
        // The server's address: its own to the server, its peer's to the client.
        let address = if self.linux_asks { OURS } else { GUEST };
        let role = if server { "-s" } else { "-c" };
        let Load { pings, size } = self.load;
        format!("{role} -a {address} -p {PORT} -C {pings} -S {size} -V -v")
    }
}

#[test]
fn each_case_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = Case::all().iter().map(Case::name).collect();
    assert_eq!(names.len(), Case::all().len());
    assert!(names.contains("rtl-client-no-crc") && names.contains("model-server-crc"));
}

#[test]
fn both_ends_name_the_server() {
    let case = Case { peer: Peer::Model, linux_asks: false, crc: true, load: SMALL };
    assert!(case.rping(true).starts_with("-s -a 10.0.0.1 "));
    assert!(case.rping(false).starts_with("-c -a 10.0.0.1 "));
}
