//! Files that commands read: opened, decompressed, metered, and cut into lines.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::failure::{Failure, Result, remark};

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

/// The lines of a file, however long a line is and wherever the file breaks off.
pub(crate) struct Lines {
    input: Box<dyn BufRead + Send>,
    path: PathBuf,
    /// Of a longer line only the beginning is kept: one byte more than this, so that whoever reads it can tell.
    max_bytes: usize,
    n_lines: u64,
    bytes: Vec<u8>,
}

impl Lines {
    /// The lines of a file, or of standard input for `-`.
    pub(crate) fn open(path: &Path, meter: &Arc<Meter>, max_bytes: usize) -> Result<Self> {
        let input = open(path, meter)?;
        Ok(Self { input, path: path.to_owned(), max_bytes, n_lines: 0, bytes: Vec::new() })
    }

    /// The next line with its end, and its number. A file that breaks off, as a log that is cut short does, ends there with a
    /// remark.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        self.bytes.clear();
        match self.read() {
            Ok(()) if self.bytes.is_empty() => return Ok(None),
            Ok(()) => {}
            Err(error) if self.n_lines > 0 && is_broken_off(&error) => {
                let (path, n) = (self.path.display(), self.n_lines);
                remark(&format!("{path} breaks off after line {n} ({error}); what came before is used"));
                return Ok(None);
            }
            Err(error) => return Err(Failure::file("read", &self.path, &error)),
        }
        self.n_lines += 1;
        Ok(Some((self.n_lines, &self.bytes)))
    }

    fn read(&mut self) -> io::Result<()> {
        let room = self.max_bytes + 1;
        (&mut self.input).take(room as u64).read_until(b'\n', &mut self.bytes)?;
        if self.bytes.len() == room && !self.bytes.ends_with(b"\n") {
            self.input.skip_until(b'\n')?;
        }
        Ok(())
    }
}

/// A line as a text; bytes that are no UTF-8 become replacement characters.
pub(crate) fn text(line: &[u8]) -> Cow<'_, str> {
    // The library's own goes byte by byte even where all is well.
    str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed)
}

/// Whether the file itself ends too early or is damaged, rather than the reading of it.
fn is_broken_off(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn lines(bytes: &[u8], max_bytes: usize) -> Result<Vec<(u64, String)>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut lines = Lines::open(file.path(), &Arc::default(), max_bytes)?;
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next()? {
            all.push((number, text(line).into_owned()));
        }
        Ok(all)
    }

    #[test]
    fn lines_are_numbered_and_bounded() {
        let expected = |lines: &[&str]| -> Vec<(u64, String)> {
            (1..).zip(lines.iter().map(|line| (*line).to_owned())).collect()
        };
        assert_eq!(lines(b"", 4).unwrap(), []);
        assert_eq!(lines(b"a\n\nbc", 4).unwrap(), expected(&["a\n", "\n", "bc"]));
        assert_eq!(lines(b"abcd\nabcdefgh\nx\n", 4).unwrap(), expected(&["abcd\n", "abcde", "x\n"]));
    }

    #[test]
    fn what_came_before_the_break_is_used() {
        let mut whole = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let numbers: String = (0..200_000).map(|n| format!("line {n}\n")).collect();
        whole.write_all(numbers.as_bytes()).unwrap();
        let whole = whole.finish().unwrap();
        assert_eq!(lines(&whole, 99).unwrap().len(), 200_000);
        let cut = lines(&whole[..whole.len() / 2], 99).unwrap();
        assert!(cut.len() > 50_000 && cut.len() < 200_000, "{}", cut.len());
        // Of a file without a single line nothing can be used.
        assert!(lines(&whole[..12], 99).is_err());
    }
}
