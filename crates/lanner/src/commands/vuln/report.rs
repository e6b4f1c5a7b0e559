//! A report as commands read it: opened, hashed, and what its reading came to told to people.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use lanner_vuln::{Finding, Options, ReadError, Report, read};
use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, Result, remark};

/// The largest report that is read from standard input, which is kept in memory to be read twice.
const MAX_INPUT_BYTES: u64 = 1024 * 1024 * 1024;

/// Where a report lies.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(std::path::PathBuf),
    Memory(Arc<[u8]>),
}

impl Source {
    /// A file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if path != Path::new("-") {
            return Ok(Self::File(path.to_owned()));
        }
        let mut bytes = Vec::new();
        let read = std::io::stdin().take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::file("read", path, &error))?;
        if bytes.len() as u64 > MAX_INPUT_BYTES {
            return Err(Failure::user("standard input is larger than 1 GiB").hint("name the file itself"));
        }
        Ok(Self::Memory(bytes.into()))
    }

    fn reader(&self) -> std::io::Result<Box<dyn Read + Send>> {
        match self {
            Self::File(path) => Ok(Box::new(File::open(path)?)),
            Self::Memory(bytes) => Ok(Box::new(Cursor::new(Arc::clone(bytes)))),
        }
    }

    /// Reads the report and hands out its findings.
    ///
    /// # Errors
    /// Why it cannot be opened or read.
    pub(super) fn read(
        &self,
        options: Options,
        take: &mut dyn FnMut(Finding) -> std::result::Result<(), String>,
    ) -> std::result::Result<Report, ReadError> {
        read(self.reader()?, options, take)
    }

    /// A hash of the report's bytes: one that comes again is the same scan.
    pub(super) fn digest(&self) -> Result<String> {
        let failed = |error| Failure::program(format!("cannot read: {error}"));
        let mut reader = self.reader().map_err(failed)?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 * 1024]);
        loop {
            let length = reader.read(&mut buffer).map_err(failed)?;
            if length == 0 {
                return Ok(hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect());
            }
            hash.update(&buffer[..length]);
        }
    }
}

/// Says what was repaired, and where reading ended early.
pub(super) fn tell(path: &Path, report: &Report) {
    for warning in &report.warnings {
        remark(&format!("{}: {warning}", path.display()));
    }
    if let Some(stopped) = &report.stopped {
        remark(&format!(
            "{}: {stopped}; what came before is kept, and nothing is closed by it",
            path.display()
        ));
    }
}
