//! The two ends of a stream in a test.
use crate::stream::beat::{StreamSink, StreamSource};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_hdl::prelude::*;
use std::collections::VecDeque;

/// Offers records to a block's sink: `offer` before the logic settles, `moved` before the edge.
pub struct Feeder<T> {
    pub queue: VecDeque<T>,
    /// How likely a record is offered in a clock.
    pub eagerness: f64,
    offered: bool,
}

impl<T: Synth> Feeder<T> {
    pub fn new(eagerness: f64) -> Self {
        Self { queue: VecDeque::new(), eagerness, offered: false }
    }

    pub fn offer(&mut self, sink: &mut StreamSink<T>, rng: &mut ChaCha8Rng) {
        self.offered = self.offered || (!self.queue.is_empty() && rng.random_bool(self.eagerness));
        sink.valid.next = self.offered;
        sink.beat.next = self.queue.front().copied().unwrap_or_default();
    }

    pub fn moved(&mut self, sink: &StreamSink<T>) -> Option<T> {
        if !self.offered || !sink.ready.val() {
            return None;
        }
        self.offered = false;
        self.queue.pop_front()
    }
}

/// Takes records from a block's source, and checks that an offer stands until it is taken.
pub struct Taker<T> {
    pub got: Vec<T>,
    /// How likely the taker is ready in a clock.
    pub eagerness: f64,
    standing: Option<T>,
}

impl<T: Synth> Taker<T> {
    pub fn new(eagerness: f64) -> Self {
        Self { got: vec![], eagerness, standing: None }
    }

    pub fn ready(&mut self, source: &mut StreamSource<T>, rng: &mut ChaCha8Rng) {
        source.ready.next = rng.random_bool(self.eagerness);
    }

    pub fn moved(&mut self, source: &StreamSource<T>) -> Option<T> {
        let now = source.valid.val().then(|| source.beat.val());
        if let Some(standing) = self.standing.take() {
            assert_eq!(now, Some(standing), "an offer was taken back");
        }
        let now = now?;
        if source.ready.val() {
            self.got.push(now);
            return Some(now);
        }
        self.standing = Some(now);
        None
    }
}
