//! Values of windows, gathered into readings: one a group.

use std::collections::BTreeMap;

use lanner_core::{Ask, Group, Reading};

use super::join::joined;

/// The values of a group, window by window; `None` where there is nothing.
pub type GroupValues = (Group, Vec<Option<f64>>);

/// Joins what was read of a window and of its baselines, group by group; known groups are always there.
///
/// - `nothing`: what a window comes to for a group that is not found in it.
#[must_use]
pub fn gather(
    ask: &Ask,
    nothing: Option<f64>,
    now: Vec<(Group, Option<f64>)>,
    baselines: &[Vec<(Group, Option<f64>)>],
) -> Vec<Reading> {
    let n_baselines = ask.baselines.len();
    let empty = || (nothing, vec![None; n_baselines]);
    let mut groups: BTreeMap<Group, (Option<f64>, Vec<Option<f64>>)> =
        ask.known.iter().map(|group| (group.clone(), empty())).collect();
    for (group, value) in now {
        groups.entry(group).or_insert_with(empty).0 = value;
    }
    for (at, base) in baselines.iter().enumerate() {
        for (group, value) in base {
            // A group that was there then and is gone now is measured too: it may have fallen to nothing.
            groups.entry(group.clone()).or_insert_with(empty).1[at] = *value;
        }
    }
    let reading = |(group, (value, baselines))| Reading::new(group, value, baselines);
    groups.into_iter().map(reading).collect()
}

/// The values of [`Ask::windows`], in order of their groups, as readings; known groups are always there.
#[must_use]
pub fn readings(ask: &Ask, values: Vec<GroupValues>) -> Vec<Reading> {
    let known = ask.known.iter().map(|group| (group.clone(), ()));
    let reading = |(group, values, _): (Group, Option<Vec<Option<f64>>>, Option<()>)| {
        let mut values = values.unwrap_or_default().into_iter();
        Reading::new(group, values.next().flatten(), values.collect())
    };
    joined(values, known).map(reading).collect()
}
