//! What the fuzzer calls: every parser of the wire, and the ways into the model and into
//! the driver's stack.
//!
//! Each target takes any octets and panics if it finds a mistake. `cargo test` gives them the
//! corpus in `testbench/corpus` and changed copies of it; `fuzz/` gives them to cargo-fuzz.

mod device;
mod driver;
mod headers;
mod steps;
mod stream;

#[path = "../../../firmware-model/tests/common/mod.rs"]
#[allow(missing_docs)]
mod common;

pub use device::{frames, octets};
pub use driver::segments;
pub use headers::{ddp, read_request, startup, terminate};
pub use stream::deframer;

/// A target: its name, which is that of its folder in the corpus, and what to call.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("startup", startup),
    ("deframer", deframer),
    ("ddp", ddp),
    ("read_request", read_request),
    ("terminate", terminate),
    ("frames", frames),
    ("octets", octets),
    ("segments", segments),
];
