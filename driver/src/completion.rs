//! What the application is told of a work request that is done.

use crate::status::Status;

/// What a work request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A Send, with or without a solicited event.
    Send,
    /// An RDMA Write.
    Write,
    /// An RDMA Read.
    Read,
    /// A receive.
    Receive,
}

/// A work request that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The application's name of the work request.
    pub id: u64,
    /// The number of the queue pair.
    pub qp: u32,
    /// What was asked for.
    pub operation: Operation,
    /// How it ended.
    pub status: Status,
    /// Octets of the message, if it succeeded.
    pub length: u32,
    /// A received message asked for a solicited event.
    pub solicited: bool,
}

impl Completion {
    /// Of nothing: what a slice holds before [`poll_into`](crate::CompletionQueue::poll_into)
    /// fills it.
    pub const NONE: Self = Self {
        id: 0,
        qp: 0,
        operation: Operation::Send,
        status: Status::SUCCESS,
        length: 0,
        solicited: false,
    };
}
