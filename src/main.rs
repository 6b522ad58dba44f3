//! ironwarp
fn main() {}
