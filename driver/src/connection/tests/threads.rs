//! Threads with queue pairs of their own, while another one controls the context.

use super::*;
use crate::Completion;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const LANES: usize = 3;

/// A queue pair of each end that is connected to the other's, with queues of its own.
struct Lane {
    qps: [QueuePair; 2],
    cq: CompletionQueue,
    _peer: CompletionQueue,
}

impl Lane {
    fn new(pair: &Pair) -> Self {
        let make = |end: &End| {
            let cq = end.context.completion_queue(200).unwrap();
            let options = QueuePairOptions { receive_entries: 32, ..QueuePairOptions::new(&cq) };
            (end._domain.queue_pair(&options).unwrap(), cq)
        };
        let ((a, cq), (b, _peer)) = (make(&pair.a), make(&pair.b));
        Self { qps: [a, b], cq, _peer }
    }

    fn connect(&self, pair: &mut Pair) {
        let options = StartupOptions::default();
        pair.a.context.connect(&self.qps[0], peer(), &options).unwrap();
        pair.run_until(|pair| !pair.b.events.is_empty());
        let (request, _) = pair.b.take_request();
        pair.b.context.accept(request, &self.qps[1], &options).unwrap();
        pair.run_until(|pair| !pair.a.events.is_empty() && !pair.b.events.is_empty());
        assert!(matches!(pair.a.take_only(), Event::Established { .. }));
        assert!(matches!(pair.b.take_only(), Event::Established { .. }));
    }
}

fn lanes(pair: &mut Pair) -> Vec<Lane> {
    pair.b.context.listen(PORT).unwrap();
    (0..LANES).map(|_| Lane::new(pair)).collect()
}

/// Ends when it is dropped, also by a panic: so a test that fails does not hang.
struct Working<'a>(&'a AtomicUsize);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// Sends in batches of all sizes and takes every completion, in order and once.
fn stream(lane: &Lane, sends: u64) {
    let (mut posted, mut done, mut batch) = (0, 0, 1);
    let mut out = [Completion::NONE; 13];
    while done < sends {
        let last = sends.min(posted + batch);
        let request = |id| {
            let request = WorkRequest::send(id, crate::Buffer { length: id as u32, ..EMPTY });
            if id % 3 == 2 || id + 1 == sends {
                request
            } else {
                request.unsignaled()
            }
        };
        let requests: Vec<_> = (posted..last).map(request).collect();
        posted += lane.qps[0].post_send_batch(&requests).unwrap() as u64;
        batch = batch % 70 + 1;
        let taken = lane.cq.poll_into(&mut out).unwrap();
        for completion in &out[..taken] {
            let Completion { id, qp, operation, status, length, .. } = *completion;
            let next = (done + (2 - done % 3)).min(sends - 1);
            assert_eq!((id, length, status), (next, next as u32, Status::SUCCESS));
            assert_eq!((qp, operation), (lane.qps[0].number(), Operation::Send));
            done = id + 1;
        }
    }
    assert_eq!((posted, lane.cq.poll_into(&mut out).unwrap()), (sends, 0));
}

const EMPTY: crate::Buffer = crate::Buffer::EMPTY;

#[test]
fn threads_post_and_poll_on_queue_pairs_of_their_own() {
    let mut pair = Pair::new();
    let lanes = lanes(&mut pair);
    lanes.iter().for_each(|lane| lane.connect(&mut pair));
    let at_work = AtomicUsize::new(LANES);
    std::thread::scope(|scope| {
        for lane in &lanes {
            let at_work = &at_work;
            scope.spawn(move || {
                let _working = Working(at_work);
                stream(lane, 200_000);
            });
        }
        // Everything that takes the context's lock, meanwhile.
        while at_work.load(Ordering::Acquire) > 0 {
            pair.a.poll();
            pair.a.context.wait(Duration::from_micros(1)).unwrap();
            let region = pair.a._domain.register(&Region::new(64).unwrap(), Access::LOCAL);
            drop(region.unwrap());
            drop(pair.a._domain.queue_pair(&QueuePairOptions::new(&lanes[0].cq)).unwrap());
            drop(pair.a.context.completion_queue(7).unwrap());
        }
    });
    assert_eq!(pair.a.events, []);
    drop(lanes);
    pair.finish();
}

