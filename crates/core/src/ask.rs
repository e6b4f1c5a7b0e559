//! What a source is asked, and what it answers: plain data, so that it may cross the border of a process.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Group, Labels, Sample, TimeRange};

/// What a rule wants to know at one time, beside its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The rule's id; empty when a person asks.
    pub rule: Arc<str>,
    /// The window to evaluate.
    pub window: TimeRange,
    /// Earlier windows to measure, nearest first; `None` where a clock change skipped one. To compare with, or to learn
    /// from.
    pub baselines: Vec<Option<TimeRange>>,
    /// Whether the earlier windows are there to learn from.
    pub learns: bool,
    /// Whether there is more to learn before `window` can be evaluated, so that it need not be measured yet.
    pub more: bool,
    /// Windows that late events hardly reach any more: what was measured in them is worth keeping.
    pub settled: Vec<TimeRange>,
    /// Groups to measure even when nothing of them is found: those with a tracked alert, in order.
    pub known: Vec<Group>,
    /// Every window is a whole number of such steps, milliseconds.
    pub step_ms: i64,
    /// How long a measured window stays open for late events, milliseconds; 0 where nobody looks back.
    pub hold_ms: i64,
}

impl Ask {
    /// A person's question: what is measured in each of `windows`. The answer has them as [`Reading::baselines`].
    #[must_use]
    pub fn of_windows(windows: Vec<TimeRange>, step_ms: i64) -> Self {
        let end_ms = windows.iter().map(|window| window.end_ms).max().unwrap_or(0);
        Self {
            rule: Arc::default(),
            window: TimeRange::new(end_ms, end_ms),
            baselines: windows.into_iter().map(Some).collect(),
            learns: false,
            more: true,
            settled: Vec::new(),
            known: Vec::new(),
            step_ms,
            hold_ms: 0,
        }
    }

    /// The windows to measure: first the one to evaluate, unless there is more to learn, then [`Self::baselines`].
    #[must_use]
    pub fn windows(&self) -> Vec<Option<TimeRange>> {
        let newest = (!self.more).then_some(self.window);
        std::iter::once(newest).chain(self.baselines.iter().copied()).collect()
    }

    /// The window that ends last of those to measure; `None` without any.
    #[must_use]
    pub fn newest(&self) -> Option<TimeRange> {
        self.windows().into_iter().flatten().max_by_key(|window| window.end_ms)
    }
}

/// What a source measured for one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The group.
    pub group: Group,
    /// The window's value; `None` when it holds nothing to measure.
    pub value: Option<f64>,
    /// The earlier windows' values, in the order of [`Ask::baselines`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Option<f64>>,
    /// Whether the group is too new to be judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_new: bool,
    /// What the value rests on, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<Evidence>>,
}

impl Reading {
    /// What was measured of a group, without evidence.
    #[must_use]
    pub const fn new(group: Group, value: Option<f64>, baselines: Vec<Option<f64>>) -> Self {
        Self { group, value, baselines, is_new: false, evidence: None }
    }
}

/// What a source measured, for all groups of a rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// One for each group found or known, each group once; sooner evaluated where they are in order.
    pub groups: Vec<Reading>,
    /// When the source's data begins, milliseconds since the Unix epoch; `None` when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_data_ms: Option<i64>,
}

/// What another server is asked, in its own language. Equal asks are sent once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RemoteAsk {
    /// The language of the query: the name of its kind.
    pub language: String,
    /// The query.
    pub query: String,
    /// Where values may lie.
    pub range: TimeRange,
    /// When they are wanted, for a server that evaluates the query at given times: at the last millisecond of each window.
    pub instants: Instants,
}

/// Times, evenly spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Instants {
    /// The first, milliseconds since the Unix epoch.
    pub first_ms: i64,
    /// The last, a whole number of steps later.
    pub last_ms: i64,
    /// From one to the next, milliseconds; above 0.
    pub step_ms: i64,
}

impl Instants {
    /// The fewest evenly spaced times among which all of `times` are; `None` without any. They may be in any order.
    ///
    /// ```
    /// use lanner_core::Instants;
    /// let of = |times: &[i64]| Instants::of(times.iter().copied());
    /// assert_eq!(of(&[50, 10, 30]), Some(Instants { first_ms: 10, last_ms: 50, step_ms: 20 }));
    /// assert_eq!(of(&[10, 30, 60]), Some(Instants { first_ms: 10, last_ms: 60, step_ms: 10 }));
    /// assert_eq!(of(&[7]), Some(Instants { first_ms: 7, last_ms: 7, step_ms: 1 }));
    /// assert_eq!(of(&[]), None);
    /// ```
    #[must_use]
    pub fn of(times: impl Iterator<Item = i64> + Clone) -> Option<Self> {
        let (first_ms, last_ms) = (times.clone().min()?, times.clone().max()?);
        let step_ms = times.fold(0, |step, time_ms| greatest_common_divisor(step, time_ms - first_ms));
        Some(Self { first_ms, last_ms, step_ms: step_ms.max(1) })
    }

    /// Each of them, in order.
    pub fn times(self) -> impl Iterator<Item = i64> {
        let next = move |at: &i64| at.checked_add(self.step_ms);
        std::iter::successors(Some(self.first_ms), next).take_while(move |at| *at <= self.last_ms)
    }

