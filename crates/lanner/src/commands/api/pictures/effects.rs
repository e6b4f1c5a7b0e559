//! What features contribute: over many sessions, and session by session.

use lanner_traffic::{FEATURES, Model, NormalRange, Session};

/// Sessions that are explained, and those of them that are drawn.
const MAX_EXPLAINED: usize = 2_000;
const MAX_DOTS: usize = 400;

/// A session, by one feature.
pub(super) struct Dot {
    pub(super) value: f64,
    /// What the value multiplies the odds with.
    pub(super) odds: f64,
    pub(super) is_anomalous: bool,
}

/// What a feature contributes.
pub(super) struct Effect {
    pub(super) feature: usize,
    /// The mean of its contributions, whichever way they go, in logarithms of odds.
    pub(super) mean: f64,
    pub(super) dots: Vec<Dot>,
    /// Sessions without a value, which have no dot.
    pub(super) n_missing: usize,
    pub(super) normal: Option<NormalRange>,
}

/// All features that contribute, the strongest first. Anomalous sessions are all explained as far as possible, as there are few.
pub(super) fn effects(model: &Model, sessions: &[&Session], labels: &[bool]) -> Vec<Effect> {
    let new = |feature| Effect {
        feature,
        mean: 0.0,
        dots: Vec::new(),
        n_missing: 0,
        normal: model.baseline.normal(feature),
    };
    let mut effects: Vec<Effect> = (0..FEATURES.len()).map(new).collect();
    let explained = evenly(sessions.len(), MAX_EXPLAINED);
    let drawn = explained.len().div_ceil(MAX_DOTS).max(1);
    for (nth, &i) in explained.iter().enumerate() {
        for part in model.waterfall(sessions[i]).amounts {
            let effect = &mut effects[part.feature];
            effect.mean += part.amount.abs() / explained.len() as f64;
            let is_drawn = nth % drawn == 0 || labels[i];
            if part.value.is_nan() {
                effect.n_missing += usize::from(is_drawn);
            } else if is_drawn {
                let (value, odds) = (part.value, part.amount.exp());
                effect.dots.push(Dot { value, odds, is_anomalous: labels[i] });
            }
        }
    }
    effects.retain(|effect| effect.mean > 0.0);
    effects.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    effects
}

/// At most so many of the numbers below `n`, evenly spread.
fn evenly(n: usize, most: usize) -> Vec<usize> {
    let step = n.div_ceil(most).max(1);
    (0..n).step_by(step).collect()
}
