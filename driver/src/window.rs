//! Registers that take more than one access: the context window and the `QUERY_` registers.
//!
//! Whoever uses them holds one lock from the first access to the last, so that the words of a
//! record and their commit stay together, as do a question and its answers.

use crate::error::Error;
use crate::pci::PciFunction;
use ironwarp_abi::context::{
    table, CompletionQueueContext, FlowBucketContext, FlowContext, MemoryRegionContext,
    NextHopContext, QueuePairContext,
};
use ironwarp_abi::registers::{self as reg, Register};
use std::collections::BTreeMap;

/// A record that the device takes through its context window.
pub(crate) trait Record {
    /// The table that it is for.
    const TABLE: u8;

    /// Its words.
    fn words(&self) -> Vec<u32>;
}

macro_rules! records {
    ($($record:ty => $table:ident),* $(,)?) => {$(
        impl Record for $record {
            const TABLE: u8 = table::$table;

            fn words(&self) -> Vec<u32> {
                self.to_words().to_vec()
            }
        }
    )*};
}

records! {
    QueuePairContext => QUEUE_PAIR,
    CompletionQueueContext => COMPLETION_QUEUE,
    MemoryRegionContext => MEMORY_REGION,
    FlowContext => FLOW,
    FlowBucketContext => FLOW_BUCKET,
    NextHopContext => NEXT_HOP,
}

/// Where a queue pair and its TCP connection stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// Its starts since the reset, modulo 2^8.
    pub generation: u8,
    /// It is neither stopped nor in error.
    pub active: bool,
    /// It was started and not stopped since.
    pub started: bool,
    /// SND.NXT.
    pub send_next: u32,
    /// SND.UNA.
    pub send_unacknowledged: u32,
    /// RCV.NXT.
    pub receive_next: u32,
}

/// What must be kept of these registers.
#[derive(Default)]
pub(crate) struct Window {
    /// Words of the context window that a record which was not committed may have left.
    left: usize,
    /// The generations of the queue pairs that were ever started.
    generations: BTreeMap<u32, u8>,
}

impl Window {
    /// Writes a record for an object of its table and commits it.
    pub fn commit<R: Record>(
        &mut self,
        function: &dyn PciFunction,
        index: u32,
        record: &R,
    ) -> Result<(), Error> {
        let mut words = record.words();
        words.resize(words.len().max(self.left), 0);
        self.left = words.len();
        for (address, word) in (reg::CONTEXT_WINDOW..).step_by(4).zip(words) {
            function.bar_write32(address, word)?;
        }
        let what = reg::COMMIT.put(0, "table", R::TABLE.into());
        write(function, reg::COMMIT, reg::COMMIT.put(what, "index", index))?;
        self.left = 0;
        Ok(())
    }

    /// Starts a queue pair from its context and does what must come right behind that. Answers its
    /// generation, which the device confirms.
    pub fn start(
        &mut self,
        function: &dyn PciFunction,
        qp: u32,
        behind: impl FnOnce() -> Result<(), Error>,
    ) -> Result<u8, Error> {
        let expected = self.generations.get(&qp).map_or(0, |last| *last).wrapping_add(1);
        let enable = reg::QP_CONTROL.put(0, "enable", 1);
        write(function, reg::QP_CONTROL, reg::QP_CONTROL.put(enable, "index", qp))?;
        behind()?;
        let Query { generation, started, .. } = self.query(function, qp)?;
        self.generations.insert(qp, generation);
        match started && generation == expected {
            true => Ok(generation),
            false => Err(Error::NotStarted { qp, expected, found: generation }),
        }
    }

    /// Where a queue pair stands. What was written to the device before has taken effect.
    pub fn query(&mut self, function: &dyn PciFunction, qp: u32) -> Result<Query, Error> {
        write(function, reg::QUERY_QP, reg::QUERY_QP.put(0, "index", qp))?;
        // Any register read lets the 16 clocks pass that the query takes.
        read(function, reg::DEVICE)?;
        let state = read(function, reg::QUERY_STATE)?;
        let flag = |name| reg::QUERY_STATE.get(state, name) == 1;
        let [generation, ..] = reg::QUERY_STATE.get(state, "generation").to_le_bytes();
        Ok(Query {
            generation,
            active: flag("active"),
            started: flag("started"),
            send_next: read(function, reg::QUERY_SEND_NEXT)?,
            send_unacknowledged: read(function, reg::QUERY_SEND_UNACKNOWLEDGED)?,
            receive_next: read(function, reg::QUERY_RECEIVE_NEXT)?,
        })
    }
}

fn read(function: &dyn PciFunction, register: Register) -> Result<u32, Error> {
    function.bar_read32(register.address)
}

fn write(function: &dyn PciFunction, register: Register, value: u32) -> Result<(), Error> {
    function.bar_write32(register.address, value)
}
