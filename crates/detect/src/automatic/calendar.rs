//! The usual value at this time of a day or a week, from earlier visits only.

use crate::robust::median;

/// Sums of visits are kept within what single precision holds.
const LARGEST: f64 = 3e38;

/// The last visits of each slot of a period, by the clock it is given: single values of a few days move no median.
///
/// Values are kept relative to the first one and in single precision, so that a slot is small and differences are exact enough.
#[derive(Debug, Clone)]
pub(super) struct Calendar<const VISITS: usize> {
    /// Of each slot the means of its last visits, newest first; NaN where there was none.
    slots: Vec<[f32; VISITS]>,
    slot_ms: i64,
    origin: Option<f64>,
    visit: Option<Visit>,
    /// What was usual in a slot when it was asked for last.
    asked: Option<(i64, Option<f64>)>,
}

/// The slot we are in, counted from 1970, and its samples so far.
#[derive(Debug, Clone, Copy)]
struct Visit {
    slot: i64,
    sum: f64,
    n: f64,
}

impl<const VISITS: usize> Calendar<VISITS> {
    pub(super) fn new(period_ms: i64, slot_ms: i64) -> Self {
        let slots = vec![[f32::NAN; VISITS]; (period_ms / slot_ms) as usize];
        Self { slots, slot_ms, origin: None, visit: None, asked: None }
    }

    /// The median of this slot and its neighbours over the last visits; `None` where it was never visited.
    pub(super) fn usual(&mut self, time_ms: i64) -> Option<f64> {
        let now = time_ms.div_euclid(self.slot_ms);
        match self.asked {
            Some((slot, usual)) if slot == now => usual,
            _ => {
                let usual = self.median_around(now);
                self.asked = Some((now, usual));
                usual
            }
        }
    }

    fn median_around(&self, slot: i64) -> Option<f64> {
        let near = [-1, 0, 1].map(|offset| &self.slots[self.index(slot.wrapping_add(offset))]);
        // Neighbours count no more than the slot itself.
        let n = near[1].iter().take_while(|mean| !mean.is_nan()).count();
        let means = near.iter().flat_map(|slot| &slot[..n]).filter(|mean| !mean.is_nan());
        let (mut found, mut n_found) = ([[0.0; VISITS]; 3], 0);
        for (place, mean) in found.as_flattened_mut().iter_mut().zip(means) {
            *place = f64::from(*mean);
            n_found += 1;
        }
        let found = &mut found.as_flattened_mut()[..n_found];
        median(found).map(|median| median + self.origin.unwrap_or_default())
    }

    fn index(&self, slot: i64) -> usize {
        slot.rem_euclid(self.slots.len() as i64) as usize
    }

    pub(super) fn learn(&mut self, time_ms: i64, y: f64) {
        let y = y - *self.origin.get_or_insert(y);
        let slot = time_ms.div_euclid(self.slot_ms);
        match &mut self.visit {
            Some(visit) if visit.slot == slot => {
                visit.sum += y;
                visit.n += 1.0;
            }
            visit => {
                let ended = visit.replace(Visit { slot, sum: y, n: 1.0 });
                ended.into_iter().for_each(|visit| self.end(visit));
            }
        }
    }

    fn end(&mut self, visit: Visit) {
        let index = self.index(visit.slot);
        let slot = &mut self.slots[index];
        slot.rotate_right(1);
        slot[0] = (visit.sum / visit.n).clamp(-LARGEST, LARGEST) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;
    const HOUR_MS: i64 = 3_600_000;

    /// What is usual at an hour, after hours from 0 on.
    #[track_caller]
    fn check(sample: fn(i64) -> f64, n_hours: i64, at_hour: i64, expected: Option<f64>) {
        let mut day = Calendar::<3>::new(DAY_MS, HOUR_MS);
        (0..n_hours).for_each(|hour| day.learn(hour * HOUR_MS, sample(hour)));
        assert_eq!(day.usual(at_hour * HOUR_MS), expected);
    }

    #[test]
    fn medians_of_days_and_neighbours() {
        let by_hour = |hour: i64| (hour % 24) as f64;
        check(by_hour, 0, 0, None);
        check(by_hour, 12, 30, Some(6.0));
        check(by_hour, 12, 12, None); // never visited
        check(by_hour, 100, 106, Some(10.0));
        check(|hour| if hour == 30 { 900.0 } else { 5.0 }, 72, 78, Some(5.0)); // one day moves nothing
        check(|hour| if hour < 48 { 5.0 } else { 7.0 }, 96, 100, Some(7.0)); // two days do
    }

    #[test]
    fn a_visit_counts_once_however_many_samples_it_has() {
        let mut day = Calendar::<3>::new(DAY_MS, HOUR_MS);
        (0..15).for_each(|minute| day.learn(minute * 60_000, minute as f64));
        assert_eq!(day.usual(0), None); // the visit has not ended
        day.learn(HOUR_MS, 0.0);
        assert_eq!(day.usual(DAY_MS), Some(7.0));
    }

    #[test]
    fn any_time_has_a_slot() {
        let mut week = Calendar::<3>::new(7 * DAY_MS, HOUR_MS);
        for time_ms in [i64::MIN, -1, 0, i64::MAX, 0] {
            week.learn(time_ms, if time_ms == 0 { 1e300 } else { -1e300 });
        }
        assert!(week.usual(i64::MAX).is_some_and(f64::is_finite));
    }
}
