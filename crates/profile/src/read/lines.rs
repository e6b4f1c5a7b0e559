//! Lines of any format.

use serde_json::{Map, Value};

use super::auditd::{self, Auditd};
use super::event::HostEvent;
use super::formats::{Format, object_of};

/// The longest line that is read, bytes.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Reads lines. An event of several lines, as auditd writes them, comes out with the line that ends it.
#[derive(Debug)]
pub struct Lines {
    format: Format,
    auditd: Auditd,
}

impl Lines {
    /// A reader of lines of this format; [`Format::Auto`] tells it from each line anew.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, auditd: Auditd::default() }
    }

    /// Reads one line, and calls `on_event` for each event that it ends: none or one, of auditd sometimes two.
    ///
    /// # Errors
    /// What is wrong with the line. The next one can be read all the same.
    pub fn line(&mut self, line: &str, on_event: &mut dyn FnMut(HostEvent)) -> Result<(), String> {
        // Before anything else: of a longer line whoever reads files hands over the beginning, which may end in blanks.
        let n_bytes = line.trim_end_matches(['\r', '\n']).len();
        if n_bytes > MAX_LINE_BYTES {
            return Err(format!("is longer than {MAX_LINE_BYTES} bytes, which is all that is read of one"));
        }
        let line = line.trim();
        if line.is_empty() {
            return Ok(());
        }
        let is_audit =
            self.format == Format::Auditd || (self.format == Format::Auto && auditd::is_record(line));
        if is_audit {
            return self.auditd.line(line, on_event);
        }
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| format!("is not a JSON object: {error}"))?;
        on_event(object_of(object, self.format)?);
        Ok(())
    }

    /// Calls `on_event` for the event that no line has ended yet.
    pub fn finish(&mut self, on_event: &mut dyn FnMut(HostEvent)) {
        self.auditd.finish(on_event);
    }
}
