//! Carbon's plaintext by TCP: `path value timestamp`, a line a sample.

use std::sync::Arc;

use lanner_wire::carbon;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::TcpStream;

use super::connections::serve_each;
use super::kind::{Kind, Start};
use super::waiting::Waiting;
use crate::intake::error::IntakeError;
use crate::intake::service::IntakeService;

pub(super) const KIND: Kind = Kind {
    name: "carbon",
    address: |settings| settings.carbon,
    start: Start::Tcp(|listener, ready| serve_each(listener, ready, serve)),
};

/// Room made for what a read brings.
const READ_BYTES: usize = 64 * 1024;

/// Takes the lines of one sender.
async fn serve(service: Arc<IntakeService>, stream: TcpStream) -> Result<(), IntakeError> {
    let mut lines = Lines { reader: BufReader::with_capacity(READ_BYTES, stream), line: Vec::new() };
    let mut waiting = Waiting::new(&service);
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    let mut is_first = true;
    loop {
        let next = tokio::select! {
            line = lines.next() => Ok(line),
            () = tokio::time::sleep_until(waiting.deadline()), if !waiting.is_empty() => Err(()),
            () = &mut stopped => Ok(None),
        };
        match next {
            Ok(Some(line)) if std::mem::take(&mut is_first) && is_http(&line) => {
                waiting.refuse(HTTP);
                return waiting.commit().await;
            }
            Ok(Some(line)) => waiting.add_line(&line),
            Ok(None) => return waiting.commit().await,
            Err(()) => waiting.commit().await?,
        }
        if waiting.is_full() {
            waiting.commit().await?;
        }
    }
}

/// Why a connection is closed that begins like that.
const HTTP: &str = "the connection begins as HTTP, which a web page can send to any port; it is closed";

/// Whether a line begins a request of HTTP. Browsers send them here for any page, which must not become samples.
///
/// A method and an address tell, as where carbon has a value: the version may lie beyond the longest line that is read.
fn is_http(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let is_method = words.next().is_some_and(|word| word.iter().all(u8::is_ascii_alphabetic));
    let is_address =
        |word: &[u8]| word.starts_with(b"/") || word == b"*" || word.windows(3).any(|part| part == b"://");
    is_method && words.next().is_some_and(is_address)
}

/// Lines of bounded length; a line that is too long is given as its beginning, and refused as such.
struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The next line without its break; `None` at the end. Safe to cancel: what was read is kept.
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let buffer = self.reader.fill_buf().await.ok()?;
            if buffer.is_empty() {
                return (!self.line.is_empty()).then(|| std::mem::take(&mut self.line));
            }
            let (part, used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (&buffer[..at], at + 1, true),
                None => (buffer, buffer.len(), false),
            };
            let room = (carbon::MAX_LINE_BYTES + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            self.reader.consume(used);
            if ended {
                return Some(std::mem::take(&mut self.line));
            }
        }
    }
}
