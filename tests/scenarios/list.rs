//! The scenarios: what runs on the device that is tried, and what on the model that is its peer.

/// The address of the device that is tried.
pub const INSIDE: &str = "10.0.0.1";
/// The address of its peer.
pub const OUTSIDE: &str = "10.0.0.2";

/// Which end waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Inside,
    Outside,
}

/// Two commands that talk to each other. Both end well if all is well.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub server: Server,
    /// Arguments of the end that is tried. `FILE` stands for a file that is there, `NEW` for one
    /// that is not.
    pub inside: &'static str,
    /// Arguments of its peer.
    pub outside: &'static str,
}

/// What a server says when clients may come.
pub const LISTENING: &str = "listening";

/// Every one, in the order in which they run.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "its client's pings",
        server: Server::Outside,
        inside: "rping -c -a 10.0.0.2 -C 20 -d",
        outside: "rping -s -d",
    },
    Scenario {
        name: "its server's pings",
        server: Server::Inside,
        inside: "rping -s -d",
        outside: "rping -c -a 10.0.0.1 -C 20 -d",
    },
    Scenario {
        name: "its client's pings of 65,535 octets",
        server: Server::Outside,
        inside: "rping -c -a 10.0.0.2 -C 5 -S 65535 -d",
        outside: "rping -s -d",
    },
    Scenario {
        name: "its server's pings of 1,001 octets without CRC",
        server: Server::Inside,
        inside: "rping -s -d --no-crc",
        outside: "rping -c -a 10.0.0.1 -C 10 -S 1001 -d --no-crc",
    },
    Scenario {
        name: "a file that it sends",
        server: Server::Outside,
        inside: "send FILE --to 10.0.0.2",
        outside: "receive NEW",
    },
    Scenario {
        name: "a file that it receives",
        server: Server::Inside,
        inside: "receive NEW",
        outside: "send FILE --to 10.0.0.1",
    },
    Scenario {
        name: "a file in large frames without CRC",
        server: Server::Outside,
        inside: "send FILE --to 10.0.0.2 --no-crc --mtu 9000",
        outside: "receive NEW --no-crc --mtu 9000",
    },
];
