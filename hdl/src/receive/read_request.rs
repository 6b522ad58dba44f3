//! The fields of a Read Request from its octets.
use crate::configuration::{Generation, QpNumber};
use crate::pins::Ports;
use crate::receive::records::ReadAsked;
use crate::stream::Swap;
use ironwarp_wire::rdmap::read_request::HEADER_BYTES;
use rust_hdl::prelude::*;

const _: () = assert!(HEADER_BYTES == 28, "the kernel has these positions");

/// ```text
/// octets   0..3       4..11        12..15   16..19       20..27          RFC 5040 s. 4.4
///          sink STag  sink offset  length   source STag  source offset
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct ReadRequestFields {
    pub clock: Signal<In, Clock>,
    /// The next eight octets, the first one in bits 7:0; of the fourth such, four count.
    pub data: Signal<In, Bits<64>>,
    pub push: Signal<In, Bit>,
    /// Whose they are.
    pub qp: Signal<In, QpNumber>,
    pub generation: Signal<In, Generation>,
    /// What the last four `push`es have brought.
    pub asked: Signal<Out, ReadAsked>,
    order: Swap,
    words: [DFF<Bits<64>>; 4],
    first: Signal<Local, Bits<64>>,
    second: Signal<Local, Bits<64>>,
    third: Signal<Local, Bits<64>>,
    fourth: Signal<Local, Bits<64>>,
}

impl Logic for ReadRequestFields {
    //= rfc5040#4.4  The Read Request header.
    #[hdl_gen]
    fn update(&mut self) {
        self.order.word.next = self.data.val();
        for i in 0..4 {
            self.words[i].clock.next = self.clock.val();
            self.words[i].d.next = self.words[i].q.val();
        }
        if self.push.val() {
            self.words[0].d.next = self.words[1].q.val();
            self.words[1].d.next = self.words[2].q.val();
            self.words[2].d.next = self.words[3].q.val();
            self.words[3].d.next = self.order.swapped.val();
        }
        self.first.next = self.words[0].q.val();
        self.second.next = self.words[1].q.val();
        self.third.next = self.words[2].q.val();
        self.fourth.next = self.words[3].q.val();
        self.asked.next.qp = self.qp.val();
        self.asked.next.generation = self.generation.val();
        self.asked.next.sink_stag = self.first.val().get_bits::<32>(32);
        self.asked.next.sink_offset =
            (self.first.val() << 32) | bit_cast::<64, 32>(self.second.val().get_bits::<32>(32));
        self.asked.next.length = self.second.val().get_bits::<32>(0);
        self.asked.next.source_stag = self.third.val().get_bits::<32>(32);
        self.asked.next.source_offset =
            (self.third.val() << 32) | bit_cast::<64, 32>(self.fourth.val().get_bits::<32>(32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_wire::rdmap::read_request::ReadRequestRepr;
    use rand::Rng;

    //= rfc5040#4.4
    //= type=test
    #[test]
    fn reads_what_the_wire_emits() {
        let mut rng = rng(4);
        let mut uut = ReadRequestFields::default();
        uut.connect_all();
        for _ in 0..200 {
            let request = ReadRequestRepr {
                sink_stag: rng.random(),
                sink_offset: rng.random(),
                length: rng.random(),
                source_stag: rng.random(),
                source_offset: rng.random(),
            };
            for beat in dense(&[Packet { octets: request.emit().to_vec(), error: false }]) {
                uut.data.next = beat.data;
                uut.push.next = true;
                tick!(uut);
                uut.push.next = false;
                tick!(uut);
            }
            let seen = uut.asked.val();
            let expected = ReadAsked {
                qp: 0.into(),
                generation: 0.into(),
                sink_stag: u64::from(request.sink_stag).to_bits(),
                sink_offset: request.sink_offset.to_bits(),
                length: u64::from(request.length).to_bits(),
                source_stag: u64::from(request.source_stag).to_bits(),
                source_offset: request.source_offset.to_bits(),
            };
            assert_eq!(seen, expected);
        }
    }
}
