//! Queues of work requests in host memory, fetched ahead of their use.
pub mod asker;
pub mod counters;
pub mod fence_join;
pub mod gather;
pub mod notes;
pub mod number_list;
pub mod priority_encoder;
pub mod ready_list;
pub mod records;
pub mod request_fetch;

pub use asker::FetchAsker;
pub use counters::FetchCounters;
pub use fence_join::FenceJoin;
pub use gather::FetchGather;
pub use notes::NoteMerge;
pub use number_list::NumberList;
pub use priority_encoder::PriorityEncoder;
pub use ready_list::ReadyList;
pub use records::{EntryFindings, FetchTicket, QpNote, QueueEntry, Rewind};
pub use request_fetch::RequestFetch;

#[cfg(test)]
mod tests;

/// Elaborates a block, and has the lint read its kernels and Yosys its Verilog.
#[cfg(test)]
pub(crate) fn elaborate<U: rust_hdl::prelude::Block>(name: &str, uut: &mut U) {
    use rust_hdl::prelude::*;
    uut.connect_all();
    let verilog = generate_verilog(uut);
    if let Ok(folder) = std::env::var("VERILOG_DIR") {
        std::fs::write(format!("{folder}/{name}.v"), &verilog).expect("the folder exists");
    }
    assert_eq!(crate::lint::lint(uut), [""; 0]);
    yosys_validate(&format!("ironwarp_{name}"), &verilog).expect("Yosys accepts the Verilog");
}
