//! A checked rule: what to measure, when, how to score it, what to do with each outcome, whom to tell.
//!
//! A rule is written as a document (YAML or JSON) and becomes a [`Rule`] only when nothing is wrong with it.
//! The document is what is stored, shown and versioned.

pub mod config;
mod read;
pub mod schedule;
pub mod template;

use std::sync::Arc;

use lanner_conditions::export::Refused;
use lanner_core::time::{DAY_MS, HOUR_MS};
use lanner_core::{Cursor, Labels, Outcome, Shift, TimeRange};
use serde_json::Value;

use crate::detector::Detector;
use crate::document::Problem;
use crate::source::{Elsewhere, Query};

use schedule::Schedule;
use template::Template;

pub use read::{DETECTORS, FIELDS};

/// Rows before a window that are kept for trained detectors; those that look at more have them measured anew.
const MODEL_ROWS: i64 = 128;

/// Whether a rule is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Active,
    /// It is kept, but not evaluated.
    Inactive,
}

/// What is done with an outcome that is neither normal nor a breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// As if nothing were wrong.
    Ok,
    /// The alert stays as it is.
    Keep,
    /// A bad window; after `for` of them people are notified.
    Alert,
    /// Of a source that does not answer for now: the window waits until it does. One that refuses the query is a bad window.
    Wait,
}

/// The policies of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policies {
    /// For windows that hold nothing to measure. Default: alert.
    pub no_data: Policy,
    /// For sources that fail. Default: alert.
    pub error: Policy,
    /// For a base of zero. Unless it is written, a rise from zero is a finding, and a drop is not judged.
    pub base_zero: Option<Policy>,
    /// For a base that was not measured. Default: keep.
    pub base_missing: Policy,
    /// For a base before the first data. Default: keep.
    pub history_short: Policy,
    /// For windows in which the server was away. Default: keep.
    pub unknown: Policy,
}

impl Policies {
    /// The policy for an outcome; `None` for normal and breach.
    #[must_use]
    pub const fn of(&self, outcome: Outcome) -> Option<Policy> {
        match outcome {
            Outcome::Normal | Outcome::Breach => None,
            Outcome::NoData => Some(self.no_data),
            Outcome::Error => Some(self.error),
            Outcome::BaseZero => Some(match self.base_zero {
                Some(policy) => policy,
                None => Policy::Keep,
            }),
            Outcome::BaseMissing => Some(self.base_missing),
            Outcome::HistoryShort => Some(self.history_short),
            Outcome::Unknown => Some(self.unknown),
            Outcome::BelowMinBase => Some(Policy::Ok),
        }
    }
}

/// How many rules are evaluated in a millisecond at most, where there are very many: with fewer than 50,000 this changes
/// nothing. An evaluation costs some 0.1 ms.
const RULES_PER_MS: i64 = 5;

/// A checked rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, unique among rules.
    pub id: Arc<str>,
    /// Which version of its document, from 1.
    pub version: u32,
    /// For people.
    pub description: String,
    /// What to measure.
    pub query: Box<dyn Query>,
    /// Which windows.
    pub schedule: Schedule,
    /// How long after a window's end its evaluation waits for late data, milliseconds.
    pub delay_ms: i64,
    /// How far back missed windows are walked, milliseconds.
    pub max_catchup_ms: i64,
    /// Whether windows that lie in the server's own downtime are walked as well.
    pub walks_gaps: bool,
    /// How long a group without data is remembered, milliseconds.
    pub forget_ms: i64,
    /// How strange a value is.
    pub detector: Box<dyn Detector>,
    /// Bad windows in a row before people are notified.
    pub for_windows: u32,
    /// Good windows in a row before people are notified that it is over.
    pub recover_windows: u32,
    /// What is done with each outcome.
    pub policies: Policies,
    /// What people read.
    pub content: Template,
    /// What they are told beside it, by name: an object of texts.
    pub annotations: Template,
    /// Who is told, by name.
    pub receivers: Vec<Arc<str>>,
    /// Labels of its alerts, beside the group's.
    pub labels: Labels,
    /// Whether it is evaluated.
    pub status: Status,
    /// What was written, as text: as a tree it takes several times the room.
    document: Box<str>,
}

