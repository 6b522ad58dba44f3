//! What the operating system gives: memory that a device can reach, and event counters. The home of
//! the driver's `unsafe`.

use crate::error::Error;
use memmap2::{MmapOptions, MmapRaw};
use rustix::event::{eventfd, EventfdFlags};
use rustix::fs::{fallocate, memfd_create, FallocateFlags, MemfdFlags};
use std::fmt;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{fence, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The alignment of a [`Region`], and the least that a backend maps, in octets.
pub const PAGE_BYTES: usize = 4096;
const WORD_BYTES: usize = 8;

/// The file in memory that all regions of this process are pieces of: a device in another process
/// maps the same pages. It only grows, and what nobody uses any more takes no memory.
struct Arena {
    file: Arc<File>,
    end: u64,
}

static ARENA: Mutex<Option<Arena>> = Mutex::new(None);

impl Arena {
    /// The file, and where in it so many fresh octets are.
    fn take(octets: u64) -> std::io::Result<(Arc<File>, u64)> {
        let mut arena = ARENA.lock().unwrap_or_else(PoisonError::into_inner);
        let arena = match &mut *arena {
            Some(arena) => arena,
            none => {
                let file = File::from(memfd_create(c"ironwarp", MemfdFlags::CLOEXEC)?);
                none.insert(Self { file: Arc::new(file), end: 0 })
            }
        };
        let start = arena.end;
        let end = start.checked_add(octets).ok_or(std::io::ErrorKind::OutOfMemory)?;
        arena.file.set_len(end)?;
        arena.end = end;
        Ok((arena.file.clone(), start))
    }
}

/// Whole pages of a file that the process has mapped.
struct Memory {
    map: MmapRaw,
    file: Arc<File>,
    /// Where in the file they are.
    offset: u64,
    /// They are this process's alone to give back.
    ours: bool,
}

impl Memory {
    fn new(file: Arc<File>, offset: u64, octets: usize, ours: bool) -> std::io::Result<Self> {
        let map = MmapOptions::new().offset(offset).len(octets).map_raw(&*file)?;
        Ok(Self { map, file, offset, ours })
    }

    fn words(&self) -> &[AtomicU64] {
        let words = self.map.len() / WORD_BYTES;
        // SAFETY: the mapping is whole pages, readable and writable, and stays until `self` is
        // dropped. Nobody in this process has another kind of reference to it, and atomic words may
        // change under the hands of whoever else maps the file.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast::<AtomicU64>(), words) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.ours {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            if let Err(error) = fallocate(&*self.file, flags, self.offset, self.map.len() as u64) {
                tracing::warn!(%error, "memory is not given back");
            }
        }
    }
}

/// Page-aligned memory that the application and devices share; zeros at first.
///
/// Clones name the same memory. A device may write it at any moment, also while the application
/// reads it; so nobody gets a plain reference to it. It is read and written by copy, in atomic
/// 64-bit words: what is read while a device writes is old or new word by word, and never
/// undefined. Orders between accesses come from completion entries: what a device wrote before it
/// wrote an entry is seen by whoever has seen the entry.
#[derive(Clone)]
pub struct Region {
    memory: Arc<Memory>,
    bytes: usize,
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({} octets at {:#x})", self.bytes, self.address())
    }
}

impl Region {
    /// Memory of `bytes` octets.
    ///
    /// # Errors
    /// [`Error::System`] if there is not enough.
    pub fn new(bytes: usize) -> Result<Self, Error> {
        let make = || {
            let pages = bytes.div_ceil(PAGE_BYTES).max(1);
            let octets = pages.checked_mul(PAGE_BYTES).ok_or(std::io::ErrorKind::OutOfMemory)?;
            let (file, offset) = Arena::take(octets as u64)?;
            Memory::new(file, offset, octets, true)
        };
        let memory =
            make().map_err(|source| Error::System { what: "memory for a region", source })?;
        Ok(Self { memory: Arc::new(memory), bytes })
    }

