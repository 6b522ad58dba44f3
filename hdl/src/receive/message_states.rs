//! Which untagged segment comes next.
use crate::configuration::QpNumber;
use crate::life::{LifeTable, QpChange};
use crate::literal::Literal;
use crate::pins::Ports;
use ironwarp_wire::ddp::FIRST_MESSAGE;
use rust_hdl::prelude::*;

/// MSN and MO that are expected in the queues of Sends and of Read Requests, for every queue pair.
///
/// A record is kept as what differs from the first message's, so that it begins with zero.
#[derive(LogicBlock, Ports, Default)]
pub struct MessageStates {
    pub clock: Signal<In, Clock>,
    pub change: Signal<In, QpChange>,
    /// Which queue pair,
    pub qp: Signal<In, QpNumber>,
    /// and whether its queue of Read Requests; else that of Sends.
    pub request: Signal<In, Bit>,
    /// What is expected, a clock later: MSN in bits 63:32, MO in bits 31:0.
    pub expected: Signal<Out, Bits<64>>,
    /// From now on `following` is. Not when the life has changed since `expected` was read.
    pub write: Signal<In, Bit>,
    pub following: Signal<In, Bits<64>>,
    sends: LifeTable<Bits<64>>,
    requests: LifeTable<Bits<64>>,
    differs: Signal<Local, Bits<64>>,
    kept: Signal<Local, Bits<64>>,
    first: Literal<64, { (FIRST_MESSAGE as u64) << 32 }>,
}

impl Logic for MessageStates {
    //= rfc5041#4.3  Every queue counts its own messages.
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, sends, requests);
        self.differs.next = self.following.val() ^ self.first.val();
        self.sends.change.next = self.change.val();
        self.sends.read_qp.next = self.qp.val();
        self.sends.write.next = self.write.val() & !self.request.val();
        self.sends.write_qp.next = self.qp.val();
        self.sends.write_record.next = self.differs.val();
        self.requests.change.next = self.change.val();
        self.requests.read_qp.next = self.qp.val();
        self.requests.write.next = self.write.val() & self.request.val();
        self.requests.write_qp.next = self.qp.val();
        self.requests.write_record.next = self.differs.val();
        self.kept.next = self.sends.read_record.val();
        if self.request.val() {
            self.kept.next = self.requests.read_record.val();
        }
        self.expected.next = self.kept.val() ^ self.first.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::bench_control::*;
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
            let (write, starts) = (rng.random_bool(0.7), rng.random_bool(0.1));
            let (following, other) = (rng.random::<u64>(), rng.random_range(0..3_u64));
            uut.write.next = write;
            uut.following.next = following.to_bits();
            if write {
                model.insert((qp, request), following);
            }
            if starts {
                change!(uut, begins(other as usize, 1));
                model.retain(|(qp, _), _| *qp != other);
            } else {
                tick!(uut);
            }
            uut.write.next = false;
        }
    }
}
