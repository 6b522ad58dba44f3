//! A bus without an IOMMU: the pages of the application's memory lie anywhere.

use crate::error::Error;
use crate::iova::Addresses;
use crate::os::PAGE_BYTES;
use crate::pci::Run;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// log2 of the most pages that may lie together by the system's choice, as huge pages do.
const LARGE_BITS: u32 = 4;

/// Scatters mappings, the same for the same seed.
pub(crate) struct Scatter(StdRng);

impl Scatter {
    /// With this seed.
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Runs for so many octets, which are whole pages. They meet at multiples of 1 to 16 pages, and
    /// are in no order on the bus.
    ///
    /// # Errors
    /// [`Error::Exhausted`] if the addresses are used up.
    pub fn runs(&mut self, octets: usize, addresses: &mut Addresses) -> Result<Vec<Run>, Error> {
        let unit = PAGE_BYTES << [0, 0, 1, LARGE_BITS][self.0.random_range(0..4)];
        let mut left = octets;
        let mut sizes = Vec::new();
        while left > 0 {
            // The first one begins anywhere in its unit, and ends with it.
            let run = match sizes.is_empty() {
                true => PAGE_BYTES * self.0.random_range(1..=unit / PAGE_BYTES),
                false => unit * self.0.random_range(1..=2),
            };
            sizes.push(run.min(left));
            left -= run.min(left);
        }
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.shuffle(&mut self.0);
        let mut runs = vec![Run::default(); sizes.len()];
        for number in order {
            let (octets, unit) = (sizes[number], unit as u64);
            let room = addresses.take(octets as u64 + 2 * unit)?.next_multiple_of(unit);
            let whole = (octets as u64).next_multiple_of(unit);
            let before = if number == 0 && sizes.len() > 1 { whole - octets as u64 } else { 0 };
            runs[number] = Run { address: room + before, octets };
        }
        Ok(runs)
    }
}
