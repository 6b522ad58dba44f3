//! What the gate's refusals are called in completions and events.
use crate::literal::Literal;
use crate::pins::Ports;
use crate::protect::records::refusal;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// The status of a refusal: of a buffer that this side's own work request names, or of one that the
/// peer wants to write or to read. Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct RefusalStatus {
    /// One of [`refusal`]; `NONE` has no status.
    pub refusal: Signal<In, Bits<3>>,
    /// The peer named the buffer, to write into it ...
    pub remote: Signal<In, Bit>,
    /// ... or to read from it.
    pub response: Signal<In, Bit>,
    pub status: Signal<Out, Bits<8>>,
    domain: Literal<3, { refusal::DOMAIN }>,
    rights: Literal<3, { refusal::RIGHTS }>,
    bounds: Literal<3, { refusal::BOUNDS }>,
    wrap: Literal<3, { refusal::WRAP }>,
    fault: Literal<3, { refusal::FAULT }>,
    dma_fault: Literal<8, { status::DMA_FAULT as u64 }>,
    local_bounds: Literal<8, { status::LOCAL_BOUNDS as u64 }>,
    /// What leads from the refusals to the status codes.
    local_shift: Literal<8, { status::LOCAL_STAG as u64 - refusal::STAG }>,
    read_shift: Literal<8, { status::READ_STAG as u64 - refusal::STAG }>,
    ddp_stag: Literal<8, { status::DDP_STAG as u64 }>,
    ddp_domain: Literal<8, { status::DDP_DOMAIN as u64 }>,
    ddp_rights: Literal<8, { status::DDP_RIGHTS as u64 }>,
    ddp_bounds: Literal<8, { status::DDP_BOUNDS as u64 }>,
    ddp_wrap: Literal<8, { status::DDP_WRAP as u64 }>,
}

impl Logic for RefusalStatus {
    #[hdl_gen]
    fn update(&mut self) {
        self.status.next = bit_cast::<8, 3>(self.refusal.val()) + self.local_shift.val();
        if self.refusal.val() == self.wrap.val() {
            self.status.next = self.local_bounds.val();
        }
        if self.remote.val() {
            self.status.next = self.ddp_stag.val();
            if self.refusal.val() == self.domain.val() {
                self.status.next = self.ddp_domain.val();
            }
            if self.refusal.val() == self.rights.val() {
                self.status.next = self.ddp_rights.val();
            }
            if self.refusal.val() == self.bounds.val() {
                self.status.next = self.ddp_bounds.val();
            }
            if self.refusal.val() == self.wrap.val() {
                self.status.next = self.ddp_wrap.val();
            }
        }
        if self.response.val() {
            self.status.next = bit_cast::<8, 3>(self.refusal.val()) + self.read_shift.val();
        }
        if self.refusal.val() == self.fault.val() {
            self.status.next = self.dma_fault.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    #[test]
    fn names_every_refusal() {
        let mut uut = RefusalStatus::default();
        crate::queue::elaborate("refusal_status", &mut uut);
        for (why, local, remote, response) in [
            (refusal::STAG, status::LOCAL_STAG, status::DDP_STAG, status::READ_STAG),
            (refusal::DOMAIN, status::LOCAL_DOMAIN, status::DDP_DOMAIN, status::READ_DOMAIN),
            (refusal::RIGHTS, status::LOCAL_RIGHTS, status::DDP_RIGHTS, status::READ_RIGHTS),
            (refusal::BOUNDS, status::LOCAL_BOUNDS, status::DDP_BOUNDS, status::READ_BOUNDS),
            (refusal::WRAP, status::LOCAL_BOUNDS, status::DDP_WRAP, status::READ_WRAP),
            (refusal::FAULT, status::DMA_FAULT, status::DMA_FAULT, status::DMA_FAULT),
        ] {
            uut.refusal.next = why.to_bits();
            let named = [(false, false, local), (true, false, remote), (false, true, response)];
            for (by_peer, reads, expected) in named {
                uut.remote.next = by_peer;
                uut.response.next = reads;
                settle!(uut);
                assert_eq!(uut.status.val().to_u64(), u64::from(expected), "refusal {why}");
            }
        }
    }
}
