//! From payload to finished FPDU.
use crate::pins::Ports;
use crate::stream::*;
use crate::transmit::crc_inserter::CrcInserter;
use crate::transmit::fpdu_framer::FpduFramer;
use crate::transmit::marker_inserter::MarkerInserter;
use crate::transmit::records::*;
use rust_hdl::prelude::*;

/// The MPA layer of the transmit engine.
///
/// ```text
/// frame ------> FpduFramer <-- payload
///                   |  WordPacker, SkidBuffer
/// marker ----> MarkerInserter
///                   |  WordPacker, SkidBuffer
/// check -----> CrcInserter --> source
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct StreamWriter {
    pub clock: Signal<In, Clock>,
    /// The FPDU's header.
    pub frame: StreamSink<FrameJob>,
    /// The same FPDU's place in the stream, for the markers ...
    pub marker: StreamSink<StreamJob>,
    /// ... and for the CRC.
    pub check: StreamSink<StreamJob>,
    pub payload: StreamSink<Beat>,
    /// Dense packets of whole 32-bit words: FPDUs, or raw frames padded to such.
    pub source: StreamSource<Beat>,
    framer: FpduFramer,
    framed: WordPacker,
    framed_skid: SkidBuffer<Beat>,
    markers: MarkerInserter,
    marked: WordPacker,
    marked_skid: SkidBuffer<Beat>,
    crc: CrcInserter,
}

