//! Carbon's `storage-schemas.conf` and `storage-aggregation.conf`: how long which series are kept, and how they are
//! merged.
//!
//! Reading order: [`parse_schemas`], [`parse_aggregations`], [`Retention`], and `ini` (sections and their keys).
//!
//! Rules come in the order of the file; the first whose pattern is found anywhere in a path wins. Patterns are Python's
//! regular expressions, given as written: compiling them is the caller's.

mod ini;

use std::collections::BTreeMap;

use crate::Problem;
use crate::report::shown;
use crate::whisper::Aggregation;
use ini::{Section, problem, sections};

/// One resolution and how much of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The distance of the points, seconds.
    pub step_s: u32,
    /// How many points are kept.
    pub n_points: u32,
}

/// How long the series of a pattern are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSchema {
    /// The section's name.
    pub name: String,
    /// Where the section begins, from 1.
    pub line: u64,
    /// The pattern, as written.
    pub pattern: String,
    /// The finest first; each step divides the next one.
    pub retentions: Vec<Retention>,
}

/// How the series of a pattern are merged into coarser ones.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageAggregation {
    /// The section's name.
    pub name: String,
    /// Where the section begins, from 1.
    pub line: u64,
    /// The pattern, as written.
    pub pattern: String,
    /// Which part of the points must be there, 0 to 1; carbon's own is 0.5.
    pub x_files_factor: Option<f32>,
    /// How points are merged; carbon's own is the average.
    pub aggregation: Option<Aggregation>,
}

impl Retention {
    /// The time that is kept, seconds.
    #[must_use]
    pub const fn span_s(self) -> u64 {
        self.step_s as u64 * self.n_points as u64
    }

    /// Reads `step:span`: `60s:1d`, `5m:30d`, `1h:3y`, or with a bare number for seconds and for points, `60:1440`.
    /// A unit may be any beginning of seconds, minutes, hours, days, weeks or years (of 365 days).
    ///
    /// # Errors
    /// A sentence that says what to write.
    ///
    /// ```
    /// use lanner_wire::storage_schemas::Retention;
    /// assert_eq!(Retention::parse("60s:1d"), Ok(Retention { step_s: 60, n_points: 1440 }));
    /// assert_eq!(Retention::parse("60:1440"), Retention::parse("1min:24hours"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{}\" is not step:span, such as 60s:1d or 60:1440", shown(text.trim()));
        let (step, span) = text.trim().split_once(':').ok_or_else(wrong)?;
        let (step, unit_s) = amount(step).ok_or_else(wrong)?;
        let step_s = step.checked_mul(unit_s.unwrap_or(1)).filter(|step_s| *step_s > 0).ok_or_else(wrong)?;
        let n_points = match amount(span).ok_or_else(wrong)? {
            (n_points, None) => n_points,
            (span, Some(unit_s)) => span.checked_mul(unit_s).ok_or_else(wrong)? / step_s,
        };
        match (u32::try_from(step_s), u32::try_from(n_points)) {
            (Ok(_), Ok(0)) => Err(format!("\"{}\" keeps no point at all", shown(text.trim()))),
            (Ok(step_s), Ok(n_points)) => Ok(Self { step_s, n_points }),
            _ => Err(wrong()),
        }
    }
}

/// A number and the seconds of its unit, if it has one.
fn amount(text: &str) -> Option<(u64, Option<u64>)> {
    const UNITS: [(&str, u64); 6] = [
        ("seconds", 1),
        ("minutes", 60),
        ("hours", 3_600),
        ("days", 86_400),
        ("weeks", 604_800),
        ("years", 31_536_000),
    ];
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_s = UNITS.iter().find(|known| known.0.starts_with(unit)).map(|known| known.1);
    match (number.parse().ok()?, unit) {
        (number, "") => Some((number, None)),
        (number, _) => Some((number, Some(unit_s?))),
    }
}

/// Reads `storage-schemas.conf`: sections with `pattern` and `retentions`.
///
/// # Errors
/// Everything that is wrong, each with its line.
///
/// ```
/// use lanner_wire::storage_schemas::parse_schemas;
/// let schemas = parse_schemas("[default]\npattern = .*\nretentions = 60s:1d,5m:30d,1h:3y\n").unwrap();
/// assert_eq!(schemas[0].retentions[2].span_s(), 3 * 365 * 86_400);
/// let problems = parse_schemas("[a]\npattern = x\nretentions = 1d\n").unwrap_err();
/// assert_eq!(problems[0].to_string(), "line 3: \"1d\" is not step:span, such as 60s:1d or 60:1440");
/// ```
pub fn parse_schemas(text: &str) -> Result<Vec<StorageSchema>, Vec<Problem>> {
    // The key `priority` was in carbon's own file once, and has no meaning.
    read(text, &["pattern", "retentions", "priority"], |section, problems| {
        let retentions = match section.value("retentions") {
            Some((line, text)) => retentions(text).map_err(|message| problem(line, message)),
            None => {
                Err(problem(section.line, format!("section [{}] has no retentions", shown(section.name))))
            }
        };
        let retentions = retentions.map_err(|problem| problems.push(problem)).unwrap_or_default();
        let pattern = pattern(section, problems);
        StorageSchema { name: section.name.to_owned(), line: section.line, pattern, retentions }
    })
}

