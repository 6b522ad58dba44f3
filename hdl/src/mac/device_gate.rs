//! Keeps frames whole where the device may be reset.
use crate::pins::Ports;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// A reset can come to the device in the middle of a frame. Of one on its way in, the device shall
/// not take the rest for a frame of its own: it is dropped. One on its way out, the device will not
/// end: it is ended here, with `error`. Combinational otherwise.
#[derive(LogicBlock, Ports, Default)]
pub struct DeviceGate {
    pub clock: Signal<In, Clock>,
    /// The device is being reset: what it offers and takes means nothing.
    pub device_reset: Signal<In, Bit>,
    pub from_line: StreamSink<Beat>,
    pub to_device: StreamSource<Beat>,
    pub from_device: StreamSink<Beat>,
    pub to_line: StreamSource<Beat>,
    /// The last beat from the line was not the last of its frame.
    inward: DFF<Bit>,
    /// The rest of a frame from the line is to be dropped.
    drop: DFF<Bit>,
    /// The last beat to the line was not the last of its frame.
    outward: DFF<Bit>,
    /// A frame to the line is to be ended.
    abort: DFF<Bit>,
    shut: Signal<Local, Bit>,
    in_frame: Signal<Local, Bit>,
}

impl Logic for DeviceGate {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, inward, drop, outward, abort);
        self.shut.next = self.drop.q.val() | self.device_reset.val();
        self.to_device.beat.next = self.from_line.beat.val();
        self.to_device.valid.next = self.from_line.valid.val() & !self.shut.val();
        self.from_line.ready.next = self.to_device.ready.val() | self.shut.val();
        self.in_frame.next = self.inward.q.val();
        if self.from_line.valid.val() & (self.to_device.ready.val() | self.shut.val()) {
            self.in_frame.next = !self.from_line.beat.val().last;
        }
        self.inward.d.next = self.in_frame.val();
        self.drop.d.next = self.shut.val() & self.in_frame.val();

        self.to_line.beat.next = self.from_device.beat.val();
        self.to_line.valid.next = self.from_device.valid.val() & !self.device_reset.val();
        // Whatever `device_reset` is: it comes from afar, and `ready` goes far.
        self.from_device.ready.next = self.to_line.ready.val() & !self.abort.q.val();
        if self.device_reset.val() {
            self.abort.d.next = self.outward.q.val();
        } else if self.abort.q.val() {
            self.to_line.beat.next.bytes = 8.into();
            self.to_line.beat.next.last = true;
            self.to_line.beat.next.error = true;
            self.to_line.valid.next = true;
            if self.to_line.ready.val() {
                self.abort.d.next = false;
                self.outward.d.next = false;
            }
        } else if self.from_device.valid.val() & self.to_line.ready.val() {
            self.outward.d.next = !self.from_device.beat.val().last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use rand::Rng;

    /// Beats that move over both streams, and resets at any time: what leaves is whole packets,
    /// and those that no reset fell into are as they came.
    #[test]
    fn packets_stay_whole_over_resets() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let mut uut = DeviceGate::default();
            uut.connect_all();
            let packets = random_packets(seed, 60, 40);
            let mut line = dense(&packets).into_iter().peekable();
            let (mut device, mut number) = (vec![], 0_u64);
            let (mut inward, mut outward, mut resets) = (vec![], vec![], 0);
            for _ in 0..1500 {
                let reset = rng.random_bool(0.02);
                resets += u64::from(reset);
                if reset {
                    device.clear();
                    inward.retain(|beat: &Vec<Beat>| beat.last().is_some_and(|beat| beat.last));
                } else if device.is_empty() {
                    number += 1;
                    let octets = [number as u8; 40];
                    device = dense(&[Packet { octets: octets.to_vec(), error: false }]);
                    device.reverse();
                }
                uut.device_reset.next = reset;
                uut.from_line.valid.next = line.peek().is_some();
                uut.from_line.beat.next = line.peek().copied().unwrap_or_default();
                uut.to_device.ready.next = rng.random_bool(0.8);
                uut.from_device.valid.next = !device.is_empty();
                uut.from_device.beat.next = device.last().copied().unwrap_or_default();
                uut.to_line.ready.next = rng.random_bool(0.8);
                settle!(uut);
                if uut.to_device.valid.val() && uut.to_device.ready.val() {
                    append(&mut inward, uut.to_device.beat.val());
                }
                if uut.to_line.valid.val() && uut.to_line.ready.val() {
                    append(&mut outward, uut.to_line.beat.val());
                }
                let taken = uut.from_device.valid.val() && uut.from_device.ready.val();
                let moved = uut.from_line.valid.val() && uut.from_line.ready.val();
                edge!(uut);
                if taken {
                    device.pop();
                }
                if moved {
                    line.next();
                }
            }
            let whole: Vec<Vec<Beat>> =
                packets.iter().map(|it| dense(std::slice::from_ref(it))).collect();
            inward.retain(|beats: &Vec<Beat>| beats.last().is_some_and(|beat| beat.last));
            assert!(inward.iter().all(|beats| whole.contains(beats)), "SEED={seed}");
            assert!(resets > 0 && inward.len() > 10, "SEED={seed}");
            let aborted = outward.iter().filter(|it| it.last().is_some_and(|it| it.error)).count();
            assert!(aborted as u64 <= resets, "SEED={seed}");
            for packet in outward.iter().filter(|it| it.last().is_some_and(|it| it.last)) {
                let first = packet[0].data;
                let body = packet.iter().filter(|it| !it.error);
                assert!(body.clone().all(|it| it.data == first), "SEED={seed}");
                assert!(packet.last().is_some_and(|it| it.error) || packet.len() == 5);
            }
        }
    }

    fn append(packets: &mut Vec<Vec<Beat>>, beat: Beat) {
        match packets.last_mut() {
            Some(packet) if packet.last().is_some_and(|it| !it.last) => packet.push(beat),
            _ => packets.push(vec![beat]),
        }
    }
}
