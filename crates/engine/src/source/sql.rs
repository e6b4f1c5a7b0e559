//! `sql`: a query in SQL, which a database under `sources` evaluates for each window.
//!
//! The query itself says where it uses the bounds of the window: `WHERE ts >= :from AND ts < :until`.

use lanner_core::field::{Field, Type};
use lanner_core::reading;

use super::fields::{BY, read_by};
use super::query::{Kind, Query};
use super::remote::RemoteQuery;
use crate::document::{Check, Fields};

const EXAMPLE: &str =
    "'SELECT bank, count(*) AS value FROM payments WHERE ts >= :from AND ts < :until GROUP BY bank'";

pub(super) const KIND: Kind = Kind {
    name: "sql",
    about: "a query in SQL, asked of a database",
    example: "{ sql: 'SELECT bank, count(*) AS value FROM payments WHERE ts >= :from AND ts < :until GROUP BY bank', source: shop, by: [bank] }",
    read,
    fields: &[
        Field::new("sql", EXAMPLE, "a query in SQL for one window, whose bounds are `:from` and `:until`"),
        Field::new("source", "shop", "the source under `sources` that evaluates it").of(Type::Id).required(),
        BY,
    ],
};

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Query>> {
    let text = fields.read("sql", check, |node| statement(&reading::text(node)?));
    fields.require("source", "shop", check);
    let source = fields.read("source", check, |node| reading::id(node, "_-."));
    let by = read_by(fields, check);
    Some(Box::new(RemoteQuery::bounded(KIND.name, &source?, &text?, by)))
}

/// One query that says where it uses the bounds of a window. Whether it only reads is up to the database.
fn statement(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches(';').trim_end();
    let bare = without_literals(text)?;
    let first =
        bare.split(|c: char| !c.is_ascii_alphabetic()).find(|word| !word.is_empty()).unwrap_or_default();
    if !["select", "with"].iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return Err(format!("should be a SELECT, for example {EXAMPLE}"));
    }
    if bare.contains(';') || bare.contains("--") || bare.contains("/*") {
        return Err("should be one query, without comments".to_owned());
    }
    for (bound, way) in [(":from", "ts >= :from"), (":until", "ts < :until")] {
        match n_bounds(&bare, bound) {
            0 => {
                return Err(format!(
                    "should say where the window is: WHERE ts >= :from AND ts < :until; {way} is missing"
                ));
            }
            n if n != text.matches(bound).count() => {
                return Err(format!(
                    "has {bound} in quotes or in a longer word, where it stands for nothing"
                ));
            }
            _ => {}
        }
    }
    Ok(text.to_owned())
}

/// How often a bound stands in a text as a word of its own, and is no type that something is cast to.
fn n_bounds(bare: &str, bound: &str) -> usize {
    let is_bound = |(at, _): &(usize, &str)| {
        let goes_on = |c: char| c.is_alphanumeric() || c == '_';
        !bare[..*at].ends_with(':') && !bare[at + bound.len()..].starts_with(goes_on)
    };
    bare.match_indices(bound).filter(is_bound).count()
}

/// The text without what stands between quotes; a quote is doubled within them.
fn without_literals(text: &str) -> Result<String, String> {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '"', '`']) {
        let (before, quoted) = rest.split_at(at);
        let quote = quoted.chars().next().unwrap_or_default();
        let end = quoted[1..].find(quote).ok_or_else(|| format!("has a quote {quote} that is not closed"))?;
        bare.push_str(before);
        bare.push(quote);
        rest = &quoted[end + 2..];
    }
    bare.push_str(rest);
    Ok(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_name_their_window() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, &str>) {
            match (statement(text), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, _) => panic!("{found:?}"),
            }
        }
        let of = |what: &str| format!("SELECT count(*) FROM t WHERE ts >= :from AND ts < :until AND {what}");
        for fine in [
            of("name = 'a;b -- it''s'"),
            of("\"a;b\" = 1 AND `c--d` = 2"),
            of("x::text = 'y' AND z < :until::timestamptz"),
            "with a as (select 1) select * from t, a where ts >= :from and ts < :until".to_owned(),
            "(SELECT 1 FROM t WHERE ts >= :from AND ts < :until)".to_owned(),
        ] {
            check(&fine, Ok(&fine));
        }
        check(&format!(" {} ; ", of("a = 1")), Ok(&of("a = 1")));
        check("DELETE FROM t WHERE ts >= :from AND ts < :until", Err("should be a SELECT"));
        check("", Err("should be a SELECT"));
        check(&of("a = 1; DROP TABLE t"), Err("one query"));
        check(&of("a = 1 -- b"), Err("without comments"));
        check(&of("a = /* b */ 1"), Err("without comments"));
        check("SELECT 1 FROM t WHERE ts < :until", Err("ts >= :from is missing"));
        check("SELECT 1 FROM t WHERE ts >= :from AND ts < :until_then", Err("ts < :until is missing"));
        check("SELECT 1 FROM t WHERE ts >= x::from AND ts < :until", Err("ts >= :from is missing"));
        check(&of("a = ':from'"), Err(":from in quotes"));
        check(&of("a = 'b"), Err("not closed"));
    }
}
