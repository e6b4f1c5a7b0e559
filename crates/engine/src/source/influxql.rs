//! `influxql`: a query in InfluxDB's language, which a source under `sources` evaluates for each window.
//!
//! The query itself says where it uses the bounds of the window: `WHERE time >= :from AND time < :until`.

use lanner_core::field::{Field, Type};
use lanner_core::reading;

use super::fields::{BY, read_by};
use super::query::{Kind, Query};
use super::remote::RemoteQuery;
use crate::document::{Check, Fields};

const EXAMPLE: &str = "'SELECT mean(usage) FROM cpu WHERE time >= :from AND time < :until GROUP BY host'";

pub(super) const KIND: Kind = Kind {
    name: "influxql",
    about: "a query in InfluxDB's language, asked of an InfluxDB",
    example: "{ influxql: 'SELECT mean(usage) FROM cpu WHERE time >= :from AND time < :until GROUP BY host', source: iot, by: [host] }",
    read,
    fields: &[
        Field::new(
            "influxql",
            EXAMPLE,
            "a query in InfluxDB's language for one window, whose bounds are `:from` and `:until`",
        ),
        Field::new("source", "iot", "the source under `sources` that evaluates it").of(Type::Id).required(),
        BY,
    ],
};

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Query>> {
    let text = fields.read("influxql", check, |node| statement(&reading::text(node)?));
    fields.require("source", "iot", check);
    let source = fields.read("source", check, |node| reading::id(node, "_-."));
    let by = read_by(fields, check);
    Some(Box::new(RemoteQuery::bounded(KIND.name, &source?, &text?, by)))
}

/// A query that reads, and says where it uses the bounds of a window.
fn statement(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches(';').trim_end();
    let bare = without_literals(text)?;
    let mut words =
        bare.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("select")) {
        return Err(format!("should be a SELECT, for example {EXAMPLE}"));
    }
    if words.any(|word| word.eq_ignore_ascii_case("into")) {
        return Err("should not write; leave INTO out".to_owned());
    }
    if bare.contains(';') || bare.contains("--") || bare.contains("/*") {
        return Err("should be one query, without comments".to_owned());
    }
    for (bound, way) in [(":from", "time >= :from"), (":until", "time < :until")] {
        if !bare.contains(bound) {
            return Err(format!(
                "should say where the window is: WHERE time >= :from AND time < :until; {way} is missing"
            ));
        }
        if text.matches(bound).count() != bare.matches(bound).count() {
            return Err(format!(
                "has {bound} in quotes or in a regular expression, where it stands for nothing"
            ));
        }
    }
    Ok(text.to_owned())
}

/// The text without what stands between quotes, and in regular expressions.
fn without_literals(text: &str) -> Result<String, String> {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_regex = c == '/' && !rest.starts_with("/*") && may_be_regex(&bare);
        bare.push(c);
        rest = &rest[c.len_utf8()..];
        if is_regex {
            rest = after_regex(rest)?;
        } else if c == '\'' || c == '"' {
            rest = after_quote(rest, c)?;
        }
    }
    Ok(bare)
}

/// Whether a slash behind `before` begins a regular expression; elsewhere it divides.
fn may_be_regex(before: &str) -> bool {
    let before = before.trim_end();
    let word = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    let is_name = |name: &str| name.ends_with(|c: char| !c.is_ascii_digit());
    ["select", "from", "by"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
        || ["=~", "!~", ",", "("].iter().any(|end| before.ends_with(end))
        || before.strip_suffix('.').is_some_and(is_name) // "db"."policy"./measurement/
}

/// What follows a regular expression.
fn after_regex(text: &str) -> Result<&str, String> {
    let mut n_backslashes = 0;
    for (at, c) in text.char_indices() {
        match c {
            '/' if n_backslashes == 0 => return Ok(&text[at + 1..]),
            '/' if n_backslashes % 2 == 0 => {
                return Err("has `\\\\/` in a regular expression, which not all databases read alike; write [\\\\] there"
                    .to_owned());
            }
            '\n' => break,
            _ => {}
        }
        n_backslashes = if c == '\\' { n_backslashes + 1 } else { 0 };
    }
    Err("has a regular expression that is not closed with /".to_owned())
}

/// What follows a quoted text or name.
fn after_quote(text: &str, quote: char) -> Result<&str, String> {
    let mut chars = text.chars();
    loop {
        match chars.next() {
            Some('\\') => drop(chars.next()),
            Some(c) if c == quote => return Ok(chars.as_str()),
            Some(_) => {}
            None => return Err(format!("has a quote {quote} that is not closed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_read_and_name_their_window() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, &str>) {
            match (statement(text), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, _) => panic!("{found:?}"),
            }
        }
        let fine = "select mean(\"into\") from cpu where time >= :from and time < :until and host = 'a;b'";
        check(fine, Ok(fine));
        check(&format!(" {fine} ; "), Ok(fine));
        let of = |from: &str, when: &str| {
            format!("SELECT mean(v) FROM {from} WHERE time >= :from AND time < :until AND {when}")
        };
        for fine in [
            of("cpu", "host =~ /a;b/"),
            of("/into;x/", "host !~ /--|\\/into/"),
            of("iot..\"cpu;into\"", "\"a;b\" = 'into'"),
            of("\"iot\".\"year\"./^a;b$/", "v > 1 GROUP BY /;/, host"),
            of("cpu", "v / 2 > 1"),
        ] {
            check(&fine, Ok(&fine));
        }
        check("DROP DATABASE iot", Err("should be a SELECT"));
        // A slash that divides hides nothing.
        check(&of("cpu", "v / 2 > 1; DROP DATABASE iot /"), Err("one query"));
        check(&of("cpu", "v) / 2; DROP DATABASE iot /"), Err("one query"));
        check(&of("cpu", "v > 1. / 2; DROP DATABASE iot /"), Err("one query"));
        check(&of("cpu", "host =~ /a/; DROP DATABASE iot"), Err("one query"));
        check(&of("cpu", "host =~ /*;*/ 'a'"), Err("without comments"));
        check(&of("cpu", r"host =~ /a\\/; DROP DATABASE iot --/"), Err("not all databases read alike"));
        check(&of("cpu", "host =~ /a"), Err("not closed with /"));
        check(&of("cpu", "host =~ /:from/"), Err("in a regular expression"));
        check("SELECT a INTO b FROM cpu WHERE time >= :from AND time < :until", Err("leave INTO out"));
        check("SELECT a FROM cpu WHERE time >= :from AND time < :until; DROP DATABASE iot", Err("one query"));
        check("SELECT a FROM cpu -- :from :until", Err("without comments"));
        check("SELECT a FROM cpu WHERE time < :until", Err("time >= :from is missing"));
        check("SELECT a FROM cpu WHERE time >= :from AND time < ':until'", Err(":until"));
        check("SELECT a FROM cpu WHERE host = ':from' AND time >= :from AND time < :until", Err("in quotes"));
        check("SELECT a FROM cpu WHERE host = 'x", Err("not closed"));
    }
}
