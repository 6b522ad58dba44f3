//! The states of a queue pair, as the driver sees them.
//!
//! ```text
//!             start            armed           disconnect, peer closed        drained
//!   Idle ---------------> Starting -----> Open -------------------> Draining --------> Closed
//!    ^  ^                    |              |                          |                 |
//!    |  +----- abandon ------+              +----------- fail ---------+                 |
//!    |                                                  v                                |
//!    +---------------------- reset ------------------ Error                              |
//!    +---------------------- reset ------------------------------------------------------+
//! ```

/// Where a queue pair stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QpState {
    /// Unconnected. Receives can be posted.
    Idle,
    /// TCP and MPA startup are under way in software.
    Starting,
    /// The hardware owns the connection. Sends and receives can be posted.
    Open,
    /// One side closes: sends that were posted before go out, new ones are refused.
    Draining,
    /// Closed in order; what was left is flushed.
    Closed,
    /// Ended by an error; what was left is flushed.
    Error,
}

/// What happens to a queue pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum QpEvent {
    /// `connect` or `accept` was called.
    Start,
    /// Startup ended without a connection.
    Abandon,
    /// The connection was handed to the hardware.
    Armed,
    /// `disconnect` was called.
    Disconnect,
    /// The peer sent its FIN.
    PeerClosed,
    /// The hardware has nothing left to send and was stopped.
    Drained,
    /// The hardware, the peer or the link ended the connection.
    Fail,
    /// The application wants to use the queue pair again.
    Reset,
}

/// Every transition that there is.
const TRANSITIONS: &[(QpState, QpEvent, QpState)] = &[
    (QpState::Idle, QpEvent::Start, QpState::Starting),
    (QpState::Idle, QpEvent::Reset, QpState::Idle),
    (QpState::Starting, QpEvent::Abandon, QpState::Idle),
    (QpState::Starting, QpEvent::Armed, QpState::Open),
    (QpState::Open, QpEvent::Disconnect, QpState::Draining),
    (QpState::Open, QpEvent::PeerClosed, QpState::Draining),
    (QpState::Open, QpEvent::Fail, QpState::Error),
    (QpState::Draining, QpEvent::PeerClosed, QpState::Draining),
    (QpState::Draining, QpEvent::Drained, QpState::Closed),
    (QpState::Draining, QpEvent::Fail, QpState::Error),
    (QpState::Closed, QpEvent::Reset, QpState::Idle),
    (QpState::Error, QpEvent::Reset, QpState::Idle),
];

impl QpState {
    /// The state after `event`, or None if the event does not belong here.
    pub(crate) fn after(self, event: QpEvent) -> Option<Self> {
        let mut table = TRANSITIONS.iter();
        table.find(|(from, by, _)| (*from, *by) == (self, event)).map(|(_, _, to)| *to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [QpState; 6] = [
        QpState::Idle,
        QpState::Starting,
        QpState::Open,
        QpState::Draining,
        QpState::Closed,
        QpState::Error,
    ];
    const EVENTS: [QpEvent; 8] = [
        QpEvent::Start,
        QpEvent::Abandon,
        QpEvent::Armed,
        QpEvent::Disconnect,
        QpEvent::PeerClosed,
        QpEvent::Drained,
        QpEvent::Fail,
        QpEvent::Reset,
    ];

    /// Every state by every event, one row a state in the order of `STATES`, one column an event
    /// in the order of `EVENTS`; a dot is an event that does not belong there.
    const GOLDEN: &str = "\
        Idle     Starting . . . . . . Idle\n\
        Starting . Idle Open . . . . .\n\
        Open     . . . Draining Draining . Error .\n\
        Draining . . . . Draining Closed Error .\n\
        Closed   . . . . . . . Idle\n\
        Error    . . . . . . . Idle\n";

    #[test]
    fn the_table_is_the_picture() {
        let mut rows = String::new();
        for state in STATES {
            let cells = EVENTS
                .map(|event| state.after(event).map_or_else(|| ".".into(), |to| format!("{to:?}")));
            rows += &format!("{:<8} {}\n", format!("{state:?}"), cells.join(" "));
        }
        assert_eq!(rows, GOLDEN);
    }

    #[test]
    fn every_state_is_reached_and_left() {
        for state in STATES {
            assert!(TRANSITIONS.iter().any(|(_, _, to)| *to == state), "{state:?} is not reached");
            let left = TRANSITIONS.iter().any(|(from, _, to)| *from == state && *to != state);
            assert!(left, "{state:?} is not left");
        }
    }
}
