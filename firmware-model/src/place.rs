//! What lies where in BAR 0.

use ironwarp_abi::limits::{CQ_COUNT, QP_COUNT, VECTOR_COUNT};
use ironwarp_abi::registers::{
    BAR_BYTES, CONTEXT_STRIDE, CQ_DOORBELLS, DOORBELL_ARM, DOORBELL_CONSUMED, DOORBELL_PAGE,
    DOORBELL_RECEIVE, DOORBELL_SEND, FLOW_CONTEXTS, MSIX_PENDING, MSIX_TABLE, QP_CONTEXTS,
    QP_DOORBELLS,
};

const MSIX_ENTRY_BYTES: u32 = 16;

/// A word of BAR 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A register, if there is one at this address.
    Register(u32),
    /// A word of a vector's entry in the MSI-X table.
    MsixTable { vector: usize, word: u32 },
    /// The pending bits of the vectors.
    MsixPending,
    /// A word of a context.
    Context { table: u8, index: usize, word: usize },
    /// A doorbell.
    Doorbell(Doorbell),
    /// Reads as zero; a write changes nothing.
    Nothing,
}

/// The doorbells, each with the number of its queue pair or completion queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doorbell {
    Send(usize),
    Receive(usize),
    Consumed(usize),
    Arm(usize),
}

/// Finds the word at an address. None if the address is not that of an aligned word of BAR 0.
pub(crate) fn place(address: u32) -> Option<Place> {
    if address >= BAR_BYTES || address % 4 != 0 {
        return None;
    }
    let table_bytes = MSIX_ENTRY_BYTES * VECTOR_COUNT as u32;
    Some(if address < MSIX_TABLE {
        Place::Register(address)
    } else if (MSIX_TABLE..MSIX_TABLE + table_bytes).contains(&address) {
        let at = address - MSIX_TABLE;
        let vector = (at / MSIX_ENTRY_BYTES) as usize;
        Place::MsixTable { vector, word: at % MSIX_ENTRY_BYTES / 4 }
    } else if address == MSIX_PENDING {
        Place::MsixPending
    } else if (QP_CONTEXTS..FLOW_CONTEXTS + 0x1_0000).contains(&address) {
        let index = (address % 0x1_0000 / CONTEXT_STRIDE) as usize;
        let word = (address % CONTEXT_STRIDE / 4) as usize;
        Place::Context { table: (address >> 16) as u8, index, word }
    } else {
        doorbell(address).map_or(Place::Nothing, Place::Doorbell)
    })
}

fn doorbell(address: u32) -> Option<Doorbell> {
    let at = address.checked_sub(QP_DOORBELLS)?;
    let of_cq = address >= CQ_DOORBELLS;
    let at = if of_cq { address - CQ_DOORBELLS } else { at };
    let (index, offset) = ((at / DOORBELL_PAGE) as usize, at % DOORBELL_PAGE);
    match (of_cq, offset) {
        (false, DOORBELL_SEND) if index < QP_COUNT => Some(Doorbell::Send(index)),
        (false, DOORBELL_RECEIVE) if index < QP_COUNT => Some(Doorbell::Receive(index)),
        (true, DOORBELL_CONSUMED) if index < CQ_COUNT => Some(Doorbell::Consumed(index)),
        (true, DOORBELL_ARM) if index < CQ_COUNT => Some(Doorbell::Arm(index)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::context::table;
    use ironwarp_abi::registers::CQ_CONTEXTS;

    #[test]
    fn every_area_is_found() {
        assert_eq!(place(0x38), Some(Place::Register(0x38)));
        assert_eq!(place(MSIX_TABLE + 28), Some(Place::MsixTable { vector: 1, word: 3 }));
        assert_eq!(place(MSIX_TABLE + 256), Some(Place::Nothing));
        assert_eq!(place(MSIX_PENDING), Some(Place::MsixPending));
        let context = Place::Context { table: table::COMPLETION_QUEUE, index: 3, word: 2 };
        assert_eq!(place(CQ_CONTEXTS + 3 * CONTEXT_STRIDE + 8), Some(context));
        let page = DOORBELL_PAGE;
        assert_eq!(place(QP_DOORBELLS + 5 * page), Some(Place::Doorbell(Doorbell::Send(5))));
        assert_eq!(place(QP_DOORBELLS + 4), Some(Place::Doorbell(Doorbell::Receive(0))));
        assert_eq!(place(CQ_DOORBELLS + page), Some(Place::Doorbell(Doorbell::Consumed(1))));
        assert_eq!(place(CQ_DOORBELLS + 4), Some(Place::Doorbell(Doorbell::Arm(0))));
        assert_eq!(place(CQ_DOORBELLS + 16 * page), Some(Place::Nothing));
        for nowhere in [1, 2, 0x37, BAR_BYTES, !3] {
            assert_eq!(place(nowhere), None, "{nowhere:#x}");
        }
    }
}
