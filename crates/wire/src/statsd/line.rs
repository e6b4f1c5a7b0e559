//! One line.

use super::error::StatsdError;
use crate::report::shown;

/// What a line says to do with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `c`: adds it.
    Counter,
    /// `g`: sets it; with a sign in front, changes it.
    Gauge,
    /// `ms`, `h` or `d`: one of many, of which quantiles are wanted.
    Timer,
    /// `s`: a member of a set, of which the size is wanted.
    Set,
}

/// A line: `name:value|type|@rate|#tag:value,tag`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// The name as written.
    pub name: &'a str,
    /// The values as written; all but sets may have several, with colons between.
    pub values: &'a str,
    /// What to do with them.
    pub kind: Kind,
    /// The share of the events that is sent: above 0, at most 1.
    pub rate: f64,
    /// The tags as written, with commas between.
    pub tags: &'a str,
}

/// Reads one line, without its break. Parts that are not known, such as a container's id, are passed over.
///
/// # Errors
/// [`StatsdError`], unless it has a name, a value and a type.
///
/// ```
/// use lanner_wire::statsd::{Kind, parse_line};
/// let line = parse_line(b"checkout.time:320|ms|@0.1|#bank:ing,canary")?;
/// assert_eq!((line.name, line.values, line.kind), ("checkout.time", "320", Kind::Timer));
/// assert_eq!((line.rate, line.tags), (0.1, "bank:ing,canary"));
/// # Ok::<(), lanner_wire::statsd::StatsdError>(())
/// ```
pub fn parse_line(line: &[u8]) -> Result<Line<'_>, StatsdError> {
    let text = std::str::from_utf8(line).map_err(|_| StatsdError::NotUtf8)?;
    if text.starts_with("_e{") || text.starts_with("_sc|") {
        return Err(StatsdError::NoMetric);
    }
    let missing = |part| StatsdError::Missing { part, text: shown(text) };
    let mut parts = text.split('|');
    let (name, values) =
        parts.next().and_then(|part| part.split_once(':')).ok_or_else(|| missing("value"))?;
    if name.trim().is_empty() {
        return Err(missing("name"));
    }
    let kind = match parts.next().map(str::trim) {
        Some("c" | "m") => Kind::Counter,
        Some("g") => Kind::Gauge,
        Some("ms" | "h" | "d") => Kind::Timer,
        Some("s") => Kind::Set,
        Some(other) => return Err(StatsdError::NoKind { text: shown(other) }),
        None => return Err(missing("type")),
    };
    let mut read = Line { name, values, kind, rate: 1.0, tags: "" };
    for part in parts {
        if let Some(rate) = part.strip_prefix('@') {
            let number = rate.trim().parse().ok().filter(|rate| *rate > 0.0 && *rate <= 1.0);
            read.rate = number.ok_or_else(|| StatsdError::NoRate { text: shown(rate) })?;
        } else if let Some(tags) = part.strip_prefix('#') {
            read.tags = tags.trim();
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        #[track_caller]
        fn check(line: &str, expected: (&str, &str, Kind, f64, &str)) {
            let Line { name, values, kind, rate, tags } = parse_line(line.as_bytes()).unwrap();
            assert_eq!((name, values, kind, rate, tags), expected, "{line}");
        }
        check("a:1|c", ("a", "1", Kind::Counter, 1.0, ""));
        check("a b/c:-1.5|g", ("a b/c", "-1.5", Kind::Gauge, 1.0, ""));
        check("a:1:2:3|ms|@0.5", ("a", "1:2:3", Kind::Timer, 0.5, ""));
        check("a:1|h|#x:y|@1", ("a", "1", Kind::Timer, 1.0, "x:y"));
        check("a:1|d|c:9f|T1767268800|e:x", ("a", "1", Kind::Timer, 1.0, ""));
        check("a:::1|s", ("a", "::1", Kind::Set, 1.0, ""));
    }

    #[test]
    fn mistakes() {
        #[track_caller]
        fn check(line: &[u8], part: &str) {
            let why = parse_line(line).map(|_| ()).unwrap_err().to_string();
            assert!(why.contains(part), "{why}");
        }
        check(b"a", "\"a\" has no value");
        check(b"", "has no value");
        check(b"a|c", "has no value");
        check(b":1|c", "has no name");
        check(b"a:1", "has no type");
        check(b"a:1|x", "\"x\" is not a type");
        check(b"a:1|c|@0", "\"0\" is not a sample rate");
        check(b"a:1|c|@2", "not a sample rate");
        check(b"a:1|c|@NaN", "not a sample rate");
        check(b"a\xff:1|c", "not UTF-8");
        check(b"_e{5,4}:title|text", "events");
        check(b"_sc|db|0", "service checks");
    }
}
