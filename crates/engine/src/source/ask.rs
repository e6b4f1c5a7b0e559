//! What is asked of a source, and what it answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::{Group, TimeRange};

use super::join::joined;
use crate::rule::Rule;

/// One evaluation that is due.
#[derive(Debug, Clone)]
pub struct Due {
    /// The rule.
    pub rule: Arc<Rule>,
    /// The window to measure.
    pub window: TimeRange,
    /// Earlier windows to measure, nearest first; `None` where a clock change skipped one. To compare with, or
    /// to learn from.
    pub baselines: Vec<Option<TimeRange>>,
    /// Whether there is more to learn before `window` can be judged, so that it need not be measured yet.
    pub more: bool,
    /// Windows that late events hardly reach any more: what they come to is worth keeping.
    pub settled: Vec<TimeRange>,
    /// Groups to measure even when nothing of them is found: those with a tracked alert, in order.
    pub known: Vec<Group>,
    /// When it was due, milliseconds since the Unix epoch.
    pub due_ms: i64,
    /// Whether it comes so late that Lanner must have been down.
    pub late: bool,
}

impl Due {
    /// The windows to measure: first the newest, unless there is more to learn, then [`Due::baselines`].
    #[must_use]
    pub fn windows(&self) -> Vec<Option<TimeRange>> {
        let newest = (!self.more).then_some(self.window);
        std::iter::once(newest).chain(self.baselines.iter().copied()).collect()
    }

    /// The latest of them.
    #[must_use]
    pub fn newest(&self) -> Option<TimeRange> {
        self.windows().into_iter().flatten().max_by_key(|window| window.end_ms)
    }
}

/// What a source measured for one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The group.
    pub group: Group,
    /// The window's value; `None` when it holds nothing to measure.
    pub value: Option<f64>,
    /// The earlier windows' values, in the order of [`Due::baselines`].
    pub baselines: Vec<Option<f64>>,
    /// Whether the group is too new to be judged.
    pub is_new: bool,
}

/// What a source measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readings {
    /// One for each group found or known, each group once; sooner judged where they are in order.
    pub groups: Vec<Reading>,
    /// When the source's data begins, milliseconds since the Unix epoch; `None` when it has none.
    pub first_data_ms: Option<i64>,
}

/// What a source answered: readings, or a sentence that says why there are none.
pub type Answer = Result<Readings, String>;

/// Something that answers what is due.
pub trait Source {
    /// Measures what `due` asks for.
    fn answer(&mut self, due: &Due) -> Answer;
}

/// Joins what was read of a window and of its baselines, group by group; known groups are always there.
#[must_use]
pub fn gather(
    due: &Due,
    now: Vec<(Group, Option<f64>)>,
    baselines: &[Vec<(Group, Option<f64>)>],
) -> Vec<Reading> {
    let n_baselines = due.baselines.len();
    let nothing = due.rule.query.value_when_empty();
    let empty = || (nothing, vec![None; n_baselines]);
    let mut groups: BTreeMap<Group, (Option<f64>, Vec<Option<f64>>)> =
        due.known.iter().map(|group| (group.clone(), empty())).collect();
    for (group, value) in now {
        groups.entry(group).or_insert_with(empty).0 = value;
    }
    for (at, base) in baselines.iter().enumerate() {
        for (group, value) in base {
            // A group that was there then and is gone now is measured too: it may have fallen to nothing.
            groups.entry(group.clone()).or_insert_with(empty).1[at] = *value;
        }
    }
    groups
        .into_iter()
        .map(|(group, (value, baselines))| Reading { group, value, baselines, is_new: false })
        .collect()
}

/// The values of a group, window by window; `None` where there is nothing.
pub type GroupValues = (Group, Vec<Option<f64>>);

/// The values of [`Due::windows`], in order of their groups, as readings; known groups are always there.
#[must_use]
pub fn readings(due: &Due, values: Vec<GroupValues>) -> Vec<Reading> {
    let known = due.known.iter().map(|group| (group.clone(), ()));
    let reading = |(group, values, _): (Group, Option<Vec<Option<f64>>>, Option<()>)| {
        let mut values = values.unwrap_or_default().into_iter();
        Reading { group, value: values.next().flatten(), baselines: values.collect(), is_new: false }
    };
    joined(values, known).map(reading).collect()
}
