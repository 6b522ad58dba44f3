//! Objects of the device, by their numbers.

use crate::error::Error;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// Objects of one kind. A number that comes back rests until all others were used, so that nothing
/// late is taken for new.
pub(crate) struct Numbered<T> {
    kind: &'static str,
    /// Numbers that were never used.
    fresh: Range<u32>,
    /// Numbers that came back, oldest first.
    back: VecDeque<u32>,
    objects: BTreeMap<u32, T>,
}

impl<T> Numbered<T> {
    /// No objects yet, of what errors call `kind`.
    pub fn new(kind: &'static str, numbers: Range<u32>) -> Self {
        Self { kind, fresh: numbers, back: VecDeque::new(), objects: BTreeMap::new() }
    }

    /// The number that the next object has.
    pub fn vacant(&self) -> Result<u32, Error> {
        let fresh = (!self.fresh.is_empty()).then_some(self.fresh.start);
        fresh.or(self.back.front().copied()).ok_or(Error::Exhausted(self.kind))
    }

    /// Keeps an object under the number that was [`vacant`](Self::vacant).
    pub fn insert(&mut self, number: u32, object: T) {
        debug_assert_eq!(self.vacant().ok(), Some(number));
        match self.fresh.contains(&number) {
            true => self.fresh.start = number + 1,
            false => drop(self.back.pop_front()),
        }
        self.objects.insert(number, object);
    }

    /// An object.
    pub fn get(&self, number: u32) -> Result<&T, Error> {
        self.objects.get(&number).ok_or(Error::Gone(self.kind))
    }

    /// An object, to change it.
    pub fn get_mut(&mut self, number: u32) -> Result<&mut T, Error> {
        self.objects.get_mut(&number).ok_or(Error::Gone(self.kind))
    }

    /// Takes an object out; its number is free.
    pub fn remove(&mut self, number: u32) -> Result<T, Error> {
        let object = self.objects.remove(&number).ok_or(Error::Gone(self.kind))?;
        self.back.push_back(number);
        Ok(object)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Every object, by number.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.objects.values()
    }

    /// Every number that is in use.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.objects.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_rests_until_all_others_were_used() {
        let mut objects = Numbered::new("thing", 1..4);
        let add = |objects: &mut Numbered<()>| {
            let number = objects.vacant().unwrap();
            objects.insert(number, ());
            number
        };
        assert_eq!([add(&mut objects), add(&mut objects)], [1, 2]);
        objects.remove(2).unwrap();
        objects.remove(1).unwrap();
        assert!(matches!(objects.remove(1), Err(Error::Gone("thing"))));
        assert_eq!([add(&mut objects), add(&mut objects), add(&mut objects)], [3, 2, 1]);
        assert!(matches!(objects.vacant(), Err(Error::Exhausted("thing"))));
        assert_eq!((objects.len(), objects.numbers().collect::<Vec<_>>()), (3, vec![1, 2, 3]));
        assert!(objects.get(3).is_ok() && matches!(objects.get(0), Err(Error::Gone("thing"))));
    }
}
