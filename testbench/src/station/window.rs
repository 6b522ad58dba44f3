//! What the host writes to hand over a record, and to start or stop what has one.

use ironwarp_abi::registers::{Register, COMMIT, CONTEXT_WINDOW, QP_CONTROL};

/// A value in its field of a register; a name that the register does not have takes no bits.
fn field(register: &Register, name: &str, value: u32) -> u32 {
    let bits = register.fields.iter().find(|bits| bits.name == name);
    bits.map_or(0, |bits| value << bits.low)
}

/// What starts or stops a queue pair or completion queue, for its control register.
pub fn control(index: u32, start: bool) -> u32 {
    field(&QP_CONTROL, "enable", start.into()) | index
}

/// The writes, address and value, that hand over a record's words for an object of a table.
pub fn commit(table: u8, index: u32, words: &[u32]) -> Vec<(u32, u32)> {
    let window = words.iter().zip(0..).map(|(word, n)| (CONTEXT_WINDOW + 4 * n, *word));
    let take = field(&COMMIT, "table", table.into()) | index;
    window.chain([(COMMIT.address, take)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::registers::CQ_CONTROL;

    #[test]
    fn fields_are_where_the_contract_has_them() {
        assert_eq!((control(7, true), control(7, false)), (1 << 24 | 7, 7));
        assert_eq!(QP_CONTROL.fields, CQ_CONTROL.fields);
        let writes = commit(3, 5, &[8, 9]);
        let window = CONTEXT_WINDOW;
        assert_eq!(writes, [(window, 8), (window + 4, 9), (COMMIT.address, 3 << 24 | 5)]);
    }
}
