//! Carries a plan out on a device, and judges everything that the device does.

use super::host::Host;
use super::plan::{Act, Plan, QPS};
use super::side::{Hardware, Modelled, Side};
use crate::differential::Make;
use ironwarp_sim::{LinkOptions, Options};
use std::fmt;
use std::path::Path;

/// Clocks between two looks.
const LOOK: u64 = 40;
/// The longest that a fence may take on a bus that answers, in clocks; refusals come on top.
const FENCE_MAX: u64 = 40_000;
/// The longest that nothing may happen while something is to be done, in clocks.
const STILL_MAX: u64 = 30_000;

/// A device that has done what it must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The act after which it was seen.
    pub act: usize,
    /// The clock.
    pub clock: u64,
    /// What it did.
    pub what: String,
}

impl Breach {
    /// What it did, without numbers: two breaches of a kind may have one cause.
    pub fn kind(&self) -> String {
        self.what.chars().filter(|letter| !letter.is_ascii_digit()).collect()
    }
}

/// How a plan went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Clocks that it took.
    pub clocks: u64,
    /// Completion entries, and frames with octets.
    pub moved: (usize, usize),
    /// Completion queues that have overflowed.
    pub overflows: usize,
    /// Lives, and those of them that ended by themselves.
    pub lives: (usize, usize),
    /// Fences that are done.
    pub fences: u64,
    /// The first breach.
    pub breach: Option<Breach>,
}

/// On what a plan is carried out.
#[derive(Clone, Copy)]
pub enum On<'a> {
    /// What makes RTL, and where a waveform of it goes.
    Hardware(&'a Make, Option<&'a Path>),
    /// The behavioural model.
    Model,
    /// Something in its place.
    #[cfg(test)]
    Other(&'a (dyn Fn() -> Box<dyn Side> + Sync)),
}

/// Carries a plan out.
pub fn run(plan: &Plan, on: On<'_>) -> Outcome {
    let side: Result<Box<dyn Side>, String> = match on {
        On::Model => Ok(Box::new(Modelled::new())),
        On::Hardware(make, wave) => {
            let options = Options {
                seed: plan.seed,
                nics: 1,
                root_complex: plan.bus.clone(),
                link: LinkOptions { propagation_clocks: 1, ..Default::default() },
                capture: None,
            };
            Hardware::new(make, options, wave).map(|it| Box::new(it) as _)
        }
        #[cfg(test)]
        On::Other(make) => Ok(make()),
    };
    let side = match side {
        Ok(side) => side,
        Err(what) => {
            let breach = Some(Breach { act: 0, clock: 0, what });
            return Outcome { breach, ..Outcome::default() };
        }
    };
    let mut runner = Runner { host: Host::new(side, plan.flow_key), refused: 0, still: 0 };
    let mut outcome = Outcome::default();
    let mut acts = plan.acts.iter().enumerate();
    let end = acts.find_map(|(at, act)| Some((at, runner.act(act).err()?)));
    let end = end.or_else(|| Some((plan.acts.len(), runner.end().err()?)));
    let host = &runner.host;
    outcome.clocks = host.side.clock();
    outcome.moved = host.judge.moved;
    outcome.overflows = host.judge.overflows;
    let lives = &host.judge.ledger.lives;
    let ended = lives.iter().filter(|life| life.ended.is_some()).count();
    outcome.lives = (lives.len(), ended);
    outcome.fences = host.judge.fences.1.into();
    outcome.breach = end.map(|(act, what)| Breach { act, clock: host.side.clock(), what });
    outcome
}

struct Runner {
    host: Host,
    /// Until this clock bus or wire may have refused.
    refused: u64,
    /// Since this clock nothing has happened.
    still: u64,
}

