//! Holes: periods without values, much longer than the usual step.

/// So many steps are held to tell the usual one.
const MAX_STEPS: usize = 1_000;

/// So many holes are held; more are counted.
const MAX_HOLES: usize = 1_000;

/// A step so many times as long as the usual one is a hole.
const MANY: i64 = 5;

/// What was seen of the times of one series.
#[derive(Debug, Clone, Default)]
pub(super) struct Holes {
    last: Option<i64>,
    /// The first steps; the middle one is the usual.
    steps: Vec<i64>,
    /// Long steps: from the last value before to the first one after.
    long: Vec<(i64, i64)>,
    longest_short: i64,
}

impl Holes {
    /// There is a value at this time; times rise.
    pub(super) fn see(&mut self, at: i64) {
        let Some(last) = self.last.replace(at) else { return };
        let step = at - last;
        if self.steps.len() < MAX_STEPS {
            self.steps.push(step);
        }
        // While too few steps are known to tell, the longest are held.
        if step > self.longest_short {
            self.long.push((last, at));
            if self.long.len() > MAX_HOLES {
                self.long.sort_by_key(|(from, to)| to - from);
                let dropped = self.long.drain(..MAX_HOLES / 2).next_back();
                self.longest_short = dropped.map_or(0, |(from, to)| to - from);
                self.long.sort_unstable();
            }
        }
    }

    /// The usual step, if there are enough to tell.
    pub(super) fn usual(&self) -> Option<i64> {
        let mut steps = self.steps.clone();
        let middle = steps.len() / 2;
        (steps.len() >= 10).then(|| *steps.select_nth_unstable(middle).1)
    }

    /// All holes, in order.
    pub(super) fn found(&self) -> Vec<(i64, i64)> {
        let Some(usual) = self.usual().filter(|usual| *usual > 0) else { return Vec::new() };
        // Where steps differ much, none is unusual.
        let mut steps = self.steps.clone();
        let high = steps.len() * 95 / 100;
        let long = *steps.select_nth_unstable(high).1;
        let limit = usual.saturating_mul(MANY).max(long.saturating_mul(2));
        self.long.iter().copied().filter(|(from, to)| to - from > limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holes(times: impl IntoIterator<Item = i64>) -> Vec<(i64, i64)> {
        let mut holes = Holes::default();
        times.into_iter().for_each(|at| holes.see(at));
        holes.found()
    }

    #[test]
    fn long_steps_are_holes() {
        assert_eq!(holes((0..5_000).filter(|at| !(3_000..3_300).contains(at))), [(2_999, 3_300)]);
        assert_eq!(holes((0..5_000).filter(|at| *at != 700)), []);
        assert_eq!(holes([0, 1, 2, 900]), []); // too few to tell
        // One value a minute in opening hours only: the nights are no holes, a missing day is.
        let open = (0..100 * 24).filter(|hour| (8..18).contains(&(hour % 24)) && hour / 24 != 50);
        assert_eq!(holes(open), [(49 * 24 + 17, 51 * 24 + 8)]);
    }

    #[test]
    fn the_longest_of_very_many_are_held() {
        let mut at = 0;
        let steps = (0..10_000).map(|row| if row % 3 == 2 { 10 + row } else { 1 });
        let found = holes(steps.map(|step| {
            at += step;
            at
        }));
        assert!(
            found.len() <= MAX_HOLES && found.last().is_some_and(|(from, to)| to - from == 10_008),
            "{}",
            found.len()
        );
    }
}
