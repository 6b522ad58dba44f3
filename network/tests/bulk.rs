//! TCP in software through a network.

use ironwarp_network::bulk::{run, Congestion, Outcome, Transfer, TransferError};
use std::time::Duration;

const CONGESTION: [Congestion; 3] = [Congestion::None, Congestion::Reno, Congestion::Cubic];

fn transfer(impairment: &str, congestion: Congestion) -> Transfer {
    let impairment = impairment.parse().unwrap();
    Transfer { octets: 4 << 20, impairment, congestion, ..Transfer::default() }
}

fn moves(impairment: &str, congestion: Congestion) -> Outcome {
    let transfer = transfer(impairment, congestion);
    let outcome = run(&transfer);
    outcome.unwrap_or_else(|error| panic!("{impairment}, {congestion:?}: {error}"))
}

/// On a clean line the goodput is that of full segments: 1460 octets in the time of 1538.
#[test]
fn a_clean_line_is_filled() {
    let line = 1e9 / 8.0 * 1460.0 / 1538.0;
    for congestion in CONGESTION {
        let outcome = moves("rate=1gbit,queue=10000", congestion);
        let share = outcome.goodput / line;
        assert!((0.97..=1.0).contains(&share), "{congestion:?}: {share}");
        assert_eq!(outcome.report.directions[0].resent, 0, "{congestion:?}");
    }
}

/// A window a round trip, and not more.
#[test]
fn the_window_limits() {
    let clean = transfer("delay=5ms", Congestion::None);
    let outcome = run(&Transfer { window: 1 << 20, octets: 32 << 20, ..clean }).unwrap();
    let limit = f64::from(1 << 20) / 0.010;
    let share = outcome.goodput / limit;
    assert!((0.9..=1.0).contains(&share), "{share}");
}

#[test]
fn losses_are_repaired_and_told() {
    for congestion in CONGESTION {
        for seed in 0..3 {
            let text = format!("loss=1%,rate=1gbit,delay=100us,queue=1000,seed={seed}");
            let outcome = moves(&text, congestion);
            let [there, _] = outcome.report.directions;
            assert!(there.lost > 0 && there.resent >= there.lost, "{congestion:?}: {there}");
        }
    }
}

#[test]
fn everything_at_once_is_survived() {
    for seed in 0..4 {
        let text = "loss=1%,burst=3,reorder=1%,duplicate=1%,corrupt=1%,delay=1ms,jitter=100us,\
                    rate=100mbit,queue=50";
        let outcome = moves(&format!("{text},seed={seed}"), Congestion::Cubic);
        let [there, _] = outcome.report.directions;
        assert!([there.lost, there.reordered, there.duplicated, there.corrupted]
            .iter()
            .all(|n| *n > 0));
    }
}

#[test]
fn the_same_transfer_goes_the_same_way() {
    let text = "loss=2%,reorder=2%,rate=1gbit,delay=50us,seed=11";
    assert_eq!(moves(text, Congestion::Cubic), moves(text, Congestion::Cubic));
}

#[test]
fn what_cannot_come_to_an_end_does() {
    let limit = Duration::from_secs(100);
    let lost = Transfer { limit, ..transfer("loss=100%", Congestion::None) };
    assert_eq!(run(&lost), Err(TransferError::TimeUp(0)));
    let nothing = Transfer { window: 0, ..lost };
    assert_eq!(run(&nothing), Err(TransferError::Window(0)));
}
