//! RDMA Read on the Verilated RNIC, against a peer whose every octet the test decides.

mod bench;
mod requester;
mod responder;
