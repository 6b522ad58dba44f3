//! Both directions of a network with two ends.

use crate::{Impairment, Path, Picoseconds, Report};

/// A network between end 0 and end 1.
#[derive(Debug)]
pub struct Link {
    impairment: Impairment,
    /// By the end that sends.
    paths: [Path; 2],
}

impl Link {
    /// An empty network.
    pub fn new(impairment: &Impairment) -> Self {
        let paths = [0, 1].map(|direction| Path::new(impairment, direction));
        Self { impairment: impairment.clone(), paths }
    }

    /// End `from` modulo 2 sends a frame: [`Path::send`].
    pub fn send(&mut self, now: Picoseconds, from: usize, frame: Vec<u8>) {
        self.paths[from % 2].send(now, frame);
    }

    /// When the next frame arrives at either end, if one is on its way.
    pub fn due(&self) -> Option<Picoseconds> {
        self.paths.iter().filter_map(Path::due).min()
    }

    /// When the next frame arrives at end `to` modulo 2, if one is on its way there.
    pub fn due_at(&self, to: usize) -> Option<Picoseconds> {
        self.paths[1 - to % 2].due()
    }

    /// Takes the next frame that has arrived by now, and the end that it has arrived at.
    pub fn receive(&mut self, now: Picoseconds) -> Option<(usize, Vec<u8>)> {
        let due = self.due().filter(|due| *due <= now)?;
        let from = self.paths.iter().position(|path| path.due() == Some(due))?;
        self.paths[from].receive(now).map(|frame| (1 - from, frame))
    }

    /// Takes the next frame that has arrived at end `to` modulo 2 by now.
    pub fn receive_at(&mut self, now: Picoseconds, to: usize) -> Option<Vec<u8>> {
        self.paths[1 - to % 2].receive(now)
    }

    /// No frame is on its way.
    pub fn is_idle(&self) -> bool {
        self.paths.iter().all(|path| path.in_flight() == 0)
    }

    /// What has happened so far.
    pub fn report(&self) -> Report {
        let directions = [0, 1].map(|from: usize| self.paths[from].counts());
        Report { impairment: self.impairment.clone(), directions }
    }
}
