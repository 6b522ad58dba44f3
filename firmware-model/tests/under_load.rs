//! The host starts, stops, registers, takes back and fences while traffic runs both ways; what
//! must hold then holds at every moment.

mod common;

use common::peer::read;
use common::*;
use ironwarp_abi::configuration::{BOARD, REFERENCE};
use ironwarp_abi::queue::{kind, CompletionEntry};
use ironwarp_abi::registers as reg;
use ironwarp_abi::status;
use ironwarp_model::Options;
use ironwarp_wire::ddp::Segment;
use ironwarp_wire::rdmap::queue;
use proptest::prelude::*;
use std::collections::HashMap;

/// What happens next, to one of the two stations or to both.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A work request: zero reads, one writes, two sends; and so many octets.
    Post(u8, u32),
    Buffer,
    /// Frames are made, and wait.
    Work,
    /// Frames are carried to the other station, so many of them; the rest are lost.
    Carry(usize),
    Stop,
    Start,
    /// Both start, so that their connection begins anew; what waits comes from before.
    Reconnect,
    /// The region that is read, or the one that is written, is taken back, or given again.
    TakeBack(usize),
    Give(usize),
    Fence,
    /// Consumes what is new.
    Consume,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let kept = prop_oneof![9 => Just(usize::MAX), 1 => 0usize..20];
    let step = prop_oneof![
        8 => (0u8..3, 0u32..6000).prop_map(|(what, length)| Step::Post(what, length)),
        4 => Just(Step::Buffer),
        3 => Just(Step::Work),
        12 => kept.prop_map(Step::Carry),
        1 => Just(Step::Stop),
        1 => Just(Step::Start),
        3 => Just(Step::Reconnect),
        1 => (0usize..2).prop_map(Step::TakeBack),
        3 => (0usize..2).prop_map(Step::Give),
        3 => Just(Step::Fence),
        3 => Just(Step::Consume),
    ];
    (0usize..2, step)
}

/// Where the region that is read lies, and the one that is written.
const REGIONS: [(u32, u64); 2] = [(SOURCE_STAG, SOURCE), (SINK_STAG, SINK)];

/// A station, and what its host knows.
struct Side {
    me: usize,
    station: Station,
    /// Of each region that is taken back: the fence behind which the device leaves it alone.
    gone: [Option<u16>; 2],
    /// What every octet of the region that is read is. The application writes others as soon as it
    /// has the memory back.
    content: u8,
    /// The last fence that was asked for.
    asked: u16,
    /// The last fence of which an entry told.
    told: u16,
    starts: u8,
    /// The event of each life that has one.
    events: HashMap<u8, CompletionEntry>,
    overflowed: bool,
}

impl Side {
    fn new(me: usize, board: bool) -> Self {
        let configuration = if board { BOARD } else { REFERENCE };
        let mut station =
            Station::with(me, Options { configuration, frames_max: 32, ..Options::default() });
        station.write(reg::FENCE_QUEUE, CQ);
        let mut side = Self {
            me,
            station,
            gone: [None; 2],
            content: 0,
            asked: 0,
            told: 0,
            starts: 0,
            events: HashMap::new(),
            overflowed: false,
        };
        side.write_content();
        (0..2).for_each(|which| side.give(which, true));
        side.start();
        side
    }

    fn start(&mut self) {
        self.starts += 1;
        self.station.start(&context(self.me, PLAIN));
    }

    fn fence(&mut self) {
        self.asked += 1;
        self.station.write(reg::FENCE, self.asked.into());
    }

    fn give(&mut self, which: usize, valid: bool) {
        let (stag, at) = REGIONS[which];
        self.station.region(stag, at, |region| {
            (region.local_read, region.remote_read) = (which == 0, which == 0);
            (region.local_write, region.remote_write) = (which == 1, which == 1);
            region.valid = valid;
        });
    }

    /// The application writes other octets into the memory that is read.
    fn write_content(&mut self) {
        self.content = self.content.wrapping_add(1);
        let source = SOURCE as usize..SOURCE as usize + REGION_BYTES as usize;
        self.station.memory.octets[source].fill(self.content);
    }

    /// Watches a region from the moment on in which a fence says that it is left alone.
    fn watch(&mut self) {
        let done = self.station.read(reg::FENCED) as u16;
        let free = |gone: &Option<u16>| gone.is_some_and(|number| number <= done);
        let which = self.gone.iter().position(free);
        let watched = which.map_or(0..0, |which| {
            let at = REGIONS[which].1;
            at..at + u64::from(REGION_BYTES)
        });
        if self.station.memory.watched != watched {
            (self.station.memory.watched, self.station.memory.touched) = (watched, [0; 2]);
            if which == Some(0) {
                self.write_content();
            }
        }
    }

    /// A frame carries what is in memory now, or was when it was the device's.
    fn check_frame(&self, frame: &[u8]) -> Result<(), TestCaseError> {
        let segment = read(frame).payload;
        let Some((length, rest)) = segment.split_first_chunk() else { return Ok(()) };
        let ulpdu = Segment::new(&rest[..usize::from(u16::from_be_bytes(*length))]).unwrap();
        if !matches!(ulpdu, Segment::Untagged(header) if header.queue() == queue::READ_REQUEST) {
            let own = ulpdu.payload().iter().all(|octet| *octet == self.content);
            prop_assert!(own, "octets that are the application's");
        }
        Ok(())
    }

