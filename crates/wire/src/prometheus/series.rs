//! A series as Prometheus writes it: `http_requests_total{job="api",code="200"}`.

use lanner_core::{Labels, SeriesKey};

/// The label in which Prometheus keeps the name.
pub(super) const NAME: &str = "__name__";

/// The key of a series written in Prometheus's notation, from the beginning to the end of `text`.
///
/// The name may stand before the braces, or in them: in quotes, or as the label `__name__`. A series without a name, as
/// the answer to a query may have, is called by its labels. Cost: O(length).
///
/// # Errors
/// The byte at which reading stopped, counted from 0, and what is wrong.
///
/// ```
/// use lanner_wire::prometheus::series_key;
/// let key = series_key(r#"http_requests_total{job="api", code="200",}"#).map_err(|(_, why)| why)?;
/// assert_eq!(key.to_string(), r#"http_requests_total{code="200",job="api"}"#);
/// let key = series_key(r#"{"my.name", job="api"}"#).map_err(|(_, why)| why)?;
/// assert_eq!(key.to_string(), r#"my.name{job="api"}"#);
/// # Ok::<(), String>(())
/// ```
pub fn series_key(text: &str) -> Result<SeriesKey, (usize, String)> {
    let mut scan = Scan { text, at: 0 };
    let mut name = scan.bare().to_owned();
    let mut labels: Vec<(String, String)> = Vec::new();
    scan.spaces();
    if scan.eat('{') {
        while !scan.eat('}') {
            let (label, is_quoted) = scan.label_name()?;
            if scan.eat('=') {
                labels.push((label, scan.quoted()?));
            } else if is_quoted && name.is_empty() {
                name = label;
            } else {
                return Err(scan.wrong("an equals sign is missing after the label's name"));
            }
            scan.spaces();
            if !scan.eat(',') && !scan.rest().starts_with('}') {
                return Err(scan.wrong("a comma or the closing brace is missing"));
            }
            scan.spaces();
        }
    }
    scan.spaces();
    if !scan.rest().is_empty() {
        return Err(scan.wrong("nothing may follow the labels"));
    }
    named(name, labels).ok_or((0, "the series has neither name nor labels".to_owned()))
}

/// The key of a series whose name may be among its labels; `None` where there is nothing to call it by.
pub(super) fn named(mut name: String, mut labels: Vec<(String, String)>) -> Option<SeriesKey> {
    if name.is_empty()
        && let Some(at) = labels.iter().position(|(label, _)| label == NAME)
    {
        name = labels.swap_remove(at).1;
    }
    let labels = Labels::new(labels);
    if !name.is_empty() {
        return Some(SeriesKey::new(name, labels));
    }
    // As a query such as `sum by (job) (...)` answers.
    (!labels.is_empty()).then(|| SeriesKey::new(labels.to_string(), Labels::default()))
}

/// Where the series ends that `line` begins with, and what comes after it: a space, or the closing brace.
pub(super) fn end_of_series(line: &str) -> Option<usize> {
    let brace = line.find(|c: char| c == '{' || c.is_ascii_whitespace())?;
    let open = brace + line[brace..].find(|c: char| !c.is_ascii_whitespace())?;
    if !line[open..].starts_with('{') {
        return Some(brace);
    }
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate().skip(open + 1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'}' if !is_quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn wrong(&self, why: &str) -> (usize, String) {
        (self.at, why.to_owned())
    }

    fn spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, wanted: char) -> bool {
        let is_there = self.rest().starts_with(wanted);
        self.at += if is_there { wanted.len_utf8() } else { 0 };
        is_there
    }

    /// A name without quotes. Other programs write more signs in names than Prometheus does.
    fn bare(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || "{}=,\"".contains(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// The name of a label, and whether it stands in quotes.
    fn label_name(&mut self) -> Result<(String, bool), (usize, String)> {
        self.spaces();
        if self.rest().starts_with('"') {
            let name = self.quoted()?;
            self.spaces();
            return Ok((name, true));
        }
        let name = self.bare().to_owned();
        self.spaces();
        if name.is_empty() { Err(self.wrong("the name of a label is missing")) } else { Ok((name, false)) }
    }

    /// Text in quotes, in which a backslash stands before a quote, another one, and the n of a line break.
    fn quoted(&mut self) -> Result<String, (usize, String)> {
        self.spaces();
        if !self.eat('"') {
            return Err(self.wrong("a value in double quotes is missing"));
        }
        let mut value = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((offset, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += offset + 1;
                    return Ok(value);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, other)) => value.push(other),
                    None => break,
                },
                c => value.push(c),
            }
        }
        Err(self.wrong("the text has no closing quote"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn series() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, usize>) {
            let found = series_key(text).map(|key| key.to_string()).map_err(|(at, _)| at);
            assert_eq!(found.as_deref().map_err(|at| *at), expected, "{text}");
            if expected.is_ok() {
                assert_eq!(end_of_series(&format!("{text} 1")), Some(text.len()), "{text}");
            }
        }
        check("up", Ok("up"));
        check("node:cpu.load-1", Ok("node:cpu.load-1"));
        check("up{}", Ok("up"));
        check(r#"up{job="a"}"#, Ok(r#"up{job="a"}"#));
        check(r#"up { job = "a" , b="c", }"#, Ok(r#"up{b="c",job="a"}"#));
        check(r#"up{path="C:\\x \"y\"\n}"}"#, Ok(r#"up{path="C:\\x \"y\"\n}"}"#));
        check(r#"{__name__="up",job="a"}"#, Ok(r#"up{job="a"}"#));
        check(r#"{"größe","l b"="x"}"#, Ok(r#"größe{l b="x"}"#));
        check(r#"{job="a"}"#, Ok(r#"{job="a"}"#)); // the answer of a query
        check("{}", Err(0));
        check("", Err(0));
        check("up{job}", Err(6));
        check("up{job=a}", Err(7));
        check(r#"up{job="a}"#, Err(8));
        check(r#"up{job="a"b="c"}"#, Err(10));
        check(r#"up{job="a"} 1"#, Err(12));
        check("up{", Err(3));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "(up|[{}=,\"\\\\ x\u{e4}n])*") {
            let _ = (series_key(&text), end_of_series(&text));
        }

        #[test]
        fn what_is_shown_is_read(name in "[a-z_:][a-z0-9_:]{0,5}", labels in prop::collection::vec(("[a-z_]{1,4}", "\\PC{0,6}"), 0..4)) {
            let key = SeriesKey::new(name, Labels::new(labels.into_iter().filter(|(label, _)| label != NAME)));
            prop_assert_eq!(series_key(&key.to_string()), Ok(key));
        }
    }
}
