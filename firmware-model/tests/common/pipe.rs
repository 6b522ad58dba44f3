//! A byte stream in memory, with as little room as a test wants.

use ironwarp_model::ByteStream;
use std::collections::VecDeque;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::sync::{Arc, Mutex};

/// One direction.
#[derive(Default)]
pub struct Way {
    pub octets: VecDeque<u8>,
    /// How many octets may wait.
    pub room: usize,
    /// The writer has closed it.
    pub closed: bool,
    /// What both ends get instead.
    pub broken: Option<ErrorKind>,
}

/// A direction that both ends hold.
pub type Shared = Arc<Mutex<Way>>;

/// One end.
pub struct End {
    pub out: Shared,
    pub into: Shared,
    /// The most octets that one call moves.
    pub most: usize,
}

/// Both ends of a stream.
pub fn pipe(room: usize, most: usize) -> [End; 2] {
    let way = || Arc::new(Mutex::new(Way { room, ..Way::default() }));
    let (a, b) = (way(), way());
    [End { out: a.clone(), into: b.clone(), most }, End { out: b, into: a, most }]
}

impl ByteStream for End {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> Result<usize> {
        let mut way = self.out.lock().unwrap();
        if let Some(kind) = way.broken {
            return Err(kind.into());
        }
        let room = way.room.saturating_sub(way.octets.len()).min(self.most);
        let octets = parts.iter().flat_map(|part| part.iter().copied()).take(room);
        let before = way.octets.len();
        way.octets.extend(octets);
        match way.octets.len() - before {
            0 => Err(Error::from(ErrorKind::WouldBlock)),
            taken => Ok(taken),
        }
    }

    fn receive(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut way = self.into.lock().unwrap();
        let given = into.len().min(self.most).min(way.octets.len());
        if given == 0 {
            return match (way.broken, way.closed) {
                (Some(kind), _) => Err(kind.into()),
                (None, true) => Ok(0),
                (None, false) => Err(ErrorKind::WouldBlock.into()),
            };
        }
        for (to, octet) in into.iter_mut().zip(way.octets.drain(..given)) {
            *to = octet;
        }
        Ok(given)
    }
}
