//! Drift: how far the sessions of today are from those that a baseline was learned from.

use std::fmt;

use crate::baseline::Baseline;
use crate::endpoints::FIRST_NEW;
use crate::features::{FEATURES, features};
use crate::session::Session;

/// Parts into which the values of a feature are divided.
const N_PARTS: usize = 10;

/// From this index on a feature has shifted; usual in scoring of credits.
const LARGE_INDEX: f64 = 0.25;

/// From this share of calls at endpoints that were not learned on, the application has changed.
const LARGE_NEW_SHARE: f64 = 0.05;

/// Fewer sessions say nothing.
const MIN_SESSIONS: usize = 50;

/// Features told in words.
const N_TOLD: usize = 3;

/// How far the sessions of late have drifted from those that a baseline was learned from.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The population stability index of each feature, largest first.
    pub features: Vec<(usize, f64)>,
    /// The share of calls at endpoints that exist and were not learned.
    pub new_share: f64,
}

impl Drift {
    /// Compares sessions to a baseline; `None` if there are too few. Leave out those that are flagged: the baseline is of normal
    /// ones. Cost: that of their features.
    #[must_use]
    pub fn new(baseline: &Baseline, sessions: &[&Session]) -> Option<Self> {
        if sessions.len() < MIN_SESSIONS {
            return None;
        }
        let rows: Vec<Vec<f64>> = sessions.iter().map(|session| features(session, baseline, false)).collect();
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let nodes = || sessions.iter().flat_map(|session| &session.nodes);
        let n_new: u32 = nodes().filter(|(id, _)| **id >= FIRST_NEW).map(|(_, node)| node.n).sum();
        let n: u32 = nodes().map(|(_, node)| node.n).sum();
        Self::of_rows(baseline, &rows, f64::from(n_new) / f64::from(n.max(1)))
    }

    /// As [`Drift::new`], of the features of sessions and the share of their calls at endpoints that were not learned.
    pub(crate) fn of_rows(baseline: &Baseline, rows: &[&[f64]], new_share: f64) -> Option<Self> {
        if rows.len() < MIN_SESSIONS {
            return None;
        }
        let index = |i: usize| (i, stability(baseline.values(i), rows.iter().map(|row| row[i])));
        let mut features: Vec<(usize, f64)> = (0..FEATURES.len()).map(index).collect();
        features.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Some(Self { features, new_share })
    }

    /// Whether a model should be learned again.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.new_share >= LARGE_NEW_SHARE
            || self.features.first().is_some_and(|(_, index)| *index >= LARGE_INDEX)
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} % of calls are at endpoints that were not learned", self.new_share * 100.0)?;
        let shifted = self.features.iter().filter(|(_, index)| *index >= LARGE_INDEX).take(N_TOLD);
        let names: Vec<String> =
            shifted.map(|(i, index)| format!("{} ({index:.2})", FEATURES[*i].name)).collect();
        if names.is_empty() {
            Ok(())
        } else {
            write!(f, "; features that shifted most: {}", names.join(", "))
        }
    }
}

/// The population stability index of values beside those of a baseline, which are in ascending order: 0 if they are spread
/// alike. Parts without values count as if they had half a one.
///
/// Source: N. Siddiqi, "Credit risk scorecards", 2006.
fn stability(known: &[f64], values: impl Iterator<Item = f64>) -> f64 {
    // Between different values, so that one that moved a little stays in its part.
    let cut = |part: usize| {
        let below = *known.get(part * known.len() / N_PARTS)?;
        let above = *known.get(known.partition_point(|value| *value <= below))?;
        Some(below / 2.0 + above / 2.0)
    };
    let mut cuts: Vec<f64> = (1..N_PARTS).filter_map(cut).collect();
    cuts.dedup();
    stability_between(&cuts, known.iter().copied(), values)
}

/// As [`stability`], of parts that end at `cuts`, which are in ascending order.
pub(crate) fn stability_between(
    cuts: &[f64],
    known: impl Iterator<Item = f64>,
    values: impl Iterator<Item = f64>,
) -> f64 {
    let part_of = |value: f64| cuts.partition_point(|cut| *cut < value);
    let shares = |values: &mut dyn Iterator<Item = f64>| {
        let mut counts = vec![0.5; cuts.len() + 1];
        values.for_each(|value| counts[part_of(value)] += 1.0);
        let sum: f64 = counts.iter().sum();
        counts.into_iter().map(|count| count / sum).collect::<Vec<f64>>()
    };
    let then = shares(&mut { known });
    let now = shares(&mut values.filter(|value| value.is_finite()));
    then.iter().zip(&now).map(|(then, now)| (now - then) * (now / then).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices() {
        #[track_caller]
        fn check(known: &[f64], values: &[f64], low: f64, high: f64) {
            let found = stability(known, values.iter().copied());
            assert!((low..=high).contains(&found), "{found}");
        }
        let even: Vec<f64> = (0..1_000).map(f64::from).collect();
        let shifted: Vec<f64> = even.iter().map(|x| x + 300.0).collect();
        check(&even, &even, 0.0, 1e-12);
        check(&even, &even[250..750], 1.0, 5.0);
        check(&even, &shifted, 0.5, 5.0);
        check(&[1.0; 100], &[1.0; 50], 0.0, 0.0); // one part only
        check(&[[1.0; 50], [2.0; 50]].concat(), &[[1.01; 50], [2.01; 50]].concat(), 0.0, 1e-12);
        check(&[[0.0; 90], [1.0; 90]].concat(), &[1.0; 50], 1.0, 20.0);
        check(&[], &[1.0], 0.0, 0.0);
    }
}
