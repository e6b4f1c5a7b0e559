//! Metrics for a person on duty: alarms a day, events found, and delay.

use super::{MetricError, Scored, events};

/// Milliseconds in a day.
const DAY_MS: f64 = 86_400_000.0;

/// What a person on duty accepts: so many alarms a day, of which one stands for those right after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlarmBudget {
    /// Alarms a day, right and wrong ones.
    pub per_day: f64,
    /// How long an alarm silences those that would follow it.
    pub quiet_ms: i64,
}

/// The alarms that a threshold makes on labelled scores, and what they find.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarms {
    /// Scores strictly above raise an alarm, unless the last one is less than the quiet time old.
    pub threshold: f64,
    /// Indices of the points that raise an alarm, ascending.
    pub raised: Vec<usize>,
    /// For each event the time from its first point to the first alarm inside it; `None` when there is none.
    pub delays_ms: Vec<Option<i64>>,
    /// Alarms outside of all events.
    pub n_false: usize,
    /// Time between the first and the last point.
    pub days: f64,
}

impl Alarms {
    /// The share of events with an alarm inside, in `[0, 1]`.
    #[must_use]
    pub fn event_recall(&self) -> f64 {
        self.delays_ms.iter().flatten().count() as f64 / self.delays_ms.len() as f64
    }

    /// Alarms a day; infinite when time does not pass.
    #[must_use]
    pub fn per_day(&self) -> f64 {
        self.raised.len() as f64 / self.days
    }

    /// The middle of the delays of the events that were found.
    #[must_use]
    pub fn median_delay_ms(&self) -> Option<i64> {
        let mut delays: Vec<i64> = self.delays_ms.iter().flatten().copied().collect();
        delays.sort_unstable();
        delays.get(delays.len() / 2).copied()
    }
}

/// The alarms that scores strictly above `threshold` raise.
///
/// - `times_ms`: the time of each point, ascending.
///
/// Cost: O(n).
///
/// # Errors
/// [`MetricError::Lengths`] when there is not one time a point.
///
/// ```
/// use lanner_quality::{Scored, alarms_above};
///
/// let minute = |minutes: i64| minutes * 60_000;
/// let times_ms: Vec<i64> = (0..6).map(minute).collect();
/// let scored = Scored::new(&[false, true, true, false, false, false], &[0.0, 0.1, 0.9, 0.9, 0.0, 0.9])?;
/// let alarms = alarms_above(&scored, &times_ms, 0.5, minute(2))?;
/// assert_eq!(alarms.raised, [2, 5]); // that at 3 is silenced
/// assert_eq!((alarms.delays_ms, alarms.n_false), (vec![Some(minute(1))], 1));
/// # Ok::<(), lanner_quality::MetricError>(())
/// ```
pub fn alarms_above(
    scored: &Scored<'_>,
    times_ms: &[i64],
    threshold: f64,
    quiet_ms: i64,
) -> Result<Alarms, MetricError> {
    if times_ms.len() != scored.n() {
        return Err(MetricError::Lengths { labels: times_ms.len(), scores: scored.n() });
    }
    let mut raised: Vec<usize> = Vec::new();
    for (index, _) in scored.scores().iter().enumerate().filter(|(_, score)| **score > threshold) {
        if raised.last().is_none_or(|&last| times_ms[index].saturating_sub(times_ms[last]) >= quiet_ms) {
            raised.push(index);
        }
    }
    let first_in = |event: std::ops::Range<usize>| {
        let first = raised.get(raised.partition_point(|&index| index < event.start))?;
        (*first < event.end).then(|| times_ms[*first].saturating_sub(times_ms[event.start]))
    };
    Ok(Alarms {
        threshold,
        delays_ms: events(scored.labels()).into_iter().map(first_in).collect(),
        n_false: raised.iter().filter(|&&index| !scored.labels()[index]).count(),
        days: times_ms[scored.n() - 1].saturating_sub(times_ms[0]) as f64 / DAY_MS,
        raised,
    })
}

