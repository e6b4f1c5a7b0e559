//! Merges many times into few ranges.

use lanner_core::TimeRange;

/// The time as the shortest range that holds it.
pub(crate) const fn moment(time_ms: i64) -> TimeRange {
    TimeRange { start_ms: time_ms, end_ms: time_ms.saturating_add(1) }
}

/// Times, as stretches without a gap in them that is longer than a window, or than more where they would be too many:
/// bounded, however many times there are and however far apart they lie.
#[derive(Default)]
pub(crate) struct Stretches {
    /// The longest window that any of them was added for.
    pub(crate) window_ms: i64,
    /// In order once they were joined.
    pub(crate) ranges: Vec<TimeRange>,
}

impl Stretches {
    /// More are not kept.
    pub(crate) const MOST: usize = 100;

    /// Adds a time that windows of this length hold.
    pub(crate) fn add(&mut self, time_ms: i64, window_ms: i64) {
        self.window_ms = window_ms.max(self.window_ms);
        if self.ranges.last().is_some_and(|last| last.contains(time_ms)) {
            return;
        }
        self.ranges.push(moment(time_ms));
        if self.ranges.len() >= 10 * Self::MOST {
            self.join(Self::MOST);
        }
    }

    /// Joins what lies near to each other until there are at most `most`.
    pub(crate) fn join(&mut self, most: usize) {
        self.ranges.sort_unstable_by_key(|range| range.start_ms);
        let mut gap_ms = self.window_ms;
        loop {
            self.ranges.dedup_by(|next, last| {
                let is_near = next.start_ms.saturating_sub(last.end_ms) <= gap_ms;
                if is_near {
                    *last = last.hull(*next);
                }
                is_near
            });
            if self.ranges.len() <= most {
                return;
            }
            gap_ms = gap_ms.saturating_mul(2).max(1);
        }
    }
}
