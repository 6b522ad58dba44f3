//! Which untagged segment comes next.
use crate::control::records::Command;
use crate::literal::Literal;
use crate::memory::Table;
use crate::transmit::marks::Marks;
use ironwarp_wire::ddp::FIRST_MESSAGE;
use rust_hdl::prelude::*;

/// MSN and MO that are expected in the queues of Sends and of Read Requests, for every queue pair.
#[derive(LogicBlock, Default)]
pub struct MessageStates {
    pub clock: Signal<In, Clock>,
    pub qp_command: Signal<In, Command>,
    /// Which queue pair,
    pub qp: Signal<In, Bits<4>>,
    /// and whether its queue of Read Requests; else that of Sends.
    pub request: Signal<In, Bit>,
    /// What is expected, a clock later: MSN in bits 63:32, MO in bits 31:0.
    pub expected: Signal<Out, Bits<64>>,
    /// From now on `following` is.
    pub write: Signal<In, Bit>,
    pub following: Signal<In, Bits<64>>,
    states: Table<Bits<64>, 5>,
    /// Something has come in the queue since the queue pair was started or stopped.
    begun_sends: Marks,
    begun_requests: Marks,
    begun: Signal<Local, Bits<16>>,
    index: Signal<Local, Bits<5>>,
    first: Literal<64, { (FIRST_MESSAGE as u64) << 32 }>,
    requests: Literal<5, 16>,
}

impl Logic for MessageStates {
    //= rfc5041#4.3  Every queue counts its own messages.
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, states, begun_sends, begun_requests);
        self.begun_sends.set.next = self.write.val() & !self.request.val();
        self.begun_sends.set_qp.next = self.qp.val();
        self.begun_sends.clear.next = false;
        self.begun_sends.clear_qp.next = self.qp.val();
        self.begun_sends.wipe.next = self.qp_command.val().valid;
        self.begun_sends.wipe_qp.next = bit_cast::<4, 8>(self.qp_command.val().index);
        self.begun_requests.set.next = self.write.val() & self.request.val();
        self.begun_requests.set_qp.next = self.qp.val();
        self.begun_requests.clear.next = false;
        self.begun_requests.clear_qp.next = self.qp.val();
        self.begun_requests.wipe.next = self.qp_command.val().valid;
        self.begun_requests.wipe_qp.next = bit_cast::<4, 8>(self.qp_command.val().index);

        self.index.next = bit_cast::<5, 4>(self.qp.val());
        self.begun.next = self.begun_sends.marks.val();
        if self.request.val() {
            self.index.next = bit_cast::<5, 4>(self.qp.val()) | self.requests.val();
            self.begun.next = self.begun_requests.marks.val();
        }
        self.states.read_index.next = self.index.val();
        self.states.write_index.next = self.index.val();
        self.states.write_record.next = self.following.val();
        self.states.write.next = self.write.val();
        self.expected.next = self.first.val();
        if self.begun.val().get_bit(self.qp.val().index()) {
            self.expected.next = self.states.read_record.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;
    use std::collections::HashMap;

    //= rfc5041#4.3
    //= type=test
    #[test]
    fn every_queue_counts_from_its_start() {
        let mut rng = rng(3);
        let mut uut = MessageStates::default();
        uut.connect_all();
        let mut model = HashMap::new();
        for _ in 0..3000 {
            let (qp, request) = (rng.random_range(0..3_u64), rng.random::<bool>());
            uut.qp.next = qp.to_bits();
            uut.request.next = request;
            tick!(uut);
            let expected = model.get(&(qp, request)).copied().unwrap_or(1 << 32);
            assert_eq!(uut.expected.val().to_u64(), expected);
            let (write, command) = (rng.random_bool(0.7), rng.random_bool(0.1));
            let (following, other) = (rng.random::<u64>(), rng.random_range(0..3_u64));
            uut.write.next = write;
            uut.following.next = following.to_bits();
            uut.qp_command.next =
                Command { valid: command, index: other.to_bits(), enable: rng.random() };
            tick!(uut);
            uut.write.next = false;
            uut.qp_command.next = Default::default();
            if write {
                model.insert((qp, request), following);
            }
            if command {
                model.retain(|(qp, _), _| *qp != other);
            }
        }
    }
}
