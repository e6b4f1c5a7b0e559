//! What raw names mean: unescaping, and the key of a series.

use std::borrow::Cow;

use lanner_core::{Labels, SeriesKey};

use super::LineError;

/// The key of the series that `raw_series` and `raw_field` name, as they stand in a [`Line`](super::Line).
///
/// Called when a store meets a series for the first time. Of a tag given twice the last one counts.
///
/// # Errors
/// [`LineError`] for text that [`parse`](super::parse) would have refused; never for what it yields.
///
/// ```
/// use lanner_wire::line_protocol::series_key;
/// let key = series_key(r"my\ disk,path=/var\,log", "value")?;
/// assert_eq!(key.to_string(), r#"my disk{path="/var,log"}"#);
/// # Ok::<(), lanner_wire::line_protocol::LineError>(())
/// ```
pub fn series_key(raw_series: &str, raw_field: &str) -> Result<SeriesKey, LineError> {
    let (measurement, mut tags) = split_at_plain(raw_series, b',');
    if measurement.is_empty() {
        return Err(LineError::NoMeasurement);
    }
    let mut labels: Vec<(String, String)> = Vec::new();
    while let Some(rest) = tags {
        let (tag, next) = split_at_plain(rest, b',');
        let (name, value) = split_at_plain(tag, b'=');
        let value = value.unwrap_or_default();
        if name.is_empty() || value.is_empty() {
            return Err(LineError::MalformedTag);
        }
        labels.push((unescape(name, b", =").into_owned(), unescape(value, b", =").into_owned()));
        tags = next;
    }
    let measurement = unescape(measurement, b", ");
    let name = match raw_field {
        "" => return Err(LineError::MalformedField),
        "value" => measurement.into_owned(),
        field => format!("{measurement}.{}", unescape(field, b", =")),
    };
    Ok(SeriesKey::new(name, Labels::new(labels)))
}

/// `text` up to the first `stop` without a backslash before it, and what follows that `stop`.
fn split_at_plain(text: &str, stop: u8) -> (&str, Option<&str>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = memchr::memchr(stop, &bytes[from..]) {
        let at = from + found;
        if at == 0 || bytes[at - 1] != b'\\' {
            return (&text[..at], Some(&text[at + 1..]));
        }
        from = at + 1;
    }
    (text, None)
}

/// Removes the backslash before each byte of `special`; other backslashes stand for themselves.
fn unescape<'a>(text: &'a str, special: &[u8]) -> Cow<'a, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped =
            c == '\\' && chars.peek().is_some_and(|next| next.is_ascii() && special.contains(&(*next as u8)));
        if !escaped {
            plain.push(c);
        } else if let Some(next) = chars.next() {
            plain.push(next);
        }
    }
    Cow::Owned(plain)
}
