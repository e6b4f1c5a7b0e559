//! Totals that only grow until they start again, and that are judged by what they grow by.

/// Values that are looked at before it is known what they are.
const KNOWN: u32 = 50;
/// One in so many steps may be without growth.
const REST: u32 = 10;
/// A total that falls below this part of what it was has started again.
const RESTART: f64 = 0.5;

/// What the values of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// It is too early to tell.
    Unknown,
    /// Measurements, which rise and fall.
    Gauge,
    /// A total.
    Total,
}

/// Tells totals from measurements, by what the first values do.
#[derive(Debug, Clone)]
pub(super) struct Counter {
    nature: Nature,
    last: f64,
    /// Steps without a value since the last one.
    n_missing: f64,
    n_seen: u32,
    n_rises: u32,
}

/// What a total did in a step, on average since the last value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Growth {
    pub(super) per_step: f64,
    /// What it had grown from, and in how many steps.
    pub(super) from: f64,
    pub(super) n_steps: f64,
}

impl Growth {
    /// The value with another growth.
    pub(super) fn value(self, per_step: f64) -> f64 {
        self.from + self.n_steps * per_step
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self { nature: Nature::Unknown, last: 0.0, n_missing: 0.0, n_seen: 0, n_rises: 0 }
    }
}

impl Counter {
    pub(super) const fn nature(&self) -> Nature {
        self.nature
    }

    /// Notes that a value is missing.
    pub(super) fn miss(&mut self) {
        self.n_missing += 1.0;
    }

    /// Takes the next value: by how much it grew, unless it is the first. What falls to less than half has started again, from
    /// nothing. What falls otherwise is no total, or is none any more from the next value on.
    pub(super) fn see(&mut self, y: f64) -> Option<Growth> {
        let n_steps = std::mem::take(&mut self.n_missing) + 1.0;
        let last = std::mem::replace(&mut self.last, y);
        self.n_seen = self.n_seen.saturating_add(1);
        let is_first = self.n_seen == 1;
        let falls = y < 0.0 || (!is_first && y < last);
        let has_restarted = self.nature == Nature::Total && falls && y >= 0.0 && y < RESTART * last;
        if falls && !has_restarted {
            self.nature = Nature::Gauge;
        }
        self.n_rises += u32::from(!is_first && y > last);
        if self.nature == Nature::Unknown && self.n_seen > KNOWN + 1 {
            let rests = self.n_seen - 1 - self.n_rises;
            self.nature = if rests * REST <= self.n_seen { Nature::Total } else { Nature::Gauge };
        }
        let from = if has_restarted { 0.0 } else { last };
        (!is_first).then(|| Growth { per_step: (y - from) / n_steps, from, n_steps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: impl IntoIterator<Item = f64>, expected: Nature) {
        let mut counter = Counter::default();
        values.into_iter().for_each(|y| _ = counter.see(y));
        assert_eq!(counter.nature(), expected);
    }

    #[test]
    fn what_only_rises_is_a_total() {
        let rising = |n: u32| (0..n).map(|t| 5.0 + f64::from(t * t));
        check(rising(51), Nature::Unknown);
        check(rising(52), Nature::Total);
        check(rising(60).chain([0.0, 40.0]), Nature::Total); // it started again
        check(rising(60).chain([3_400.0]), Nature::Gauge); // it fell
        check(rising(30).chain([0.0]).chain(rising(60)), Nature::Gauge);
        check((0..60).map(|t| f64::from(t / 2)), Nature::Gauge); // it rests too often
        check((0..60).map(|t| f64::from(t - t / 20)), Nature::Total);
        check((0..60).map(|t| f64::from(t) - 10.0), Nature::Gauge); // below zero
        check([7.0; 60], Nature::Gauge);
    }

    #[test]
    fn growth_per_step() {
        let mut counter = Counter::default();
        assert_eq!(counter.see(100.0), None);
        assert_eq!(counter.see(130.0).map(|growth| growth.per_step), Some(30.0));
        counter.miss();
        counter.miss();
        let growth = counter.see(190.0);
        assert_eq!(growth, Some(Growth { per_step: 20.0, from: 130.0, n_steps: 3.0 }));
        assert_eq!(growth.map(|growth| growth.value(25.0)), Some(205.0));
        (0..60).for_each(|t| _ = counter.see(200.0 + f64::from(t)));
        assert_eq!(counter.see(12.0), Some(Growth { per_step: 12.0, from: 0.0, n_steps: 1.0 }));
    }
}
