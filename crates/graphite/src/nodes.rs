//! Nodes and tags, by which functions group, pair and name series.

use std::borrow::Cow;

use super::expr::Literal;
use super::series::Series;

/// The key of a series by `nodes`: each node's or tag's text, joined by dots.
///
/// ```
/// use lanner_graphite::{Literal, Series, key};
/// let load = Series::new("scale(servers.web01.load,2)", 0, 60, Vec::new());
/// assert_eq!(key(&load, &[Literal::Int(1), Literal::Int(-1)]), "web01.load");
/// ```
#[must_use]
pub fn key(series: &Series, nodes: &[Literal]) -> String {
    let path = if series.name.ends_with(')') { first_path(&series.name) } else { None };
    let path = path.as_deref().unwrap_or(&series.name);
    let texts: Vec<Cow<'_, str>> = nodes.iter().map(|node| node_or_tag(series, path, node)).collect();
    texts.join(".")
}

/// The node of `path` (before its tags) at a number, counted from its end where that is negative; or else the
/// series' tag of that name; or else nothing.
#[must_use]
pub fn node_or_tag<'t>(series: &'t Series, path: &'t str, node: &Literal) -> Cow<'t, str> {
    let number = match node {
        Literal::Int(number) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "a whole number; `as` stops at the ends")]
        Literal::Float(number) if number.fract() == 0.0 => Some(*number as i64),
        Literal::Text(text) => {
            return Cow::Borrowed(series.tags.get(text).map_or("", String::as_str));
        }
        _ => None,
    };
    let nodes = path.split(';').next().unwrap_or_default().split('.');
    let place = |number: i64| usize::try_from(number).ok();
    let node = match number {
        Some(number @ ..0) => {
            place(number.saturating_add(1).saturating_neg()).and_then(|n| nodes.rev().nth(n))
        }
        Some(number) => place(number).and_then(|n| { nodes }.nth(n)),
        None => None,
    };
    let tag = || number.and_then(|number| series.tags.get(&number.to_string())).map_or("", String::as_str);
    Cow::Borrowed(node.unwrap_or_else(tag))
}

/// The first path in an expression such as a series' name: `a.b` in `scale(movingAverage(a.b,5),2)`. `None` where a
/// number or a text comes first.
///
/// ```
/// use lanner_graphite::first_path;
/// assert_eq!(first_path("divideSeries(a.{b,c}.d,MISSING)").as_deref(), Some("a.{b,c}.d"));
/// assert_eq!(first_path("threshold(5)"), None);
/// ```
#[must_use]
pub fn first_path(expression: &str) -> Option<String> {
    let mut rest = expression.trim_start();
    // Each round goes one call deeper.
    while let Some((_, arguments)) = call(rest) {
        rest = arguments.trim_start();
    }
    let literal = rest.split([',', ')']).next().unwrap_or_default().trim();
    let is_literal = literal.starts_with(['"', '\''])
        || literal.parse::<f64>().is_ok()
        || ["true", "false", "none"].contains(&literal.to_ascii_lowercase().as_str());
    let path = path(rest);
    (!is_literal && !path.is_empty()).then(|| path.to_owned())
}

/// Name and what follows `(`, where a call begins `text` and ends somewhere.
fn call(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (name, rest) = text.split_at(end);
    let arguments = rest.trim_start().strip_prefix('(')?;
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (named && closes(arguments)).then_some((name, arguments))
}

/// Whether the `)` of a `(` before `text` is there.
fn closes(text: &str) -> bool {
    let mut depth = 1_usize;
    let mut quote = None;
    for c in text.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(c),
            ('(', None) => depth += 1,
            (')', None) => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return true;
        }
    }
    false
}

/// The path that begins `text`: up to what cannot stand in one, braces included.
fn path(text: &str) -> &str {
    let mut braces = false;
    let ends = |c: char| match c {
        '{' | '}' => {
            braces = c == '{';
            false
        }
        ',' => !braces,
        c => c.is_whitespace() || "()'\"|".contains(c),
    };
    text.split(ends).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Literal, Series, first_path, key};

    #[track_caller]
    fn check(name: &str, path: Option<&str>) {
        assert_eq!(first_path(name).as_deref(), path, "{name}");
    }

    #[test]
    fn first_paths() {
        check("a.b", Some("a.b"));
        check("scale(a.b,2)", Some("a.b"));
        check("scale( movingAverage( a.{b,c}.d , 5),2)", Some("a.{b,c}.d"));
        check("timeShift(a.b, \"-7d\")", Some("a.b"));
        check("CPU (total)", Some("total"));
        check("sumSeries(a.b", Some("sumSeries"));
        check("alias(f(\")\"),1)", None);
        check("threshold(5)", None);
        check("f(-1.5e3)", None);
        check("f('text')", None);
        check("f()", None);
        check("", None);
        check(")", None);
    }

    #[track_caller]
    fn check_key(name: &str, nodes: &[Literal], expected: &str) {
        let mut series = Series::new(name, 0, 60, Vec::new());
        series.set_tag("dc", "ams");
        series.set_tag("7", "seven");
        assert_eq!(key(&series, nodes), expected, "{name} {nodes:?}");
    }

    #[test]
    fn keys() {
        use Literal::{Float, Int, Text};
        check_key("a.b.c", &[Int(0), Int(2)], "a.c");
        check_key("a.b.c", &[Int(-1)], "c");
        check_key("a.b.c", &[Int(-3)], "a");
        check_key("a.b.c", &[Int(3)], "");
        check_key("a.b.c", &[Int(-4)], "");
        check_key("a.b.c", &[Int(i64::MIN), Int(i64::MAX)], ".");
        check_key("a.b.c", &[Int(7)], "seven"); // no such node, but such a tag
        check_key("a.b.c", &[Float(1.0)], "b");
        check_key("a.b;dc=ams", &[Int(1), Text("dc".to_owned())], "b.ams");
        check_key("a.b;dc=ams", &[Text("none".to_owned())], "");
        check_key("scale(a.b,2)", &[Int(1)], "b");
        check_key("threshold(5)", &[Int(0)], "threshold(5)");
        check_key("a.b", &[], "");
    }

    proptest::proptest! {
        #[test]
        fn any_name(name in "[a-c.,(){}'\" |;é]{0,24}") {
            if let Some(path) = first_path(&name) {
                proptest::prop_assert!(name.contains(&path));
            }
            let _ = key(&Series::new(&name, 0, 60, Vec::new()), &[Literal::Int(0)]);
        }
    }
}
