//! Expressions as queries: `{ target: 'divideSeries(stdev(app.rate,10),movingAverage(app.rate,10))' }`.
//!
//! The expression is asked in a window; each series that it gives is a group, and its value is the last one
//! that is there. With `for_each` it is a template, asked for each series that matches the pattern by then;
//! a series is too new to be judged while it does not reach back as far as the expression looks.
//!
//! Reading order: [`ExpressionQuery`], `answer`, `evaluate`.
//!
//! Invariant: the present is the end of the window, never later, so a replay gives what live evaluation gave.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use lanner_core::{Ask, Group, Labels, Readings, SeriesKey, TimeRange};
use lanner_graphite::{Argument, EventTags, Expr, Glob, Literal, Points, Request, Source};

use super::data::Stored;
use super::gather::gather;

/// Series that one template is asked for.
pub(crate) const MAX_SERIES: usize = 10_000;

/// An expression, checked.
#[derive(Debug, Clone)]
pub struct ExpressionQuery {
    /// As written.
    pub target: Arc<str>,
    /// What it means.
    pub expr: Expr,
    /// The pattern of the series that a template is asked for.
    pub for_each: Option<Arc<str>>,
    /// Which series are too new to be judged.
    pub warm_up: WarmUp,
    /// The label that names groups: `target`, or `series` for a template.
    pub by: Vec<String>,
    /// A name for this query.
    pub fingerprint: u64,
}

/// Functions that read series which no path in the expression names.
const READ_MORE: [&str; 4] = ["aliasQuery", "applyByNode", "seriesByTag", "useSeriesAbove"];

impl ExpressionQuery {
    /// Whether it may read the series of this name, as Graphite writes it: surely where it does, and where nobody can tell
    /// before it is asked.
    #[must_use]
    pub(crate) fn may_read(&self, name: &str) -> bool {
        self.for_each.as_ref().is_some_and(|pattern| Glob::new(pattern).matches(name))
            || names(&self.expr, name)
    }
}

/// Whether an expression names a series, a part of a template standing for anything.
fn names(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Path { text, .. } => {
            let is_part =
                |text: &str| text.starts_with('{') && text[1..].starts_with(|c: char| c.is_ascii_digit());
            let parts = text.split('.').map(|part| if is_part(part) { "*" } else { part });
            Glob::new(&parts.collect::<Vec<_>>().join(".")).matches(name)
        }
        Expr::Call { function, arguments, .. } => {
            READ_MORE.contains(&function.name) || arguments.iter().any(|argument| names(&argument.expr, name))
        }
        Expr::Literal { .. } => false,
    }
}

/// Which series are too new to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarmUp {
    /// None.
    None,
    /// Those that do not reach back as far as the expression looks.
    LookBack,
    /// Those younger than this, milliseconds.
    Fixed(i64),
}

/// What an expression came to for one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The group: `target`, or `series` for a template.
    pub group: Group,
    /// The last value that is there in the window.
    pub value: Option<f64>,
    /// Whether the series is too new to be judged.
    pub is_new: bool,
    /// Whether any series that was read has a value in the window.
    pub has_data: bool,
}

/// Answers a due evaluation of an expression.
///
/// A group exists from its first value on: a name that has long been silent when a rule begins is not missed.
///
/// # Errors
/// What the expression cannot do with its series, or what the source says.
pub(super) fn answer(ask: &Ask, query: &ExpressionQuery, source: &dyn Stored) -> Result<Readings, String> {
    let known: BTreeSet<&Group> = ask.known.iter().collect();
    let mut first_s = None;
    let asked = if ask.more { Vec::new() } else { evaluate(query, source, ask.window, &mut first_s)? };
    let exists = |asked: &&Asked| {
        let is_live = asked.is_new || (query.for_each.is_some() && asked.has_data);
        asked.value.is_some() || is_live || known.contains(&asked.group)
    };
    let asked: Vec<&Asked> = asked.iter().filter(exists).collect();
    let new: BTreeSet<&Group> = asked.iter().filter(|asked| asked.is_new).map(|asked| &asked.group).collect();
    let now = asked.iter().map(|asked| (asked.group.clone(), asked.value)).collect();
    let mut baselines = Vec::new();
    for window in &ask.baselines {
        baselines.push(window.map(|window| values(query, source, window)).transpose()?.unwrap_or_default());
    }
    let mut groups = gather(ask, None, now, &baselines);
    for reading in &mut groups {
        reading.is_new = new.contains(&reading.group);
    }
    Ok(Readings { groups, first_data_ms: first_s.map(|first_s| first_s * 1000) })
}