    fn consume(&mut self) -> Result<(), TestCaseError> {
        for entry in self.station.completions() {
            prop_assert!(!self.overflowed, "{entry:?} behind an overflow");
            if entry.kind == kind::FENCE {
                prop_assert_eq!((entry.qp, entry.generation, entry.status), (0, 0, 0));
                prop_assert!(self.told < entry.request && entry.request <= self.asked);
                self.told = entry.request;
                continue;
            }
            self.overflowed = entry.kind == kind::OVERFLOW;
            prop_assert!(entry.qp == QP && (1..=self.starts).contains(&entry.generation));
            let event = self.events.get(&entry.generation);
            prop_assert!(event.is_none(), "{entry:?} behind {event:?}");
            if entry.kind == kind::EVENT {
                self.events.insert(entry.generation, entry);
            }
        }
        Ok(())
    }

    /// At every moment: nobody touches what was taken back, and nothing is written nowhere.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let memory = &self.station.memory;
        prop_assert_eq!((memory.touched, memory.lost), ([0; 2], 0), "{:#x?}", memory.watched);
        self.watch();
        let state = self.station.state(QP);
        prop_assert_eq!(state.generation, self.starts);
        prop_assert!(state.started || !state.active);
        prop_assert!(!state.active || state.status == status::SUCCESS);
        prop_assert_eq!(self.station.read(reg::COUNT_REFUSED), 0);
        Ok(())
    }

    /// Brings the station to rest, in the order of a host that takes everything back.
    fn rest(&mut self) -> Result<(), TestCaseError> {
        self.station.write(reg::QP_CONTROL, QP);
        self.fence();
        let mut polls = 0;
        while self.station.read(reg::FENCED) != u32::from(self.asked) {
            polls += 1;
            prop_assert!(polls < 4, "the fence hangs");
            self.station.poll();
        }
        self.consume()?;
        prop_assert!(self.overflowed || self.told == self.asked);
        prop_assert_eq!(self.station.poll(), Vec::<Vec<u8>>::new());
        Ok(())
    }
}

fn play(sides: &mut [Side; 2], me: usize, step: Step) -> Result<(), TestCaseError> {
    let side = &mut sides[me];
    match step {
        Step::Post(what, length) => side.station.post(&match what {
            0 => read_request(length, 0, 7),
            1 => write_request(length, 3, 6000),
            _ => send_request(length, 1),
        }),
        Step::Buffer => side.station.post_receive(QP, &buffer(6000, 20_000)),
        Step::Work => {
            side.station.device_rests();
        }
        Step::Carry(kept) => {
            let frames = side.station.poll();
            frames.iter().try_for_each(|frame| side.check_frame(frame))?;
            frames.iter().take(kept).for_each(|frame| sides[1 - me].station.receive(frame));
        }
        Step::Stop => side.station.write(reg::QP_CONTROL, QP),
        Step::Start => side.start(),
        Step::Reconnect => sides.iter_mut().for_each(Side::start),
        Step::TakeBack(which) => {
            side.give(which, false);
            // The next fence to be asked for is the first behind this.
            side.gone[which].get_or_insert(side.asked + 1);
        }
        Step::Give(which) => {
            side.gone[which] = None;
            side.watch();
            side.give(which, true);
        }
        Step::Fence => side.fence(),
        Step::Consume => side.consume()?,
    }
    Ok(())
}

/// A message each way over a new connection, whatever was done before.
fn works_again(sides: &mut [Side; 2]) -> Result<(), TestCaseError> {
    for side in sides.iter_mut() {
        side.rest()?;
        side.gone = [None; 2];
        side.watch();
        (0..2).for_each(|which| side.give(which, true));
        side.station.start_queue();
    }
    sides.iter_mut().for_each(Side::start);
    sides.iter_mut().for_each(|side| side.station.post(&write_request(5000, 0, 100_000)));
    for round in 0..8 {
        let me = round % 2;
        for frame in sides[me].station.poll() {
            sides[me].check_frame(&frame)?;
            sides[1 - me].station.receive(&frame);
        }
    }
    for me in [0, 1] {
        let expected = vec![sides[1 - me].content; 5000];
        prop_assert_eq!(sides[me].station.octets(SINK + 100_000, 5000), expected);
        let entry = sides[me].station.completion();
        let (generation, length) = (sides[me].starts, 5000);
        let done = CompletionEntry { qp: QP, kind: kind::SEND, ..CompletionEntry::default() };
        prop_assert_eq!(entry, Some(CompletionEntry { generation, length, ..done }));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn control_events_keep_their_promises_under_load(
        steps in prop::collection::vec(step(), 0..120), board: bool,
    ) {
        let mut sides = [Side::new(0, board), Side::new(1, board)];
        for (me, step) in steps {
            play(&mut sides, me, step)?;
            sides.iter_mut().try_for_each(Side::check)?;
        }
        works_again(&mut sides)?;
    }
}
