//! Carbon plaintext: `path value timestamp`, one sample a line, as Graphite's senders write it.
//!
//! Reading order: [`parse_line`] for a line at a time, [`parse`] for a whole datagram or file, and
//! [`series_key`] for what a path means. As in line protocol a store looks the raw path up first, and builds
//! the key only for a path that it has not seen.

use std::borrow::Cow;

use lanner_core::{Labels, SeriesKey};

use crate::Report;
use crate::instant::within_bounds;
use crate::report::shown;

/// The longest line a reader should collect before it gives up on the sender, in bytes.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// One sample with the path as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CarbonSample<'a> {
    /// The path, with its tags if there are any: `disk.used;host=a`.
    pub raw_path: &'a str,
    /// Milliseconds since the Unix epoch, rounded down.
    pub time_ms: i64,
    /// The value: finite.
    pub value: f64,
}

/// What a line holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CarbonLine<'a> {
    /// A sample.
    Sample(CarbonSample<'a>),
    /// The value NaN, which senders such as collectd write where they have none.
    Gap,
    /// Nothing.
    Blank,
}

/// Why a line or a path was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CarbonError {
    /// A byte that is not text.
    #[error("not UTF-8 text")]
    NotUtf8,
    /// More or fewer than three parts.
    #[error("a line has three parts, this one has {found}; write path, value and seconds since 1970")]
    Parts {
        /// How many there are, counting no further than 4.
        found: usize,
    },
    /// The value is not a number.
    #[error("\"{text}\" is not a number")]
    NotANumber {
        /// What was written.
        text: String,
    },
    /// The value is infinite or too large.
    #[error("{text} is not a finite number; leave the line out")]
    NotFinite {
        /// What was written.
        text: String,
    },
    /// The timestamp is not one.
    #[error("\"{text}\" is not a time; write seconds between 1900 and 2200, or -1 for now")]
    NotATime {
        /// What was written.
        text: String,
    },
    /// The path has no name.
    #[error("the path \"{text}\" has no name")]
    NoName {
        /// What was written.
        text: String,
    },
    /// A tag is not `name=value`.
    #[error("the tag \"{text}\" is not name=value")]
    MalformedTag {
        /// What was written.
        text: String,
    },
    /// A tag that Graphite could not store or look up.
    #[error("the tag \"{text}\" is refused: names hold none of ; ! ^ = and values begin with no ~")]
    ForbiddenTag {
        /// What was written.
        text: String,
    },
}

/// Reads one line, with or without its line break.
///
/// The timestamp is in seconds, may have a fraction, and is `received_ms` where -1 is written.
///
/// # Errors
/// [`CarbonError`] when the line has not three parts, or one of them cannot be read.
///
/// ```
/// use lanner_wire::carbon::{CarbonLine, CarbonSample, parse_line};
/// let line = parse_line(b"disk.used;host=a 12.5 1700000000\n", 0)?;
/// let sample = CarbonSample { raw_path: "disk.used;host=a", time_ms: 1_700_000_000_000, value: 12.5 };
/// assert_eq!(line, CarbonLine::Sample(sample));
/// # Ok::<(), lanner_wire::carbon::CarbonError>(())
/// ```
pub fn parse_line(line: &[u8], received_ms: i64) -> Result<CarbonLine<'_>, CarbonError> {
    let line = std::str::from_utf8(line).map_err(|_| CarbonError::NotUtf8)?;
    let mut parts = line.split_ascii_whitespace();
    let (raw_path, value, time) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (None, ..) => return Ok(CarbonLine::Blank),
        (Some(path), Some(value), Some(time), None) => (path, value, time),
        (_, second, third, fourth) => {
            let found = 1 + [second, third, fourth].into_iter().flatten().count();
            return Err(CarbonError::Parts { found });
        }
    };
    let time_ms = read_time(time, received_ms).ok_or_else(|| CarbonError::NotATime { text: shown(time) })?;
    let value = match value.parse::<f64>() {
        Ok(value) if value.is_nan() => return Ok(CarbonLine::Gap),
        Ok(value) if value.is_finite() => value,
        Ok(_) => return Err(CarbonError::NotFinite { text: shown(value) }),
        Err(_) => return Err(CarbonError::NotANumber { text: shown(value) }),
    };
    Ok(CarbonLine::Sample(CarbonSample { raw_path, time_ms, value }))
}

