//! What a shape is, and what several of them share.

use std::io::{self, Write};

use crate::finding::Finding;

/// A shape in which findings are written.
pub struct Output {
    /// Its name on the command line, such as `ecs`.
    pub name: &'static str,
    /// What it is for.
    pub title: &'static str,
    /// Whether it repeats the scanner's own fields, so that reports have to be read with
    /// [`Options::raw`](crate::Options::raw).
    pub raw: bool,
    /// Starts a writer.
    pub open: fn() -> Box<dyn Writer>,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Output").field(&self.name).finish()
    }
}

/// Writes findings one after the other.
pub trait Writer {
    /// Writes one finding.
    ///
    /// # Errors
    /// As `out` fails.
    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what comes after the last finding.
    ///
    /// # Errors
    /// As `out` fails.
    fn finish(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// A writer of one JSON document a line.
pub(super) struct Lines(pub(super) fn(&Finding) -> Option<serde_json::Value>);

impl Writer for Lines {
    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
        let Some(document) = (self.0)(finding) else { return Ok(()) };
        serde_json::to_writer(&mut *out, &document)?;
        out.write_all(b"\n")
    }
}

/// RFC 3339 in UTC, with milliseconds.
pub(super) fn rfc3339(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}

/// A text with what acts on a terminal, or on the order in which text is shown, made visible. Tabulators and line ends stay.
pub(super) fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

/// A text for HTML.
pub(super) fn html_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
