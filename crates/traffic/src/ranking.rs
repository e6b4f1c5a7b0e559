//! How unusual a session is, without labels: by how few sessions are like it in each respect.

use crate::baseline::Baseline;
use crate::features::{FEATURES, Tail, features};
use crate::session::Session;

/// The families that count: several features of one family tell the same thing, so only the strongest does.
const N_FAMILIES: usize = 3;

/// Ranks sessions by how rare they are beside a baseline.
#[derive(Debug)]
pub struct Ranking<'a> {
    baseline: &'a Baseline,
}

/// How unusual a session is beside the baseline, and by which features, without labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Unusual {
    /// The sum of the surprise of the three strangest families, in bits: 10 if one session in a thousand is so strange in one
    /// respect. At least 0.
    pub score: f64,
    /// The features that make it so, strongest first, with their values.
    pub features: Vec<(usize, f64)>,
}

impl<'a> Ranking<'a> {
    /// A ranking beside `baseline`.
    #[must_use]
    pub const fn new(baseline: &'a Baseline) -> Self {
        Self { baseline }
    }

    /// How unusual a session is; `own` if it was counted in the baseline itself. Cost: that of its features.
    #[must_use]
    pub fn of(&self, session: &Session, own: bool) -> Unusual {
        let values = features(session, self.baseline, own);
        let mut strange: Vec<(f64, usize)> = values
            .iter()
            .enumerate()
            .filter_map(|(i, &value)| self.surprise(i, value).map(|surprise| (surprise, i)))
            .collect();
        strange.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut families: Vec<&str> = Vec::new();
        strange.retain(|(_, i)| {
            let family = FEATURES[*i].family;
            let is_first = !families.contains(&family);
            families.push(family);
            is_first
        });
        strange.truncate(N_FAMILIES);
        let score = strange.iter().map(|(surprise, _)| surprise).sum();
        Unusual { score, features: strange.into_iter().map(|(_, i)| (i, values[i])).collect() }
    }

    /// How surprising a value is, in bits; `None` if it is not unusual at all.
    pub(crate) fn surprise(&self, i: usize, value: f64) -> Option<f64> {
        if value.is_nan() {
            return None;
        }
        let share = match FEATURES[i].tail {
            Tail::High => self.baseline.share_from(i, value),
            Tail::Low => self.baseline.share_up_to(i, value),
            Tail::Neither => return None,
        };
        (share < 0.5).then(|| -share.log2())
    }
}