impl Logic for StreamWriter {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, framer, framed, framed_skid, markers, marked, marked_skid, crc);
        StreamSink::<FrameJob>::link(&mut self.frame, &mut self.framer.job);
        StreamSink::<StreamJob>::link(&mut self.marker, &mut self.markers.job);
        StreamSink::<StreamJob>::link(&mut self.check, &mut self.crc.job);
        StreamSink::<Beat>::link(&mut self.payload, &mut self.framer.payload);
        StreamSource::<Beat>::join(&mut self.framer.source, &mut self.framed.sink);
        StreamSource::<Beat>::join(&mut self.framed.source, &mut self.framed_skid.sink);
        StreamSource::<Beat>::join(&mut self.framed_skid.source, &mut self.markers.sink);
        StreamSource::<Beat>::join(&mut self.markers.source, &mut self.marked.sink);
        StreamSource::<Beat>::join(&mut self.marked.source, &mut self.marked_skid.sink);
        StreamSource::<Beat>::join(&mut self.marked_skid.source, &mut self.crc.sink);
        StreamSource::<Beat>::link(&mut self.source, &mut self.crc.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bench::*;
    use ironwarp_wire::mpa::stream::{Framer, Framing};
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;

    /// One segment's worth of input, and the octets it must become.
    struct Case {
        frame: FrameJob,
        stream: StreamJob,
        payload: Packet,
        expected: Packet,
    }

    /// The jobs for an FPDU whose ULPDU is a DDP header and a payload.
    fn fpdu(ulpdu: &[u8], framing: Framing, offset: u64, error: bool) -> Case {
        let long = ulpdu[0] & 0x80 == 0;
        let header = if long { 18 } else { 14 };
        let number = |octets: &[u8]| octets.iter().fold(0, |n, octet| n << 8 | u64::from(*octet));
        let mut octets = vec![];
        let mut framer = Framer::at(framing, offset).expect("the offset is a multiple of four");
        framer.frame(ulpdu, &mut octets).expect("the ULPDU is short enough");
        Case {
            frame: FrameJob {
                raw: false,
                empty: ulpdu.len() == header,
                long,
                ulpdu: (ulpdu.len() as u64).to_bits(),
                control: number(&ulpdu[..2]).to_bits(),
                first: number(&ulpdu[2..6]).to_bits(),
                second: number(&ulpdu[6..14]).to_bits(),
                third: number(&ulpdu[14..header]).to_bits(),
                ..Default::default()
            },
            stream: StreamJob {
                markers: framing.markers,
                crc: framing.crc,
                position: (offset % 512).to_bits(),
            },
            payload: Packet { octets: ulpdu[header..].to_vec(), error },
            expected: Packet { octets, error },
        }
    }

    /// The jobs for the FPDU of a Read Request.
    fn read_request(ulpdu: &[u8], framing: Framing, offset: u64) -> Case {
        let number = |octets: &[u8]| octets.iter().fold(0, |n, octet| n << 8 | u64::from(*octet));
        let mut case = fpdu(ulpdu, framing, offset, false);
        case.payload.octets.clear();
        case.frame.empty = true;
        case.frame.asks = true;
        case.frame.sink_stag = number(&ulpdu[18..22]).to_bits();
        case.frame.sink_offset = number(&ulpdu[22..30]).to_bits();
        case.frame.length = number(&ulpdu[30..34]).to_bits();
        case.frame.source_stag = number(&ulpdu[34..38]).to_bits();
        case.frame.source_offset = number(&ulpdu[38..46]).to_bits();
        case
    }

    //= rfc5040#4.4
    //= type=test
    #[test]
    fn writes_the_header_of_a_read_request() {
        let mut rng = rng(5040);
        for offset in (0..512).step_by(4) {
            let mut ulpdu: Vec<u8> = (0..18 + 28).map(|_| rng.random()).collect();
            ulpdu[0] = 0x41;
            let framing = Framing { markers: rng.random(), crc: true };
            let after = vec![0x41; 18 + 5];
            let cases = [
                read_request(&ulpdu, framing, offset),
                fpdu(&after, framing, (offset + 500) % 512, false),
            ];
            let expected: Vec<Packet> = cases.iter().map(|case| case.expected.clone()).collect();
            assert_eq!(run(&cases, &mut rng), dense(&expected), "offset {offset}");
        }
    }

    /// Runs the cases through the block, with stalls.
    fn run(cases: &[Case], rng: &mut ChaCha8Rng) -> Vec<Beat> {
        let mut uut = StreamWriter::default();
        uut.connect_all();
        let with_payload =
            cases.iter().map(|case| &case.payload).filter(|p| !p.octets.is_empty()).cloned();
        let payload = dense(&with_payload.collect::<Vec<_>>());
        let (offer, accept) = (rng.random_range(0.3..=1.0), rng.random_range(0.3..=1.0));
        let (mut at, mut got, mut idle) = ([0; 4], vec![], 0);
        while idle < 100 {
            let offered = uut.payload.valid.val();
            uut.payload.valid.next = at[3] < payload.len() && (offered || rng.random_bool(offer));
            uut.payload.beat.next = payload.get(at[3]).copied().unwrap_or_default();
            uut.frame.valid.next = at[0] < cases.len();
            uut.frame.beat.next = cases.get(at[0]).map(|case| case.frame).unwrap_or_default();
            uut.marker.valid.next = at[1] < cases.len();
            uut.marker.beat.next = cases.get(at[1]).map(|case| case.stream).unwrap_or_default();
            uut.check.valid.next = at[2] < cases.len();
            uut.check.beat.next = cases.get(at[2]).map(|case| case.stream).unwrap_or_default();
            uut.source.ready.next = rng.random_bool(accept);
            settle!(uut);
            idle += 1;
            if uut.source.valid.val() && uut.source.ready.val() {
                got.push(uut.source.beat.val());
                idle = 0;
            }
            let moved = [
                uut.frame.valid.val() && uut.frame.ready.val(),
                uut.marker.valid.val() && uut.marker.ready.val(),
                uut.check.valid.val() && uut.check.ready.val(),
                uut.payload.valid.val() && uut.payload.ready.val(),
            ];
            edge!(uut);
            for (at, moved) in at.iter_mut().zip(moved) {
                *at += usize::from(moved);
            }
            if moved[3] {
                uut.payload.valid.next = false;
                settle!(uut);
            }
        }
        assert_eq!(at, [cases.len(), cases.len(), cases.len(), payload.len()]);
        got
    }

    /// The Send of RFC 5044 figures 5 and 6: 24 zero octets to queue 0.
    fn send_of_the_rfc(message: u8) -> Vec<u8> {
        let mut ulpdu = vec![0; 42];
        ulpdu[..2].copy_from_slice(&[0x41, 0x43]);
        ulpdu[13] = message;
        ulpdu
    }

    //= rfc5044#4.4  Figures 5 and 6.
    //= type=test
    #[test]
    fn writes_the_figures_of_the_rfc() {
        let framing = Framing { markers: true, crc: true };
        let mut first = vec![0; 52];
        first[5] = 0x2a;
        first[6..8].copy_from_slice(&[0x41, 0x43]);
        first[19] = 1;
        first[48..].copy_from_slice(&[0x52, 0x23, 0x99, 0x83]);
        let mut second = vec![0; 52];
        second[1] = 0x2a;
        second[2..4].copy_from_slice(&[0x41, 0x43]);
        second[15] = 2;
        second[23] = 0x14;
        second[48..].copy_from_slice(&[0x84, 0x92, 0x58, 0x98]);
        for (message, offset, figure) in [(1, 0, first), (2, 492, second)] {
            let case = fpdu(&send_of_the_rfc(message), framing, offset, false);
            let beats = run(&[case], &mut rng(5044));
            assert_eq!(beats, dense(&[Packet { octets: figure, error: false }]), "{message}");
        }
    }

    //= rfc5044#4.3
    //= type=test
    #[test]
    fn agrees_with_software_wherever_markers_fall() {
        for seed in seeds() {
            let mut rng = rng(seed);
            let cases: Vec<Case> = (0..8)
                .map(|_| {
                    let tagged = rng.random();
                    let header = if tagged { 14 } else { 18 };
                    let payload = *[0, 1, 2, 3, 4, 5, 700, 1440, rng.random_range(0..1500)]
                        .get(rng.random_range(0..9))
                        .expect("nine lengths");
                    let mut ulpdu: Vec<u8> = (0..header + payload).map(|_| rng.random()).collect();
                    ulpdu[0] = if tagged { 0xc1 } else { 0x41 };
                    let framing =
                        Framing { markers: rng.random_bool(0.8), crc: rng.random_bool(0.8) };
                    let offset = 4 * rng.random_range(0..1000);
                    // Only a payload can be bad.
                    fpdu(&ulpdu, framing, offset, payload > 0 && rng.random_bool(0.2))
                })
                .collect();
            let expected: Vec<Packet> = cases.iter().map(|case| case.expected.clone()).collect();
            let masked = |mut beat: Beat, error: bool| {
                // The CRC of a bad packet means nothing.
                if beat.last && error {
                    beat.data = 0_u64.to_bits();
                }
                beat
            };
            let got = run(&cases, &mut rng);
            let expected = dense(&expected);
            assert_eq!(got.len(), expected.len(), "SEED={seed}");
            for (got, expected) in got.into_iter().zip(expected) {
                assert_eq!(masked(got, got.error), masked(expected, expected.error), "SEED={seed}");
            }
        }
    }

    #[test]
    fn agrees_with_software_at_every_marker_position() {
        let mut rng = rng(1);
        for offset in (0..512).step_by(4) {
            let mut ulpdu: Vec<u8> = (0..18 + 40).map(|_| rng.random()).collect();
            ulpdu[0] = 0x41;
            let case = fpdu(&ulpdu, Framing { markers: true, crc: true }, offset, false);
            let expected = dense(std::slice::from_ref(&case.expected));
            assert_eq!(run(&[case], &mut rng), expected, "offset {offset}");
        }
    }

    /// A frame of MTU 1500 goes by in 192 clocks: what the wire takes.
    #[test]
    fn keeps_the_rate_of_the_wire() {
        for (markers, payload) in [(false, 1440), (true, 1428)] {
            let framing = Framing { markers, crc: true };
            let mut ulpdu = vec![7; 14 + payload];
            ulpdu[0] = 0xc1;
            let count = 12;
            let cases: Vec<Case> =
                (0..count).map(|n| fpdu(&ulpdu, framing, 1460 * n, false)).collect();
            let mut uut = StreamWriter::default();
            uut.connect_all();
            let payload = dense(&cases.iter().map(|c| c.payload.clone()).collect::<Vec<_>>());
            let (mut at, mut ends) = ([0; 4], vec![]);
            uut.source.ready.next = true;
            for now in 0..count * 200 {
                uut.payload.valid.next = at[3] < payload.len();
                uut.payload.beat.next = payload.get(at[3]).copied().unwrap_or_default();
                uut.frame.valid.next = at[0] < cases.len();
                uut.frame.beat.next = cases[at[0].min(11)].frame;
                uut.marker.valid.next = at[1] < cases.len();
                uut.marker.beat.next = cases[at[1].min(11)].stream;
                uut.check.valid.next = at[2] < cases.len();
                uut.check.beat.next = cases[at[2].min(11)].stream;
                settle!(uut);
                if uut.source.valid.val() && uut.source.beat.val().last {
                    ends.push(now);
                }
                let moved = [
                    uut.frame.valid.val() && uut.frame.ready.val(),
                    uut.marker.valid.val() && uut.marker.ready.val(),
                    uut.check.valid.val() && uut.check.ready.val(),
                    uut.payload.valid.val() && uut.payload.ready.val(),
                ];
                edge!(uut);
                for (at, moved) in at.iter_mut().zip(moved) {
                    *at += usize::from(moved);
                }
            }
            assert_eq!(ends.len(), count as usize);
            let clocks = ends[count as usize - 1] - ends[0];
            assert!(clocks <= (count - 1) * 192, "markers {markers}: {clocks} clocks");
        }
    }

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("stream_writer", &mut StreamWriter::default());
    }
}
