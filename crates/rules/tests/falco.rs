//! Falco's own filter strings, with the verdicts of its parser: what we both read, we read alike.
//!
//! The data is not part of the repository; without it the test says so and passes.

#![allow(clippy::disallowed_methods, reason = "the data lies beside the repository")]

use lanner_rules::{Expr, parse};
use serde_json::Value;

#[test]
fn falco_filters() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/falco-filters.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: no {path}");
        return;
    };
    let data: Value = serde_json::from_str(&text).unwrap();
    let (mut n_read, mut n_accepted, mut different) = (0, 0, Vec::new());
    for row in data["filters"].as_array().unwrap() {
        let (filter, ast) = (row["filter"].as_str().unwrap(), row["ast"].as_str().unwrap_or_default());
        // We accept more (`&&`, `[a, b]`, short field names), and `\ ` is one backslash to Falco alone.
        if row["accept"] != true || filter.contains(r"\ ") {
            continue;
        }
        n_accepted += 1;
        // Falco's canonical text lacks quotes around its own words and empty texts: it may be unreadable.
        let (Ok(ours), Ok(canonical)) = (parse(filter), parse(ast)) else { continue };
        n_read += 1;
        if without_double_negation(&canonical) != without_double_negation(&ours) {
            different.push(format!("{filter}\n  ours: {ours}\n  falco: {ast}"));
        }
    }
    eprintln!("{n_read} of {n_accepted} accepted filters are in the supported part");
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    assert!(n_read > 400, "only {n_read}");
}

/// Falco drops double negations when it reads.
fn without_double_negation(expr: &Expr) -> String {
    expr.to_string().replace("not not ", "")
}
