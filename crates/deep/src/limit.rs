//! The threshold from row to row: it stays where training put it, or follows the scores that come.

use lanner_detect::threshold::{DSpot, PotParams, PotState, Spot};
use serde::{Deserialize, Serialize};

use crate::level::Level;
use crate::threshold::{MOST, Rule, level_of, n_alarms};

/// How a threshold goes on after training. Changing it needs no training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// It stays.
    Stay,
    /// It is higher by as much as scores of the last days are above those of training, and never lower: by the mean of those that were no
    /// alarms, or the median of all, whichever rose more.
    ///
    /// What lasts for more than half of these days becomes usual.
    Level {
        /// How many days, above 0.
        days: f64,
    },
    /// It learns from scores that are high and no alarms (streaming peaks over threshold).
    Peaks,
    /// The same, around the mean of the last scores that were no alarms: what drifts slowly stays usual, a jump does not.
    Drift {
        /// How many scores, from 1 to 100,000.
        rows: usize,
    },
}

/// The threshold as it stands, in units of the method: between two rows it can be kept, and read again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// No threshold is below it, and none that follows peaks above the second: a tail that reaches farther says more than the rows did.
    floor: f64,
    most: f64,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Stay(f64),
    Level { threshold: f64, level: Level },
    Tail(Tail),
}

/// Peaks that are kept: the fit looks at the latest ones.
const MAX_PEAKS: usize = 1_000;

/// The most scores that a mean is of.
const MAX_DRIFT: usize = 100_000;

impl Follow {
    /// What is wrong with it, for thresholds that are set by `rule`.
    pub(crate) fn problem(self, rule: Rule) -> Option<String> {
        let is_tail = matches!(rule, Rule::PeaksOverThreshold { .. });
        match self {
            Self::Level { days } if !(days > 0.0 && days.is_finite()) => {
                Some(format!("the level of {days} days cannot be followed; give a number above 0"))
            }
            Self::Drift { rows } if !(1..=MAX_DRIFT).contains(&rows) => {
                Some(format!("the mean of {rows} scores cannot be followed; give 1 to {MAX_DRIFT}"))
            }
            Self::Peaks | Self::Drift { .. } if !is_tail => {
                Some("only a threshold that is set by a risk can follow peaks or a drift".to_owned())
            }
            _ => None,
        }
    }
}

impl Limit {
    /// Sets a threshold by `scores` of usual rows, oldest first, of which `rows_per_day` come in a day; NaN is left out.
    ///
    /// `floor`: no threshold is below it. Cost: O(n log n).
    #[must_use]
    pub fn new(rule: Rule, follow: Follow, scores: &[f32], rows_per_day: f64, floor: f64) -> Self {
        let state = match (follow, rule) {
            (Follow::Level { days }, _) => {
                let level = Level::new(scores, days * rows_per_day);
                let threshold = rule.threshold(&level.over(scores), rows_per_day).max(floor);
                State::Level { threshold, level }
            }
            (Follow::Peaks | Follow::Drift { .. }, Rule::PeaksOverThreshold { risk, level }) => {
                match Tail::new(follow, (risk, level), scores) {
                    Some(tail) => State::Tail(tail),
                    None => State::Stay(rule.threshold(scores, rows_per_day).max(floor)),
                }
            }
            _ => State::Stay(rule.threshold(scores, rows_per_day).max(floor)),
        };
        let highest = scores.iter().copied().filter(|score| score.is_finite()).fold(0.0, f32::max);
        let mut limit = Self { floor, most: (MOST * f64::from(highest)).max(floor), state };
        if let State::Level { level, .. } = &limit.state {
            let last = scores.len().saturating_sub(2 * level.n_rows());
            scores.iter().skip(last).for_each(|score| limit.push(*score));
        }
        limit
    }

    /// The threshold for the next score.
    #[must_use]
    pub fn value(&self) -> f64 {
        match &self.state {
            State::Stay(threshold) => *threshold,
            State::Level { threshold, level } => threshold + level.rise(),
            State::Tail(tail @ Tail::Peaks { .. }) => tail.value().min(self.most).max(self.floor),
            State::Tail(tail @ Tail::Drift { .. }) => tail.value().max(self.floor),
        }
    }

    /// Learns from a score. NaN says nothing.
    pub fn push(&mut self, score: f32) {
        match &mut self.state {
            State::Level { threshold, level } if score.is_finite() => {
                let is_alarm = f64::from(score) > *threshold + level.rise();
                level.push(score, is_alarm);
            }
            State::Tail(tail) => tail.push(f64::from(score)),
            _ => {}
        }
    }

