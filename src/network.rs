//! The simulated network, as the command line asks for it.

use clap::Args;
use ironwarp_machine::World;
use ironwarp_network::Impairment;

/// What goes wrong on the link.
#[derive(Args, Clone, Debug, Default)]
pub struct Network {
    /// What goes wrong on the link, in both directions: of loss, reorder, duplicate and corrupt
    /// (shares of the frames: 1%), burst (frames lost in a row, in the mean: 3), delay and jitter
    /// (one way: 5ms), rate (1gbit), queue (frames that wait for it: 100) and seed those that are
    /// named, as in loss=1%,delay=5ms,seed=7
    #[arg(long, value_name = "KEY=VALUE,...", default_value_t = Impairment::default())]
    pub impair: Impairment,
}

impl Network {
    /// Says what the network of a world did, if it has one.
    pub fn tell(world: &World) {
        if let Some(report) = world.network() {
            eprintln!("{report}");
        }
    }
}
