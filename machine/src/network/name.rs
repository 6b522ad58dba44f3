//! The names of networks.

use crate::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What a device's link is plugged into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// `dgram:LOCAL,REMOTE`: a pair of UNIX datagram sockets, one Ethernet frame a datagram, as
    /// QEMU's `-netdev dgram` has it with the paths the other way round. No path has a comma.
    Dgram {
        /// The socket that receives; it is made, and removed in the end.
        local: PathBuf,
        /// The peer's socket. It may come and go; while it is not there, the cable is not plugged
        /// in.
        remote: PathBuf,
    },
    /// `tap:NAME`: a TAP interface of the kernel, made if it is not there.
    Tap(String),
    /// `tcp`: no link at all, but the TCP of the kernel. For models only: an RNIC in RTL has a TCP
    /// of its own.
    Tcp,
}

impl Network {
    /// This network cannot be had.
    pub(crate) fn refused(&self, reason: &'static str) -> Error {
        Error::Network { network: self.to_string(), reason }
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::Network { network: text.into(), reason };
        match text.split_once(':') {
            Some(("dgram", paths)) => match paths.split(',').collect::<Vec<_>>()[..] {
                [local, remote] if !local.is_empty() && !remote.is_empty() && local != remote => {
                    Ok(Self::Dgram { local: local.into(), remote: remote.into() })
                }
                _ => Err(wrong("a dgram network has two paths: dgram:LOCAL,REMOTE")),
            },
            // The kernel's names have at most 15 octets.
            Some(("tap", name)) if (1..=15).contains(&name.len()) && !name.contains('/') => {
                Ok(Self::Tap(name.into()))
            }
            Some(("tap", _)) => Err(wrong("a TAP interface has a name of 1 to 15 octets")),
            None if text == "tcp" => Ok(Self::Tcp),
            _ => Err(wrong("networks are dgram:LOCAL,REMOTE, tap:NAME and tcp")),
        }
    }
}

/// As it is parsed.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dgram { local, remote } => {
                write!(f, "dgram:{},{}", local.display(), remote.display())
            }
            Self::Tap(name) => write!(f, "tap:{name}"),
            Self::Tcp => f.write_str("tcp"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_or_refused_with_a_reason() {
        for text in ["dgram:a/b,c", "tap:iwarp0", "tcp"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        for bad in ["", "dgram", "dgram:", "dgram:a", "dgram:a,", "dgram:a,b,c", "dgram:a,a"]
            .into_iter()
            .chain(["tap:", "tap:0123456789abcdef", "tap:a/b", "udp:1", "tcp:1"])
        {
            let error = bad.parse::<Network>().unwrap_err();
            assert!(matches!(error, Error::Network { .. }), "{bad}: {error}");
        }
    }
}