impl Rule {
    /// The rule asked where its streams lie.
    ///
    /// # Errors
    /// What of it cannot be asked there with the same meaning.
    pub fn located(self, streams: &Elsewhere) -> Result<Self, Problem> {
        match self.query.located(streams) {
            Ok(None) => Ok(self),
            Ok(Some(query)) => Ok(Self { query, ..self }),
            Err(refused) => Err(self.refused(refused)),
        }
    }

    /// What of the rule cannot be asked where its streams lie.
    pub(crate) fn objection(&self, streams: &Elsewhere) -> Option<Problem> {
        self.query.located(streams).err().map(|refused| self.refused(refused))
    }

    fn refused(&self, Refused { what, hint }: Refused) -> Problem {
        let message = format!("cannot be counted where the events lie: {what}");
        Problem { at: None, path: format!("rules.{}.query", self.id), message, hint: Some(hint) }
    }

    /// What was written. Read anew at each call.
    #[must_use]
    pub fn document(&self) -> Value {
        // Made from a tree of JSON, so that it is one.
        serde_json::from_str(&self.document).unwrap_or_default()
    }

    /// How long after the earliest moment this rule's evaluations start, milliseconds.
    ///
    /// Rules with the same grid would all start at the same instant; each has its own offset instead, up to a sixth of `every`
    /// and 10 s, fixed by its id. Where a source elsewhere is asked it is fixed by the query, so that rules with the same
    /// question ask it together. Beside very many rules the offsets reach farther, so that each is evaluated at its time
    /// instead of all of them late.
    ///
    /// - `n_rules`: how many there are.
    #[must_use]
    pub fn spread_ms(&self, n_rules: usize) -> i64 {
        let every_ms = self.schedule.every_ms;
        let crowded_ms = (n_rules as i64 / RULES_PER_MS).min(every_ms * 3 / 4);
        let widest_ms = (every_ms / 6).clamp(1, 10_000).max(crowded_ms);
        let place = match self.query.source() {
            Some(_) => self.query.fingerprint(),
            None => xxhash_rust::xxh3::xxh3_64(self.id.as_bytes()),
        };
        // A part of the whole, so that one rule more moves the others by a little only.
        ((u128::from(place) * u128::from(widest_ms.unsigned_abs())) >> 64) as i64
    }

    /// When the evaluation of `window` is due beside `n_rules` rules, milliseconds since the Unix epoch.
    #[must_use]
    pub fn due_ms(&self, window: TimeRange, n_rules: usize) -> i64 {
        window.end_ms + self.delay_ms + self.spread_ms(n_rules)
    }

