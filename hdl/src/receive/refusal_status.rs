//! The gate's refusals as status codes.
use crate::literal::Literal;
use crate::protect::records::refusal;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// Combinational.
#[derive(LogicBlock, Default)]
pub struct RefusalStatus {
    /// One of `protect::records::refusal`.
    pub refusal: Signal<In, Bits<3>>,
    /// The peer named the memory; else this side's own work request did.
    pub remote: Signal<In, Bit>,
    /// One of `ironwarp_abi::status`.
    pub status: Signal<Out, Bits<8>>,
    stag: Literal<3, { refusal::STAG }>,
    domain: Literal<3, { refusal::DOMAIN }>,
    rights: Literal<3, { refusal::RIGHTS }>,
    bounds: Literal<3, { refusal::BOUNDS }>,
    wrap: Literal<3, { refusal::WRAP }>,
    ddp_stag: Literal<8, { status::DDP_STAG as u64 }>,
    ddp_domain: Literal<8, { status::DDP_DOMAIN as u64 }>,
    ddp_rights: Literal<8, { status::DDP_RIGHTS as u64 }>,
    ddp_bounds: Literal<8, { status::DDP_BOUNDS as u64 }>,
    ddp_wrap: Literal<8, { status::DDP_WRAP as u64 }>,
    local_stag: Literal<8, { status::LOCAL_STAG as u64 }>,
    local_domain: Literal<8, { status::LOCAL_DOMAIN as u64 }>,
    local_rights: Literal<8, { status::LOCAL_RIGHTS as u64 }>,
    local_bounds: Literal<8, { status::LOCAL_BOUNDS as u64 }>,
}

impl Logic for RefusalStatus {
    #[hdl_gen]
    fn update(&mut self) {
        self.status.next = 0.into();
        if self.remote.val() {
            if self.refusal.val() == self.stag.val() {
                self.status.next = self.ddp_stag.val();
            }
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
        } else {
            if self.refusal.val() == self.stag.val() {
                self.status.next = self.local_stag.val();
            }
            if self.refusal.val() == self.domain.val() {
                self.status.next = self.local_domain.val();
            }
            if self.refusal.val() == self.rights.val() {
                self.status.next = self.local_rights.val();
            }
            if (self.refusal.val() == self.bounds.val()) | (self.refusal.val() == self.wrap.val()) {
                self.status.next = self.local_bounds.val();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_status() {
        let mut uut = RefusalStatus::default();
        uut.connect_all();
        for (refusal, remote, local) in [
            (refusal::NONE, status::SUCCESS, status::SUCCESS),
            (refusal::STAG, status::DDP_STAG, status::LOCAL_STAG),
            (refusal::DOMAIN, status::DDP_DOMAIN, status::LOCAL_DOMAIN),
            (refusal::RIGHTS, status::DDP_RIGHTS, status::LOCAL_RIGHTS),
            (refusal::BOUNDS, status::DDP_BOUNDS, status::LOCAL_BOUNDS),
            (refusal::WRAP, status::DDP_WRAP, status::LOCAL_BOUNDS),
        ] {
            for (by_peer, expected) in [(true, remote), (false, local)] {
                uut.refusal.next = refusal.to_bits();
                uut.remote.next = by_peer;
                assert!(simulate(&mut uut, 10));
                assert_eq!(uut.status.val().to_u64(), u64::from(expected), "{refusal} {by_peer}");
            }
        }
    }
}
