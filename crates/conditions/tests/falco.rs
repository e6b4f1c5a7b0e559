//! Falco's own filter strings, with the verdicts of its parser: what Falco reads, we read alike.
//!
//! The data is not part of the repository; without it the tests say so and pass.

#![allow(clippy::disallowed_methods, reason = "the data lies beside the repository")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use lanner_conditions::{Definitions, Expr, Scope, falco, parse_in};
use serde_json::Value;

/// One string and what Falco says of it.
struct Row {
    filter: String,
    /// The canonical text, or where Falco stopped: bytes from the start, line, column.
    verdict: Result<String, (u64, u64, u64)>,
}

fn rows() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/falco-filters.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: Falco's filters are not here ({path})");
        return Vec::new();
    };
    let data: Value = serde_json::from_str(&text).unwrap();
    let row = |row: &Value| {
        let at = |key: &str| row["error_at"][key].as_u64().unwrap();
        let verdict = match row["accept"].as_bool().unwrap() {
            true => Ok(row["ast"].as_str().unwrap().to_owned()),
            false => Err((at("idx"), at("line"), at("col"))),
        };
        Row { filter: row["filter"].as_str().unwrap().to_owned(), verdict }
    };
    data["filters"].as_array().unwrap().iter().map(row).collect()
}

/// Verdict, canonical text and place of the mistake, of all strings.
#[test]
fn as_falco_reads() {
    let mut different = Vec::new();
    for Row { filter, verdict } in rows() {
        let ours = falco::canonical(&filter);
        let place = |at: &falco::FalcoProblem| (at.offset as u64, at.line as u64, at.column as u64);
        if ours.as_ref().map_err(place) != verdict.as_ref().map_err(|place| *place) {
            different.push(format!("{filter:?}\n  ours:  {ours:?}\n  falco: {verdict:?}"));
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

/// What our grammar refuses although Falco's parser accepts it, and why.
fn reason(problem: &str) -> Option<&'static str> {
    let reasons = [
        ("of the language", "a word of the language is a value only in quotes"),
        ("expected a list after", "a word of the language is a value only in quotes"),
        ("hexadecimal digits", "Falco refuses it later, when it compiles the filter"),
        ("is no path", "Falco refuses it later, when it compiles the filter"),
        ("`[` without `]`", "a broken pattern, which never fits in Falco"),
        ("regular expression:", "Falco refuses it later, when it compiles the filter"),
        ("cannot be given this", "Falco refuses it later, when it compiles the filter"),
        ("has no parts", "Falco refuses it later, when it compiles the filter"),
        ("is one letter", "Falco refuses it later, when it compiles the filter"),
        ("arithmetic", "what looks like a calculation is a value only in quotes"),
        (
            "expected `and` or `or` before `'`",
            "to Falco a quote behind two backslashes is still part of the text",
        ),
        ("expected a list", "Falco asks one value as if it were a list"),
        ("unknown operator", "a blank may be missing behind a word"),
    ];
    reasons.into_iter().find(|(part, _)| problem.contains(part)).map(|(_, reason)| reason)
}

/// The names of lists that a filter refers to, so that both readings know them.
fn named_lists(canonical: &str) -> Vec<String> {
    let words: Vec<&str> = canonical.split([' ', ')']).collect();
    let after = |pair: &[&str]| {
        let is_list = ["in", "intersects", "pmatch", "oneof", "anyof", "allof"].contains(&pair[0]);
        let is_name = pair[1].starts_with(|c: char| c.is_ascii_alphabetic()) && !pair[1].contains(['(', '.']);
        (is_list && is_name && !["and", "or"].contains(&pair[1])).then(|| pair[1].to_owned())
    };
    words.windows(2).filter_map(after).collect()
}

/// What both read means the same; what only one reads is listed by its reason.
#[test]
fn as_we_read() {
    let (mut n_alike, mut refused, mut n_more) = (0, std::collections::BTreeMap::new(), 0);
    let (rows, mut unexplained) = (rows(), Vec::new());
    for Row { filter, verdict } in &rows {
        let mut names = Definitions::default();
        let lists = verdict.as_ref().map(|ast| named_lists(ast)).unwrap_or_default();
        lists.iter().for_each(|name| names.list(name, ["listed"]));
        let scope = Scope::new(&names).unwrap_or_default();
        match (verdict, parse_in(filter, &scope)) {
            (Ok(ast), Ok(ours)) => {
                // Falco's canonical text lacks quotes around our words, empty texts and texts in functions.
                let is_readable =
                    !["join(", "concat(", "getopt("].iter().any(|function| ast.contains(function));
                if let (true, Ok(again)) = (is_readable, parse_in(ast, &scope)) {
                    let (ours, again) = (without_double_negation(&ours), without_double_negation(&again));
                    // `\ ` is one backslash to Falco alone; a number in quotes is a text to us alone.
                    let differs = ours != again && !filter.contains(r"\ ") && !has_number_in_quotes(filter);
                    if differs {
                        unexplained.push(format!("{filter}\n  ours:  {ours}\n  falco: {again}"));
                    }
                    n_alike += 1;
                }
            }
            (Ok(_), Err(problems)) => {
                let text = problems[0].to_string();
                match reason(&text) {
                    Some(why) => *refused.entry(why).or_insert(0) += 1,
                    None => unexplained.push(format!("{filter:?}: {text}")),
                }
            }
            (Err(_), Ok(_)) => n_more += 1,
            (Err(_), Err(problems)) => {
                assert!(
                    problems
                        .iter()
                        .all(|problem| problem.offset <= filter.len() && !problem.message.is_empty())
                );
            }
        }
    }
    eprintln!("{n_alike} of {} strings read alike; {n_more} are refused by Falco alone", rows.len());
    eprintln!("refused by us alone: {refused:#?}");
    assert!(unexplained.is_empty(), "{} unexplained:\n{}", unexplained.len(), unexplained.join("\n"));
    let n_refused: usize = refused.values().sum();
    assert!(rows.is_empty() || n_alike > 600 && n_refused < 45, "{n_alike} alike, {n_refused} refused");
}

/// Falco drops double negations when it reads.
fn without_double_negation(expr: &Expr) -> String {
    expr.to_string().replace("not not ", "")
}

fn has_number_in_quotes(filter: &str) -> bool {
    filter.split(['"', '\'']).skip(1).step_by(2).any(|text| text.parse::<f64>().is_ok() || text.is_empty())
}
