//! Looking back: how often a rule would have fired, whether its limits can be reached at all, how well it agrees with
//! incidents that people marked, and which limits would do what is wanted.
//!
//! Users pick thresholds by looking at a graph of the score and at the times when there was trouble. This does the
//! same with the record of a [replay](crate::replay), and says what it found in plain sentences.
//!
//! Reading order: [`Review`] (what comes out) and [`review()`], [`Record`] (what a replay left, and other limits tried on
//! it), [`Incident`] and [`Accuracy`], [`unreachable()`] (what arithmetic says), [`Suggestion`].
//!
//! Invariant: what other limits would have done is what replaying the changed rule gives.

mod accuracy;
mod ahead;
mod edit;
mod reach;
mod record;
mod review;
mod sentence;
mod suggest;

use std::sync::Arc;

use lanner_core::{AlertState, Labels, TimeRange};

pub use accuracy::{Accuracy, Incident};
pub use ahead::Expected;
pub use edit::bare;
pub use reach::{Unreachable, unreachable};
pub use record::{Episode, Record, Timeline};
pub use review::review;
pub use suggest::{Goal, Setting, Suggestion};

/// What is asked of the past.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terms {
    /// What people know to have happened; precision and recall are measured where there is something.
    pub incidents: Vec<Incident>,
    /// By how much marks may be off, on both sides.
    pub tolerance_ms: i64,
    /// Suggest limits for at most so many alarms a week.
    pub alarms_per_week: Option<f64>,
    /// Say of other limits, from lax to strict, how often they would have fired.
    pub tries_limits: bool,
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
    /// Limits from lax to strict, where they were [asked for](Terms::tries_limits).
    pub tried: Vec<Suggestion>,
    /// All of it in sentences, the most important first.
    pub sentences: Vec<String>,
}

/// How many episodes began as what no limit decides: no data, or an error.
fn n_others(episodes: &[Episode]) -> usize {
    episodes.iter().filter(|episode| episode.kind != AlertState::Firing).count()
}
