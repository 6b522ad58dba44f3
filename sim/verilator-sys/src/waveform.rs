//! Waveform files: Verilator writes VCD text, and Rust writes it to the file, as it is or as FST.
#![allow(unsafe_code)]

use crate::fst::Fst;
use std::ffi::{c_char, c_void};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Why a waveform could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WaveformError {
    /// The file's name ends neither in `.vcd` nor in `.fst`.
    #[error("{}: a waveform's name ends in .vcd or .fst", .0.display())]
    UnknownFormat(PathBuf),
    /// The build script asked for no waveforms of this module.
    #[error("module {0} was built without waveforms")]
    NotBuilt(&'static str),
    /// The file could not be written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
}

extern "C" {
    fn verilator_sys_trace_new(sink: Sink, context: *mut c_void) -> *mut c_void;
    fn verilator_sys_trace_vcd(trace: *mut c_void) -> *mut c_void;
    fn verilator_sys_trace_open(trace: *mut c_void);
    fn verilator_sys_trace_dump(trace: *mut c_void, time: u64);
    fn verilator_sys_trace_delete(trace: *mut c_void);
}

type Sink = unsafe extern "C" fn(context: *mut c_void, bytes: *const c_char, len: usize);

/// Where the VCD text goes, and what went wrong first.
struct Output {
    writer: Box<dyn Finish>,
    error: Option<std::io::Error>,
}

/// A writer that has an end.
pub(crate) trait Finish: Write + Send {
    /// Writes what is still held back.
    fn finish(&mut self) -> std::io::Result<()>;
}

impl Finish for BufWriter<File> {
    fn finish(&mut self) -> std::io::Result<()> {
        self.flush()
    }
}

/// A waveform that is being written.
#[derive(Debug)]
pub(crate) struct Waveform {
    path: PathBuf,
    trace: *mut c_void,
    /// Owned; a raw pointer because the C++ side holds it too while `trace` lives.
    output: *mut Output,
}

impl Waveform {
    /// Creates the file; `attach` gets the `VerilatedVcdC` to hand to the model.
    pub(crate) fn open(
        path: &Path,
        attach: impl FnOnce(*mut c_void),
    ) -> Result<Self, WaveformError> {
        let fst = match path.extension().and_then(|e| e.to_str()) {
            Some("vcd") => false,
            Some("fst") => true,
            _ => return Err(WaveformError::UnknownFormat(path.to_owned())),
        };
        let file = File::create(path)
            .map_err(|error| WaveformError::Io { path: path.to_owned(), error })?;
        let file = BufWriter::new(file);
        let writer: Box<dyn Finish> = if fst { Box::new(Fst::new(file)) } else { Box::new(file) };
        let output = Box::into_raw(Box::new(Output { writer, error: None }));
        // SAFETY: `output` lives until `release`, which deletes `trace` first; the order of the
        // calls is the one that runtime.cpp states.
        let trace = unsafe { verilator_sys_trace_new(take, output.cast()) };
        attach(unsafe { verilator_sys_trace_vcd(trace) });
        unsafe { verilator_sys_trace_open(trace) };
        Ok(Self { path: path.to_owned(), trace, output })
    }

    pub(crate) fn dump(&mut self, time: u64) {
        // SAFETY: `trace` lives until `release`.
        unsafe { verilator_sys_trace_dump(self.trace, time) }
    }

    pub(crate) fn close(mut self) -> Result<(), WaveformError> {
        let result = self.release();
        result.map_err(|error| WaveformError::Io { path: self.path.clone(), error })
    }

    /// Ends both sides, once.
    fn release(&mut self) -> std::io::Result<()> {
        if self.trace.is_null() {
            return Ok(());
        }
        // SAFETY: both pointers were made in `open` and are used no more after this.
        let mut output = unsafe {
            verilator_sys_trace_delete(std::mem::replace(&mut self.trace, std::ptr::null_mut()));
            Box::from_raw(self.output)
        };
        match output.error.take() {
            Some(error) => Err(error),
            None => output.writer.finish(),
        }
    }
}

impl Drop for Waveform {
    fn drop(&mut self) {
        let _ = self.release();
    }
}

/// Takes a piece of VCD text from C++.
///
/// # Safety
/// `context` is the `Output` of a [`Waveform`]; `bytes` points to `len` bytes.
unsafe extern "C" fn take(context: *mut c_void, bytes: *const c_char, len: usize) {
    // SAFETY: as stated above; C++ calls this from within calls that `Waveform` makes, which
    // itself never touches `output` meanwhile.
    let (output, bytes) = unsafe {
        (&mut *context.cast::<Output>(), std::slice::from_raw_parts(bytes.cast::<u8>(), len))
    };
    if output.error.is_none() {
        output.error = output.writer.write_all(bytes).err();
    }
}
