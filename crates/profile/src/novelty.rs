//! How often something new comes, and how often it will.
//!
//! Of how many behaviours were seen once, twice, and so on, follows how likely the next event is one of them, and how likely it
//! is none of them: the estimate of Good and Turing. So a profile can tell how many flags a day to expect before it flags
//! anything.

use serde::{Deserialize, Serialize};

use lanner_core::time::DAY_MS;

/// Counts beyond are all the same.
const MOST: usize = 15;

/// How fast the recent rate forgets: after as many events, about a third of it is left.
const RECENT_EVENTS: f64 = 1_000.0;

/// What was new so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Novelty {
    /// Events.
    pub(crate) n_events: u64,
    /// Behaviours, as far as sketches tell them apart.
    pub(crate) n_behaviours: u64,
    /// How many behaviours were seen once, twice, ..., at least fifteen times.
    seen: [u64; MOST],
    /// The share of events that are new, of late.
    pub(crate) recent: f64,
}

impl Novelty {
    /// Notes an event whose behaviour was seen `before` times.
    pub(crate) fn add(&mut self, before: u32) {
        let before = (before as usize).min(MOST);
        self.n_events += 1;
        if before == 0 {
            self.n_behaviours += 1;
        } else if before < MOST {
            self.seen[before - 1] = self.seen[before - 1].saturating_sub(1);
        }
        if before < MOST {
            self.seen[before] += 1;
        }
        let is_new = f64::from(u8::from(before == 0));
        // From the start it is the mean of what came.
        let weight = (self.n_events as f64).min(RECENT_EVENTS);
        self.recent += (is_new - self.recent) / weight;
    }

    /// The share of coming events whose behaviour will have been seen less than `rare` times.
    ///
    /// # Source
    /// I. J. Good, "The population frequencies of species and the estimation of population parameters", Biometrika 40, 1953,
    /// equation 2 without smoothing: r + 1 times the number of behaviours seen r + 1 times, by the number of events.
    pub(crate) fn expected_share(&self, rare: u32) -> f64 {
        let upto = self.seen.iter().take(rare as usize).zip(1_u64..);
        let share: f64 = upto.map(|(n, count)| (n * count) as f64).sum();
        if self.n_events == 0 { 1.0 } else { (share / self.n_events as f64).min(1.0) }
    }

    /// Flags a day to expect, when events come as they came in `length_ms`; `None` when that is no time at all.
    pub(crate) fn expected_per_day(&self, rare: u32, length_ms: i64) -> Option<f64> {
        let days = length_ms as f64 / DAY_MS as f64;
        (days > 0.0).then(|| self.expected_share(rare) * self.n_events as f64 / days)
    }

    /// Adds what another saw, as if no behaviour were common to both.
    pub(crate) fn merge(&mut self, other: &Self) {
        let (ours, theirs) = (self.n_events as f64, other.n_events as f64);
        if ours + theirs > 0.0 {
            self.recent = (self.recent * ours + other.recent * theirs) / (ours + theirs);
        }
        self.n_events += other.n_events;
        self.n_behaviours += other.n_behaviours;
        self.seen.iter_mut().zip(other.seen).for_each(|(ours, theirs)| *ours += theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_is_new_as_often_as_singles_say() {
        let mut novelty = Novelty::default();
        assert_eq!(novelty.expected_share(1), 1.0);
        // Of ten events one behaviour was seen six times, one twice, two once.
        [0, 1, 2, 3, 4, 5, 0, 1, 0, 0].iter().for_each(|before| novelty.add(*before));
        assert_eq!(novelty.n_behaviours, 4);
        assert!((novelty.expected_share(1) - 0.2).abs() < 1e-12);
        assert!((novelty.expected_share(2) - 0.4).abs() < 1e-12);
        assert!((novelty.expected_share(15) - 1.0).abs() < 1e-12);
        assert!((novelty.recent - 0.4).abs() < 1e-12);
        assert_eq!(novelty.expected_per_day(1, DAY_MS / 2).map(f64::round), Some(4.0));
        assert_eq!(novelty.expected_per_day(1, 0), None);
    }

    #[test]
    fn what_is_frequent_leaves_the_count() {
        let mut novelty = Novelty::default();
        (0..100).for_each(|before| novelty.add(before));
        assert_eq!(novelty.expected_share(14), 0.0);
        let mut both = novelty.clone();
        both.merge(&novelty);
        assert_eq!((both.n_events, both.n_behaviours), (200, 2));
    }
}
