//! Simple forecasts that compete: levels, and the usual value at this time of the day and of the week.

use super::calendar::Calendar;
use super::level::Level;
use super::when::When;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;

/// How many forecasts there are.
pub(super) const N_FORECASTS: usize = 6;
/// How many of them, the first ones, are levels.
pub(super) const N_LEVELS: usize = 2;

/// Forecasts, none of which has seen the sample it forecasts.
#[derive(Debug, Clone)]
pub(super) struct Forecasts {
    slow: Level,
    fast: Level,
    day: Calendar<4>,
    week: Calendar<3>,
    /// How far the series is from its usual day and week right now.
    off_day: Level,
    off_week: Level,
}

impl Forecasts {
    /// The levels are means of about `slow` and `fast` samples.
    pub(super) fn new(slow: usize, fast: usize) -> Self {
        Self {
            slow: Level::over(slow),
            fast: Level::over(fast),
            day: Calendar::new(DAY_MS, 5 * MINUTE_MS),
            week: Calendar::new(7 * DAY_MS, 30 * MINUTE_MS),
            off_day: Level::over(fast),
            off_week: Level::over(fast),
        }
    }

    /// Of both levels, the day, the week, and of day and week from where the series is now; `None` where nothing is known yet.
    pub(super) fn at(&mut self, when: Option<When>) -> [Option<f64>; N_FORECASTS] {
        let day = when.and_then(When::of_day).and_then(|clock_ms| self.day.usual(clock_ms));
        let week = when.and_then(|when| self.week.usual(when.of_week()));
        let from_here = |usual: Option<f64>, off: &Level| Some(usual? + off.known().unwrap_or_default());
        [
            self.slow.known(),
            self.fast.known(),
            day,
            week,
            from_here(day, &self.off_day),
            from_here(week, &self.off_week),
        ]
    }

    /// What other weeks, or at least other days, have at this time.
    pub(super) fn seasonal([_, _, day, week, ..]: &[Option<f64>; N_FORECASTS]) -> Option<f64> {
        week.or(*day)
    }

    /// Takes in what came, when these forecasts had been made.
    pub(super) fn learn(&mut self, when: Option<When>, y: f64, forecasts: &[Option<f64>; N_FORECASTS]) {
        self.slow.learn(y);
        self.fast.learn(y);
        let [_, _, day, week, ..] = forecasts;
        day.iter().for_each(|day| self.off_day.learn(y - day));
        week.iter().for_each(|week| self.off_week.learn(y - week));
        if let Some(when) = when {
            when.of_day().into_iter().for_each(|clock_ms| self.day.learn(clock_ms, y));
            self.week.learn(when.of_week(), y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 60 * MINUTE_MS;

    /// The forecasts for one hour, after hours from 0 on.
    #[track_caller]
    fn check(sample: fn(i64) -> f64, n_hours: i64, at_hour: i64, expected: [Option<f64>; N_FORECASTS]) {
        let mut forecasts = Forecasts::new(1_000, 1);
        for hour in 0..n_hours {
            let made = forecasts.at(Some(When::utc(hour * HOUR_MS)));
            forecasts.learn(Some(When::utc(hour * HOUR_MS)), sample(hour), &made);
        }
        assert_eq!(forecasts.at(Some(When::utc(at_hour * HOUR_MS))), expected);
    }

    #[test]
    fn levels_days_and_weeks() {
        let noon = |hour: i64| if hour % 24 == 12 { 25.0 } else { 1.0 };
        check(noon, 0, 0, [None; N_FORECASTS]);
        check(noon, 1, 1, [Some(1.0), Some(1.0), None, None, None, None]);
        check(|_| 2.0, 168 + 1, 168 + 1, [Some(2.0); N_FORECASTS]);
        check(
            |hour| if hour == 48 { 9.0 } else { 5.0 },
            49,
            49,
            [Some(5.0 + 4.0 / 49.0), Some(9.0), Some(5.0), None, Some(9.0), None],
        );
    }

    #[test]
    fn a_holiday_is_a_sunday() {
        let mut forecasts = Forecasts::new(1_000, 1);
        let is_sunday = |hour: i64| hour / 24 % 7 == 3;
        for hour in 0..17 * 24 {
            let when = Some(When::utc(hour * HOUR_MS));
            let made = forecasts.at(when);
            forecasts.learn(when, if is_sunday(hour) { 1.0 } else { 9.0 }, &made);
        }
        // Sunday, 18 January 1970, is next; what if this Saturday were one?
        let saturday = When::utc((16 * 24 + 12) * HOUR_MS);
        let [_, _, day, week, ..] = forecasts.at(Some(saturday));
        assert_eq!((day, week), (Some(9.0), Some(9.0)));
        let [_, _, day, week, ..] = forecasts.at(Some(When { is_holiday: true, ..saturday }));
        assert_eq!((day, week), (None, Some(1.0)));
    }

    #[test]
    fn without_times_there_are_the_levels_only() {
        let mut forecasts = Forecasts::new(10, 10);
        forecasts.learn(None, 3.0, &[None; N_FORECASTS]);
        assert_eq!(forecasts.at(None), [Some(3.0), Some(3.0), None, None, None, None]);
    }
}
