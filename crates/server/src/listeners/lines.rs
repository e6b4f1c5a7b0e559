//! Lines of a connection, and whether it is one of HTTP.

pub(super) use lanner_wire::carbon::MAX_LINE_BYTES;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Room made for what a read brings.
const READ_BYTES: usize = 64 * 1024;

/// Why a connection is closed that begins like that.
pub(super) const HTTP: &str =
    "the connection begins as HTTP, which a web page can send to any port; it is closed";

/// Whether a line begins a request of HTTP. Browsers send them here for any page, which must not become samples.
///
/// A method and an address tell, as where carbon has a value: the version may lie beyond the longest line that is read.
pub(super) fn is_http(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let is_method = words.next().is_some_and(|word| word.iter().all(u8::is_ascii_alphabetic));
    let is_address =
        |word: &[u8]| word.starts_with(b"/") || word == b"*" || word.windows(3).any(|part| part == b"://");
    is_method && words.next().is_some_and(is_address)
}

/// Lines of bounded length; a line that is too long is given as its beginning, and refused as such.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Those of a connection.
    pub(super) fn new(connection: R) -> Self {
        Self { reader: BufReader::with_capacity(READ_BYTES, connection), line: Vec::new() }
    }

    /// The next line without its break; `None` at the end. Safe to cancel: what was read is kept.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let buffer = self.reader.fill_buf().await.ok()?;
            if buffer.is_empty() {
                return (!self.line.is_empty()).then(|| std::mem::take(&mut self.line));
            }
            let (part, used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (&buffer[..at], at + 1, true),
                None => (buffer, buffer.len(), false),
            };
            let room = (MAX_LINE_BYTES + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            self.reader.consume(used);
            if ended {
                return Some(std::mem::take(&mut self.line));
            }
        }
    }
}
