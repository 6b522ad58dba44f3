//! Memory that the application and devices share.

use super::pages::{Memory, WORD_BYTES};
use super::PAGE_BYTES;
use crate::error::Error;
use std::fmt;
use std::fs::File;
use std::sync::atomic::{fence, Ordering};
use std::sync::Arc;

/// Memory that the application and devices share, wherever it begins and ends.
///
/// Clones name the same memory. A device may write it at any moment, also while the application
/// reads it; so nobody gets a plain reference to it. It is read and written by copy, in atoms:
/// words of 64 bits, and octets before the first and behind the last. What is read while a device
/// writes is old or new, atom by atom. Orders between accesses come from completion entries: what a
/// device wrote before it wrote an entry is seen by whoever has seen the entry.
///
/// ```text
///   new, from_slice      fresh pages
///   of_file              octets of a file: mapped, shared with whoever maps them
///   from_vec, into_vec   a vector, in place
///   from_raw_parts       memory that the application has and keeps (unsafe); for a borrowed slice,
///                        see ProtectionDomain::lend
/// ```
#[derive(Clone)]
pub struct Region(Arc<Memory>);

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({} octets at {:#x})", self.len(), self.address())
    }
}

impl Region {
    /// Memory of `bytes` octets, zeros at first, at the begin of a page.
    ///
    /// # Errors
    /// [`Error::System`] if there is not enough.
    pub fn new(bytes: usize) -> Result<Self, Error> {
        let refused = |source| Error::System { what: "memory for a region", source };
        Ok(Self(Arc::new(Memory::fresh(bytes).map_err(refused)?)))
    }

