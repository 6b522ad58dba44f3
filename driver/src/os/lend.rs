//! Memory of the application's for a time that the compiler knows.

use super::Region;

/// Ends the process if anybody still has the memory when the time is up.
struct Loan(Region);

impl Drop for Loan {
    fn drop(&mut self) {
        if !self.0.is_the_last() {
            tracing::error!("a device does not give memory back: the process cannot go on");
            std::process::abort();
        }
    }
}

/// Makes a region of the application's octets for the time of `work`, which leaves no clone of it:
/// otherwise the process ends, since a device might write what is the application's again.
pub(crate) fn lend<T>(octets: &mut [u8], work: impl FnOnce(&Region) -> T) -> T {
    // SAFETY: the borrow keeps the octets mapped and keeps others from them until this returns, and
    // when it does, or `work` panics, `Loan` has made sure that nobody has the region any more.
    let loan = Loan(unsafe { Region::from_raw_parts(octets.as_mut_ptr(), octets.len()) });
    work(&loan.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_changed_where_they_are_and_come_back() {
        let mut octets = [7; 100];
        let length = lend(&mut octets[1..51], |region| {
            region.write(3, b"lent").unwrap();
            region.clone().len()
        });
        assert_eq!(length, 50);
        assert_eq!(&octets[..9], b"\x07\x07\x07\x07lent\x07");
    }
}
