//! What a rule would have done, from the record of a replay.

use lanner_core::Outcome;

use super::accuracy::{Marks, per_week};
use super::reach::{Unreachable, unreachable};
use super::record::Record;
use super::suggest::{self, Suggestion, Tuner};
use super::{Limit, Review, Spread, Terms, sentence};
use crate::detector::Tunable;
use crate::rule::Rule;

/// Suggestions from less than this are said to rest on little.
const ENOUGH_WEEKS: f64 = 2.0;

/// Looks back at what a rule did in a replay.
///
/// Cost: a walk over the evaluations; with incidents or a wanted number of alarms some 50 to 300 of them.
#[must_use]
pub fn review(rule: &Rule, record: &Record, terms: &Terms) -> Review {
    let timeline = record.replayed(rule);
    let marks = Marks::new(record, &terms.incidents, terms.tolerance_ms);
    let (suggestions, remarks) = suggest(rule, record, &marks, terms);
    let tried = if terms.tries_limits { tried(rule, record, &marks) } else { Vec::new() };
    let tunables = rule.detector.tuning().tunables();
    let n_episodes = timeline.episodes.len() as u64;
    let mut review = Review {
        rule: rule.id.clone(),
        kind: rule.detector.kind(),
        span: record.span(),
        n_evaluations: record.n_evaluations() as u64,
        n_scored: record.scored().count() as u64,
        n_breaches: record.n_of(Outcome::Breach) as u64,
        groups: record.groups().to_vec(),
        per_week: per_week(n_episodes, record.weeks()),
        running: suggest::running(&timeline, record),
        values: spread(record.scored().map(|past| past.value).collect()),
        scores: tunables.iter().flatten().next().and_then(|tunable| scores(rule, record, tunable)),
        limits: tunables.iter().flatten().map(|tunable| limit(rule, record, tunable, terms.step_s)).collect(),
        accuracy: (!marks.is_empty()).then(|| marks.accuracy(&timeline)),
        episodes: timeline.episodes,
        suggestions,
        tried,
        sentences: Vec::new(),
    };
    review.sentences = sentence::all(&review, &marks, &remarks, record.weeks() < ENOUGH_WEEKS);
    review
}

/// Suggestions, and why there are none.
fn suggest(rule: &Rule, record: &Record, marks: &Marks<'_>, terms: &Terms) -> (Vec<Suggestion>, Vec<String>) {
    let kind = rule.detector.kind();
    let (mut suggestions, mut remarks) = (Vec::new(), Vec::new());
    for tunables in rule.detector.tuning().tunables() {
        if tunables.is_empty() {
            continue;
        }
        let is_first = !tunables.iter().any(|tunable| tunable.errors_only);
        let fields: Vec<String> =
            tunables.iter().map(|tunable| format!("{kind}.{}", tunable.field)).collect();
        let tuner = Tuner::new(rule, record, marks, tunables);
        if let Some(wanted) = terms.alarms_per_week {
            match tuner.within(wanted) {
                Ok(suggestion) => suggestions.push(suggestion),
                Err(why) => remarks.push(sentence::nothing(&why, &fields, wanted)),
            }
        }
        if is_first && !marks.is_empty() {
            match tuner.best() {
                Some(suggestion) => suggestions.push(suggestion),
                None => remarks.push(format!("No {} would have found an incident.", fields.join(" and "))),
            }
        }
    }
    (suggestions, remarks)
}

/// Limits to choose from: those that decide whether there is an alert.
fn tried(rule: &Rule, record: &Record, marks: &Marks<'_>) -> Vec<Suggestion> {
    let sets = rule.detector.tuning().tunables();
    let decides = |set: &Vec<Tunable>| !set.is_empty() && !set.iter().any(|tunable| tunable.errors_only);
    let set = sets.into_iter().find(decides);
    set.map(|set| Tuner::new(rule, record, marks, set).tried()).unwrap_or_default()
}

fn limit(rule: &Rule, record: &Record, tunable: &Tunable, step_s: Option<i64>) -> Limit {
    let edges = record
        .scored()
        .map(|past| rule.detector.tuning().limit_at(tunable, past))
        .filter(|edge| !edge.is_nan());
    let farthest = edges.reduce(|a, b| if tunable.is_laxer(b, a) { b } else { a });
    let field = format!("{}.{}", rule.detector.kind(), tunable.field);
    let was_passed =
        farthest.map_or(record.n_of(Outcome::Breach) > 0, |farthest| tunable.is_bad(farthest, tunable.at));
    let found = unreachable(rule, step_s).into_iter().find(|found| found.field == field);
    // Values of both signs go beyond what those of one sign can, and so do windows with gaps.
    let holds = |found: &Unreachable| {
        !found.is_never
            || !farthest.is_some_and(|farthest| tunable.is_laxer(farthest, found.ceiling * (1.0 + 1e-9)))
    };
    let unreachable = found.filter(|found| (!was_passed || !found.is_never) && holds(found));
    Limit { field, at: tunable.at, unit: tunable.unit, farthest, was_passed, unreachable }
}

/// What a tunable looks at; nothing where no number is known.
fn scores(rule: &Rule, record: &Record, tunable: &Tunable) -> Option<Spread> {
    spread(record.scored().map(|past| rule.detector.tuning().limit_at(tunable, past)).collect())
}

fn spread(mut numbers: Vec<f64>) -> Option<Spread> {
    numbers.retain(|number| number.is_finite());
    numbers.sort_unstable_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    let at = |share: f64| numbers[((last as f64 * share).ceil() as usize).min(last)];
    Some(Spread { min: numbers[0], median: at(0.5), p95: at(0.95), p99: at(0.99), max: numbers[last] })
}
