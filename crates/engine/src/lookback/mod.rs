//! Looking back: how often a rule would have fired, whether its limits can be reached at all, how well it agrees with
//! incidents that people marked, and which limits would do what is wanted.
//!
//! Users pick thresholds by looking at a graph of the score and at the times when there was trouble. This does the
//! same with the record of a [replay](crate::replay), and says what it found in plain sentences.
//!
//! Reading order: [`Review`] (what comes out) and [`review`], [`Record`] (what a replay left, and other limits tried on
//! it), [`Incident`] and [`Accuracy`], [`unreachable()`] (what arithmetic says), [`Suggestion`].
//!
//! Invariant: what other limits would have done is what replaying the changed rule gives.

mod accuracy;
mod edit;
mod reach;
mod record;
mod sentence;
mod suggest;

use std::sync::Arc;

use lanner_core::{AlertState, Labels, Outcome, TimeRange};

use crate::detector::Tunable;
use crate::rule::Rule;

pub use accuracy::{Accuracy, Incident};
pub use edit::bare;
pub use reach::{Unreachable, unreachable};
pub use record::{Episode, Record, Timeline};
pub use suggest::{Goal, Setting, Suggestion};

use accuracy::{Marks, per_week};
use suggest::Tuner;

/// Suggestions from less than this are said to rest on little.
const ENOUGH_WEEKS: f64 = 2.0;

/// What is asked of the past.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terms {
    /// What people know to have happened; precision and recall are measured where there is something.
    pub incidents: Vec<Incident>,
    /// By how much marks may be off, on both sides.
    pub tolerance_ms: i64,
    /// Suggest limits for at most so many alarms a week.
    pub alarms_per_week: Option<f64>,
    /// The distance of the values that the rule's expression reads, if it has one and that is known.
    pub step_s: Option<i64>,
}

/// Numbers in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// Half of them are not larger.
    pub median: f64,
    /// 95 of 100 are not larger.
    pub p95: f64,
    /// 99 of 100 are not larger.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

/// A limit, and how near to it the past came.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Its field, such as `absolute.max`.
    pub field: String,
    /// Where it stands.
    pub at: f64,
    /// What is written behind the number: `%`, or nothing.
    pub unit: &'static str,
    /// The farthest in its direction that came, in its unit; none when nothing was scored.
    pub farthest: Option<f64>,
    /// Whether anything lay beyond it.
    pub was_passed: bool,
    /// What arithmetic says, where it says that it cannot be passed and nothing did.
    pub unreachable: Option<Unreachable>,
}

/// What a rule would have done.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The field that chooses its detector.
    pub kind: &'static str,
    /// From the first to the last window that was scored.
    pub span: Option<TimeRange>,
    /// Evaluations made.
    pub n_evaluations: u64,
    /// Those that were scored.
    pub n_scored: u64,
    /// Those beyond a limit.
    pub n_breaches: u64,
    /// Groups, by their labels; episodes name them by number.
    pub groups: Vec<Labels>,
    /// When it would have fired.
    pub episodes: Vec<Episode>,
    /// Episodes a week of the span.
    pub per_week: f64,
    /// The share of evaluations in which an episode ran.
    pub running: f64,
    /// What was measured.
    pub values: Option<Spread>,
    /// What the limits look at, in the unit of the first of them: a change in percent, a score, a value.
    pub scores: Option<Spread>,
    /// Each limit.
    pub limits: Vec<Limit>,
    /// How well the episodes agree with the incidents, where some are known.
    pub accuracy: Option<Accuracy>,
    /// Other limits.
    pub suggestions: Vec<Suggestion>,
    /// All of it in sentences, the most important first.
    pub sentences: Vec<String>,
}

/// Looks back at what a rule did in a replay.
///
/// Cost: a walk over the evaluations; with incidents or a wanted number of alarms some 50 to 300 of them.
#[must_use]
pub fn review(rule: &Rule, record: &Record, terms: &Terms) -> Review {
    let timeline = record.replayed(rule);
    let marks = Marks::new(record, &terms.incidents, terms.tolerance_ms);
    let (suggestions, remarks) = suggest(rule, record, &marks, terms);
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

/// How many episodes began as what no limit decides: no data, or an error.
fn n_others(episodes: &[Episode]) -> usize {
    episodes.iter().filter(|episode| episode.kind != AlertState::Firing).count()
}
