//! What the gate's refusals are called in completions and events.
use crate::literal::Literal;
use crate::protect::records::refusal;
use ironwarp_abi::status;
use rust_hdl::prelude::*;

/// The status of a refusal: of our own buffer, or of the source that the peer wants to read.
/// Combinational.
#[derive(LogicBlock, Default)]
pub struct AnswerStatus {
    /// One of [`refusal`], but not `NONE`.
    pub refusal: Signal<In, Bits<3>>,
    /// The peer asked for the buffer.
    pub response: Signal<In, Bit>,
    pub status: Signal<Out, Bits<8>>,
    wraps: Literal<3, { refusal::WRAP }>,
    local_bounds: Literal<8, { status::LOCAL_BOUNDS as u64 }>,
    /// What leads from the refusals to the status codes.
    local_shift: Literal<8, { status::LOCAL_STAG as u64 - refusal::STAG }>,
    remote_shift: Literal<8, { status::READ_STAG as u64 - refusal::STAG }>,
}

impl Logic for AnswerStatus {
    #[hdl_gen]
    fn update(&mut self) {
        self.status.next = bit_cast::<8, 3>(self.refusal.val()) + self.local_shift.val();
        if self.refusal.val() == self.wraps.val() {
            self.status.next = self.local_bounds.val();
        }
        if self.response.val() {
            self.status.next = bit_cast::<8, 3>(self.refusal.val()) + self.remote_shift.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    #[test]
    fn names_every_refusal() {
        let mut uut = AnswerStatus::default();
        crate::queue::elaborate("answer_status", &mut uut);
        for (why, local, remote) in [
            (refusal::STAG, status::LOCAL_STAG, status::READ_STAG),
            (refusal::DOMAIN, status::LOCAL_DOMAIN, status::READ_DOMAIN),
            (refusal::RIGHTS, status::LOCAL_RIGHTS, status::READ_RIGHTS),
            (refusal::BOUNDS, status::LOCAL_BOUNDS, status::READ_BOUNDS),
            (refusal::WRAP, status::LOCAL_BOUNDS, status::READ_WRAP),
        ] {
            uut.refusal.next = why.to_bits();
            for (response, expected) in [(false, local), (true, remote)] {
                uut.response.next = response;
                settle!(uut);
                assert_eq!(uut.status.val().to_u64(), u64::from(expected), "refusal {why}");
            }
        }
    }
}
