//! As much of HTTP as it takes to ask a server on this machine.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks a server on the loopback address; returns the status and the text of its answer. Of version 1.0, so that it ends the
/// connection with its answer.
///
/// # Errors
/// When there is no whole answer.
pub(crate) fn ask(port: u16, method: &str, path: &str, body: &str) -> Result<(u16, String), String> {
    exchange(port, method, path, body)
        .map_err(|error| format!("http://127.0.0.1:{port}{path}: {error}"))
        .and_then(|answer| read(&answer).ok_or_else(|| format!("http://127.0.0.1:{port}{path}: no answer")))
}

fn exchange(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn read(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