    /// Alarms among the scores that it was set by, had it been there from the first of them on, and `factor` times as high.
    pub(crate) fn n_alarms_above(&self, factor: f64, scores: &[f32]) -> usize {
        let mut limit = self.clone();
        if let State::Level { level, .. } = &mut limit.state {
            level.clear();
        }
        n_alarms(scores.iter().map(|score| {
            let is_above = f64::from(*score) > factor * limit.value();
            limit.push(*score);
            is_above
        }))
    }
}

/// A tail that is followed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "KeptTail", into = "KeptTail")]
enum Tail {
    Peaks { risk: f64, spot: Spot },
    Drift { risk: f64, spot: DSpot },
}

/// As it is kept.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct KeptTail {
    risk: f64,
    initial: f64,
    threshold: f64,
    peaks: Vec<f64>,
    n_peaks: u64,
    n: u64,
    /// The last scores that were no alarms, where their mean is followed.
    recent: Option<Vec<f64>>,
}

impl PartialEq for Tail {
    fn eq(&self, other: &Self) -> bool {
        KeptTail::from(self.clone()) == KeptTail::from(other.clone())
    }
}

fn params(risk: f64) -> PotParams {
    PotParams { risk, max_peaks: Some(MAX_PEAKS), ..PotParams::default() }
}

impl TryFrom<KeptTail> for Tail {
    type Error = String;
    fn try_from(kept: KeptTail) -> Result<Self, String> {
        let KeptTail { risk, initial, threshold, peaks, n_peaks, n, recent } = kept;
        let (params, state) = (params(risk), PotState { initial, threshold, peaks, n_peaks, n });
        let tail = match recent {
            None => Spot::resume(params, &state).map(|spot| Self::Peaks { risk, spot }),
            Some(recent) => DSpot::resume(params, &state, &recent).map(|spot| Self::Drift { risk, spot }),
        };
        tail.map_err(|error| error.to_string())
    }
}

impl From<Tail> for KeptTail {
    fn from(tail: Tail) -> Self {
        let (risk, state, recent) = match tail {
            Tail::Peaks { risk, spot } => (risk, spot.state(), None),
            Tail::Drift { risk, spot } => (risk, spot.differences().state(), Some(spot.recent())),
        };
        let PotState { initial, threshold, peaks, n_peaks, n } = state;
        Self { risk, initial, threshold, peaks, n_peaks, n, recent }
    }
}

impl Tail {
    /// `None` for scores that are too few.
    fn new(follow: Follow, (risk, level): (f64, Option<f64>), scores: &[f32]) -> Option<Self> {
        let finite = scores.iter().copied().filter(|score| score.is_finite()).map(f64::from);
        let values: Vec<f64> = finite.collect();
        let params = PotParams { initial_quantile: level_of(values.len(), level), ..params(risk) };
        Self::calibrate(follow, params, &values)
    }

    fn calibrate(follow: Follow, params: PotParams, values: &[f64]) -> Option<Self> {
        let risk = params.risk;
        match follow {
            Follow::Drift { rows } => {
                let spot = DSpot::calibrate(params, values, rows.min(values.len() / 2).max(1)).ok()?;
                Some(Self::Drift { risk, spot })
            }
            _ => Some(Self::Peaks { risk, spot: Spot::calibrate(params, values).ok()? }),
        }
    }

    fn value(&self) -> f64 {
        match self {
            Self::Peaks { spot, .. } => spot.value(),
            Self::Drift { spot, .. } => spot.value(),
        }
    }