    /// The same times in pieces of at most `n`, in order.
    ///
    /// ```
    /// use lanner_core::Instants;
    /// let all = Instants { first_ms: 0, last_ms: 40, step_ms: 10 };
    /// let pieces: Vec<(i64, i64)> = all.pieces(2).map(|piece| (piece.first_ms, piece.last_ms)).collect();
    /// assert_eq!(pieces, [(0, 10), (20, 30), (40, 40)]);
    /// ```
    pub fn pieces(self, n: u32) -> impl Iterator<Item = Self> {
        let long_ms = self.step_ms.saturating_mul(i64::from(n.max(1)));
        let next = move |first_ms: &i64| Some(first_ms.saturating_add(long_ms));
        let firsts = std::iter::successors(Some(self.first_ms), next);
        firsts.take_while(move |first_ms| *first_ms <= self.last_ms).map(move |first_ms| {
            let last_ms = self.last_ms.min(first_ms.saturating_add(long_ms - self.step_ms));
            Self { first_ms, last_ms, ..self }
        })
    }
}

const fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// One series as another server answered it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoteSeries {
    /// Its name, as that server has it.
    pub name: String,
    /// Its labels; none where the server has none.
    #[serde(default)]
    pub labels: Labels,
    /// Its values in order of time, all within the range that was asked for; gaps are left out.
    pub points: Vec<Sample>,
}

/// What a value rests on: what people want to see beside a finding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Who or what contributed most, the largest share first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contributors: Vec<Contributor>,
    /// What was expected in place of the value, in the unit of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<f64>,
    /// A few events, samples or features behind the value, as the source writes them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Value>,
}

/// One part of a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contributor {
    /// A metric, a member, a feature.
    pub name: String,
    /// Its part of the whole, 0 to 1.
    pub share: f64,
    /// Its value, in its own unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// From where to where its values usually lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<[f64; 2]>,
}

impl Contributor {
    /// One of which only its part is known.
    #[must_use]
    pub fn new(name: impl Into<String>, share: f64) -> Self {
        Self { name: name.into(), share, value: None, usual: None }
    }
}

/// `cpu (75 %)`, or `cpu (75 %: 0.97, usually 0.1 to 0.4)`
impl std::fmt::Display for Contributor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:.0} %", self.name, 100.0 * self.share)?;
        match (self.value.map(short), self.usual.map(|usual| usual.map(short))) {
            (Some(value), Some([low, high])) => write!(f, ": {value}, usually {low} to {high})"),
            (None, Some([low, high])) => write!(f, ": missing, usually {low} to {high})"),
            _ => f.write_str(")"),
        }
    }
}

/// A number as far as people read it: four digits.
fn short(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 3 - value.abs().log10().floor().clamp(-300.0, 300.0) as i32;
    let scale = 10_f64.powi(digits.clamp(-300, 300));
    (value * scale).round() / scale
}

/// Why a source gave no readings: a sentence for people, and whether trying again helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", content = "message", rename_all = "snake_case")]
pub enum SourceError {
    /// It is away, busy or too slow: the same question may be answered later.
    #[error("{0}")]
    Temporary(String),
    /// It does not take the question: somebody has to change the rule or the source.
    #[error("{0}")]
    Permanent(String),
}

impl SourceError {
    /// Whether the same question may be answered later.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Temporary(_))
    }
}

/// What a source answered: readings, or why there are none and whether asking again helps.
pub type Answer = Result<Readings, SourceError>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Labels;

    #[test]
    fn questions_and_answers_cross_borders() {
        let mut ask =
            Ask::of_windows(vec![TimeRange::new(0, 60_000), TimeRange::new(60_000, 120_000)], 60_000);
        ask.baselines.push(None);
        ask.known = vec![Group::Whole, Group::Of(Labels::new([("bank", "hsbc")]))];
        let there = serde_json::to_string(&ask).unwrap();
        assert_eq!(serde_json::from_str::<Ask>(&there).unwrap(), ask);
        let evidence = Evidence {
            contributors: vec![Contributor {
                value: Some(0.97),
                usual: Some([0.1, 0.4]),
                ..Contributor::new("cpu", 0.75)
            }],
            expected: Some(1.5),
            examples: vec![serde_json::json!({ "host": "a" })],
        };
        let mut reading = Reading::new(Group::Whole, None, vec![None, Some(0.5)]);
        reading.is_new = true;
        let bare = serde_json::to_string(&reading).unwrap();
        reading.evidence = Some(Box::new(evidence));
        let answers: [Answer; 3] = [
            Ok(Readings { groups: vec![reading], first_data_ms: Some(5) }),
            Err(SourceError::Temporary("it is away".to_owned())),
            Err(SourceError::Permanent("no such metric".to_owned())),
        ];
        for answer in answers {
            let there = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Answer>(&there).unwrap(), answer, "{there}");
        }
        assert!(!bare.contains("evidence"), "{bare}");
    }

    #[test]
    fn the_newest_window_is_left_out_while_there_is_more_to_learn() {
        let windows = vec![TimeRange::new(0, 10), TimeRange::new(10, 20)];
        let mut ask = Ask::of_windows(windows.clone(), 10);
        assert_eq!(ask.windows(), [None, Some(windows[0]), Some(windows[1])]);
        assert_eq!(ask.newest(), Some(windows[1]));
        (ask.more, ask.window) = (false, TimeRange::new(20, 30));
        assert_eq!(ask.newest(), Some(TimeRange::new(20, 30)));
    }
}