/// Reads many lines, calling `on_sample` for each sample; a bad line, or one for which `on_sample` returns a
/// reason, is counted and explained in `report`, and costs only itself. Gaps are counted as skipped.
pub fn parse(
    body: &[u8],
    received_ms: i64,
    report: &mut Report,
    mut on_sample: impl FnMut(CarbonSample<'_>) -> Result<(), String>,
) {
    for (at, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let line_number = at as u64 + 1;
        match parse_line(line, received_ms) {
            Ok(CarbonLine::Sample(sample)) => match on_sample(sample) {
                Ok(()) => report.accepted += 1,
                Err(reason) => report.reject(line_number, None, reason),
            },
            Ok(CarbonLine::Gap) => report.skipped += 1,
            Ok(CarbonLine::Blank) => {}
            Err(error) => report.reject(line_number, None, error),
        }
    }
}

/// The key of the series that a path names: the nodes joined by single dots, tags as labels.
///
/// Tags are written as carbon does, `path;tag=value`, or as Prometheus does, `path{tag="value"}`. Of a tag given twice
/// the last value wins. A tag `name` is left out, because Graphite gives it the path.
///
/// # Errors
/// [`CarbonError::NoName`], [`CarbonError::MalformedTag`] and [`CarbonError::ForbiddenTag`].
///
/// ```
/// use lanner_wire::carbon::series_key;
/// let key = series_key("disk..used;host=a;dc=eu")?;
/// assert_eq!(key.to_string(), r#"disk.used{dc="eu",host="a"}"#);
/// assert_eq!(series_key(r#"disk.used{host="a",dc="eu"}"#)?, key);
/// # Ok::<(), lanner_wire::carbon::CarbonError>(())
/// ```
pub fn series_key(raw_path: &str) -> Result<SeriesKey, CarbonError> {
    let mut tags = Tags::default();
    let path = match raw_path.strip_suffix("\"}").and_then(|most| most.split_once('{')) {
        Some((path, _)) => {
            tags.read_quoted(&raw_path[path.len() + 1..raw_path.len() - 1])?;
            path
        }
        None => {
            let (path, rest) =
                raw_path.split_once(';').map_or((raw_path, None), |(path, rest)| (path, Some(rest)));
            for tag in rest.into_iter().flat_map(|rest| rest.split(';')) {
                let parts = tag.split_once('=').ok_or_else(|| malformed(tag))?;
                tags.add(tag, parts.0, Cow::Borrowed(parts.1))?;
            }
            path
        }
    };
    let nodes: Vec<&str> = path.split('.').filter(|node| !node.is_empty()).collect();
    if nodes.is_empty() {
        return Err(CarbonError::NoName { text: shown(raw_path) });
    }
    Ok(SeriesKey::new(nodes.join("."), Labels::new(tags.pairs)))
}

#[derive(Default)]
struct Tags<'a> {
    pairs: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Tags<'a> {
    fn add(&mut self, tag: &str, name: &'a str, value: Cow<'a, str>) -> Result<(), CarbonError> {
        if name.is_empty() || value.is_empty() {
            return Err(malformed(tag));
        }
        if name.contains([';', '!', '^', '=']) || value.contains(';') || value.starts_with('~') {
            return Err(CarbonError::ForbiddenTag { text: shown(tag) });
        }
        if name != "name" {
            self.pairs.push((name, value));
        }
        Ok(())
    }

    /// Reads `tag="value",..`, where `\"` and `\\` in a value stand for one character.
    fn read_quoted(&mut self, tags: &'a str) -> Result<(), CarbonError> {
        let mut rest = tags;
        while !rest.is_empty() {
            let (name, quoted) = rest.split_once("=\"").ok_or_else(|| malformed(rest))?;
            let end = quote_end(quoted).ok_or_else(|| malformed(rest))?;
            let value = match &quoted[..end] {
                plain if !plain.contains('\\') => Cow::Borrowed(plain),
                escaped => Cow::Owned(escaped.replace("\\\"", "\"").replace("\\\\", "\\")),
            };
            self.add(rest, name, value)?;
            rest = match &quoted[end + 1..] {
                "" => "",
                more => more.strip_prefix(',').ok_or_else(|| malformed(more))?,
            };
        }
        Ok(())
    }
}

/// Where the quote is that ends a value.
fn quote_end(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    loop {
        match bytes.next()? {
            (at, b'"') => return Some(at),
            (_, b'\\') if !matches!(bytes.next()?.1, b'"' | b'\\') => return None,
            _ => {}
        }
    }
}

fn malformed(tag: &str) -> CarbonError {
    CarbonError::MalformedTag { text: shown(tag) }
}

fn read_time(text: &str, received_ms: i64) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(-1) => Some(received_ms),
        Ok(seconds) => within_bounds(seconds.checked_mul(1_000)?),
        Err(_) => time_ms_of(text.parse().ok()?, received_ms),
    }
}

