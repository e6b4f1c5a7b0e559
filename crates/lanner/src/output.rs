//! Standard output: text, lines, JSON.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use lanner_core::printable::{escaped_json, printable};
use serde::Serialize;

use crate::failure::{Failure, Result};

/// The form of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Writes a value as indented JSON, which hides nothing from whoever looks at it.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::program(error.to_string()))?;
    line(&escaped_json(&text))
}

/// Writes one line.
pub(crate) fn line(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{}", printable(text))?)
}

/// Writes text.
pub(crate) fn text(text: &str) -> Result<()> {
    Ok(io::stdout().lock().write_all(printable(text).as_bytes())?)
}

/// Writes text that may have colours of our own on a terminal; data in it was made printable where they were added.
pub(crate) fn styled(text: &str) -> Result<()> {
    let text = if io::stdout().is_terminal() { Cow::Borrowed(text) } else { printable(text) };
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}

/// `1 row`, `2 rows`, `0 breaches`
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let end = match noun {
        _ if count == 1 => "",
        noun if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{count} {noun}{end}")
}

/// Standard output for data: byte for byte, and on a terminal nothing that acts on it.
pub(crate) fn data() -> Box<dyn Write> {
    if io::stdout().is_terminal() {
        Box::new(Printable { out: io::stdout(), rest: Vec::new() })
    } else {
        Box::new(io::stdout())
    }
}

/// Text that comes in pieces, made printable.
struct Printable<W: Write> {
    out: W,
    /// The begin of a character whose end has not come yet.
    rest: Vec<u8>,
}

impl<W: Write> Write for Printable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.rest.len(),
        };
        let text: Vec<u8> = self.rest.drain(..whole).collect();
        self.out.write_all(printable(&String::from_utf8_lossy(&text)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_made_printable_as_the_whole_is() {
        let text = "Zürich \u{1b}[2J\u{9b}1m 東京\u{202e}\n";
        for size in 1..text.len() {
            let mut writer = Printable { out: Vec::new(), rest: Vec::new() };
            text.as_bytes().chunks(size).for_each(|piece| writer.write_all(piece).unwrap());
            assert_eq!(String::from_utf8(writer.out).unwrap(), printable(text), "{size}");
        }
    }
}