    /// Octets of a file, which others may map too; wherever they begin and end. A file that becomes
    /// shorter than that while it is mapped ends the process at the next access: whoever can
    /// shorten it is trusted. Of a file that is open for reading only, the region can only be read.
    ///
    /// # Errors
    /// [`Error::System`] if they cannot be mapped: the file has them.
    pub fn of_file(file: Arc<File>, offset: u64, bytes: usize) -> Result<Self, Error> {
        let refused = |source| Error::System { what: "octets of a file", source };
        Ok(Self(Arc::new(Memory::of_file(file, offset, bytes).map_err(refused)?)))
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

    /// A vector's memory, in place: [`Region::into_vec`] gives it back.
    pub fn from_vec(vector: Vec<u8>) -> Self {
        Self(Arc::new(Memory::of_vector(vector)))
    }

    /// The vector that this was made of. Itself, if there are clones of it (a region that is
    /// registered is one) or it was made of something else.
    pub fn into_vec(self) -> Result<Vec<u8>, Self> {
        let memory = Arc::try_unwrap(self.0).map_err(Self)?;
        memory.into_vector().map_err(|memory| Self(Arc::new(memory)))
    }

    /// Memory that the application has.
    ///
    /// # Safety
    /// Until the last clone of the region is dropped, and with it what registered it, the octets
    /// stay mapped, readable and writable, and nobody in this process has a Rust reference to
    /// them, nor reads or writes them but by atomic or volatile accesses or through system calls.
    pub unsafe fn from_raw_parts(start: *mut u8, bytes: usize) -> Self {
        // SAFETY: the caller promises the same.
        Self(Arc::new(unsafe { Memory::of_application(start, bytes) }))
    }

    /// Nobody has a clone of it.
    pub(super) fn is_the_last(&self) -> bool {
        let last = Arc::strong_count(&self.0) == 1;
        // What was done with the others has happened.
        fence(Ordering::Acquire);
        last
    }

    /// The length in octets.
    pub fn len(&self) -> usize {
        self.0.bytes()
    }

    /// True if the region has no octets.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The process's address of the first octet.
    pub fn address(&self) -> usize {
        self.0.start() as usize
    }

    /// How many octets of its first page come before the region.
    pub fn page_offset(&self) -> usize {
        self.address() % PAGE_BYTES
    }

    /// The whole pages that the region lies in, in octets; at least one.
    pub fn mapped_bytes(&self) -> usize {
        (self.page_offset() + self.len().max(1)).next_multiple_of(PAGE_BYTES)
    }

    /// The file that the region's pages belong to, and where they are in it. None for memory that
    /// is no file's: another process cannot map it.
    pub fn file(&self) -> Option<(&File, u64)> {
        self.0.file()
    }

    /// Copies octets out of the region.
    ///
    /// # Errors
    /// [`Error::Bounds`] if they are not all inside.
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Result<(), Error> {
        self.check(offset, out.len())?;
        let (head, words, tail) = self.0.atoms(offset, out.len());
        let (first, rest) = out.split_at_mut(head.len());
        let (middle, last) = rest.split_at_mut(words.len() * WORD_BYTES);
        for (octets, atoms) in [(first, head), (last, tail)] {
            for (octet, atom) in octets.iter_mut().zip(atoms) {
                *octet = atom.load(Ordering::Relaxed);
            }
        }
        for (octets, word) in middle.chunks_exact_mut(WORD_BYTES).zip(words) {
            octets.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        Ok(())
    }

    /// Copies octets into the region.
    ///
    /// # Errors
    /// [`Error::Bounds`] if they do not all fit, [`Error::ReadOnly`] if none may be written; then
    /// none is.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), Error> {
        self.check(offset, bytes.len())?;
        if !self.0.is_writable() {
            return Err(Error::ReadOnly);
        }
        let (head, words, tail) = self.0.atoms(offset, bytes.len());
        let (first, rest) = bytes.split_at(head.len());
        let (middle, last) = rest.split_at(words.len() * WORD_BYTES);
        for (octets, atoms) in [(first, head), (last, tail)] {
            for (octet, atom) in octets.iter().zip(atoms) {
                atom.store(*octet, Ordering::Relaxed);
            }
        }
        for (n, (octets, word)) in middle.chunks_exact(WORD_BYTES).zip(words).enumerate() {
            let mut value = [0; WORD_BYTES];
            value.copy_from_slice(octets);
            if n + 1 == words.len() {
                // Whoever sees the last word sees what was written before.
                fence(Ordering::Release);
            }
            word.store(u64::from_ne_bytes(value), Ordering::Relaxed);
        }
        Ok(())
    }

    /// A copy of `length` octets from `offset` on.
    ///
    /// # Errors
    /// [`Error::Bounds`] if they are not all inside.
    pub fn to_vec(&self, offset: usize, length: usize) -> Result<Vec<u8>, Error> {
        self.check(offset, length)?;
        let mut out = vec![0; length];
        self.read(offset, &mut out)?;
        Ok(out)
    }

    /// True unless it was made of a file that may only be read.
    pub fn is_writable(&self) -> bool {
        self.0.is_writable()
    }

    /// Sets every octet.
    ///
    /// # Errors
    /// [`Error::ReadOnly`].
    pub fn fill(&self, octet: u8) -> Result<(), Error> {
        if !self.0.is_writable() {
            return Err(Error::ReadOnly);
        }
        let (head, words, tail) = self.0.atoms(0, self.len());
        head.iter().chain(tail).for_each(|atom| atom.store(octet, Ordering::Relaxed));
        let word = u64::from_ne_bytes([octet; WORD_BYTES]);
        words.iter().for_each(|atom| atom.store(word, Ordering::Relaxed));
        Ok(())
    }

    /// Reads the 64-bit word at `offset`, in the processor's order; everything that was written
    /// before the word was is then seen, too.
    ///
    /// # Errors
    /// [`Error::Bounds`] if the word is not inside, or not aligned.
    pub fn load_acquire(&self, offset: usize) -> Result<u64, Error> {
        self.check(offset, WORD_BYTES)?;
        let (_, words, _) = self.0.atoms(offset, WORD_BYTES);
        let word = words.first().ok_or_else(|| self.bounds(offset, WORD_BYTES))?;
        Ok(word.load(Ordering::Acquire))
    }

    fn check(&self, offset: usize, length: usize) -> Result<(), Error> {
        let end = offset.checked_add(length).filter(|end| *end <= self.len());
        end.map(drop).ok_or_else(|| self.bounds(offset, length))
    }

    fn bounds(&self, offset: usize, length: usize) -> Error {
        let [offset, length, region] = [offset, length, self.len()].map(|it| it as u64);
        Error::Bounds { offset, length, region }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A region of a kind, of so many octets, that is all zeros, and what it stands in.
    fn make(kind: usize, bytes: usize) -> (Region, Option<Vec<u8>>) {
        match kind {
            0 => (Region::new(bytes).unwrap(), None),
            1 => (Region::from_vec(vec![0; bytes]), None),
            2 => {
                let file = tempfile::tempfile().unwrap();
                file.set_len(5003 + bytes as u64).unwrap();
                (Region::of_file(Arc::new(file), 5003, bytes).unwrap(), None)
            }
            _ => {
                let mut around = vec![0; bytes + 9];
                let start = around.as_mut_ptr().wrapping_add(5);
                // SAFETY: the vector is kept by the caller, who does not look at it meanwhile.
                (unsafe { Region::from_raw_parts(start, bytes) }, Some(around))
            }
        }
    }

    proptest! {
        #[test]
        fn a_region_is_a_slice(
            kind in 0usize..4,
            bytes in 1usize..9000,
            writes in prop::collection::vec(
                (0usize..9000, any::<u8>(), prop_oneof![0usize..40, 0usize..9000]), 0..20,
            ),
        ) {
            let (region, around) = make(kind, bytes);
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
            prop_assert_eq!(region.to_vec(0, bytes).unwrap(), &model[..]);
            prop_assert_eq!(region.mapped_bytes() % PAGE_BYTES, 0);
            prop_assert!(region.page_offset() + bytes <= region.mapped_bytes());
            region.fill(0xa5).unwrap();
            prop_assert_eq!(region.to_vec(0, bytes).unwrap(), vec![0xa5; bytes]);
            drop(region);
            if let Some(around) = around {
                prop_assert_eq!(&around[..5], [0; 5]);
                prop_assert_eq!(&around[5 + bytes..], [0; 4]);
                prop_assert!(around[5..5 + bytes].iter().all(|octet| *octet == 0xa5));
            }
        }
    }

    #[test]
    fn nothing_outside_is_touched() {
        let region = Region::new(10).unwrap();
        assert_eq!((region.page_offset(), region.mapped_bytes()), (0, PAGE_BYTES));
        for (offset, length) in [(10, 1), (0, 11), (usize::MAX, 2), (11, 0)] {
            assert!(region.write(offset, &vec![1; length]).is_err(), "{length} at {offset}");
            assert!(region.to_vec(offset, length).is_err(), "{length} at {offset}");
        }
        assert!(region.write(10, &[]).is_ok());
        assert!(region.load_acquire(8).is_err(), "the word is not wholly inside");
        assert!(region.load_acquire(1).is_err(), "it is not aligned");
    }

    #[test]
    fn a_vector_comes_back_as_it_went() {
        let vector: Vec<u8> = (0..100).collect();
        let (address, capacity) = (vector.as_ptr() as usize, vector.capacity());
        let region = Region::from_vec(vector);
        assert_eq!(region.address(), address, "in place");
        region.write(3, b"abc").unwrap();
        let clone = region.clone();
        let region = region.into_vec().unwrap_err();
        drop(clone);
        let vector = region.into_vec().unwrap();
        assert_eq!((vector.as_ptr() as usize, vector.capacity()), (address, capacity));
        assert_eq!(vector[..7], *b"\0\x01\x02abc\x06");
        assert!(Region::new(1).unwrap().into_vec().is_err(), "it is no vector");
        assert!(Region::from_vec(Vec::new()).is_empty());
    }

    #[test]
    fn a_file_that_may_only_be_read_is_only_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"octets").unwrap();
        let read_only = std::fs::File::open(file.path()).unwrap();
        let region = Region::of_file(Arc::new(read_only), 2, 3).unwrap();
        assert_eq!(region.to_vec(0, 3).unwrap(), b"tet");
        assert!(!region.is_writable());
        assert!(matches!(region.write(0, b"x"), Err(Error::ReadOnly)));
        assert!(matches!(region.fill(0), Err(Error::ReadOnly)));
    }

    #[test]
    fn a_file_is_mapped_where_it_is() {
        use std::os::unix::fs::FileExt;
        let file = Arc::new(tempfile::tempfile().unwrap());
        file.set_len(10_000).unwrap();
        let region = Region::of_file(file.clone(), 4000, 5000).unwrap();
        region.write(96, b"here").unwrap();
        let mut octets = [0; 4];
        file.read_exact_at(&mut octets, 4096).unwrap();
        assert_eq!(&octets, b"here");
        assert_eq!((region.page_offset(), region.mapped_bytes()), (4000, 3 * PAGE_BYTES));
        assert_eq!(region.file().map(|(_, offset)| offset), Some(0));
        let last = Region::of_file(file.clone(), 8192, PAGE_BYTES).unwrap();
        assert_eq!(last.to_vec(1808, 4).unwrap(), [0; 4], "behind the end of the file");
        for (offset, bytes) in [(12_287, 2), (0, 0), (u64::MAX, 1), (12_288, 1)] {
            assert!(Region::of_file(file.clone(), offset, bytes).is_err(), "{bytes} at {offset}");
        }
    }
}
