//! The resolution of a series' history: carbon's `storage-schemas.conf` and `storage-aggregation.conf`.
//!
//! They decide what is answered to Graphite's clients, and how long the store keeps what can be answered.

use lanner_core::Aggregate;
use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use lanner_io::store::{NamePattern, RetentionRule, Tier};
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
    retention: Vec<SchemaRetention>,
    /// `None` without a `storage-aggregation.conf`.
    aggregations: Option<Vec<(Regex, Merging)>>,
}

/// How the values of a finer archive become one of a coarser one.
#[derive(Debug, Clone, Copy)]
struct Merging {
    aggregation: Aggregation,
    /// Which share of the finer values must be there.
    x_files_factor: f64,
}

/// Carbon's own, where its file says nothing.
const CARBON: Merging = Merging { aggregation: Aggregation::Average, x_files_factor: 0.5 };

/// What a section of `storage-schemas.conf` asks the store to keep.
#[derive(Debug, Clone)]
pub struct SchemaRetention {
    /// The section's name.
    pub name: String,
    /// Which series.
    pub pattern: NamePattern,
    /// From fine to coarse.
    pub tiers: Vec<Tier>,
}

impl SchemaRetention {
    /// As a rule of the store, where samples stay as written for `raw_keep_ms` anyway.
    #[must_use]
    pub fn rule(&self, raw_keep_ms: i64) -> RetentionRule {
        let mut tiers: Vec<Tier> =
            self.tiers.iter().filter(|tier| tier.keep_ms > raw_keep_ms).copied().collect();
        if let (true, Some(last)) = (tiers.is_empty(), self.tiers.last()) {
            tiers.push(Tier { keep_ms: raw_keep_ms, ..*last });
        }
        RetentionRule { pattern: self.pattern.clone(), tiers }
    }
}

/// How one series is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// The distance of its values.
    pub step_s: i64,
    /// What the samples of one step become.
    pub aggregation: Aggregation,
    /// How many samples make a value; with fewer there is none.
    pub n_needed: u64,
}

