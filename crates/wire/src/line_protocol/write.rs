//! Samples as line protocol, for export.

use std::fmt::Write;

use lanner_core::{Sample, SeriesKey};

use crate::report::shown;

/// Why a series cannot be written as line protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line protocol cannot hold \"{}\" ({reason}); export as ndjson instead", shown(.text))]
pub struct Unwritable {
    /// The name or value.
    pub text: String,
    /// What about it.
    pub reason: &'static str,
}

/// Appends one line: the series' name as the measurement, its labels as tags, and the field `value`, with the
/// time in nanoseconds. [`parse`](super::parse) reads the same series and value back.
///
/// # Errors
/// [`Unwritable`] for a name, label name or label value that is empty, holds a line break or ends in a
/// backslash, and for a series whose name begins with `#` or a tab: the format has no way to write those.
/// `out` is then as it was.
///
/// ```
/// use lanner_core::{Labels, Sample, SeriesKey};
/// let key = SeriesKey::new("disk free", Labels::new([("path", "/a,b")]));
/// let mut out = String::new();
/// lanner_wire::line_protocol::write_sample(&mut out, &key, Sample::new(1_500, 0.5))?;
/// assert_eq!(out, "disk\\ free,path=/a\\,b value=0.5 1500000000\n");
/// # Ok::<(), lanner_wire::line_protocol::Unwritable>(())
/// ```
pub fn write_sample(out: &mut String, key: &SeriesKey, sample: Sample) -> Result<(), Unwritable> {
    let before = out.len();
    write_line(out, key, sample).inspect_err(|_| out.truncate(before))
}

fn write_line(out: &mut String, key: &SeriesKey, sample: Sample) -> Result<(), Unwritable> {
    if key.name.starts_with(['#', '\t']) {
        return Err(Unwritable { text: key.name.to_string(), reason: "its first character" });
    }
    escape(out, &key.name, &[',', ' '])?;
    for (name, value) in key.labels.iter() {
        out.push(',');
        escape(out, name, &[',', ' ', '='])?;
        out.push('=');
        escape(out, value, &[',', ' ', '='])?;
    }
    // Writing to a String cannot fail; nanoseconds of any instant up to 2200 fit 64 bits.
    let _ = writeln!(out, " value={} {}", sample.value, i128::from(sample.time_ms) * 1_000_000);
    Ok(())
}

fn escape(out: &mut String, text: &str, special: &[char]) -> Result<(), Unwritable> {
    let refuse = |reason| Err(Unwritable { text: text.to_owned(), reason });
    if text.is_empty() {
        return refuse("it is empty");
    }
    if text.ends_with('\\') {
        return refuse("it ends in a backslash");
    }
    if text.contains('\n') {
        return refuse("it holds a line break");
    }
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(())
}