    /// Octets of a file, which others may map too. A file that becomes shorter than that while it
    /// is mapped ends the process at the next access: whoever can shorten it is trusted.
    ///
    /// # Errors
    /// [`Error::System`] if they cannot be mapped: they begin and end with pages, and the file has
    /// them.
    pub fn of_file(file: Arc<File>, offset: u64, bytes: usize) -> Result<Self, Error> {
        let make = || {
            let whole = offset % PAGE_BYTES as u64 == 0 && bytes % PAGE_BYTES == 0 && bytes > 0;
            let end = offset.checked_add(bytes as u64).filter(|_| whole);
            match end {
                Some(end) if end <= file.metadata()?.len() => {
                    Memory::new(file, offset, bytes, false)
                }
                _ => Err(std::io::ErrorKind::InvalidInput.into()),
            }
        };
        let memory = make().map_err(|source| Error::System { what: "pages of a file", source })?;
        Ok(Self { memory: Arc::new(memory), bytes })
    }

    /// The file that the region's pages belong to, and where they are in it.
    pub fn file(&self) -> (&File, u64) {
        (&self.memory.file, self.memory.offset)
    }

    /// Memory that holds a copy of `bytes`.
    ///
    /// # Errors
    /// As [`Region::new`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Error> {
        let region = Self::new(bytes.len())?;
        region.write(0, bytes)?;
        Ok(region)
    }

    /// The length in octets, as asked for.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// True if the region was asked to have no octets.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The process's address of the first octet; a multiple of [`PAGE_BYTES`].
    pub fn address(&self) -> usize {
        self.memory.map.as_ptr() as usize
    }

    /// The whole pages that the region lies in, in octets.
    pub fn mapped_bytes(&self) -> usize {
        self.memory.map.len()
    }

    /// Copies octets out of the region.
    ///
    /// # Errors
    /// [`Error::Bounds`] if they are not all inside.
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Result<(), Error> {
        self.check(offset, out.len(), self.bytes)?;
        self.copy_out(offset, out);
        Ok(())
    }

    /// As [`Region::read`], but up to the end of the region's last page: devices read in units
    /// that may end behind the octets that they want.
    pub(crate) fn read_pages(&self, offset: usize, out: &mut [u8]) -> Result<(), Error> {
        self.check(offset, out.len(), self.mapped_bytes())?;
        self.copy_out(offset, out);
        Ok(())
    }

    /// The range was checked.
    fn copy_out(&self, offset: usize, out: &mut [u8]) {
        let (mut at, mut rest) = (offset, out);
        while !rest.is_empty() {
            let (now, later) = rest.split_at_mut(piece(at, rest.len()));
            let (words, length) = (self.words(at), now.len());
            if length < WORD_BYTES {
                let word = words[0].load(Ordering::Relaxed).to_ne_bytes();
                now.copy_from_slice(&word[at % WORD_BYTES..][..length]);
            } else {
                for (octets, word) in now.chunks_exact_mut(WORD_BYTES).zip(words) {
                    octets.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
                }
            }
            (at, rest) = (at + length, later);
        }
    }

    /// Copies octets into the region.
    ///
    /// # Errors
    /// [`Error::Bounds`] if they do not all fit; then none is written.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), Error> {
        self.check(offset, bytes.len(), self.bytes)?;
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(piece(at, rest.len()));
            let words = self.words(at);
            if now.len() < WORD_BYTES {
                merge(&words[0], at % WORD_BYTES, now);
            } else {
                for (octets, word) in now.chunks_exact(WORD_BYTES).zip(words) {
                    let mut value = [0; WORD_BYTES];
                    value.copy_from_slice(octets);
                    word.store(u64::from_ne_bytes(value), Ordering::Relaxed);
                }
            }
            (at, rest) = (at + now.len(), later);
        }
        Ok(())
    }

    /// A copy of `length` octets from `offset` on.
    ///
    /// # Errors
    /// [`Error::Bounds`] if they are not all inside.
    pub fn to_vec(&self, offset: usize, length: usize) -> Result<Vec<u8>, Error> {
        self.check(offset, length, self.bytes)?;
        let mut out = vec![0; length];
        self.read(offset, &mut out)?;
        Ok(out)
    }

    /// Sets every octet.
    pub fn fill(&self, octet: u8) {
        for word in self.memory.words() {
            word.store(u64::from_ne_bytes([octet; WORD_BYTES]), Ordering::Relaxed);
        }
    }

    /// Reads the aligned 64-bit word that holds the octet at `offset`, in the processor's order;
    /// everything that was written before the word was is then seen, too.
    ///
    /// # Errors
    /// [`Error::Bounds`] if the word is not inside.
    pub fn load_acquire(&self, offset: usize) -> Result<u64, Error> {
        let word = offset / WORD_BYTES * WORD_BYTES;
        self.check(word, WORD_BYTES, self.bytes)?;
        Ok(self.words(word)[0].load(Ordering::Acquire))
    }

    /// The words from that of an octet on. The offset was checked: the word is there.
    fn words(&self, offset: usize) -> &[AtomicU64] {
        &self.memory.words()[offset / WORD_BYTES..]
    }

    fn check(&self, offset: usize, length: usize, limit: usize) -> Result<(), Error> {
        match offset.checked_add(length) {
            Some(end) if end <= limit => Ok(()),
            _ => Err(Error::Bounds {
                offset: offset as u64,
                length: length as u64,
                region: limit as u64,
            }),
        }
    }
}

