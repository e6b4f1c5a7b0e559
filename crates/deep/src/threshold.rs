//! Thresholds from scores of rows that the method had not seen.

use lanner_detect::threshold::{PotParams, Spot, Update};
use serde::{Deserialize, Serialize};

/// How a threshold is set from held-out scores. Changing it needs no training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// What a usual row exceeds with a given probability, by the distribution of the highest scores.
    PeaksOverThreshold {
        /// The probability, above 0 and below 1.
        risk: f64,
        /// The share of scores below the tail that is looked at, 0 or above and below 1; as many as leave enough to look at, if not
        /// given.
        level: Option<f64>,
    },
    /// What separates the highest scores from the others best. It never looks at a number of alarms.
    Epsilon,
    /// What so many alarms a day exceed.
    AlarmsPerDay(f64),
}

/// Alarms with fewer rows between them are one.
const MERGED_WITHIN: usize = 10;

/// No threshold is below this quantile of the held-out scores.
const FLOOR: f64 = 0.98;

/// Places between that quantile and the highest score where a threshold is looked for.
const N_CANDIDATES: usize = 200;

/// No threshold is above so many times the highest held-out score: a tail that reaches farther says more than the rows did.
pub(crate) const MOST: f64 = 2.0;

/// A tail is fitted to so many scores at least, where there are as many.
const MIN_PEAKS: f64 = 20.0;

impl Rule {
    /// What is wrong with it.
    pub(crate) fn problem(self) -> Option<String> {
        match self {
            Self::PeaksOverThreshold { risk, .. } if !(risk > 0.0 && risk < 1.0) => {
                Some(format!("the risk is {risk}, which should be above 0 and below 1"))
            }
            Self::PeaksOverThreshold { level: Some(level), .. } if !(0.0..1.0).contains(&level) => {
                Some(format!("the level is {level}, which should be 0 or above and below 1"))
            }
            Self::AlarmsPerDay(budget) if !(budget > 0.0 && budget.is_finite()) => {
                Some(format!("{budget} alarms a day cannot be aimed at; give a number above 0"))
            }
            _ => None,
        }
    }