/// The value of each group in a window.
///
/// # Errors
/// As [`answer`].
fn values(
    query: &ExpressionQuery,
    source: &dyn Stored,
    window: TimeRange,
) -> Result<Vec<(Group, Option<f64>)>, String> {
    let asked = evaluate(query, source, window, &mut None)?;
    Ok(asked.into_iter().map(|asked| (asked.group, asked.value)).collect())
}

/// Asks, and notes when the earliest series that was read began.
fn evaluate(
    query: &ExpressionQuery,
    source: &dyn Stored,
    window: TimeRange,
    first_s: &mut Option<i64>,
) -> Result<Vec<Asked>, String> {
    let Some(pattern) = &query.for_each else { return evaluate_one(query, None, source, window, first_s) };
    let names = source.find(pattern)?;
    if names.len() > MAX_SERIES {
        return Err(format!("{} series match \"{pattern}\", at most {MAX_SERIES} may", names.len()));
    }
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        all.extend(evaluate_one(query, Some((pattern, &name)), source, window, first_s)?);
    }
    Ok(all)
}

fn evaluate_one(
    query: &ExpressionQuery,
    matched: Option<(&str, &str)>,
    source: &dyn Stored,
    window: TimeRange,
    first_s: &mut Option<i64>,
) -> Result<Vec<Asked>, String> {
    let watched = Watched { source, window_s: window.start_ms / 1000, reads: Mutex::default() };
    let request = Request::new(&watched, window.end_ms.div_euclid(1000), source.zone());
    let filled = matched.map(|(pattern, name)| fill(&query.expr, &stand_ins(pattern, name)));
    let expr = filled.as_ref().unwrap_or(&query.expr);
    // Slots of [start, end): from is exclusive and until inclusive.
    let (from_s, until_s) = ((window.start_ms - 1).div_euclid(1000), (window.end_ms - 1).div_euclid(1000));
    let series = request.evaluate(expr, from_s, until_s).map_err(|problem| problem.to_string())?;
    let seen = watched.seen(query.warm_up, window)?;
    *first_s = [*first_s, seen.first_s].into_iter().flatten().min();
    let asked = |group, value| Asked { group, value, is_new: seen.is_new, has_data: seen.has_data };
    match (matched, &series[..]) {
        (None, _) => {
            let group = |name: &str| Group::of(&query.by, Labels::new([("target", name)]));
            Ok(series.iter().map(|series| asked(group(&series.name), series.last())).collect())
        }
        (Some((_, name)), [] | [_]) => {
            let value = series.first().and_then(lanner_graphite::Series::last);
            Ok(vec![asked(Group::of(&query.by, Labels::new([("series", name)])), value)])
        }
        (Some((_, name)), _) => Err(format!(
            "the expression gives {} series for {name}; a template should give one",
            series.len()
        )),
    }
}

/// What stands for `{series}`, and `{1}`, `{2}`, ... for the parts of the name where the pattern has wildcards.
fn stand_ins(pattern: &str, name: &str) -> Vec<(String, String)> {
    let is_wild = |part: &str| part.contains(['*', '?', '[', '{']);
    let parts = pattern.split('.').zip(name.split('.')).filter(|(part, _)| is_wild(part));
    let numbered = parts.enumerate().map(|(at, (_, part))| (format!("{{{}}}", at + 1), part.to_owned()));
    numbered.chain([("{series}".to_owned(), name.to_owned())]).collect()
}