    /// Whether any server can evaluate it: what it asks lies in a source elsewhere, and nothing of it in a data folder.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.query.source().is_some()
    }

    /// The shard that it belongs to; see [`Cursor::shard`].
    #[must_use]
    pub fn shard(&self) -> u8 {
        Cursor::shard_of(self.query.fingerprint())
    }

    /// That it was walked up to `window`.
    #[must_use]
    pub fn cursor(&self, window: TimeRange) -> Cursor {
        Cursor { rule: self.id.clone(), window, shard: self.shard() }
    }

    /// The labels of an alert of this rule: the rule's, the group's, and `rule`.
    #[must_use]
    pub(crate) fn alert_labels(&self, group: &Labels) -> Labels {
        self.labels.with(group).with(&Labels::new([("rule", &*self.id)]))
    }

    /// How far apart the earlier windows lie that a window is compared with, and how many there are.
    fn baselines(&self) -> Option<(Shift, u32)> {
        self.detector.baselines().map(|baselines| baselines.resolve(self.schedule.every_ms))
    }

    /// The earlier windows that `window` is compared with, nearest first; `None` where a clock change
    /// skipped one.
    #[must_use]
    pub(crate) fn baseline_windows(&self, window: TimeRange) -> Vec<Option<TimeRange>> {
        if let Some(remembers) = self.detector.remembers() {
            let learned_ms = window.start_ms - remembers.learn_ms;
            return vec![Some(TimeRange::new(learned_ms, learned_ms))];
        }
        let Some((shift, count)) = self.baselines() else { return Vec::new() };
        let tz = self.schedule.wall_clock();
        let shifted = |count| {
            let start_ms = shift.before(window.start_ms, count, &tz)?;
            Some(TimeRange::new(start_ms, start_ms + self.schedule.window_ms))
        };
        (1..=count).map(shifted).collect()
    }

    /// How far back of a window's start the windows reach that it is compared with or that were learned,
    /// milliseconds.
    #[must_use]
    pub fn reach_ms(&self) -> i64 {
        let remembered_ms = self.detector.remembers().map_or(0, |remembers| remembers.over_ms);
        let learned_ms = self
            .detector
            .learner()
            .map_or(remembered_ms, |learner| learner.generation_ms().saturating_mul(2));
        let judged_ms = self.baselines().map_or(learned_ms, |(shift, count)| shift.at_most_ms(count));
        let rows_ms = if self.query.model().is_some() { MODEL_ROWS * self.schedule.window_ms } else { 0 };
        judged_ms.saturating_add(rows_ms)
    }

    /// Whether it looks at earlier windows at all. What is remembered of values is none.
    #[must_use]
    pub fn looks_back(&self) -> bool {
        self.reach_ms() > 0 && self.detector.remembers().is_none()
    }

    /// How long a measured window stays open for late events before it is kept in history, milliseconds: an hour, or 60
    /// steps where those are shorter.
    #[must_use]
    pub fn hold_ms(&self) -> i64 {
        if self.looks_back() { HOUR_MS.min(60 * self.step_ms()) } else { 0 }
    }

    /// The windows that are settled when `window` is judged, and were not when the one before was. After a pause only
    /// the last of them: the others are measured when they are needed.
    #[must_use]
    pub fn settled(&self, before: TimeRange, window: TimeRange) -> Vec<TimeRange> {
        const MOST: i64 = 4;
        let hold_ms = self.hold_ms();
        if hold_ms == 0 {
            return Vec::new();
        }
        let from_ms = before.end_ms.max(window.end_ms - MOST * self.schedule.every_ms) - hold_ms;
        let next = |after_ms| self.schedule.next_ending_after(after_ms);
        let windows = std::iter::successors(next(from_ms), |window| next(window.end_ms));
        windows.take_while(|settled| settled.end_ms <= window.end_ms - hold_ms).collect()
    }

    /// The step in which a measure is kept so that every window, and every earlier window that it is compared
    /// with, is a whole number of steps, milliseconds.
    #[must_use]
    pub fn step_ms(&self) -> i64 {
        let schedule = &self.schedule;
        let shift_ms = self.baselines().map_or(0, |(shift, _)| match shift {
            Shift::Elapsed(ms) => ms,
            Shift::Days(_) | Shift::Months(_) => DAY_MS,
        });
        let step_ms = gcd(gcd(schedule.window_ms, schedule.every_ms), shift_ms);
        match (&schedule.tz, schedule.active.as_slice()) {
            (None, []) => step_ms,
            // UTC offsets have been multiples of a quarter of an hour for decades.
            (_, parts) => {
                parts.iter().fold(gcd(step_ms, 900_000), |step_ms, part| gcd(step_ms, part.from_ms))
            }
        }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_reach_farther_beside_very_many_rules() {
        #[track_caller]
        fn check(window: &str, n_rules: usize, within_ms: std::ops::Range<i64>) {
            let offset_ms = |at: usize| {
                let query = serde_json::json!({ "stream": "s", "measure": "count" });
                let document = serde_json::json!({ "id": format!("r{at}"), "query": query, "window": window,
                                                   "absolute": { "max": 1 } });
                Rule::from_json(&document, 1).unwrap().spread_ms(n_rules)
            };
            let offsets: Vec<i64> = (0..200).map(offset_ms).collect();
            let (least_ms, most_ms) = (*offsets.iter().min().unwrap(), *offsets.iter().max().unwrap());
            let is_even = least_ms < within_ms.end / 10 && most_ms > within_ms.end * 9 / 10;
            assert!(
                within_ms.contains(&least_ms) && within_ms.contains(&most_ms) && is_even,
                "{least_ms} to {most_ms}"
            );
        }
        check("2m", 1, 0..10_000);
        check("30s", 1, 0..5_000); // a sixth of it
        check("2m", 50_000, 0..10_000);
        check("2m", 300_000, 0..60_000);
        check("1m", 1_000_000, 0..45_000); // never so far that the next window is due
    }
}