/// Posts and polls until the connection has ended and all that was posted is done or flushed.
fn live(lane: &Lane, ended: &AtomicBool) {
    let (mut posted, mut done, mut flushed) = ([0; 2], [0; 2], [false; 2]);
    let mut out = [Completion::NONE; 9];
    let mut open = true;
    while open || done != posted {
        // Of what fails nothing is posted, so all names count.
        let sends = [0, 1].map(|n| WorkRequest::send(posted[0] + n, EMPTY));
        let receives = [0, 1].map(|n| (posted[1] + n, EMPTY));
        let results =
            [lane.qps[0].post_send_batch(&sends), lane.qps[0].post_receive_batch(&receives)];
        for (posted, result) in posted.iter_mut().zip(results) {
            match result {
                Ok(count) => *posted += count as u64,
                Err(Error::State(state)) => {
                    assert_eq!(state, QpState::Error);
                    open = false;
                }
                Err(error) => panic!("{error}"),
            }
        }
        let taken = lane.cq.poll_into(&mut out).unwrap();
        for completion in &out[..taken] {
            let queue = usize::from(completion.operation == Operation::Receive);
            assert_eq!(completion.id, done[queue], "in order, each once");
            done[queue] += 1;
            flushed[queue] |= completion.status == Status::FLUSHED;
            assert_eq!(flushed[queue], completion.status == Status::FLUSHED, "and then all");
        }
        if !open {
            std::thread::yield_now();
        }
    }
    ended.store(true, Ordering::Release);
}

/// Ends come from the device and by another thread's poll, at any moment between posts and polls.
#[test]
fn every_request_of_every_life_completes_once() {
    let mut pair = Pair::new();
    let lanes = lanes(&mut pair);
    for life in 0..16 {
        lanes.iter().for_each(|lane| lane.connect(&mut pair));
        let ended = [(); LANES].map(|()| AtomicBool::new(false));
        std::thread::scope(|scope| {
            for (lane, ended) in lanes.iter().zip(&ended) {
                scope.spawn(|| live(lane, ended));
            }
            for lane in &lanes {
                for _ in 0..life {
                    pair.a.poll();
                    std::thread::yield_now();
                }
                pair.a.fake.event(lane.qps[0].number(), status::DDP_STAG, 0);
            }
            // Each thread sees the end by itself; both ends hear of it.
            pair.run_until(|pair| {
                let heard = pair.a.events.len() == LANES && pair.b.events.len() == LANES;
                heard && ended.iter().all(|ended| ended.load(Ordering::Acquire))
            });
        });
        pair.a.events.clear();
        pair.b.events.clear();
        for qp in lanes.iter().flat_map(|lane| &lane.qps) {
            assert_eq!(qp.state().unwrap(), QpState::Error);
            qp.reset().unwrap();
        }
        assert!(lanes.iter().all(|lane| lane.cq.poll(9).unwrap().is_empty()));
    }
    drop(lanes);
    pair.finish();
}

/// What another thread has collected wakes a task as an interrupt does, and so does a flush.
#[test]
fn tasks_are_woken_whoever_takes_the_entries() {
    use std::future::Future;
    use std::task::{Poll, Wake, Waker};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Release);
        }
    }

    let mut pair = Pair::connected();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut cx = std::task::Context::from_waker(&waker);
    let mut out = [Completion::NONE; 4];
    let end = pair.a.fake.clone();
    for collected in [true, false] {
        pair.a.post_receive(1);
        let woken = count.0.load(Ordering::Acquire);
        {
            let mut task = std::pin::pin!(pair.a.cq.completions(&mut out));
            assert!(task.as_mut().poll(&mut cx).is_pending());
        }
        match collected {
            true => end.deliver(pair.a.qp.number(), 5),
            false => end.event(pair.a.qp.number(), status::DDP_STAG, 0),
        }
        pair.a.poll();
        while count.0.load(Ordering::Acquire) == woken {
            std::thread::yield_now();
        }
        let mut task = std::pin::pin!(pair.a.cq.completions(&mut out));
        assert!(matches!(task.as_mut().poll(&mut cx), Poll::Ready(Ok(1))));
    }
    assert_eq!(out[0].status, Status::FLUSHED);
    pair.run_until(|pair| !pair.b.events.is_empty());
    pair.finish();
}
