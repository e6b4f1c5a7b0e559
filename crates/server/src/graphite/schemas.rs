//! How finely the past of a series is seen: carbon's `storage-schemas.conf` and `storage-aggregation.conf`.
//!
//! These decide what is answered to Graphite's clients, not what is kept: that is the store's retention, whose samples
//! are finer.

use lanner_core::Aggregate;
use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use lanner_wire::storage_schemas::{self, StorageAggregation, StorageSchema};
use lanner_wire::whisper::Aggregation;
use regex::Regex;

/// The step of what is up to an age, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Archive {
    step_s: i64,
    reach_s: i64,
}

/// Where no pattern matches: a minute for 30 days, an hour for 3 years.
const DEFAULT: [Archive; 2] = [
    Archive { step_s: MINUTE_MS / 1000, reach_s: 30 * DAY_MS / 1000 },
    Archive { step_s: HOUR_MS / 1000, reach_s: 3 * 366 * DAY_MS / 1000 },
];

/// Carbon's rules for storage, by name of series; of several patterns found in a name the first counts.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    archives: Vec<(Regex, Vec<Archive>)>,
    aggregations: Vec<(Regex, Option<Aggregation>)>,
}

/// How one series is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    /// The distance of its values.
    pub step_s: i64,
    /// What the samples of one step become.
    pub aggregation: Aggregation,
}

impl Schemas {
    /// Takes over the text of `storage-schemas.conf`.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line.
    pub fn read_schemas(&mut self, text: &str) -> Result<(), Vec<String>> {
        let schemas = storage_schemas::parse_schemas(text).map_err(|problems| said(&problems))?;
        self.archives = compiled(schemas, |StorageSchema { line, pattern, retentions, .. }| {
            let archive = |retention: &storage_schemas::Retention| Archive {
                step_s: i64::from(retention.step_s).max(1),
                reach_s: i64::try_from(retention.span_s()).unwrap_or(i64::MAX),
            };
            (line, pattern, retentions.iter().map(archive).collect())
        })?;
        Ok(())
    }

    /// Takes over the text of `storage-aggregation.conf`.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line.
    pub fn read_aggregations(&mut self, text: &str) -> Result<(), Vec<String>> {
        let aggregations = storage_schemas::parse_aggregations(text).map_err(|problems| said(&problems))?;
        self.aggregations =
            compiled(aggregations, |StorageAggregation { line, pattern, aggregation, .. }| {
                (line, pattern, aggregation)
            })?;
        Ok(())
    }

    /// How the series called `name` is seen when a request reaches back `age_s`.
    pub(super) fn view(&self, name: &str, age_s: i64) -> View {
        let found = self.archives.iter().find(|(pattern, _)| pattern.is_match(name));
        let archives = found.map_or(&DEFAULT[..], |(_, archives)| archives);
        let at = archives.iter().position(|archive| archive.reach_s >= age_s);
        let at = at.unwrap_or(archives.len().saturating_sub(1));
        let step_s = archives.get(at).unwrap_or(&DEFAULT[0]).step_s;
        // In the finest archive the last value of a slot counts, as carbon has it.
        let merged = || {
            let found = self.aggregations.iter().find(|(pattern, _)| pattern.is_match(name));
            found.and_then(|(_, aggregation)| *aggregation).unwrap_or(Aggregation::Average)
        };
        View { step_s, aggregation: if at == 0 { Aggregation::Last } else { merged() } }
    }
}

impl View {
    /// What `samples` of one step become.
    pub(super) fn value(self, samples: &Aggregate) -> f64 {
        match self.aggregation {
            Aggregation::Average | Aggregation::AvgZero => samples.mean(),
            Aggregation::Sum => samples.sum,
            Aggregation::Last => samples.last,
            Aggregation::Max => samples.max,
            Aggregation::Min => samples.min,
            Aggregation::AbsMax => farther(samples.max, samples.min),
            Aggregation::AbsMin => nearer(samples.max, samples.min),
        }
    }
}

fn farther(a: f64, b: f64) -> f64 {
    if b.abs() > a.abs() { b } else { a }
}

/// Of values on both sides of 0 only the ends are known.
fn nearer(a: f64, b: f64) -> f64 {
    if b.abs() < a.abs() { b } else { a }
}

fn said(problems: &[lanner_wire::Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn compiled<T, U>(
    rules: Vec<T>,
    part: impl Fn(T) -> (u64, String, U),
) -> Result<Vec<(Regex, U)>, Vec<String>> {
    let mut compiled = Vec::new();
    let mut problems = Vec::new();
    for (line, pattern, value) in rules.into_iter().map(part) {
        match Regex::new(&pattern) {
            Ok(regex) => compiled.push((regex, value)),
            Err(error) => {
                problems.push(format!("line {line}: the pattern {pattern} cannot be used: {error}"));
            }
        }
    }
    if problems.is_empty() { Ok(compiled) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_archive_that_reaches_back_far_enough_is_seen() {
        let mut schemas = Schemas::default();
        schemas.read_schemas("[fast]\npattern = ^fast\\.\nretentions = 10s:6h,1m:7d\n").unwrap();
        schemas
            .read_aggregations("[sums]\npattern = \\.count$\nxFilesFactor = 0\naggregationMethod = sum\n")
            .unwrap();
        for (name, age_s, step_s, aggregation) in [
            ("fast.a", 3_600, 10, Aggregation::Last),
            ("fast.a", 86_400, 60, Aggregation::Average),
            ("fast.count", 86_400, 60, Aggregation::Sum),
            ("fast.a", 86_400_000, 60, Aggregation::Average),
            ("slow.a", 86_400, 60, Aggregation::Last),
            ("slow.a", 40 * 86_400, 3_600, Aggregation::Average),
        ] {
            assert_eq!(schemas.view(name, age_s), View { step_s, aggregation }, "{name} {age_s}");
        }
    }

    #[test]
    fn every_mistake_has_its_line() {
        let problems = Schemas::default().read_schemas("[a]\npattern = (\nretentions = 1m:1d\n").unwrap_err();
        assert!(problems[0].starts_with("line 1: the pattern ("), "{problems:?}");
    }
}