/// Reads `storage-aggregation.conf`: sections with `pattern`, `xFilesFactor` and `aggregationMethod`.
///
/// # Errors
/// Everything that is wrong, each with its line.
///
/// ```
/// use lanner_wire::storage_schemas::parse_aggregations;
/// use lanner_wire::whisper::Aggregation;
/// let text = "[min]\npattern = \\.min$\nxFilesFactor = 0.1\naggregationMethod = min\n";
/// let aggregations = parse_aggregations(text).unwrap();
/// assert_eq!((&*aggregations[0].pattern, aggregations[0].aggregation), (r"\.min$", Some(Aggregation::Min)));
/// ```
pub fn parse_aggregations(text: &str) -> Result<Vec<StorageAggregation>, Vec<Problem>> {
    read(text, &["pattern", "xfilesfactor", "aggregationmethod"], |section, problems| {
        let mut x_files_factor = None;
        if let Some((line, text)) = section.value("xfilesfactor") {
            x_files_factor = text.parse().ok().filter(|factor| (0.0..=1.0).contains(factor));
            if x_files_factor.is_none() {
                problems.push(problem(line, format!("\"{}\" is not a number from 0 to 1", shown(text))));
            }
        }
        let mut aggregation = None;
        if let Some((line, text)) = section.value("aggregationmethod") {
            aggregation = Aggregation::parse(text);
            if aggregation.is_none() {
                let known = "average, sum, last, max, min, avg_zero, absmax or absmin";
                problems.push(problem(line, format!("\"{}\" is no method; write {known}", shown(text))));
            }
        }
        let pattern = pattern(section, problems);
        let (name, line) = (section.name.to_owned(), section.line);
        StorageAggregation { name, line, pattern, x_files_factor, aggregation }
    })
}

/// Reads sections one by one; what is made of them counts only if there are no problems at all.
fn read<T>(
    text: &str,
    keys: &[&str],
    mut make: impl FnMut(&Section<'_>, &mut Vec<Problem>) -> T,
) -> Result<Vec<T>, Vec<Problem>> {
    let mut problems = Vec::new();
    let sections = sections(text, &mut problems);
    let (mut made, mut lines) = (Vec::new(), BTreeMap::new());
    for section in &sections {
        if let Some(first) = lines.insert(section.name, section.line) {
            let message = format!("section [{}] is already on line {first}", shown(section.name));
            problems.push(problem(section.line, message));
        }
        for (key, (line, _)) in &section.values {
            if !keys.contains(&key.as_str()) {
                problems.push(problem(*line, format!("the key \"{}\" is not known here", shown(key))));
            }
        }
        made.push(make(section, &mut problems));
    }
    problems.sort_by_key(|problem| problem.line);
    if problems.is_empty() { Ok(made) } else { Err(problems) }
}

fn pattern(section: &Section<'_>, problems: &mut Vec<Problem>) -> String {
    match section.value("pattern") {
        Some((_, pattern)) if !pattern.is_empty() => pattern.to_owned(),
        _ => {
            let message = format!("section [{}] has no pattern", shown(section.name));
            problems.push(problem(section.line, message));
            String::new()
        }
    }
}

/// A list of retentions that a file can have, sorted by their steps.
fn retentions(text: &str) -> Result<Vec<Retention>, String> {
    let mut retentions: Vec<Retention> = text.split(',').map(Retention::parse).collect::<Result<_, _>>()?;
    retentions.sort_by_key(|retention| retention.step_s);
    for pair in retentions.windows(2) {
        let (fine, coarse) = (pair[0], pair[1]);
        let shown = |it: Retention| format!("{}:{}", it.step_s, it.n_points);
        let between = format!("{} and {}", shown(fine), shown(coarse));
        if fine.step_s == coarse.step_s {
            return Err(format!("{between} have the same step"));
        }
        if coarse.step_s % fine.step_s != 0 {
            return Err(format!("{between}: the coarser step is not a multiple of the finer one"));
        }
        if coarse.span_s() <= fine.span_s() {
            return Err(format!("{between}: the coarser one keeps no longer time than the finer one"));
        }
        if u64::from(coarse.step_s) > fine.span_s() {
            return Err(format!("{between}: the finer one is too short for one point of the coarser one"));
        }
    }
    Ok(retentions)
}

#[cfg(test)]
mod tests;