    fn push(&mut self, score: f64) {
        match self {
            Self::Peaks { spot, .. } => _ = spot.push(score),
            Self::Drift { spot, .. } => _ = spot.push(score),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exponential scores in a mixed order, `level` higher.
    fn scores(n: usize, level: f32) -> Vec<f32> {
        let mut random = crate::random::Random::new(n as u64);
        (0..n).map(|_| level - (1.0 - random.unit()).ln()).collect()
    }

    const PEAKS: Rule = Rule::PeaksOverThreshold { risk: 1e-3, level: None };

    fn n_alarms_of(limit: &mut Limit, scores: &[f32]) -> usize {
        let above = |score: &f32| {
            let is_above = f64::from(*score) > limit.value();
            limit.push(*score);
            is_above
        };
        scores.iter().map(above).filter(|is_above| *is_above).count()
    }

    #[test]
    fn a_new_level_becomes_usual_and_a_short_one_does_not() {
        let usual = scores(2_000, 0.0);
        let limit = |follow| Limit::new(Rule::AlarmsPerDay(1.0), follow, &usual, 100.0, 0.0);
        let later = scores(1_000, 8.0);
        // Ten alarms would come of usual scores: without following, all are alarms; else half of two days, and then few.
        assert!(n_alarms_of(&mut limit(Follow::Stay), &later) > 950);
        let n = n_alarms_of(&mut limit(Follow::Level { days: 2.0 }), &later);
        assert!((95..140).contains(&n), "{n}");
        // An incident of a quarter of the days hardly moves it.
        let mut followed = limit(Follow::Level { days: 4.0 });
        let before = followed.value();
        n_alarms_of(&mut followed, &later[..100]);
        assert!((followed.value() - before).abs() < 0.6, "{} {before}", followed.value());
        // What is lower than usual lowers nothing.
        n_alarms_of(&mut followed, &vec![0.0; 1_000]);
        assert!(followed.value() <= before);
    }

    #[test]
    fn the_first_of_a_new_level_count_at_once_where_they_are_no_alarms() {
        let usual = scores(2_000, 0.0);
        let mut limit = Limit::new(Rule::AlarmsPerDay(1.0), Follow::Level { days: 4.0 }, &usual, 100.0, 0.0);
        let before = limit.value();
        // A fifth of four days is 3 higher on average: the mean rises by 0.6, the median by half of that.
        n_alarms_of(&mut limit, &[4.0; 80]);
        assert!((0.4..0.7).contains(&(limit.value() - before)), "{} {before}", limit.value());
    }

    #[test]
    fn peaks_and_drift_are_learned() {
        let usual = scores(2_000, 0.0);
        let rising: Vec<f32> =
            scores(4_000, 0.0).iter().enumerate().map(|(at, score)| score + at as f32 / 200.0).collect();
        let limit = |follow| Limit::new(PEAKS, follow, &usual, 100.0, 0.0);
        assert!(n_alarms_of(&mut limit(Follow::Stay), &rising) > 2_000);
        let n = n_alarms_of(&mut limit(Follow::Drift { rows: 50 }), &rising);
        assert!(n < 20, "{n}");
        // Twice as wide a distribution: the tail is learned as far as it is no alarm.
        let wider: Vec<f32> = scores(4_000, 0.0).iter().map(|score| 2.0 * score).collect();
        let (stays, learns) =
            (n_alarms_of(&mut limit(Follow::Stay), &wider), n_alarms_of(&mut limit(Follow::Peaks), &wider));
        assert!(5 * learns < 4 * stays, "{learns} {stays}");
    }

    #[test]
    fn what_is_kept_goes_on() {
        let (usual, later) = (scores(700, 0.0), scores(900, 0.5));
        for follow in [Follow::Stay, Follow::Level { days: 3.0 }, Follow::Peaks, Follow::Drift { rows: 30 }] {
            let mut limit = Limit::new(PEAKS, follow, &usual, 100.0, 0.0);
            n_alarms_of(&mut limit, &later[..450]);
            let text = serde_json::to_string(&limit).unwrap();
            let mut again: Limit = serde_json::from_str(&text).unwrap();
            for score in &later[450..] {
                assert!((limit.value() - again.value()).abs() < 1e-9 * limit.value(), "{follow:?}");
                limit.push(*score);
                again.push(*score);
            }
        }
        let damaged = r#"{"floor":0,"most":9,"state":{"tail":{"risk":7,"initial":1,"threshold":1,"peaks":[],"n_peaks":0,"n":1,"recent":null}}}"#;
        assert!(serde_json::from_str::<Limit>(damaged).is_err());
    }

    /// The recorded cases of thresholds around a moving mean.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "recorded cases lie beside the checkout")]
    fn drift_is_that_of_the_recorded_cases() {
        let Some(folder) = lanner_testkit::shared_data("spot") else { return };
        let cases = std::fs::read_to_string(folder.join("cases.jsonl")).unwrap();
        let mut n_cases = 0;
        for line in cases.lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            if case["kind"] != "dspot" || case["with_alarm"] != true {
                continue;
            }
            n_cases += 1;
            let numbers = |value: &serde_json::Value| -> Vec<f64> {
                value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
            };
            let (risk, rows) = (case["q"].as_f64().unwrap(), case["depth"].as_u64().unwrap());
            let params = PotParams { initial_quantile: 0.98, ..params(risk) };
            let follow = Follow::Drift { rows: usize::try_from(rows).unwrap() };
            let mut tail = Tail::calibrate(follow, params, &numbers(&case["init"])).unwrap();
            let mut alarms = Vec::new();
            for (at, value) in numbers(&case["stream"]).into_iter().enumerate() {
                if value > tail.value() {
                    alarms.push(serde_json::Value::from(at));
                }
                tail.push(value);
            }
            let (expected, kept) = (&case["exact_mle"], KeptTail::from(tail));
            assert_eq!(expected["alarms"], serde_json::Value::from(alarms), "{}", case["id"]);
            assert_eq!((&expected["final_n"], &expected["final_Nt"]), (&kept.n.into(), &kept.n_peaks.into()));
        }
        assert!(n_cases > 5, "{n_cases}");
    }
}
