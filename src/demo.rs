//! `ironwarp demo`: a file crosses two RNICs.

use crate::report::Report;
use crate::results;
use crate::transfer::{self, Plan};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ironwarp_abi::limits::{MTU_MAX, MTU_MIN};
use ironwarp_machine::DeviceKind;
use ironwarp_sim::Options;
use std::path::{Path, PathBuf};

/// The file that the repository ships.
const DEFAULT_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testbench/files/julia.pgm");
/// The MTUs that are shown if none is asked for.
const DEFAULT_MTUS: [usize; 2] = [1500, 9000];

/// Of the default file, so much goes through the serial line of a board in simulation.
const BOARD_BYTES: usize = 16 * 1024;

/// What to move, and how.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// What sends: sim, the Verilated RNIC; model, the behavioural model; or board, the Verilated
    /// board behind a serial line, which needs --peer model
    #[arg(long, value_name = "KIND", default_value = DeviceKind::Sim.name())]
    device: DeviceKind,
    /// What receives: sim or model
    #[arg(long, value_name = "KIND", default_value = DeviceKind::Sim.name())]
    peer: DeviceKind,
    /// The file to move [default: a picture that the repository ships]
    #[arg(long, value_name = "F")]
    file: Option<PathBuf>,
    /// The largest IP packet in octets, 576 to 9000 [default: 1500, then 9000]
    #[arg(long, value_parser = clap::value_parser!(u16).range(MTU_MIN as i64..=MTU_MAX as i64))]
    mtu: Option<u16>,
    /// Both ends ask for MPA markers
    #[arg(long)]
    markers: bool,
    /// Neither end asks for CRCs
    #[arg(long)]
    no_crc: bool,
    /// The seed of everything that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the frames of the first transfer to a pcapng file
    #[arg(long, value_name = "OUT.pcapng")]
    capture: Option<PathBuf>,
    /// Write the sender's waveform of the first transfer (.fst or .vcd), and the receiver's beside
    /// it. A model has none
    #[arg(long, value_name = "OUT.fst")]
    wave: Option<PathBuf>,
    /// Print one JSON object, of the first transfer
    #[arg(long)]
    json: bool,
}

/// What the demonstration can fail of.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing to move.
    #[error("{0} is empty: there is nothing to move")]
    Empty(PathBuf),
    /// A result cannot be had.
    #[error(transparent)]
    Results(#[from] results::Error),
    /// A result would overwrite the file that is moved.
    #[error("{0} is the file to move: choose another name for the result")]
    Overwrite(PathBuf),
    /// There is no waveform of models, nor of a board.
    #[error("a waveform is of an RNIC in RTL (sim), and neither end is one")]
    NoWaveform,
    /// The transfer.
    #[error(transparent)]
    Transfer(#[from] transfer::Error),
    /// The digests differ.
    #[error("the receiver's memory is not what was sent")]
    Differs,
}

impl Error {
    /// The command line is to blame.
    pub fn is_usage(&self) -> bool {
        use Error::*;
        matches!(self, Read { .. } | Empty(_) | Results(_) | Overwrite(_) | NoWaveform)
    }
}

/// Runs the demonstration.
///
/// # Errors
/// Bad arguments, or a transfer that failed.
pub fn run(demo: &Demo) -> Result<(), Error> {
    let path = demo.file.clone().unwrap_or_else(|| DEFAULT_FILE.into());
    let mut file =
        std::fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    if file.is_empty() {
        return Err(Error::Empty(path));
    }
    demo.check_results(&path)?;
    let board = demo.device == DeviceKind::Board;
    if board && demo.file.is_none() {
        file.truncate(BOARD_BYTES);
    }
    let asked: Vec<usize> = match demo.mtu {
        Some(mtu) => vec![mtu.into()],
        None if demo.json || board => DEFAULT_MTUS[..1].to_vec(),
        None => DEFAULT_MTUS.to_vec(),
    };
    for (n, mtu) in asked.into_iter().enumerate() {
        let report = demo.transfer(&file, mtu, n == 0)?;
        if demo.json {
            println!("{}", serde_json::json!(report));
        } else {
            println!("{report}");
            if n == 0 && !report.stages.is_empty() {
                print!("{}", report.stage_table());
            }
        }
        if !report.matches() {
            return Err(Error::Differs);
        }
    }
    Ok(())
}

impl Demo {
    fn transfer(&self, file: &[u8], mtu: usize, first: bool) -> Result<Report, Error> {
        let plan = Plan {
            devices: [self.device, self.peer],
            mtu,
            markers: self.markers,
            crc: !self.no_crc,
            simulation: Options { seed: self.seed, ..Options::default() },
            capture: self.capture.clone().filter(|_| first),
            wave: self.wave.clone().filter(|_| first),
            ..Plan::default()
        };
        let style = "MTU {msg:<5} {wide_bar} {bytes:>10} of {total_bytes}, {elapsed}";
        let bar = ProgressBar::new(file.len() as u64).with_message(mtu.to_string());
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        let outcome = transfer::run(file, &plan, |octets| bar.set_position(octets));
        bar.finish_and_clear();
        Ok(Report::new(&outcome?, &plan))
    }

    /// Every result must be writable, and none may be the file itself, before anything is run.
    fn check_results(&self, file: &Path) -> Result<(), Error> {
        if let Some(path) = &self.wave {
            results::check_waveform(path)?;
            if ![self.device, self.peer].contains(&DeviceKind::Sim) {
                return Err(Error::NoWaveform);
            }
        }
        let rtl = |end| move |_: &PathBuf| end == DeviceKind::Sim;
        let sender = self.wave.clone().filter(rtl(self.device));
        let receiver = self.wave.as_deref().map(transfer::beside).filter(rtl(self.peer));
        let results: Vec<_> = [&self.capture, &sender, &receiver].into_iter().flatten().collect();
        match results.iter().copied().find(|path| results::same(path, file)) {
            Some(path) => Err(Error::Overwrite(path.clone())),
            None => Ok(results::check(&results)?),
        }
    }
}
