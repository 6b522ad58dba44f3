//! The walker against the lists.
use super::*;
use crate::stream::bench::*;
use rand::Rng;
use std::collections::VecDeque;

/// An entry of the list at a line: an address of a page, or now and then none.
fn entry(list: u64, index: u64, log2: u64) -> u64 {
    let mixed = (list.wrapping_mul(0x9e37_79b9) ^ index).wrapping_mul(0x2545_f491_4f6c_dd1d);
    let stray = if mixed % 61 == 0 { 1 << (mixed >> 40) % log2 } else { 0 };
    (mixed & 0xff_ffff_ffff) << log2 | stray
}

/// A list whose line cannot be read.
fn is_bad(line: u64) -> bool {
    line % 53 == 0
}

/// What becomes of an extent, as the contract says.
fn pieces(extent: &Extent) -> Vec<Piece> {
    let place = extent.place;
    let (mut at, mut left) = (place.address.to_u64(), extent.bytes.to_u64());
    let piece = |address: u64, bytes: u64, last| Piece {
        address: address.to_bits(),
        bytes: bytes.to_bits(),
        last,
        fault: false,
    };
    let (list, log2) = (place.list.to_u64(), place.page_log2.to_u64());
    if !place.paged || left == 0 {
        return vec![piece(at, left, true)];
    }
    let mut pieces = vec![];
    while left > 0 {
        let (index, within) = (at >> log2, at & ((1 << log2) - 1));
        let page = entry(list, index, log2);
        if is_bad(list + index / 8) || page & ((1 << log2) - 1) != 0 {
            pieces.push(Piece { last: true, fault: true, ..Default::default() });
            return pieces;
        }
        let bytes = left.min((1 << log2) - within);
        pieces.push(piece(page + within, bytes, left == bytes));
        (at, left) = (at + bytes, left - bytes);
    }
    pieces
}

fn extent(rng: &mut rand_chacha::ChaCha8Rng, lists: &[(u64, u64)]) -> Extent {
    let (list, page_log2) = lists[rng.random_range(0..lists.len())];
    let paged = rng.random_bool(0.9);
    let address: u64 = match rng.random_range(0..4) {
        _ if !paged => rng.random(),
        0 => rng.random_range(0..1 << 44),
        // In a few lines, and where two pages meet.
        1 => rng.random_range(0..40 << page_log2),
        _ => (rng.random_range(1..40) << page_log2) - rng.random_range(0..3000),
    };
    let bytes = [0, 1, 1460, 9000, 40_000][rng.random_range(0..5)];
    let place = Place {
        address: address.to_bits(),
        paged,
        page_log2: page_log2.to_bits(),
        list: list.to_bits(),
    };
    Extent { place, bytes: rng.random_range(0..=bytes as u64).to_bits() }
}

#[test]
fn extents_are_cut_where_pages_end() {
    for seed in seeds() {
        let mut rng = rng(seed);
        let mut uut = PageWalker::default();
        uut.connect_all();
        let lists: Vec<(u64, u64)> = (0..3)
            .map(|_| {
                (
                    rng.random_range(0..1 << 50),
                    *[12, 12, 14, 16, 31].get(rng.random_range(0..5)).unwrap(),
                )
            })
            .collect();
        let extents: Vec<Extent> = (0..200).map(|_| extent(&mut rng, &lists)).collect();
        let expected: Vec<Piece> = extents.iter().flat_map(pieces).collect();
        let (mut next, mut got, mut reads) = (0, vec![], 0);
        let mut coming: VecDeque<Beat> = VecDeque::new();
        let mut quiet = 0;
        while quiet < 100 {
            uut.extent.valid.next = next < extents.len();
            uut.extent.beat.next = extents.get(next).copied().unwrap_or_default();
            uut.piece.ready.next = rng.random_bool(0.7);
            uut.line.ready.next = rng.random_bool(0.5);
            uut.data.valid.next = !coming.is_empty() && rng.random_bool(0.8);
            uut.data.beat.next = coming.front().copied().unwrap_or_default();
            let flush = rng.random_bool(0.002);
            let mr = u64::from(ironwarp_abi::context::table::MEMORY_REGION).to_bits();
            uut.context_write.next = ContextWrite { valid: flush, table: mr, ..Default::default() };
            settle!(uut);
            quiet += 1;
            let taken = uut.extent.valid.val() && uut.extent.ready.val();
            if uut.piece.valid.val() && uut.piece.ready.val() {
                let mut piece = uut.piece.beat.val();
                if piece.fault {
                    piece = Piece { last: piece.last, fault: true, ..Default::default() };
                }
                assert_eq!(Some(&piece), expected.get(got.len()), "SEED={seed} {}", got.len());
                got.push(piece);
                quiet = 0;
            }
            if uut.line.valid.val() && uut.line.ready.val() {
                reads += 1;
                assert!(coming.is_empty(), "SEED={seed}: one at a time");
                let line = uut.line.beat.val().to_u64();
                let (list, log2) = lists
                    .iter()
                    .copied()
                    .filter(|(list, _)| *list <= line)
                    .max_by_key(|(list, _)| *list)
                    .expect("no line in front of all lists is read");
                let octets = (0..8)
                    .flat_map(|n| entry(list, 8 * (line - list) + n, log2).to_le_bytes())
                    .collect();
                coming.extend(dense(&[Packet { octets, error: is_bad(line) }]));
            }
            if uut.data.valid.val() && uut.data.ready.val() {
                coming.pop_front();
            }
            edge!(uut);
            next += usize::from(taken);
        }
        assert_eq!(got.len(), expected.len(), "SEED={seed}: stuck");
        assert!(reads * 2 < expected.len(), "SEED={seed}: {reads} reads, nothing is kept");
    }
}

/// The clocks of an extent in a page whose line is there, and of one in a run.
#[test]
fn a_run_passes_at_once_and_a_page_takes_seven_clocks() {
    let mut uut = PageWalker::default();
    uut.connect_all();
    let mut clocks = |place: Place| {
        uut.extent.valid.next = true;
        uut.extent.beat.next = Extent { place, bytes: 100_u64.to_bits() };
        uut.piece.ready.next = true;
        uut.line.ready.next = true;
        let mut beats = 8;
        for clock in 0..40 {
            uut.data.valid.next = true;
            uut.data.beat.next =
                Beat { bytes: 8_u64.to_bits(), last: beats == 1, ..Default::default() };
            settle!(uut);
            beats -= i32::from(uut.data.ready.val());
            let (taken, given) = (uut.extent.ready.val(), uut.piece.valid.val());
            edge!(uut);
            if taken {
                uut.extent.valid.next = false;
            }
            if given {
                return clock;
            }
        }
        panic!("nothing comes");
    };
    let page = Place { paged: true, page_log2: 12_u64.to_bits(), ..Default::default() };
    clocks(page);
    assert_eq!((clocks(Place::default()), clocks(page)), (0, 6));
}

#[test]
fn emits_verilog() {
    crate::queue::elaborate("page_walker", &mut PageWalker::default());
}
