//! Memory as the kernel gives it, and the atoms in which it is shared.

use super::PAGE_BYTES;
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{fallocate, memfd_create, FallocateFlags, MemfdFlags};
use std::fs::File;
use std::sync::atomic::{AtomicU64, AtomicU8};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) const WORD_BYTES: usize = 8;

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

/// Whose memory it is.
enum Owner {
    /// Pages of a file that are mapped.
    File {
        /// Keeps them mapped.
        _map: MmapRaw,
        file: Arc<File>,
        /// Where in the file the pages are.
        offset: u64,
        /// They are pieces of the arena, this process's alone to give back.
        ours: bool,
    },
    /// A vector's, which its application has given away.
    Vector { capacity: usize },
    /// Somebody else's, who has promised to keep it.
    Application,
}

/// Octets that the process has mapped, and that stay where they are until this is dropped.
pub(super) struct Memory {
    start: *mut u8,
    bytes: usize,
    /// A file that may only be read is mapped so.
    writable: bool,
    owner: Owner,
}

// SAFETY: the memory is no thread's own, and is reached by atomic accesses only.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// Fresh pages with zeros.
    pub fn fresh(bytes: usize) -> std::io::Result<Self> {
        let octets = bytes.max(1).checked_next_multiple_of(PAGE_BYTES);
        let octets = octets.ok_or(std::io::ErrorKind::OutOfMemory)?;
        let (file, offset) = Arena::take(octets as u64)?;
        Self::map(file, (offset, octets), (0, bytes), true)
    }

    /// Some octets of a file, which must have them; behind its end, its last page has zeros, and
    /// what is written there is lost.
    pub fn of_file(file: Arc<File>, offset: u64, bytes: usize) -> std::io::Result<Self> {
        let last = file.metadata()?.len().next_multiple_of(PAGE_BYTES as u64);
        if bytes == 0 || offset.checked_add(bytes as u64).is_none_or(|end| end > last) {
            return Err(std::io::ErrorKind::InvalidInput.into());
        }
        let before = (offset % PAGE_BYTES as u64) as usize;
        let octets = (before + bytes).next_multiple_of(PAGE_BYTES);
        Self::map(file, (offset - before as u64, octets), (before, bytes), false)
    }

    /// Maps pages of a file; the memory is so many octets in them, from one on.
    fn map(
        file: Arc<File>,
        (offset, octets): (u64, usize),
        (before, bytes): (usize, usize),
        ours: bool,
    ) -> std::io::Result<Self> {
        let mut pages = MmapOptions::new();
        pages.offset(offset).len(octets);
        let (map, writable) = match pages.map_raw(&*file) {
            Err(why) if why.kind() == std::io::ErrorKind::PermissionDenied => {
                (pages.map_raw_read_only(&*file)?, false)
            }
            map => (map?, true),
        };
        let start = map.as_mut_ptr().wrapping_add(before);
        Ok(Self { start, bytes, writable, owner: Owner::File { _map: map, file, offset, ours } })
    }

    /// A vector's octets.
    pub fn of_vector(vector: Vec<u8>) -> Self {
        let mut vector = std::mem::ManuallyDrop::new(vector);
        let owner = Owner::Vector { capacity: vector.capacity() };
        Self { start: vector.as_mut_ptr(), bytes: vector.len(), writable: true, owner }
    }

    /// Octets that the application has.
    ///
    /// # Safety
    /// As [`Region::from_raw_parts`](super::Region::from_raw_parts).
    pub unsafe fn of_application(start: *mut u8, bytes: usize) -> Self {
        Self { start, bytes, writable: true, owner: Owner::Application }
    }

    /// The vector that this was made of; otherwise itself.
    pub fn into_vector(self) -> Result<Vec<u8>, Self> {
        let Owner::Vector { capacity } = self.owner else { return Err(self) };
        let memory = std::mem::ManuallyDrop::new(self);
        // SAFETY: these are a vector's own parts, which were taken in `of_vector` and are given
        // back once: the memory is not dropped any more.
        Ok(unsafe { Vec::from_raw_parts(memory.start, memory.bytes, capacity) })
    }

    pub fn start(&self) -> *mut u8 {
        self.start
    }

    pub fn is_writable(&self) -> bool {
        self.writable
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The file that the pages belong to, and where they are in it.
    pub fn file(&self) -> Option<(&File, u64)> {
        match &self.owner {
            Owner::File { file, offset, .. } => Some((file, *offset)),
            _ => None,
        }
    }

    /// Some octets, which are inside: those before the first whole word, the words, and the rest.
    pub fn atoms(&self, offset: usize, length: usize) -> (&[AtomicU8], &[AtomicU64], &[AtomicU8]) {
        assert!(offset.checked_add(length).is_some_and(|end| end <= self.bytes), "inside");
        let start = self.start.wrapping_add(offset);
        let head = start.align_offset(WORD_BYTES).min(length);
        let words = (length - head) / WORD_BYTES;
        let tail = length - head - words * WORD_BYTES;
        let word = start.wrapping_add(head);
        let rest = word.wrapping_add(words * WORD_BYTES);
        // SAFETY: the octets are inside the memory, which stays until `self` is dropped; where
        // there are words, they are aligned; nobody in this process has another kind of reference
        // to them, and atoms may change under the hands of whoever else reaches them.
        unsafe {
            let words = match words {
                0 => &[],
                words => std::slice::from_raw_parts(word.cast(), words),
            };
            let octets = |at: *mut u8, count| std::slice::from_raw_parts(at.cast(), count);
            (octets(start, head), words, octets(rest, tail))
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        match &self.owner {
            Owner::File { file, offset, ours: true, .. } => {
                let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                let octets = self.bytes.max(1).next_multiple_of(PAGE_BYTES) as u64;
                if let Err(error) = fallocate(&**file, flags, *offset, octets) {
                    tracing::warn!(%error, "memory is not given back");
                }
            }
            // SAFETY: as in `into_vector`; it is dropped once.
            Owner::Vector { capacity } => unsafe {
                drop(Vec::from_raw_parts(self.start, self.bytes, *capacity));
            },
            Owner::File { .. } | Owner::Application => {}
        }
    }
}
