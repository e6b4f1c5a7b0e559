//! Three simple forecasts: the recent level, the usual value at this time of the day, and of the week.

/// Bins of a day: quarters of an hour.
const BINS_A_DAY: usize = 96;
/// Milliseconds of a bin.
const BIN_MS: i64 = 900_000;
/// Visits that a bin's usual value is averaged over.
const VISITS: usize = 10;

/// Forecasts, none of which has seen the sample it forecasts.
#[derive(Debug, Clone)]
pub(super) struct Forecasts {
    level: Average,
    day: Calendar,
    week: Calendar,
}

/// How many forecasts there are.
pub(super) const N_FORECASTS: usize = 3;

impl Forecasts {
    /// The level is the mean of about `recent` samples.
    pub(super) fn new(recent: usize) -> Self {
        Self { level: Average::over(recent), day: Calendar::of_days(1), week: Calendar::of_days(7) }
    }

    /// Of the level, the day and the week; `None` where nothing is known yet.
    pub(super) fn at(&self, time_ms: Option<i64>) -> [Option<f64>; N_FORECASTS] {
        let usual = |calendar: &Calendar| time_ms.and_then(|time_ms| calendar.usual(time_ms));
        [self.level.known(), usual(&self.day), usual(&self.week)]
    }

    /// Takes in what came.
    pub(super) fn learn(&mut self, time_ms: Option<i64>, y: f64) {
        self.level.learn(y);
        if let Some(time_ms) = time_ms {
            self.day.learn(time_ms, y);
            self.week.learn(time_ms, y);
        }
    }
}

/// The usual value at each quarter of an hour of a day or a week, in UTC, from earlier visits only.
#[derive(Debug, Clone)]
struct Calendar {
    bins: Vec<Average>,
    /// The quarter of an hour we are in, counted from 1970, and the mean of its samples so far.
    visit: Option<(i64, Average)>,
}

impl Calendar {
    fn of_days(n_days: usize) -> Self {
        Self { bins: vec![Average::over(VISITS); n_days * BINS_A_DAY], visit: None }
    }

    fn index(&self, quarter: i64) -> usize {
        quarter.rem_euclid(self.bins.len() as i64) as usize
    }

    fn usual(&self, time_ms: i64) -> Option<f64> {
        self.bins[self.index(time_ms.div_euclid(BIN_MS))].known()
    }

    fn learn(&mut self, time_ms: i64, y: f64) {
        let now = time_ms.div_euclid(BIN_MS);
        let mut visit = match self.visit.take() {
            Some((quarter, visit)) if quarter == now => visit,
            ended => {
                if let Some((quarter, visit)) = ended {
                    let index = self.index(quarter);
                    self.bins[index].learn(visit.mean);
                }
                Average::over(usize::MAX)
            }
        };
        visit.learn(y);
        self.visit = Some((now, visit));
    }
}

/// A mean that forgets: of all values at first, then with more weight on the newest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Average {
    pub(super) mean: f64,
    /// Values seen, up to `most`.
    n: u32,
    most: u32,
}

impl Average {
    /// A mean of about `most` values, at least 1.
    pub(super) fn over(most: usize) -> Self {
        Self { mean: 0.0, n: 0, most: u32::try_from(most.max(1)).unwrap_or(u32::MAX) }
    }

    pub(super) fn learn(&mut self, y: f64) {
        self.n = self.n.saturating_add(1).min(self.most);
        self.mean += (y - self.mean) / f64::from(self.n);
    }

    fn known(self) -> Option<f64> {
        (self.n > 0).then_some(self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    /// The forecasts for one hour, after hours from 0 on.
    #[track_caller]
    fn check(sample: fn(i64) -> f64, n_hours: i64, at_hour: i64, expected: [Option<f64>; 3]) {
        let mut forecasts = Forecasts::new(48);
        (0..n_hours).for_each(|hour| forecasts.learn(Some(hour * HOUR_MS), sample(hour)));
        let close = |(found, expected): (Option<f64>, Option<f64>)| match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
            (found, expected) => found == expected,
        };
        let found = forecasts.at(Some(at_hour * HOUR_MS));
        assert!(found.into_iter().zip(expected).all(close), "{found:?} is not {expected:?}");
    }

    #[test]
    fn level_day_and_week() {
        let noon = |hour: i64| if hour % 24 == 12 { 25.0 } else { 1.0 };
        let new_year = |hour: i64| if hour < 24 { 7.0 } else { 0.0 };
        check(noon, 0, 0, [None, None, None]);
        check(noon, 1, 1, [Some(1.0), None, None]);
        check(noon, 1, 24, [Some(1.0), None, None]); // the visit has not ended
        check(noon, 48, 60, [Some(2.0), Some(25.0), None]);
        check(noon, 48, 24 * 7, [Some(2.0), Some(1.0), Some(1.0)]);
        check(new_year, 48, 24 * 7, [Some(3.5), Some(3.5), Some(7.0)]);
    }

    #[test]
    fn a_visit_counts_once_however_many_samples_it_has() {
        let mut day = Calendar::of_days(1);
        for (day_number, y) in [(0, 1.0), (1, 5.0)] {
            (0..15).for_each(|minute| day.learn(day_number * 24 * HOUR_MS + minute * 60_000, y));
        }
        assert_eq!(day.usual(0), Some(1.0)); // the second visit has not ended
        day.learn(2 * 24 * HOUR_MS, 0.0);
        assert_eq!(day.usual(0), Some(3.0));
    }

    #[test]
    fn without_times_there_is_the_level_only() {
        let mut forecasts = Forecasts::new(10);
        forecasts.learn(None, 3.0);
        assert_eq!(forecasts.at(None), [Some(3.0), None, None]);
    }

    #[test]
    fn any_time_has_a_bin() {
        let mut week = Calendar::of_days(7);
        for time_ms in [i64::MIN, -1, 0, i64::MAX] {
            week.learn(time_ms, 1.0);
        }
        assert_eq!(week.usual(i64::MIN), Some(1.0));
    }
}
