//! Moves a packet by a few octets within its beats.
use super::records::ShiftBeat;
use crate::pins::Ports;
use crate::stream::beat::*;
use crate::stream::SkidBuffer;
use rust_hdl::prelude::*;

/// Every octet of a packet moves back by `shift` places; what falls out of a beat goes to the next.
/// With `drop_first` the first eight places, after the move, are left out.
///
/// ```text
/// shift 3:                 in  ABCDEFGH IJKL     out  ...ABCDE FGHIJKL
/// shift 3 and drop_first:  in  .....FGH IJKL     out           FGHIJKL
/// ```
/// The second form strips 8 - `shift` octets from the front. Octets that come in front are zero in
/// the first form. A beat a clock, and one more if the packet grows by a beat; two clocks. Both
/// sides are registered.
#[derive(LogicBlock, Ports)]
pub struct ByteShift {
    pub clock: Signal<In, Clock>,
    pub sink: StreamSink<ShiftBeat>,
    /// The packet, dense; octets beyond the last are zero.
    pub source: StreamSource<Beat>,
    front: SkidBuffer<ShiftBeat>,
    out: DFF<Beat>,
    out_full: DFF<Bit>,
    /// What fell out of the last beat.
    hold: DFF<Bits<64>>,
    /// The next beat continues a packet.
    midway: DFF<Bit>,
    /// The packet's end is in `hold`.
    spill: DFF<Bit>,
    spill_bytes: DFF<Bits<4>>,
    spill_error: DFF<Bit>,
    free: Signal<Local, Bit>,
    moved: Signal<Local, Bits<64>>,
    fallen: Signal<Local, Bits<64>>,
    up: Signal<Local, Bits<7>>,
    down: Signal<Local, Bits<7>>,
    total: Signal<Local, Bits<5>>,
    excess: Signal<Local, Bits<5>>,
    /// Octets of the beat that leaves.
    count: Signal<Local, Bits<4>>,
    unused: Signal<Local, Bits<7>>,
    mask: Signal<Local, Bits<64>>,
    data: Signal<Local, Bits<64>>,
    ones: Constant<Bits<64>>,
    sixty_four: Constant<Bits<7>>,
    eight: Constant<Bits<5>>,
}

impl Default for ByteShift {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            sink: Default::default(),
            source: Default::default(),
            front: Default::default(),
            out: Default::default(),
            out_full: Default::default(),
            hold: Default::default(),
            midway: Default::default(),
            spill: Default::default(),
            spill_bytes: Default::default(),
            spill_error: Default::default(),
            free: Default::default(),
            moved: Default::default(),
            fallen: Default::default(),
            up: Default::default(),
            down: Default::default(),
            total: Default::default(),
            excess: Default::default(),
            count: Default::default(),
            unused: Default::default(),
            mask: Default::default(),
            data: Default::default(),
            ones: Constant::new(u64::MAX.to_bits()),
            sixty_four: Constant::new(64.into()),
            eight: Constant::new(8.into()),
        }
    }
}