impl Runner {
    fn act(&mut self, act: &Act) -> Result<(), String> {
        let host = &mut self.host;
        let running = |host: &Host, qp: usize| host.judge.ledger.running(QPS[qp]);
        match *act {
            Act::Run(clocks) => return self.run(clocks.into()),
            Act::Refuse(bus, wire) => {
                host.side.refuse(bus.into(), wire.into());
                self.refused = host.side.clock() + u64::from(bus.max(wire));
            }
            Act::Start(qp, dice) if running(host, qp).is_none() => host.start(QPS[qp], dice),
            Act::Start(..) => {}
            Act::Stop(qp) => host.stop(QPS[qp], qp as u32),
            Act::Restart(qp, dice) => {
                host.stop(QPS[qp], dice);
                host.start(QPS[qp], dice);
                host.receive(QPS[qp], dice);
            }
            Act::Fence => {
                host.fence();
            }
            Act::Wait => {
                let number = host.fence();
                while self.host.judge.fences.1 != number {
                    self.run(LOOK)?;
                }
            }
            Act::Register(qp, dice) => host.register(QPS[qp], dice),
            Act::Deregister(qp, dice) => host.deregister(QPS[qp], dice),
            Act::Hop(qp, octet) => host.hop(QPS[qp], octet),
            Act::Send(qp, dice) => host.send(QPS[qp], dice),
            Act::Receive(qp, dice) => host.receive(QPS[qp], dice),
            Act::Say(qp, dice) => host.say(QPS[qp], dice),
            Act::Hold(qp, holds) => {
                if let Some(life) = running(host, qp) {
                    host.judge.peers[life].holds = holds;
                }
            }
            Act::Renew(dice) => host.renew(dice),
            Act::Sleep(asleep) => host.asleep = asleep,
            Act::Nonsense(qp, dice) => host.nonsense(QPS[qp], dice),
        }
        Ok(())
    }

    /// Gives the device clocks, and looks at what it does now and then.
    fn run(&mut self, clocks: u64) -> Result<(), String> {
        let end = self.host.side.clock() + clocks;
        while self.host.side.clock() < end {
            let host = &mut self.host;
            host.side.run((end - host.side.clock()).min(LOOK));
            let facts = host.side.facts()?;
            if !facts.is_empty() {
                self.still = host.side.clock();
            }
            for fact in &facts {
                host.judge.fact(fact)?;
            }
            host.reuse();
            host.consume();
            self.fences()?;
            for frame in self.host.frames() {
                self.host.side.frame(&frame);
            }
        }
        Ok(())
    }

    fn fences(&mut self) -> Result<(), String> {
        let Host { waiting, judge, side, .. } = &mut self.host;
        waiting.retain(|number, _| *number > judge.fences.1);
        let Some((number, asked)) = waiting.first_key_value() else { return Ok(()) };
        let since = side.clock().saturating_sub((*asked).max(self.refused));
        match since > FENCE_MAX {
            true => Err(format!("fence {number} is not done after {since} clocks")),
            false => Ok(()),
        }
    }

    /// Everything that was begun is done. Then everything ends, and nothing happens any more.
    fn end(&mut self) -> Result<(), String> {
        self.host.judge.peers.iter_mut().for_each(|peer| peer.holds = false);
        self.host.asleep = false;
        self.still = self.host.side.clock();
        while let Some(what) = self.left() {
            if self.host.side.clock() > self.still.max(self.refused) + STILL_MAX {
                return Err(what);
            }
            self.run(LOOK)?;
        }
        (0..QPS.len()).for_each(|qp| self.host.stop(QPS[qp], 0));
        self.act(&Act::Wait)?;
        self.run(STILL_MAX / 10)
    }

    /// What is still to be done for a life that runs and has not ended.
    fn left(&self) -> Option<String> {
        let judge = &self.host.judge;
        let lives = judge.ledger.lives.iter().zip(&judge.peers).enumerate();
        let mut alive = lives.filter(|(_, (life, _))| {
            // An event that was told while its queue was stopped is lost.
            let ended = life.ended.is_some() || life.unheard && !life.excuses.is_empty();
            life.standing.is_given() && !ended && !life.doomed
        });
        alive.find_map(|(at, (life, peer))| {
            let signaled = life.sends.iter().rposition(|work| work.signaled);
            let told = signaled.is_none_or(|last| life.sent > last) || life.unheard;
            let received = life.received == peer.sends.len() || life.unheard;
            let sent = peer.at.0 == life.sends.len();
            let content = peer.is_content();
            let done = told && received && sent && content;
            (!done).then(|| {
                let (sends, posted) = (peer.at, life.sends.len());
                let (qp, received) = (life.qp, (life.received, peer.sends.len()));
                format!(
                    "nothing happens, and life {at} of queue pair {qp} has sent {sends:?} of \
                     {posted}, completed {}, received {received:?}, its peer is content: {content}",
                    life.sent
                )
            })
        })
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clock {}, act {}: {}", self.clock, self.act, self.what)
    }
}
