//! Files that commands read: opened, decompressed, and metered.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::failure::{Failure, Result};

/// What those who read and those who watch tell each other.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Bytes read, as they lie in the file.
    pub(crate) n_bytes: AtomicU64,
    /// Set to end the reading early.
    pub(crate) stop: AtomicBool,
}

struct Metered<R> {
    input: R,
    meter: Arc<Meter>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.meter.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped"));
        }
        let n_read = self.input.read(buffer)?;
        self.meter.n_bytes.fetch_add(n_read as u64, Ordering::Relaxed);
        Ok(n_read)
    }
}

/// A file, or standard input for `-`, decompressed when it is gzip.
pub(crate) fn open(path: &Path, meter: &Arc<Meter>) -> Result<Box<dyn BufRead + Send>> {
    let failed = |error: &io::Error| Failure::file("read", path, error);
    let input: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        let file = File::open(path).map_err(|error| failed(&error))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Failure::user(format!("{} is a folder", path.display())).hint("name the files in it"));
        }
        Box::new(file)
    };
    let mut input = BufReader::with_capacity(256 * 1024, Metered { input, meter: Arc::clone(meter) });
    let start = input.fill_buf().map_err(|error| failed(&error))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::with_capacity(256 * 1024, MultiGzDecoder::new(input))));
    }
    Ok(Box::new(input))
}
