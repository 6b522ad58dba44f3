//! Turns Verilator's VCD text, as it comes, into an FST file.
//!
//! FST is what GTKWave and Surfer open fast: about fifty times smaller than VCD. Verilator can
//! write it itself, but only instead of VCD; this way one compiled model writes both.

use crate::waveform::Finish;
use fst_writer::{
    FstBodyWriter, FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalId, FstSignalType,
    FstVarDirection, FstVarType, FstWriteError,
};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write};

type Out = std::io::BufWriter<File>;

/// Changes held in memory before a block of them is compressed.
const BLOCK: usize = 16 << 20;

/// An FST file in the making; write VCD text into it.
pub(crate) struct Fst {
    stage: Stage,
    /// The start of a line whose end has not come yet.
    partial: Vec<u8>,
    /// The FST signal and its width by the VCD's short code.
    signals: HashMap<Vec<u8>, (FstSignalId, usize)>,
    /// A value extended to its full width.
    value: Vec<u8>,
}

enum Stage {
    Header(FstHeaderWriter<Out>),
    Body(FstBodyWriter<Out>),
    /// Nothing written yet, finished, or failed.
    Closed(Option<Out>),
}

fn io_error(error: FstWriteError) -> Error {
    match error {
        FstWriteError::Io(error) => error,
        other => Error::new(ErrorKind::InvalidData, other),
    }
}

fn malformed(line: &[u8]) -> Error {
    let line = String::from_utf8_lossy(line);
    Error::new(ErrorKind::InvalidData, format!("not the VCD that Verilator writes: {line}"))
}

impl Fst {
    pub(crate) fn new(out: Out) -> Self {
        Self {
            stage: Stage::Closed(Some(out)),
            partial: Vec::new(),
            signals: HashMap::new(),
            value: Vec::new(),
        }
    }

    /// The header writer; the file starts with the first line of VCD.
    fn header(&mut self) -> Result<&mut FstHeaderWriter<Out>> {
        if let Stage::Closed(out) = &mut self.stage {
            let out = out.take().ok_or_else(|| malformed(b"text after the end"))?;
            let info = FstInfo {
                start_time: 0,
                timescale_exponent: -12,
                version: "Verilator".to_owned(),
                date: String::new(),
                file_type: FstFileType::Verilog,
            };
            self.stage = Stage::Header(FstHeaderWriter::new(out, &info).map_err(io_error)?);
        }
        match &mut self.stage {
            Stage::Header(header) => Ok(header),
            _ => Err(malformed(b"a declaration among the values")),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        let line = line.trim_ascii();
        match line.first() {
            None => Ok(()),
            Some(b'$') => self.declaration(line),
            Some(b'#') => self.time(&line[1..]),
            Some(b'b') => {
                let mut parts = line[1..].splitn(2, |&c| c == b' ');
                let (bits, code) = (parts.next(), parts.next());
                self.change(bits.unwrap_or(b""), code.unwrap_or(b""))
            }
            Some(b'0' | b'1' | b'x' | b'z') => self.change(&line[..1], &line[1..]),
            Some(_) => Err(malformed(line)),
        }
    }

    fn declaration(&mut self, line: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(line).map_err(|_| malformed(line))?;
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["$scope", _, name, ..] => {
                self.header()?.scope(name, "", FstScopeType::Module).map_err(io_error)
            }
            ["$upscope", ..] => self.header()?.up_scope().map_err(io_error),
            ["$var", kind, width, code, name, ref range @ ..] => {
                let width: usize = width.parse().map_err(|_| malformed(line))?;
                let range = range.iter().take_while(|w| **w != "$end");
                let name = range.fold(name.to_owned(), |name, word| name + " " + word);
                let kind = if kind == "reg" { FstVarType::Reg } else { FstVarType::Wire };
                let known = self.signals.get(code.as_bytes()).map(|s| s.0);
                let shape = FstSignalType::bit_vec(width as u32);
                let header = self.header()?;
                let signal = header
                    .var(name, shape, kind, FstVarDirection::Implicit, known)
                    .map_err(io_error)?;
                self.signals.insert(code.as_bytes().to_vec(), (signal, width));
                Ok(())
            }
            ["$enddefinitions", ..] => {
                self.header()?;
                let stage = std::mem::replace(&mut self.stage, Stage::Closed(None));
                if let Stage::Header(header) = stage {
                    self.stage = Stage::Body(header.finish().map_err(io_error)?);
                }
                Ok(())
            }
            // $version, $date, $timescale (always 1ps) and $end say nothing that FST wants.
            _ => Ok(()),
        }
    }

    fn body(&mut self) -> Result<&mut FstBodyWriter<Out>> {
        match &mut self.stage {
            Stage::Body(body) => Ok(body),
            _ => Err(malformed(b"a value before the end of the definitions")),
        }
    }

    fn time(&mut self, digits: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(digits).map_err(|_| malformed(digits))?;
        let time = text.parse().map_err(|_| malformed(digits))?;
        let body = self.body()?;
        if body.size() > BLOCK {
            body.flush().map_err(io_error)?;
        }
        body.time_change(time).map_err(io_error)
    }

    fn change(&mut self, bits: &[u8], code: &[u8]) -> Result<()> {
        let &(signal, width) = self.signals.get(code).ok_or_else(|| malformed(code))?;
        // VCD may leave out leading zeros; FST may not.
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        value.resize(width.saturating_sub(bits.len()), b'0');
        value.extend_from_slice(bits);
        let result = self.body()?.signal_change(signal, &value).map_err(io_error);
        self.value = value;
        result
    }
}

impl Write for Fst {
    fn write(&mut self, mut bytes: &[u8]) -> Result<usize> {
        let taken = bytes.len();
        while let Some(end) = bytes.iter().position(|&c| c == b'\n') {
            if self.partial.is_empty() {
                self.line(&bytes[..end])?;
            } else {
                let mut line = std::mem::take(&mut self.partial);
                line.extend_from_slice(&bytes[..end]);
                self.line(&line)?;
                line.clear();
                self.partial = line;
            }
            bytes = &bytes[end + 1..];
        }
        self.partial.extend_from_slice(bytes);
        Ok(taken)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Finish for Fst {
    fn finish(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.stage, Stage::Closed(None)) {
            Stage::Body(body) => body.finish().map_err(io_error)?.flush(),
            Stage::Header(_) | Stage::Closed(_) => Ok(()),
        }
    }
}
