//! Fields of the host's records by their names.
use ironwarp_abi::record::Field;

/// The field of that name: `field(FlowContext::FIELDS, "next").word()`. To be asked for constants
/// and while a circuit is made.
pub const fn field(fields: &[Field], name: &str) -> Field {
    fields[place(fields, name)]
}

/// Where the field of that name stands in the list; a constant of a name that is not there does
/// not compile.
pub(super) const fn place(fields: &[Field], name: &str) -> usize {
    let mut place = 0;
    while !is_name(fields[place].name, name) {
        place += 1;
        assert!(place < fields.len(), "the record has no such field");
    }
    place
}

/// The two are equal.
pub(crate) const fn is_name(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

#[cfg(test)]
mod tests {
    use super::field;
    use ironwarp_abi::context::{FlowContext, QueuePairContext};

    #[test]
    fn every_field_is_found_by_its_name_and_by_no_part_of_it() {
        for fields in [FlowContext::FIELDS, QueuePairContext::FIELDS] {
            fields.iter().for_each(|it| assert_eq!(field(fields, it.name), *it));
        }
        assert_eq!(field(QueuePairContext::FIELDS, "send_next").offset, 14 * 32);
        let part = std::panic::catch_unwind(|| field(FlowContext::FIELDS, "rem"));
        assert!(part.is_err());
    }
}
