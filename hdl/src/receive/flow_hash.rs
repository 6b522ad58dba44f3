//! In which bucket of the flow table a segment's flow is.
use crate::configuration::BUCKET_BITS;
use crate::pins::Ports;
use crate::receive::notes::FrameHead;
use ironwarp_abi::limits::FLOW_KEY_BITS;
use rust_hdl::prelude::*;

/// `ironwarp_abi::context::flow_hash` of the fields that `head` had a clock ago.
#[derive(LogicBlock, Ports, Default)]
pub struct FlowHash {
    pub clock: Signal<In, Clock>,
    pub key: Signal<In, Bits<FLOW_KEY_BITS>>,
    pub head: Signal<In, FrameHead>,
    pub bucket: Signal<Out, Bits<BUCKET_BITS>>,
    hash: DFF<Bits<BUCKET_BITS>>,
    ports: Signal<Local, Bits<32>>,
    flow: Signal<Local, Bits<64>>,
    parities: Signal<Local, Bits<BUCKET_BITS>>,
}

impl Logic for FlowHash {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, hash);
        self.ports.next = (bit_cast::<32, 16>(self.head.val().remote_port) << 16)
            | bit_cast::<32, 16>(self.head.val().local_port);
        self.flow.next = (bit_cast::<64, 32>(self.head.val().remote_ip) << 32)
            | bit_cast::<64, 32>(self.ports.val());
        self.parities.next = 0.into();
        for i in 0..BUCKET_BITS {
            self.parities.next = self
                .parities
                .val()
                .replace_bit(i, (self.key.val().get_bits::<64>(i) & self.flow.val()).xor());
        }
        self.hash.d.next = self.parities.val();
        self.bucket.next = self.hash.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_abi::context::flow_hash;
    use rand::Rng;

    #[test]
    fn agrees_with_the_contract() {
        let mut rng = rng(6);
        let mut uut = FlowHash::default();
        crate::queue::elaborate("flow_hash", &mut uut);
        for _ in 0..2000 {
            let key: [u32; FLOW_KEY_BITS / 32] = rng.random();
            let (address, remote, local) = (rng.random(), rng.random(), rng.random());
            uut.key.next = key.iter().rev().fold(0.into(), |sum: Bits<FLOW_KEY_BITS>, word| {
                sum << 32_u64 | u64::from(*word).to_bits()
            });
            uut.head.next = FrameHead {
                remote_ip: u64::from(address).to_bits(),
                remote_port: u64::from(remote).to_bits(),
                local_port: u64::from(local).to_bits(),
                ..Default::default()
            };
            tick!(uut);
            let expected = flow_hash(key, BUCKET_BITS, address, remote, local);
            assert_eq!(uut.bucket.val().to_u64(), expected as u64);
        }
    }
}