impl Schemas {
    /// Takes over the text of `storage-schemas.conf`.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line.
    pub fn read_schemas(&mut self, text: &str) -> Result<(), Vec<String>> {
        let schemas = storage_schemas::parse_schemas(text).map_err(|problems| said(&problems))?;
        self.retention = schemas.iter().filter_map(retention).collect();
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
    pub(crate) fn read_aggregations(&mut self, text: &str) -> Result<(), Vec<String>> {
        let aggregations = storage_schemas::parse_aggregations(text).map_err(|problems| said(&problems))?;
        let merging = |StorageAggregation { line, pattern, aggregation, x_files_factor, .. }| {
            let merging = Merging {
                aggregation: aggregation.unwrap_or(CARBON.aggregation),
                x_files_factor: x_files_factor.map_or(CARBON.x_files_factor, f64::from),
            };
            (line, pattern, merging)
        };
        self.aggregations = Some(compiled(aggregations, merging)?);
        Ok(())
    }

    /// What the store is to keep.
    #[must_use]
    pub fn retention(&self) -> &[SchemaRetention] {
        &self.retention
    }

    /// How the series called `name` is seen when a request reaches back `age_s`.
    pub(crate) fn view(&self, name: &str, age_s: i64) -> View {
        let found = self.archives.iter().find(|(pattern, _)| pattern.is_match(name));
        let archives = found.map_or(&DEFAULT[..], |(_, archives)| archives);
        let at = archives.iter().position(|archive| archive.reach_s >= age_s);
        let at = at.unwrap_or(archives.len().saturating_sub(1));
        let step_s = archives.get(at).unwrap_or(&DEFAULT[0]).step_s;
        if found.is_some() && at == 0 {
            // Carbon writes one value over the other; who chose the step sends one value a step.
            return View { step_s, aggregation: Aggregation::Last, n_needed: 0 };
        }
        // Without a schema the step was chosen by nobody: six values a minute are merged, not five of them dropped.
        let Merging { aggregation, x_files_factor } = self.merging(name);
        let finest_s = archives.first().map_or(step_s, |finest| finest.step_s);
        let share = if found.is_some() { x_files_factor } else { 0.0 };
        View { step_s, aggregation, n_needed: n_needed(step_s / finest_s.max(1), share) }
    }

    /// How the values of the series called `name` are merged.
    fn merging(&self, name: &str) -> Merging {
        let Some(rules) = &self.aggregations else {
            return Merging { aggregation: usual(name), x_files_factor: 0.0 };
        };
        rules.iter().find(|(pattern, _)| pattern.is_match(name)).map_or(CARBON, |(_, merging)| *merging)
    }
}

/// The least number of `n` values that is the share of them that must be there.
#[expect(clippy::cast_precision_loss, reason = "steps are far shorter than 2^53 seconds")]
fn n_needed(n: i64, share: f64) -> u64 {
    (0..n).find(|count| *count as f64 >= share * n as f64).unwrap_or(n).unsigned_abs()
}

/// How series are merged where nobody says it: by the names that `StatsD` gives and carbon's example file knows.
fn usual(name: &str) -> Aggregation {
    let path = name.split_once(';').map_or(name, |(path, _)| path);
    let last = path.rsplit('.').next().unwrap_or_default();
    // `upper_90`, and `upper_99_9`.
    let is_percentile =
        |rest: &str| rest.split('_').all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let kind = match last.split_once('_') {
        Some((kind @ ("lower" | "upper"), rest)) if is_percentile(rest) => kind,
        _ => last,
    };
    match kind {
        "min" | "lower" => Aggregation::Min,
        "max" | "upper" => Aggregation::Max,
        "count" | "sum" => Aggregation::Sum,
        _ if path.starts_with("stats_counts.") => Aggregation::Sum,
        _ => Aggregation::Average,
    }
}

impl View {
    /// What `samples` of one step become.
    pub(crate) fn value(self, samples: &Aggregate) -> f64 {
        if samples.count < self.n_needed {
            return f64::NAN;
        }
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

/// `None` for a pattern that is refused elsewhere.
fn retention(schema: &StorageSchema) -> Option<SchemaRetention> {
    let tier = |retention: &storage_schemas::Retention| {
        let to_ms = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
        Tier { step_ms: to_ms(retention.step_s.into()), keep_ms: to_ms(retention.span_s()) }
    };
    Some(SchemaRetention {
        name: schema.name.clone(),
        pattern: NamePattern::regex(&schema.pattern).ok()?,
        tiers: schema.retentions.iter().map(tier).collect(),
    })
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
    use lanner_core::Sample;

    use super::*;

    #[test]
    fn the_first_archive_that_reaches_back_far_enough_is_seen() {
        let mut schemas = Schemas::default();
        schemas.read_schemas("[fast]\npattern = ^fast\\.\nretentions = 10s:6h,1m:7d\n").unwrap();
        schemas
            .read_aggregations("[sums]\npattern = \\.count$\nxFilesFactor = 0\naggregationMethod = sum\n")
            .unwrap();
        for (name, age_s, step_s, aggregation, n_needed) in [
            ("fast.a", 3_600, 10, Aggregation::Last, 0),
            ("fast.a", 86_400, 60, Aggregation::Average, 3),
            ("fast.count", 86_400, 60, Aggregation::Sum, 0),
            ("fast.a", 86_400_000, 60, Aggregation::Average, 3),
            ("slow.a", 86_400, 60, Aggregation::Average, 0),
            ("slow.a", 40 * 86_400, 3_600, Aggregation::Average, 0),
        ] {
            assert_eq!(schemas.view(name, age_s), View { step_s, aggregation, n_needed }, "{name} {age_s}");
        }
    }

    #[test]
    fn without_a_file_names_say_how_series_are_merged() {
        for (name, aggregation) in [
            ("stats.timers.login.count", Aggregation::Sum),
            ("stats.timers.login.sum;dc=ams", Aggregation::Sum),
            ("stats_counts.logins", Aggregation::Sum),
            ("stats.timers.login.lower", Aggregation::Min),
            ("stats.timers.login.upper_90", Aggregation::Max),
            ("stats.timers.login.upper_99_9", Aggregation::Max),
            ("stats.timers.login.lower_90", Aggregation::Min),
            ("stats.timers.login.count_ps", Aggregation::Average),
            ("app.upper_bound", Aggregation::Average),
            ("app.lower_case_ratio", Aggregation::Average),
            ("disk.max", Aggregation::Max),
            ("app.discount", Aggregation::Average),
            ("app.upper.latency", Aggregation::Average),
        ] {
            assert_eq!(Schemas::default().view(name, 60).aggregation, aggregation, "{name}");
        }
    }

    #[test]
    fn too_few_values_make_none() {
        let view = View { step_s: 60, aggregation: Aggregation::Sum, n_needed: n_needed(6, 0.5) };
        let of = |n: u64| view.value(&Aggregate { count: n, sum: 7.0, ..Aggregate::of(Sample::new(0, 1.0)) });
        assert!(of(2).is_nan());
        assert_eq!(of(3), 7.0);
    }

    #[test]
    fn every_mistake_has_its_line() {
        let problems = Schemas::default().read_schemas("[a]\npattern = (\nretentions = 1m:1d\n").unwrap_err();
        assert!(problems[0].starts_with("line 1: the pattern ("), "{problems:?}");
    }
}