impl Logic for ByteShift {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, out, out_full, hold, midway, spill, spill_bytes, spill_error);
        clock!(self, clock, front);
        // Octets behind the packet's last are put to zero here, so that no later stage must.
        self.unused.next =
            self.sixty_four.val() - (bit_cast::<7, 4>(self.sink.beat.val().bytes) << 3);
        self.mask.next = self.ones.val() >> self.unused.val();
        self.front.sink.beat.next = self.sink.beat.val();
        self.front.sink.beat.next.data = self.sink.beat.val().data & self.mask.val();
        self.front.sink.valid.next = self.sink.valid.val();
        self.sink.ready.next = self.front.sink.ready.val();
        self.source.beat.next = self.out.q.val();
        self.source.valid.next = self.out_full.q.val();
        self.free.next = self.source.ready.val() | !self.out_full.q.val();
        self.front.source.ready.next = self.free.val() & !self.spill.q.val();

        self.up.next = bit_cast::<7, 3>(self.front.source.beat.val().shift) << 3;
        self.down.next = self.sixty_four.val() - self.up.val();
        self.moved.next = self.front.source.beat.val().data << self.up.val();
        self.fallen.next = self.front.source.beat.val().data >> self.down.val();
        self.total.next = bit_cast::<5, 4>(self.front.source.beat.val().bytes)
            + bit_cast::<5, 3>(self.front.source.beat.val().shift);
        self.excess.next = self.total.val() - self.eight.val();

        self.count.next = 8.into();
        self.data.next = self.moved.val();
        if self.midway.q.val() {
            self.data.next = self.moved.val() | self.hold.q.val();
        }
        if self.spill.q.val() {
            self.count.next = self.spill_bytes.q.val();
            self.data.next = self.hold.q.val();
        } else if self.front.source.beat.val().last & (self.total.val() <= self.eight.val()) {
            self.count.next = bit_cast::<4, 5>(self.total.val());
        }

        if self.free.val() {
            self.out_full.d.next = false;
            self.out.d.next.data = self.data.val();
            self.out.d.next.bytes = self.count.val();
            self.out.d.next.last = false;
            self.out.d.next.error = false;
            if self.spill.q.val() {
                self.out_full.d.next = true;
                self.out.d.next.last = true;
                self.out.d.next.error = self.spill_error.q.val();
                self.spill.d.next = false;
            } else if self.front.source.valid.val() {
                self.out_full.d.next =
                    self.midway.q.val() | !self.front.source.beat.val().drop_first;
                self.hold.d.next = self.fallen.val();
                self.midway.d.next = !self.front.source.beat.val().last;
                if self.front.source.beat.val().last {
                    if self.total.val() <= self.eight.val() {
                        self.out.d.next.last = true;
                        self.out.d.next.error = self.front.source.beat.val().error;
                    } else {
                        self.spill.d.next = true;
                        self.spill_bytes.d.next = bit_cast::<4, 5>(self.excess.val());
                        self.spill_error.d.next = self.front.source.beat.val().error;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;

    /// Packets of every small length at every shift, with and without `drop_first`.
    fn cases(seed: u64) -> (Vec<ShiftBeat>, Vec<Beat>) {
        let (mut put, mut get) = (vec![], vec![]);
        for (n, packet) in random_packets(seed, 200, 40).into_iter().enumerate() {
            let shift = n % 8;
            let strip = n / 8 % 2 == 1 && shift != 0;
            let mut octets = packet.octets.clone();
            if strip {
                octets.splice(0..0, vec![0xee; 8 - shift]);
            }
            for chunk in dense(&[Packet { octets, error: packet.error }]) {
                put.push(ShiftBeat {
                    data: chunk.data,
                    bytes: chunk.bytes,
                    last: chunk.last,
                    error: chunk.error,
                    shift: (shift as u64).to_bits(),
                    drop_first: strip,
                });
            }
            let mut octets = packet.octets;
            if !strip {
                octets.splice(0..0, vec![0; shift]);
            }
            get.extend(dense(&[Packet { octets, error: packet.error }]));
        }
        (put, get)
    }

    #[test]
    fn moves_every_octet_and_keeps_packets_apart() {
        use rand::Rng;
        for seed in seeds() {
            let (put, get) = cases(seed);
            let mut rng = rng(seed);
            let (offer, accept) = (rng.random_range(0.3..=1.0), rng.random_range(0.3..=1.0));
            let mut uut = ByteShift::default();
            uut.connect_all();
            let (mut at, mut got, mut offered) = (0, vec![], false);
            for _ in 0..20_000 {
                offered = offered || (at < put.len() && rng.random_bool(offer));
                uut.sink.valid.next = offered;
                uut.sink.beat.next = put.get(at).copied().unwrap_or_default();
                uut.source.ready.next = rng.random_bool(accept);
                settle!(uut);
                let moved = offered && uut.sink.ready.val();
                if uut.source.valid.val() && uut.source.ready.val() {
                    got.push(uut.source.beat.val());
                }
                edge!(uut);
                at += usize::from(moved);
                offered = offered && !moved;
                if got.len() == get.len() {
                    break;
                }
            }
            assert_eq!(got, get, "SEED={seed}");
        }
    }
}
