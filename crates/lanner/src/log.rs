//! Formats the log, so that data in it stays on its line and does nothing to a terminal.

use std::fmt::{self, Debug};
use std::io::{self, Write};

use lanner_core::printable::{escaped_json, one_line};
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// The fields of an entry as text: the message, then `name=value`.
pub(crate) fn fields() -> impl for<'w> FormatFields<'w> + 'static {
    let field = |writer: &mut Writer<'_>, field: &tracing::field::Field, value: &dyn Debug| -> fmt::Result {
        let value = format!("{value:?}");
        let value = one_line(&value);
        match field.name() {
            "message" => write!(writer, "{value}"),
            name if writer.has_ansi_escapes() => write!(writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{value}"),
            name => write!(writer, "{name}={value}"),
        }
    };
    debug_fn(field).delimited(" ")
}

/// Standard error for entries that are objects of JSON, one a line.
pub(crate) fn json_writer() -> impl Write {
    JsonLines(io::stderr())
}

struct JsonLines<W: Write>(W);

impl<W: Write> Write for JsonLines<W> {
    /// An entry is written at once, and whole.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(escaped_json(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const BAD: &str = "\u{1b}]0;owned\u{7}\0\r\nERROR \u{9b}31m\u{202e}";

    fn write(is_json: bool) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt().without_time().with_target(false).with_ansi(false);
        let say = || {
            let span = tracing::info_span!("receiver", name = BAD);
            let _entered = span.enter();
            tracing::info!(group = BAD, shown = %BAD, other = 7, "fires: {BAD}");
        };
        if is_json {
            let log = log.with_writer(move || JsonLines(writer.clone())).json().flatten_event(true);
            tracing::subscriber::with_default(log.finish(), say);
        } else {
            let log = log.with_writer(move || writer.clone()).fmt_fields(fields());
            tracing::subscriber::with_default(log.finish(), say);
        }
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn data_stays_on_its_line_and_does_nothing() {
        for is_json in [false, true] {
            let written = write(is_json);
            let line = written.strip_suffix('\n').unwrap();
            assert!(!line.contains(char::is_control) && !line.contains('\u{202e}'), "{written:?}");
            assert!(line.contains("fires: ") && line.contains("owned"), "{written}");
        }
        assert!(write(false).contains(" other=7"), "{}", write(false));
        let entry: serde_json::Value = serde_json::from_str(&write(true)).unwrap();
        assert_eq!((&entry["group"], &entry["other"]), (&BAD.into(), &7.into()));
    }
}
