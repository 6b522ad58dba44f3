//! The files that a command writes, looked at before it runs anything.

use std::fs::File;
use std::path::{Path, PathBuf};

/// Why a result cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The extension names no format.
    #[error("{0}: a waveform is a .fst or a .vcd file")]
    Waveform(PathBuf),
    /// It cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Two results would be written to one file.
    #[error("{0} is named twice: each result needs a file of its own")]
    Twice(PathBuf),
}

/// Both paths lead to one file that is there.
pub fn same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// The extension says how a waveform is written.
///
/// # Errors
/// It is neither `fst` nor `vcd`.
pub fn check_waveform(path: &Path) -> Result<(), Error> {
    match path.extension().is_some_and(|it| it == "fst" || it == "vcd") {
        true => Ok(()),
        false => Err(Error::Waveform(path.into())),
    }
}

/// Every result can be written, and none is another. Files that are not there are made, empty.
///
/// # Errors
/// One that cannot be written, or is named twice.
pub fn check(results: &[&PathBuf]) -> Result<(), Error> {
    for (n, path) in results.iter().copied().enumerate() {
        // Opening for append neither empties an old file nor leaves a doubt.
        let opened = File::options().append(true).create(true).open(path);
        opened.map_err(|source| Error::Write { path: path.clone(), source })?;
        if results[..n].iter().any(|earlier| same(earlier, path)) {
            return Err(Error::Twice(path.clone()));
        }
    }
    Ok(())
}