/// How many octets a copy of `left` octets moves next: whole words, or part of a word.
fn piece(at: usize, left: usize) -> usize {
    let first = at % WORD_BYTES;
    match first != 0 || left < WORD_BYTES {
        true => (WORD_BYTES - first).min(left),
        false => left / WORD_BYTES * WORD_BYTES,
    }
}

/// Replaces some octets of a word and keeps what others write to the rest of it.
fn merge(word: &AtomicU64, first: usize, bytes: &[u8]) {
    let (mut mask, mut value) = ([0; WORD_BYTES], [0; WORD_BYTES]);
    mask[first..first + bytes.len()].fill(0xff);
    value[first..first + bytes.len()].copy_from_slice(bytes);
    let (mask, value) = (u64::from_ne_bytes(mask), u64::from_ne_bytes(value));
    let mut old = word.load(Ordering::Relaxed);
    while let Err(now) =
        word.compare_exchange_weak(old, old & !mask | value, Ordering::Relaxed, Ordering::Relaxed)
    {
        old = now;
    }
}

/// Makes everything that was written to memory visible to devices before what follows.
pub fn write_barrier() {
    fence(Ordering::SeqCst);
}

/// A counter that the kernel keeps and that `poll` and `epoll` can wait for (Linux eventfd).
#[derive(Debug)]
pub struct EventFd(OwnedFd);

impl EventFd {
    /// A counter that is zero.
    ///
    /// # Errors
    /// [`Error::System`] if the kernel refuses.
    pub fn new() -> Result<Self, Error> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        eventfd(0, flags)
            .map(Self)
            .map_err(|errno| Error::System { what: "an eventfd", source: errno.into() })
    }

    /// Counts one more.
    pub fn signal(&self) {
        // The only error is a counter at its limit, and then it is signalled already.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Sets the counter to zero; true if it was not.
    pub fn take(&self) -> bool {
        matches!(rustix::io::read(&self.0, &mut [0; 8]), Ok(8))
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_region_is_a_slice(
            bytes in 1usize..9000,
            writes in prop::collection::vec(
                (0usize..9000, any::<u8>(), prop_oneof![0usize..40, 0usize..9000]), 0..20,
            ),
        ) {
            let region = Region::new(bytes).unwrap();
            let mut model = vec![0; bytes];
            for (offset, seed, length) in writes {
                let data: Vec<u8> = (0..length).map(|i| (i * 31) as u8 ^ seed).collect();
                let fits = offset + data.len() <= bytes;
                prop_assert_eq!(region.write(offset, &data).is_ok(), fits);
                if fits {
                    model[offset..offset + data.len()].copy_from_slice(&data);
                    prop_assert_eq!(region.to_vec(offset, data.len()).unwrap(), data);
                }
            }
            prop_assert_eq!(region.to_vec(0, bytes).unwrap(), model);
        }
    }

    #[test]
    fn nothing_outside_is_touched() {
        let region = Region::new(10).unwrap();
        assert_eq!(region.address() % PAGE_BYTES, 0);
        assert_eq!(region.mapped_bytes(), PAGE_BYTES);
        for (offset, length) in [(10, 1), (0, 11), (usize::MAX, 2), (11, 0)] {
            assert!(region.write(offset, &vec![1; length]).is_err(), "{length} at {offset}");
            assert!(region.to_vec(offset, length).is_err(), "{length} at {offset}");
        }
        assert!(region.write(10, &[]).is_ok());
        assert!(region.load_acquire(8).is_err(), "the word is not wholly inside");
    }

    #[test]
    fn an_eventfd_counts_and_forgets() {
        let event = EventFd::new().unwrap();
        assert!(!event.take());
        event.signal();
        event.signal();
        assert!(event.take());
        assert!(!event.take());
    }
}
