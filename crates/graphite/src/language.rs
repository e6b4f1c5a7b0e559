//! The language with all of its functions: how an expression is read, and what a request is made in.

use std::sync::LazyLock;

use jiff::tz::TimeZone;

use super::evaluate::{Language, Request};
use super::expr::Expr;
use super::functions::GROUPS;
use super::parse::read;
use super::problem::Problem;
use super::source::Source;

/// All functions.
///
/// ```
/// let language = lanner_graphite::language();
/// let stdev = language.vocabulary.named("stdev").unwrap();
/// assert_eq!(stdev.signature, "(seriesList, points, windowTolerance=0.1)");
/// assert!(language.vocabulary.named("nonsense").is_none());
/// ```
pub fn language() -> &'static Language {
    static LANGUAGE: LazyLock<Language> =
        LazyLock::new(|| Language::new(GROUPS.iter().flat_map(|(_, entries)| entries.iter())));
    &LANGUAGE
}

/// Reads `text`, all of it.
///
/// # Errors
/// The first mistake in the writing, or every mistake in functions and arguments.
///
/// ```
/// use lanner_graphite::parse;
/// assert!(parse("absolute(app.*.latency)").is_ok());
/// let problems = parse("stdev(app.latency)").unwrap_err();
/// assert_eq!(problems[0].to_string(), "column 1: stdev() needs points: stdev(seriesList, points, windowTolerance=0.1)");
/// ```
pub fn parse(text: &str) -> Result<Expr, Vec<Problem>> {
    read(text, false, &[], &language().vocabulary)
}

/// Reads `text` as Graphite does: what cannot be read further is left.
///
/// # Errors
/// As [`parse()`], but not for calls that are not closed and for what follows the expression.
///
/// ```
/// use lanner_graphite::{Expr, parse_as_graphite};
/// assert!(matches!(parse_as_graphite("sumSeries(a.b"), Ok(Expr::Path { text, .. }) if text == "sumSeries"));
/// ```
pub fn parse_as_graphite(text: &str) -> Result<Expr, Vec<Problem>> {
    parse_as_graphite_with(text, &[])
}

/// The same, where the request says what `$name` stands for in every `template()`, whatever that says itself.
///
/// # Errors
/// As [`parse_as_graphite`].
pub fn parse_as_graphite_with(text: &str, variables: &[(String, String)]) -> Result<Expr, Vec<Problem>> {
    read(text, true, variables, &language().vocabulary)
}

impl<'a> Request<'a> {
    /// A request at `now_s`.
    #[must_use]
    pub fn new(source: &'a dyn Source, now_s: i64, zone: TimeZone) -> Self {
        Self::of(language(), source, now_s, zone)
    }
}
