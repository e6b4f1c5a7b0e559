//! The session most like another one among those that pass: somebody who did nearly the same and is not flagged.

use crate::baseline::Baseline;
use crate::features::{FEATURES, features};
use crate::model::Model;
use crate::session::Session;

/// Features that are told of, in which two sessions differ most.
const MAX_DIFFERENCES: usize = 3;

/// Smaller differences are not told of: a tenth of all normal sessions lies between the two values.
const MIN_DIFFERENCE: f64 = 0.1;

/// Sessions that a model does not flag, for others to be compared with.
#[derive(Debug)]
pub struct Passing<'a> {
    model: &'a Model,
    sessions: Vec<(&'a Session, Seen)>,
}

/// The session that passes and is most like another.
#[derive(Debug, Clone)]
pub struct Nearest<'a> {
    /// The session.
    pub session: &'a Session,
    /// The features in which the two differ most, strongest first, with the values of the one that passes.
    pub differences: Vec<(usize, f64)>,
}

/// The values of a session, and the share of normal sessions below each.
#[derive(Debug)]
struct Seen {
    values: Vec<f64>,
    ranks: Vec<f64>,
}

impl<'a> Passing<'a> {
    /// Those among `sessions` that `model` does not flag. Cost: that of scoring each.
    #[must_use]
    pub fn new(model: &'a Model, sessions: &'a [Session]) -> Self {
        let seen = sessions.iter().map(|session| (session, Seen::new(session, &model.baseline)));
        let sessions = seen.filter(|(_, seen)| !model.score_row(&seen.values, 0).is_flagged).collect();
        Self { model, sessions }
    }

    /// The one most like `session`, by how many normal sessions lie between the two in each feature; the first of equals, and never
    /// `session` itself. `None` if no other passes. Cost: the features of all that pass.
    #[must_use]
    pub fn nearest(&self, session: &Session) -> Option<Nearest<'a>> {
        let seen = Seen::new(session, &self.model.baseline);
        let others = self.sessions.iter().filter(|(other, _)| !std::ptr::eq(*other, session));
        let distances = others.map(|other| (other, seen.differences(&other.1).sum::<f64>()));
        let ((nearest, of_nearest), _) = distances.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let mut differences: Vec<(usize, f64)> = seen.differences(of_nearest).enumerate().collect();
        differences.retain(|(_, difference)| *difference >= MIN_DIFFERENCE);
        differences.sort_by(|a, b| b.1.total_cmp(&a.1));
        differences.truncate(MAX_DIFFERENCES);
        let values = differences.into_iter().map(|(feature, _)| (feature, of_nearest.values[feature]));
        Some(Nearest { session: nearest, differences: values.collect() })
    }
}

impl Seen {
    fn new(session: &Session, baseline: &Baseline) -> Self {
        let values = features(session, baseline, false);
        let ranks = (0..FEATURES.len()).map(|i| rank(baseline.values(i), values[i])).collect();
        Self { values, ranks }
    }

    /// How far two sessions are apart in each feature, from 0 to 1; where only one has a value, that is far.
    fn differences<'b>(&'b self, other: &'b Self) -> impl Iterator<Item = f64> + 'b {
        self.ranks.iter().zip(&other.ranks).map(|(a, b)| match (a.is_nan(), b.is_nan()) {
            (true, true) => 0.0,
            (false, false) => (a - b).abs(),
            _ => 1.0,
        })
    }
}

/// The share of values below one, those equal to it counted half; NaN for none.
fn rank(values: &[f64], value: f64) -> f64 {
    if value.is_nan() || values.is_empty() {
        return f64::NAN;
    }
    let n_below = values.partition_point(|other| *other < value);
    let n_up_to = values.partition_point(|other| *other <= value);
    (n_below + n_up_to) as f64 / (2 * values.len()) as f64
}
