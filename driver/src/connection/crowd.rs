//! Who has to go when there are too many.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Of those who wait, oldest first, each with where it comes from: the oldest from where most come.
/// Who comes alone is not shut out by a crowd from one place, and a crowd from everywhere shuts out
/// only its own oldest, who had the longest time to say something.
pub(crate) fn one_too_many<T: Copy>(waiting: impl IntoIterator<Item = (T, Ipv4Addr)>) -> Option<T> {
    let mut sources: BTreeMap<Ipv4Addr, (usize, usize, T)> = BTreeMap::new();
    for (place, (who, source)) in waiting.into_iter().enumerate() {
        sources.entry(source).or_insert((0, place, who)).0 += 1;
    }
    let most = sources.into_values().max_by_key(|(count, place, _)| (*count, Reverse(*place)));
    most.map(|(_, _, who)| who)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_the_largest_crowd_goes() {
        let from = |hosts: &[u8]| {
            let waiting = hosts.iter().map(|host| Ipv4Addr::new(10, 0, 0, *host));
            one_too_many(waiting.enumerate())
        };
        assert_eq!(from(&[]), None);
        assert_eq!(from(&[5]), Some(0));
        assert_eq!(from(&[5, 4, 3]), Some(0), "all are alone");
        assert_eq!(from(&[5, 4, 3, 4]), Some(1));
        assert_eq!(from(&[5, 4, 3, 3, 4, 5]), Some(0));
    }
}
