//! Lines of a connection, and whether it is one of a browser.

pub(super) use lanner_wire::carbon::MAX_LINE_BYTES;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Room made for what a read brings.
const READ_BYTES: usize = 64 * 1024;
/// How a handshake of TLS begins: its kind of record, and the major version.
const HANDSHAKE: [u8; 2] = [0x16, 3];

/// Why a connection is closed that begins like that.
pub(super) const WEB: &str =
    "the connection begins as HTTP or TLS, which a web page can send to any port; it is closed";

/// Whether a line begins a request of HTTP, or a handshake of TLS. Browsers send them here for any page, which chooses what
/// lines follow; they must not become samples.
///
/// Of HTTP a method and an address tell, as where carbon has a value: the version may lie beyond the longest line that is
/// read. Into a handshake a page puts lines by way of the ticket that its own server gave for the same name.
pub(super) fn is_web(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let is_method = words.next().is_some_and(|word| word.iter().all(u8::is_ascii_alphabetic));
    let is_address =
        |word: &[u8]| word.starts_with(b"/") || word == b"*" || word.windows(3).any(|part| part == b"://");
    line.starts_with(&HANDSHAKE) || (is_method && words.next().is_some_and(is_address))
}

/// Lines of bounded length; a line that is too long is given as its beginning, and refused as such.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    is_cut: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Those of a connection.
    pub(super) fn new(connection: R) -> Self {
        Self { reader: BufReader::with_capacity(READ_BYTES, connection), line: Vec::new(), is_cut: false }
    }

    /// Whether the last line that was given had no break, as the connection ended: there may have been more of it.
    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The next line without its break; `None` at the end. Safe to cancel: what was read is kept.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let buffer = self.reader.fill_buf().await.ok()?;
            if buffer.is_empty() {
                self.is_cut = true;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_send_is_told_from_samples() {
        #[track_caller]
        fn check(line: &[u8], expected: bool) {
            assert_eq!(is_web(line), expected, "{:?}", String::from_utf8_lossy(line));
        }
        check(b"GET / HTTP/1.1\r", true);
        check(b"post http://127.0.0.1:2003/x", true);
        check(b"OPTIONS * HTTP/1.1", true);
        check(b"CONNECT  /", true);
        check(b"\x16\x03\x01\x02\x00\x01\x00", true); // the record of a handshake
        check(b"\x16\x03", true); // its length begins with the byte that breaks lines
        check(b"app.requests 5 1700000000", false);
        check(b"app 5 1700000000", false);
        check(b"app.requests / 5", false);
        check(b"\x16 5 1700000000", false);
        check(b"orders:1|c", false);
        check(b"", false);
    }
}
