//! Who is told: a webhook, a mailbox and a reader of the queue, each of which says what came.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::watched::Watched;

/// Larger messages are none of Lanner's.
const MAX_BODY: usize = 1_000_000;

/// What somebody was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// How: `webhook`, `mail` or `queue`.
    pub by: &'static str,
    /// The message in one line, such as `FIRING payments-floor {bank="HSBC"}`.
    pub title: String,
    /// All of it.
    pub text: String,
}

impl Told {
    /// A message of Lanner's own JSON.
    fn of_json(by: &'static str, text: &str) -> Self {
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        let title = message["title"].as_str().unwrap_or("a message that cannot be read").to_owned();
        Self { by, title, text: text.to_owned() }
    }
}

/// A webhook.
#[derive(Debug)]
pub(super) struct Webhook {
    port: u16,
}

impl Webhook {
    /// Listens for as long as this process lives.
    pub(super) fn listen(tell: Sender<Told>) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the webhook: {error}");
        let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(body) = take_request(&stream) {
                    // Nobody to hear it once the stack is gone.
                    let _ = tell.send(Told::of_json("webhook", &body));
                }
            }
        });
        Ok(Self { port })
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }
}

/// Takes one request, and says that it was taken.
fn take_request(mut stream: &TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; Some(length).filter(|length| *length <= MAX_BODY)?];
    reader.read_exact(&mut body).ok()?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()?;
    String::from_utf8(body).ok()
}

/// A server that takes mail.
#[derive(Debug)]
pub(super) struct Mail {
    port: u16,
    _program: Watched,
}

impl Mail {
    /// Starts it by a Python that has `aiosmtpd`.
    pub(super) fn start(python: &Path, folder: &Path, tell: Sender<Told>) -> Result<Self, String> {
        let port = crate::free_port();
        let mut command = Command::new(python);
        command.args(["-u", "-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")]);
        let log = folder.join("mail.log");
        let (mut program, output) = Watched::start_heard(&command, &log)?;
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if program.has_ended() || begun.elapsed() > Duration::from_secs(60) {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("the server for mail does not start: {log}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::spawn(move || {
            let mut mail: Option<String> = None;
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if line.contains("MESSAGE FOLLOWS") {
                    mail = Some(String::new());
                } else if line.contains("END MESSAGE") {
                    let text = mail.take().unwrap_or_default();
                    // Nobody to hear it once the stack is gone.
                    let _ = tell.send(Told { by: "mail", title: subject(&text), text });
                } else if let Some(mail) = &mut mail {
                    mail.push_str(&line);
                    mail.push('\n');
                }
            }
        });
        Ok(Self { port, _program: program })
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }
}

/// The subject of a mail, also one that takes several lines.
fn subject(mail: &str) -> String {
    let mut lines = mail.lines().skip_while(|line| !line.to_ascii_lowercase().starts_with("subject:"));
    let Some(first) = lines.next() else { return "a mail without a subject".to_owned() };
    let more = lines.take_while(|line| line.starts_with([' ', '\t']));
    let subject = first.get("subject:".len()..).unwrap_or_default().trim();
    std::iter::once(subject).chain(more.map(str::trim)).collect::<Vec<_>>().join(" ")
}

/// A stream of NATS that keeps alerts, and who reads it.
#[derive(Debug)]
pub(super) struct Queue {
    connection: TcpStream,
}

impl Queue {
    /// Makes the stream, and reads what comes.
    pub(super) fn open(port: u16, tell: Sender<Told>) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the queue: {error}");
        let connection = TcpStream::connect(("127.0.0.1", port)).map_err(failed)?;
        let mut writing = connection.try_clone().map_err(failed)?;
        let stream = r#"{"name":"ALERTS","subjects":["alerts.>"],"storage":"file"}"#;
        let length = stream.len();
        write!(
            writing,
            "CONNECT {{\"verbose\":false,\"headers\":true}}\r\nSUB made 1\r\nSUB alerts.> 2\r\n\
             PUB $JS.API.STREAM.CREATE.ALERTS made {length}\r\n{stream}\r\n"
        )
        .map_err(failed)?;
        let mut reader = BufReader::new(connection.try_clone().map_err(failed)?);
        let made = loop {
            match next(&mut reader, &mut writing).map_err(failed)? {
                Some((subject, body)) if subject == "made" => break body,
                _ => {}
            }
        };
        if made.contains("\"error\"") {
            return Err(format!("the queue: {made}"));
        }
        std::thread::spawn(move || {
            while let Ok(message) = next(&mut reader, &mut writing) {
                if let Some((_, body)) = message {
                    // Nobody to hear it once the stack is gone.
                    let _ = tell.send(Told::of_json("queue", &body));
                }
            }
        });
        Ok(Self { connection })
    }

    /// Reads no more.
    pub(super) fn close(&self) {
        // Of a broker that is gone there is nothing to close.
        let _ = self.connection.shutdown(std::net::Shutdown::Both);
    }
}

/// The next thing that NATS says: a message, if it is one. A question whether somebody is there is answered.
fn next(
    reader: &mut BufReader<TcpStream>,
    writing: &mut TcpStream,
) -> std::io::Result<Option<(String, String)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok()).unwrap_or(0);
    let (n_head, n_all) = match words.first() {
        Some(&"PING") => {
            writing.write_all(b"PONG\r\n")?;
            return Ok(None);
        }
        Some(&"MSG") => (0, number(words.len() - 1)),
        Some(&"HMSG") => (number(words.len() - 2), number(words.len() - 1)),
        _ => return Ok(None),
    };
    let mut bytes = vec![0; n_all.min(MAX_BODY) + 2];
    reader.read_exact(&mut bytes)?;
    let body = bytes.get(n_head..n_all).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    Ok(Some((words.get(1).map_or_else(String::new, |subject| (*subject).to_owned()), body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_read() {
        for (mail, expected) in [
            ("From: a\nSubject: FIRING x\nTo: b\n\nSubject: no", "FIRING x"),
            ("subject: FIRING\n x {bank}\nTo: b", "FIRING x {bank}"),
            ("To: b", "a mail without a subject"),
        ] {
            assert_eq!(subject(mail), expected);
        }
    }
}
