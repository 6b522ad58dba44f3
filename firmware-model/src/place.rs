//! What lies where in BAR 0.

use ironwarp_abi::configuration::Configuration;
use ironwarp_abi::limits::VECTOR_COUNT;
use ironwarp_abi::registers::{
    AREA_CQ, AREA_QP, CONTEXT_WINDOW, CONTEXT_WINDOW_WORDS, DOORBELL_ARM, DOORBELL_CONSUMED,
    DOORBELL_PAGE_BITS, DOORBELL_RECEIVE, DOORBELL_SEND, MSIX_PENDING, MSIX_TABLE,
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
    /// A word of the context window.
    Window(usize),
    /// A doorbell.
    Doorbell(Doorbell),
    /// Reads as zero; a write changes nothing.
    Nothing,
}

/// The doorbells, each with the number of its queue pair or completion queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doorbell {
    Send(u32),
    Receive(u32),
    Consumed(u32),
    Arm(u32),
}

/// Finds the word at an address. None if the address is not that of an aligned word of BAR 0.
pub(crate) fn place(address: u32, device: &Configuration) -> Option<Place> {
    if address >= device.bar_bytes() || address % 4 != 0 {
        return None;
    }
    let msix_table = MSIX_TABLE..MSIX_TABLE + MSIX_ENTRY_BYTES * VECTOR_COUNT as u32;
    let window = CONTEXT_WINDOW..CONTEXT_WINDOW + 4 * CONTEXT_WINDOW_WORDS as u32;
    Some(if address < MSIX_TABLE {
        Place::Register(address)
    } else if msix_table.contains(&address) {
        let at = address - MSIX_TABLE;
        let vector = (at / MSIX_ENTRY_BYTES) as usize;
        Place::MsixTable { vector, word: at % MSIX_ENTRY_BYTES / 4 }
    } else if address == MSIX_PENDING {
        Place::MsixPending
    } else if window.contains(&address) {
        Place::Window(((address - CONTEXT_WINDOW) / 4) as usize)
    } else {
        doorbell(address, device).map_or(Place::Nothing, Place::Doorbell)
    })
}

fn doorbell(address: u32, device: &Configuration) -> Option<Doorbell> {
    let at = address % (1 << device.area_bits());
    let (index, offset) = (at >> DOORBELL_PAGE_BITS, at % (1 << DOORBELL_PAGE_BITS));
    let (is_qp, is_cq) =
        ((index as usize) < device.qp_count(), (index as usize) < device.cq_count());
    match (address >> device.area_bits(), offset) {
        (AREA_QP, DOORBELL_SEND) if is_qp => Some(Doorbell::Send(index)),
        (AREA_QP, DOORBELL_RECEIVE) if is_qp => Some(Doorbell::Receive(index)),
        (AREA_CQ, DOORBELL_CONSUMED) if is_cq => Some(Doorbell::Consumed(index)),
        (AREA_CQ, DOORBELL_ARM) if is_cq => Some(Doorbell::Arm(index)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironwarp_abi::configuration::{ALL, BOARD};

    #[test]
    fn every_area_is_found() {
        for (name, device) in ALL {
            let place = |address| place(address, device);
            assert_eq!(place(0x38), Some(Place::Register(0x38)));
            assert_eq!(place(MSIX_TABLE + 28), Some(Place::MsixTable { vector: 1, word: 3 }));
            assert_eq!(place(MSIX_TABLE + 256), Some(Place::Nothing));
            assert_eq!(place(MSIX_PENDING), Some(Place::MsixPending));
            assert_eq!(place(CONTEXT_WINDOW + 124), Some(Place::Window(31)));
            assert_eq!(place(CONTEXT_WINDOW + 128), Some(Place::Nothing));
            let (qp, cq) = (device.qp_count() as u32 - 1, device.cq_count() as u32 - 1);
            for (address, doorbell) in [
                (device.qp_doorbell(qp, DOORBELL_SEND), Doorbell::Send(qp)),
                (device.qp_doorbell(0, DOORBELL_RECEIVE), Doorbell::Receive(0)),
                (device.cq_doorbell(cq, DOORBELL_CONSUMED), Doorbell::Consumed(cq)),
                (device.cq_doorbell(1, DOORBELL_ARM), Doorbell::Arm(1)),
            ] {
                assert_eq!(place(address), Some(Place::Doorbell(doorbell)), "{name}");
                assert_eq!(place(address + 8), Some(Place::Nothing), "{name}");
            }
            assert_eq!(place(device.cq_doorbell(cq + 1, 0)), Some(Place::Nothing), "reserved");
            for nowhere in [1, 2, 0x37, device.bar_bytes(), !3] {
                assert_eq!(place(nowhere), None, "{name} {nowhere:#x}");
            }
        }
    }

    #[test]
    fn pages_without_an_object_have_no_doorbell() {
        let device = Configuration { cq_bits: BOARD.qp_bits - 1, ..BOARD };
        let (last, next) = (device.cq_doorbell(7, 0), device.cq_doorbell(8, 0));
        assert_eq!(place(last, &device), Some(Place::Doorbell(Doorbell::Consumed(7))));
        assert_eq!(place(next, &device), Some(Place::Nothing));
    }
}