/// Seconds since 1970 as milliseconds, rounded down; `received_ms` for -1, `None` outside 1900 to 2200.
pub(crate) fn time_ms_of(seconds: f64, received_ms: i64) -> Option<i64> {
    if seconds == -1.0 {
        return Some(received_ms);
    }
    // Rounded to microseconds first: 0.001 s in binary may be a little less than 1 ms.
    let time_ms = ((seconds * 1e6).round() / 1e3).floor();
    time_ms.is_finite().then_some(time_ms as i64).and_then(within_bounds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines() {
        #[track_caller]
        fn check(line: &str, expected: Result<&str, &str>) {
            let actual = match parse_line(line.as_bytes(), 42) {
                Ok(CarbonLine::Sample(s)) => Ok(format!("{} {} {}", s.raw_path, s.time_ms, s.value)),
                Ok(CarbonLine::Gap) => Ok("gap".to_owned()),
                Ok(CarbonLine::Blank) => Ok("blank".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            match (&actual, expected) {
                (Ok(actual), Ok(expected)) => assert_eq!(actual, expected, "{line}"),
                (Err(actual), Err(expected)) => assert!(actual.contains(expected), "{line}: {actual}"),
                _ => panic!("{line}: {actual:?}"),
            }
        }
        check("a.b 1.5 1700000000\r\n", Ok("a.b 1700000000000 1.5"));
        check("  a.b\t1e3  1700000000.123 ", Ok("a.b 1700000000123 1000"));
        check("a 1 -1", Ok("a 42 1"));
        check("a 1 -1.0", Ok("a 42 1"));
        check("a 1 -2", Ok("a -2000 1"));
        check("a nan 1700000000", Ok("gap"));
        check("", Ok("blank"));
        check(" \n", Ok("blank"));
        check("a", Err("has 1"));
        check("a 1", Err("has 2"));
        check("a 1 2 3 4 5", Err("has 4"));
        check("a x 2", Err("\"x\" is not a number"));
        check("a inf 2", Err("not a finite number"));
        check("a 1e999 2", Err("not a finite number"));
        check("a 1 1700000000000", Err("is not a time")); // milliseconds
        check("a 1 inf", Err("is not a time"));
        check("a 1 now", Err("is not a time"));
        check("a 1 9223372036854775807", Err("is not a time"));
        assert_eq!(parse_line(b"a\xff 1 2", 0), Err(CarbonError::NotUtf8));
    }

    #[test]
    fn paths() {
        #[track_caller]
        fn check(path: &str, expected: Option<&str>) {
            assert_eq!(series_key(path).ok().map(|key| key.to_string()).as_deref(), expected, "{path}");
        }
        check("a.b.c", Some("a.b.c"));
        check(".a..b.", Some("a.b"));
        check("a;x=1;y=b=c", Some(r#"a{x="1",y="b=c"}"#));
        check("", None);
        check("...", None);
        check(";x=1", None);
        check("a;", None);
        check("a;x", None);
        check("a;x=", None);
        check("a;=1", None);
        check("a;x=1;x=2", Some(r#"a{x="2"}"#));
        check("a;name=b;x=1", Some(r#"a{x="1"}"#));
        check("a;x!=1", None);
        check("a;^x=1", None);
        check("a;x=~1", None);
        check("a;x=1~!^=", Some(r#"a{x="1~!^="}"#));
        check(r#"a.b{x="1"}"#, Some(r#"a.b{x="1"}"#));
        check(r#"a{x="1",}"#, Some(r#"a{x="1",}"#)); // no quote at the end: a path like any other
        check(r#"a{y="b,c=",x="{}"}"#, Some(r#"a{x="{}",y="b,c="}"#));
        check(r#"a{x="\"\\"}"#, Some(r#"a{x="\"\\"}"#));
        check(r#"a{x="\n"}"#, None);
        check(r#"a{x=""}"#, None);
        check(r#"a{x="1"y="2"}"#, None);
        check(r#"a{x="1;2"}"#, None);
        check(r#"a{x;y="1"}"#, None);
        check(r#"a{x="~1"}"#, None);
        check(r#"a{"}"#, None);
        check(r#"{x="1"}"#, None);
        check("a{b}", Some("a{b}"));
    }

    #[test]
    fn a_bad_line_costs_only_itself() {
        let mut report = Report::default();
        let mut paths = Vec::new();
        parse(b"a 1 1\nb\n\nc nan 1\nd 2 2\ne 2 2", 0, &mut report, |sample| {
            if sample.raw_path == "e" {
                return Err("too many series".to_owned());
            }
            paths.push(sample.raw_path.to_owned());
            Ok(())
        });
        assert_eq!(paths, ["a", "d"]);
        assert_eq!((report.accepted, report.skipped, report.rejected), (2, 1, 2));
        assert_eq!(report.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [2, 6]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            parse(&body, 0, &mut Report::default(), |sample| {
                let _ = series_key(sample.raw_path);
                Ok(())
            });
        }

        #[test]
        fn any_near_line_is_answered(line in "[a-c.;=]{0,8} [0-9.e-]{0,6} ?[0-9.-]{0,20}") {
            if let Ok(CarbonLine::Sample(sample)) = parse_line(line.as_bytes(), 0) {
                prop_assert!(sample.value.is_finite());
                let _ = series_key(sample.raw_path);
            }
        }

        #[test]
        fn any_path_is_answered(path in "[ab.]{0,3}[{;]([ab~!;=,\"\\\\]|\\PC){0,20}(\"\\})?") {
            let _ = series_key(&path);
        }

        #[test]
        fn quoted_tags_mean_what_is_in_them(value in "[^;~][^;]{0,10}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let key = series_key(&format!("a{{x=\"{escaped}\",y=\"1\"}}")).unwrap();
            prop_assert_eq!(key.labels.get("x"), Some(value.as_str()));
        }
    }
}