/// The alarms of the lowest threshold that keeps within the budget.
///
/// This is what to compare detectors by when the question is "how much would I have found, had I accepted
/// one alarm a day": the labels play no part in the choice of the threshold.
///
/// - `times_ms`: the time of each point, ascending.
///
/// Cost: O(n log n).
///
/// # Errors
/// [`MetricError::Lengths`] when there is not one time a point.
pub fn at_alarm_budget(
    scored: &Scored<'_>,
    times_ms: &[i64],
    budget: AlarmBudget,
) -> Result<Alarms, MetricError> {
    let mut thresholds = scored.scores().to_vec();
    thresholds.push(f64::NEG_INFINITY);
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    // More points never make fewer alarms, because alarms are taken as early as they can be.
    let (mut fits, mut too_many) = (0, thresholds.len());
    let mut best = alarms_above(scored, times_ms, thresholds[0], budget.quiet_ms)?;
    while too_many - fits > 1 {
        let middle = usize::midpoint(fits, too_many);
        let alarms = alarms_above(scored, times_ms, thresholds[middle], budget.quiet_ms)?;
        if alarms.raised.len() as f64 <= budget.per_day * alarms.days {
            (fits, best) = (middle, alarms);
        } else {
            too_many = middle;
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    /// Two days, a point an hour, with events from hour 10 to 12 and from hour 30 to 31.
    #[track_caller]
    fn check(scores: &[(usize, f64)], per_day: f64, raised: &[usize], delays_h: [Option<i64>; 2]) {
        let labels: Vec<bool> = (0..49).map(|hour| matches!(hour, 10..=12 | 30..=31)).collect();
        let times_ms: Vec<i64> = (0..49).map(|hour| hour * HOUR_MS).collect();
        let mut all = vec![0.0; 49];
        scores.iter().for_each(|&(hour, score)| all[hour] = score);
        let scored = Scored::new(&labels, &all).unwrap();
        let budget = AlarmBudget { per_day, quiet_ms: 3 * HOUR_MS };
        let alarms = at_alarm_budget(&scored, &times_ms, budget).unwrap();
        assert_eq!(alarms.raised, raised);
        assert_eq!(alarms.delays_ms, delays_h.map(|delay| delay.map(|hours| hours * HOUR_MS)));
        assert!(alarms.per_day() <= per_day);
    }

    #[test]
    fn as_many_alarms_as_are_accepted() {
        let scores = [(5, 0.5), (11, 0.9), (12, 0.8), (31, 0.4)];
        //             a day  raised        delays (h)
        check(&scores, 0.0, &[], [None, None]);
        check(&scores, 0.5, &[11], [Some(1), None]); // the alarm at 12 is silenced
        check(&scores, 1.0, &[5, 11], [Some(1), None]);
        check(&scores, 1.5, &[5, 11, 31], [Some(1), Some(1)]);
        check(&[], 5.0, &[], [None, None]); // constant scores alarm always, or never
        check(&[(9, 0.9), (10, 0.9)], 1.0, &[9], [None, None]); // an early alarm silences the right one
    }

    #[test]
    fn every_point_has_a_time() {
        let scored = Scored::new(&[true, false], &[1.0, 0.0]).unwrap();
        assert!(alarms_above(&scored, &[0], 0.5, 0).is_err());
    }

    #[test]
    fn median_of_what_was_found() {
        let labels = [true, false, true, false];
        let alarms =
            |scores| alarms_above(&Scored::new(&labels, scores).unwrap(), &[0, 1, 2, 3], 0.5, 0).unwrap();
        assert_eq!(alarms(&[0.0; 4]).median_delay_ms(), None);
        let found = alarms(&[1.0, 0.0, 0.0, 1.0]);
        assert_eq!((found.median_delay_ms(), found.event_recall(), found.n_false), (Some(0), 0.5, 1));
    }
}