    /// The threshold for `scores`, oldest first, of which `rows_per_day` come in a day; NaN is left out.
    ///
    /// Never below the 98th percentile, whatever the rule says: a threshold that a fiftieth of usual rows exceeds is none. Never
    /// above twice the highest score.
    #[must_use]
    pub fn threshold(self, scores: &[f32], rows_per_day: f64) -> f64 {
        let mut sorted: Vec<f32> = scores.iter().copied().filter(|score| score.is_finite()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let found = match self {
            Self::PeaksOverThreshold { risk, level } => peaks_over_threshold(&sorted, risk, level),
            Self::Epsilon => epsilon(scores, &sorted),
            Self::AlarmsPerDay(budget) => alarms_per_day(scores, &sorted, budget, rows_per_day),
        };
        let floor = quantile(&sorted, FLOOR).max(f64::MIN_POSITIVE);
        let most = MOST * sorted.last().copied().map_or(f64::INFINITY, f64::from);
        if found.is_finite() { found.min(most).max(floor) } else { floor }
    }
}

/// How many alarms there are: rows that are `above`, those close together counted once.
pub(crate) fn n_alarms(above: impl Iterator<Item = bool>) -> usize {
    let mut last: Option<usize> = None;
    let above = above.enumerate().filter(|(_, is_above)| *is_above).map(|(at, _)| at);
    above.filter(|at| last.replace(*at).is_none_or(|last| at - last > MERGED_WITHIN)).count()
}

fn n_above(scores: &[f32], threshold: f64) -> usize {
    n_alarms(scores.iter().map(|score| f64::from(*score) > threshold))
}

fn quantile(sorted: &[f32], share: f64) -> f64 {
    let rank = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(rank).copied().map_or(0.0, f64::from)
}

/// Where the tail of `n` scores begins: at the level that is wanted, or lower where that would leave too few to look at.
pub(crate) fn level_of(n: usize, wanted: Option<f64>) -> f64 {
    (1.0 - MIN_PEAKS / n.max(1) as f64).max(0.5).min(wanted.unwrap_or(FLOOR))
}

fn peaks_over_threshold(sorted: &[f32], risk: f64, level: Option<f64>) -> f64 {
    let initial_quantile = level_of(sorted.len(), level);
    let values: Vec<f64> = sorted.iter().copied().map(f64::from).collect();
    let params = PotParams { risk, initial_quantile, update: Update::Freeze, ..PotParams::default() };
    Spot::calibrate(params, &values).map_or(f64::NAN, |spot| spot.value())
}

/// # Source
/// K. Hundman et al., "Detecting spacecraft anomalies using LSTMs and nonparametric dynamic thresholding", KDD 2018, with the
/// second regularisation of ML4ITS/mtad-gat-pytorch.
fn epsilon(scores: &[f32], sorted: &[f32]) -> f64 {
    let (mean, deviation) = moments(sorted.iter().copied());
    let mut best = (0.0, sorted.last().copied().map_or(f64::NAN, f64::from));
    for half_steps in 5..24_u8 {
        let threshold = mean + f64::from(half_steps) / 2.0 * deviation;
        let below = sorted.partition_point(|score| f64::from(*score) < threshold);
        let widened = n_widened(scores, threshold);
        if below == sorted.len() || below == 0 || 2 * widened >= scores.len() {
            continue;
        }
        let (mean_below, deviation_below) = moments(sorted.iter().copied().take(below));
        let drop = (mean - mean_below) / mean + (deviation - deviation_below) / deviation;
        if drop / widened as f64 >= best.0 {
            best = (drop / widened as f64, threshold);
        }
    }
    best.1
}

/// Rows within 49 of one above the threshold.
fn n_widened(scores: &[f32], threshold: f64) -> usize {
    const WIDENED_BY: usize = 49;
    let (mut n, mut end) = (0, 0);
    let above = scores.iter().enumerate().filter(|(_, score)| f64::from(**score) >= threshold);
    for (at, _) in above {
        let from = at.saturating_sub(WIDENED_BY).max(end);
        end = (at + WIDENED_BY + 1).min(scores.len());
        n += end - from;
    }
    n
}

fn moments(values: impl Iterator<Item = f32> + Clone) -> (f64, f64) {
    let n = values.clone().count().max(1) as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / n;
    let variance = values.map(|value| (f64::from(value) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// The lowest score that keeps within the budget; where the held-out rows are too few to show one alarm, the tail says it.
fn alarms_per_day(scores: &[f32], sorted: &[f32], budget: f64, rows_per_day: f64) -> f64 {
    let allowed = budget * sorted.len() as f64 / rows_per_day;
    if allowed < 1.0 {
        return peaks_over_threshold(sorted, (budget / rows_per_day).clamp(1e-12, 0.5), None);
    }
    // From the top down: far below, all rows run together into few alarms again.
    let n_tail = (sorted.len() as f64 * (1.0 - FLOOR)) as usize;
    let candidates =
        (0..=N_CANDIDATES).filter_map(|step| sorted.iter().rev().nth(step * n_tail / N_CANDIDATES));
    let within = candidates
        .map(|score| f64::from(*score))
        .take_while(|score| n_above(scores, *score) as f64 <= allowed);
    within.last().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores of an exponential distribution in a mixed order, a hundred days of a hundred rows.
    fn exponential() -> Vec<f32> {
        let mut ranks: Vec<usize> = (0..10_000).collect();
        crate::random::Random::new(1).shuffle(&mut ranks);
        ranks.into_iter().map(|rank| -((rank as f32 + 0.5) / 10_000.0).ln()).collect()
    }

    #[test]
    fn thresholds_of_a_known_distribution() {
        let scores = exponential();
        // One in ten thousand exceeds ln(10,000) = 9.2.
        let found = Rule::PeaksOverThreshold { risk: 1e-4, level: None }.threshold(&scores, 100.0);
        assert!((8.5..10.0).contains(&found), "{found}");
        // One in a hundred exceeds ln(100) = 4.6; some of them are close together, so it may be somewhat lower.
        let found = Rule::AlarmsPerDay(1.0).threshold(&scores, 100.0);
        assert!((4.3..4.7).contains(&found), "{found}");
        assert!((97..=100).contains(&n_above(&scores, found)));
        // Too few days to count: one in 100,000 exceeds 11.5.
        let found = Rule::AlarmsPerDay(0.001).threshold(&scores, 100.0);
        assert!((10.5..13.0).contains(&found), "{found}");
    }

    #[test]
    fn the_level_says_where_the_tail_begins() {
        // A tail that begins late: what lies below the level does not count.
        let mut scores = exponential();
        scores.iter_mut().filter(|score| **score > 5.0).for_each(|score| *score = 5.0 + 3.0 * (*score - 5.0));
        let at = |level| Rule::PeaksOverThreshold { risk: 1e-4, level }.threshold(&scores, 100.0);
        // One in ten thousand exceeds 5 + 3 (9.2 - 5) = 17.6.
        assert!((15.0..20.0).contains(&at(Some(0.9933))), "{}", at(Some(0.9933)));
        assert!(at(Some(0.9)) != at(Some(0.99)) && at(None) == at(Some(0.98)), "{}", at(None));
        // No level leaves fewer than twenty scores to look at.
        assert_eq!(at(Some(0.9999)), at(Some(0.998)));
    }

    #[test]
    fn epsilon_separates() {
        let mut scores = exponential();
        scores[500..520].fill(60.0);
        let found = Rule::Epsilon.threshold(&scores, 100.0);
        assert!((9.0..60.0).contains(&found), "{found}");
    }

    #[test]
    fn whatever_the_scores_there_is_a_threshold() {
        for scores in [&[][..], &[0.0; 500], &[1.0; 3], &[f32::NAN; 9], &[0.0, 1e30, 0.0]] {
            let peaks = |level| Rule::PeaksOverThreshold { risk: 0.001, level };
            for rule in [peaks(None), peaks(Some(0.99)), Rule::Epsilon, Rule::AlarmsPerDay(1.0)] {
                let found = rule.threshold(scores, 1440.0);
                assert!(found > 0.0 && found.is_finite(), "{rule:?} {scores:?}: {found}");
            }
        }
    }

    #[test]
    fn alarms_close_together_are_one() {
        let mut scores = [0.0; 100];
        scores[3] = 2.0;
        scores[13] = 2.0;
        scores[24] = 2.0;
        assert_eq!(n_above(&scores, 1.0), 2);
    }
}
