//! What can go wrong on the way to a bitstream.

use std::path::{Path, PathBuf};

/// Why there are no figures, or no bitstream.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// A tool is missing or too old.
    #[error("{0}")]
    Tools(String),
    /// A name that the registry of blocks does not have.
    #[error("no block is called {name}; there are {}", .known.join(", "))]
    UnknownBlock {
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<&'static str>,
    },
    /// A tool failed.
    #[error("{tool}: {message}\nall that it said is in {}", .log.display())]
    Tool {
        /// The program.
        tool: String,
        /// Its error messages, or its last words.
        message: String,
        /// Where its output is.
        log: PathBuf,
    },
    /// A tool's file is not what it should be.
    #[error("{}: {why}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl FlowError {
    /// For `map_err`: a file that cannot be read or written.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::File { path: path.to_owned(), source }
    }

    /// A file with wrong content.
    pub(crate) fn content(path: &Path, why: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), why: why.to_string() }
    }
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String, FlowError> {
    std::fs::read_to_string(path).map_err(FlowError::file(path))
}

/// Writes a file.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), FlowError> {
    std::fs::write(path, text).map_err(FlowError::file(path))
}

/// Makes a folder, and those that it is in.
pub(crate) fn make_folder(path: &Path) -> Result<(), FlowError> {
    std::fs::create_dir_all(path).map_err(FlowError::file(path))
}
