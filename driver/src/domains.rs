//! Protection domains: which numbers are in use, and by how many objects.

use crate::error::Error;
use crate::numbered::Numbered;

/// The protection domains of a device. A number is free when the handle of its domain is gone, and
/// with it every memory region and queue pair that was made from it: else a new domain could reach
/// what is left of an old one. Objects that the device did not let go keep theirs for good.
pub(crate) struct Domains {
    /// The handle, regions and queue pairs of each.
    members: Numbered<usize>,
}

impl Domains {
    /// None yet. Number 0 is the driver's own.
    pub fn new() -> Self {
        Self { members: Numbered::new("protection domain", 1..1 << u16::BITS) }
    }

    /// A new domain, of which there is a handle.
    pub fn add(&mut self) -> Result<u16, Error> {
        let number = self.members.vacant()?;
        let domain = u16::try_from(number).map_err(|_| Error::Exhausted("protection domain"))?;
        self.members.insert(number, 1);
        Ok(domain)
    }

    /// One object more is in a domain.
    pub fn join(&mut self, domain: u16) -> Result<(), Error> {
        *self.members.get_mut(domain.into())? += 1;
        Ok(())
    }

    /// One object less.
    pub fn leave(&mut self, domain: u16) -> Result<(), Error> {
        let members = self.members.get_mut(domain.into())?;
        *members -= 1;
        match *members {
            0 => self.members.remove(domain.into()).map(drop),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fake::Fake;
    use crate::{Access, Context, Options, QueuePairOptions, Region};

    /// More than there are numbers, one after another.
    #[test]
    fn numbers_are_used_again() {
        let context = Context::open(Fake::alone(), Options::default()).unwrap();
        for count in 0..=u16::MAX {
            assert!(context.protection_domain().is_ok(), "domain {count}");
        }
        let all: Vec<_> = (0..u16::MAX).map(|_| context.protection_domain().unwrap()).collect();
        assert!(context.protection_domain().is_err(), "all are in use");
        drop(all);
        context.protection_domain().unwrap();
    }

    /// What is left of a domain keeps its number from all others.
    #[test]
    fn a_number_is_not_used_again_while_something_has_it() {
        let fake = Fake::alone();
        let context = Context::open(fake.clone(), Options::default()).unwrap();
        let domain = context.protection_domain().unwrap();
        let queue = context.completion_queue(256).unwrap();
        let pair = domain.queue_pair(&QueuePairOptions::new(&queue)).unwrap();
        let region = Region::new(64).unwrap();
        let memory = domain.register(&region, Access::LOCAL).unwrap();
        drop(domain);
        let mut others: Vec<_> =
            (0..u16::MAX - 1).map(|_| context.protection_domain().unwrap()).collect();
        assert!(context.protection_domain().is_err(), "a region and a queue pair are left");
        drop(memory);
        assert!(context.protection_domain().is_err(), "a queue pair is left");
        drop(pair);
        others.push(context.protection_domain().unwrap());
        assert!(context.protection_domain().is_err(), "one was free");
        // Of regions that are not registered in the end, nothing is left.
        let domain = others.swap_remove(7);
        assert!(domain.register_at(&region, u64::MAX, Access::LOCAL).is_err());
        drop(domain);
        context.protection_domain().unwrap();
    }
}