/// The expression with stand-ins filled in. It is filled as a tree: no name can change what it means.
fn fill(expr: &Expr, stand_ins: &[(String, String)]) -> Expr {
    let filled = |text: &str| {
        stand_ins.iter().fold(text.to_owned(), |text, (placeholder, name)| text.replace(placeholder, name))
    };
    match expr {
        Expr::Path { text, column } => Expr::Path { text: filled(text), column: *column },
        Expr::Call { function, arguments, text, piped, column } => {
            let argument = |argument: &Argument| Argument {
                parameter: argument.parameter,
                expr: fill(&argument.expr, stand_ins),
            };
            let arguments = arguments.iter().map(argument).collect();
            Expr::Call { function, arguments, text: filled(text), piped: *piped, column: *column }
        }
        Expr::Literal { value: Literal::Text(text), column } => {
            Expr::Literal { value: Literal::Text(filled(text)), column: *column }
        }
        Expr::Literal { .. } => expr.clone(),
    }
}

/// A source that remembers what was read of it.
struct Watched<'a> {
    source: &'a dyn Stored,
    window_s: i64,
    /// By name: the end of the earliest slot that was read, and whether there was a value in the window.
    reads: Mutex<BTreeMap<String, (i64, bool)>>,
}

struct Seen {
    first_s: Option<i64>,
    is_new: bool,
    has_data: bool,
}

impl Watched<'_> {
    fn seen(&self, warm_up: WarmUp, window: TimeRange) -> Result<Seen, String> {
        let reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = Seen { first_s: None, is_new: false, has_data: false };
        for (name, (earliest_s, has_data)) in &*reads {
            let Some(first_s) = self.source.first_s(name)? else { continue };
            seen.has_data |= has_data;
            seen.first_s = Some(seen.first_s.map_or(first_s, |known: i64| known.min(first_s)));
            seen.is_new |= match warm_up {
                WarmUp::None => false,
                WarmUp::LookBack => first_s >= *earliest_s,
                WarmUp::Fixed(ms) => window.end_ms - first_s * 1000 < ms,
            };
        }
        seen.is_new &= seen.has_data;
        Ok(seen)
    }
}

impl Source for Watched<'_> {
    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        self.source.find(pattern)
    }

    fn find_tagged(&self, conditions: &[&str]) -> Result<Vec<String>, String> {
        self.source.find_tagged(conditions)
    }

    fn read(&self, name: &str, from_s: i64, until_s: i64, now_s: i64) -> Result<Option<Points>, String> {
        let points = self.source.read(name, from_s, until_s, now_s)?;
        if let Some(points) = &points {
            let skipped = (self.window_s - points.start_s).max(0) / points.step_s.max(1);
            let in_window = points.values.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX));
            let has_data = in_window.copied().any(|value| !value.is_nan());
            let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
            let earliest_s = points.start_s.saturating_add(points.step_s);
            let known = reads.entry(name.to_owned()).or_insert((earliest_s, false));
            *known = (known.0.min(earliest_s), known.1 || has_data);
        }
        Ok(points)
    }

    fn events(&self, tags: EventTags<'_>, from_s: i64, until_s: i64) -> Result<Vec<i64>, String> {
        self.source.events(tags, from_s, until_s)
    }
}

/// The name by which expressions know a series: `name;tag=value`, the tags in order.
#[must_use]
pub(crate) fn full_name(key: &SeriesKey) -> String {
    key.labels.iter().fold(key.name.to_string(), |name, (tag, value)| format!("{name};{tag}={value}"))
}

/// The distance of the values that an expression reads, seconds: that of the first series it names.
pub(super) fn step_s(query: &ExpressionQuery, source: &dyn Stored, end_ms: i64) -> Option<i64> {
    let pattern = match &query.for_each {
        Some(pattern) => pattern,
        None => first_path(&query.expr)?,
    };
    let name = source.find(pattern).ok()?.into_iter().next()?;
    let end_s = end_ms.div_euclid(1000);
    let points = source.read(&name, end_s - 3600, end_s, end_s).ok()??;
    Some(points.step_s)
}

fn first_path(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Path { text, .. } => Some(text),
        Expr::Call { arguments, .. } => arguments.iter().find_map(|argument| first_path(&argument.expr)),
        Expr::Literal { .. } => None,
    }
}
