//! How volatile a series is at this hour of the day, against the whole day.

use super::share::Share;
use super::when::When;

const HOUR_MS: i64 = 3_600_000;
/// Samples that an hour's average forgets over: days of it, where samples are minutes apart.
const MEMORY: Share = Share::over(300.0);
/// An hour is known when it had so many samples.
const KNOWN: f64 = 5.0;
/// One sample teaches at most so many times the usual.
const CLIP: f64 = 4.0;
/// How much of the whole day's average is in each hour's, so that a quiet hour is never quite quiet.
const SHARED: f64 = 0.2;

/// The mean distance from the forecast, hour by hour.
#[derive(Debug, Clone, Default)]
pub(super) struct Rhythm {
    hours: [Mean; 24],
    day: Mean,
}

/// A winsorised mean of distances.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    mean: f64,
    n: f64,
}

impl Mean {
    fn learn(&mut self, distance: f64) {
        let is_known = self.n > KNOWN && self.mean > 0.0;
        let distance = if is_known { distance.min(CLIP * self.mean) } else { distance };
        self.n += 1.0;
        self.mean += (distance - self.mean) * MEMORY.of(self.n);
    }
}

impl Rhythm {
    /// How many times as far from the forecast as usual samples are at this time: half of what was found, on a scale of
    /// logarithms, because each hour knows little.
    pub(super) fn factor(&self, when: Option<When>) -> f64 {
        let Some(when) = when else { return 1.0 };
        let hour = self.hours[hour_of(when)];
        if hour.n < KNOWN || self.day.mean <= 0.0 {
            return 1.0;
        }
        ((hour.mean / self.day.mean + SHARED) / (1.0 + SHARED)).sqrt()
    }

    pub(super) fn learn(&mut self, when: Option<When>, distance: f64) {
        let Some(when) = when else { return };
        self.day.learn(distance);
        self.hours[hour_of(when)].learn(distance);
    }
}

fn hour_of(when: When) -> usize {
    when.clock_ms.div_euclid(HOUR_MS).rem_euclid(24) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Option<When> {
        Some(When::utc(hour * HOUR_MS))
    }

    #[test]
    fn volatile_hours() {
        let mut rhythm = Rhythm::default();
        assert_eq!(rhythm.factor(at(0)), 1.0);
        let distance = |hour: i64| if hour % 24 < 12 { 1.0 } else { 3.0 };
        (0..24 * 60).for_each(|hour| rhythm.learn(at(hour), distance(hour)));
        let [night, day] = [3, 15].map(|hour| rhythm.factor(at(hour)));
        assert!(
            (night - (0.7_f64 / 1.2).sqrt()).abs() < 0.02 && (day - (1.7_f64 / 1.2).sqrt()).abs() < 0.02,
            "{night} {day}"
        );
        assert_eq!(rhythm.factor(None), 1.0);
    }

    #[test]
    fn one_sample_makes_no_hour_volatile() {
        let mut rhythm = Rhythm::default();
        (0..24 * 60).for_each(|hour| rhythm.learn(at(hour), 1.0));
        rhythm.learn(at(0), 1e12);
        assert!(rhythm.factor(at(0)) < 1.1);
    }
}
