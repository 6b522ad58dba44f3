//! How much may be under way, as far as the network is concerned (RFC 5681).

/// The congestion window and what moves it. All counts are in octets.
#[derive(Debug)]
pub(super) struct Congestion {
    /// SMSS: the largest segment.
    segment: u64,
    /// cwnd.
    window: u64,
    /// ssthresh.
    threshold: u64,
    /// Octets acknowledged since the window last grew, above the threshold.
    acknowledged: u64,
}

impl Congestion {
    /// At the start of a connection whose largest segments have so many octets.
    pub fn new(segment: u64) -> Self {
        let window = initial(segment);
        Self { segment, window, threshold: u64::MAX, acknowledged: 0 }
    }

    /// cwnd.
    pub fn window(&self) -> u64 {
        self.window
    }

    /// SMSS.
    pub fn segment(&self) -> u64 {
        self.segment
    }

    /// So many octets are newly acknowledged, and the window was in use.
    pub fn acknowledged(&mut self, octets: u64) {
        if self.window < self.threshold {
            //= rfc5681#3.1  Slow start: cwnd += min (N, SMSS).
            self.window += octets.min(self.segment);
            return;
        }
        //= rfc5681#3.1  Once the octets acknowledged reach cwnd, it grows by up to SMSS.
        self.acknowledged += octets;
        if self.acknowledged >= self.window {
            self.acknowledged -= self.window;
            self.window += self.segment;
        }
    }

    /// A segment was lost while so many octets were outstanding: fast recovery begins.
    pub fn lost(&mut self, outstanding: u64) {
        self.halve(outstanding);
        self.window = self.threshold;
    }

    /// Fast recovery is over with so many octets outstanding.
    //= rfc6582#3.2  Step 3: cwnd to min (ssthresh, max(FlightSize, SMSS) + SMSS).
    pub fn recovered(&mut self, outstanding: u64) {
        self.window = self.threshold.min(outstanding.max(self.segment) + self.segment);
        self.acknowledged = 0;
    }

    /// The retransmission timer has expired, for the first time or again.
    //= rfc5681#3.1  After a time-out cwnd is one segment; ssthresh moves at the first alone.
    pub fn timed_out(&mut self, outstanding: u64, first: bool) {
        if first {
            self.halve(outstanding);
        }
        (self.window, self.acknowledged) = (self.segment, 0);
    }

    //= rfc5681#3.1  ssthresh = max (FlightSize / 2, 2*SMSS).
    fn halve(&mut self, outstanding: u64) {
        self.threshold = (outstanding / 2).max(2 * self.segment);
    }
}

//= rfc6928#2  IW = min (10*MSS, max (2*MSS, 14600)).
fn initial(segment: u64) -> u64 {
    (10 * segment).min((2 * segment).max(14600))
}
