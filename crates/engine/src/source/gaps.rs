//! Gaps: of times in which the server was down, only data sent afterwards is known.
//!
//! ```text
//!   watched        |───────────────|      away      |──────────────▶
//!   windows    [ known ][ known ][ part ][ all ][ all ][ part ][ known ]
//! ```
//!
//! A count of such a window is no count of zero: it is neither judged as one nor learned from. A window that was
//! missed in part has seen at least what was counted, so what is too much already stays too much.

use lanner_core::{TimeRange, time};

use super::query::Query;
use crate::rule::Rule;

/// Of a window that was watched but for one part in so many, what was measured is what happened.
const ONE_PART_IN: i64 = 100;

/// How much of a window was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// Nothing, or next to nothing.
    Nothing,
    /// Some of it.
    Part,
    /// The whole window. What is known of it was sent afterwards.
    All,
}

/// The times in which nothing was received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps(Vec<TimeRange>);

impl Gaps {
    /// Of ranges in any order, empty ones and such that touch among them.
    #[must_use]
    pub fn new(mut ranges: Vec<TimeRange>) -> Self {
        ranges.retain(|range| range.start_ms < range.end_ms);
        ranges.sort_by_key(|range| range.start_ms);
        let mut gaps: Vec<TimeRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match gaps.last_mut() {
                Some(last) if range.start_ms <= last.end_ms => last.end_ms = last.end_ms.max(range.end_ms),
                _ => gaps.push(range),
            }
        }
        Self(gaps)
    }

    /// How much of `window` lies in gaps. Cost: O(log gaps), and the gaps that it touches.
    ///
    /// ```
    /// use lanner_core::TimeRange;
    /// use lanner_engine::source::{Gaps, Missed};
    /// let gaps = Gaps::new(vec![TimeRange::new(1_000, 5_000)]);
    /// assert_eq!(gaps.missed(TimeRange::new(2_000, 3_000)), Missed::All);
    /// assert_eq!(gaps.missed(TimeRange::new(4_000, 6_000)), Missed::Part);
    /// assert_eq!(gaps.missed(TimeRange::new(5_000, 6_000)), Missed::Nothing);
    /// ```
    #[must_use]
    pub fn missed(&self, window: TimeRange) -> Missed {
        let first = self.0.partition_point(|gap| gap.end_ms <= window.start_ms);
        let touching = self.0[first..].iter().take_while(|gap| gap.start_ms < window.end_ms);
        let inside = |gap: &TimeRange| gap.end_ms.min(window.end_ms) - gap.start_ms.max(window.start_ms);
        match touching.map(inside).sum::<i64>() {
            missed_ms if missed_ms >= window.length_ms() => Missed::All,
            missed_ms if missed_ms > window.length_ms() / ONE_PART_IN => Missed::Part,
            _ => Missed::Nothing,
        }
    }

    /// How long the server was still down when a window ended at `end_ms`, milliseconds. Cost: O(log gaps).
    #[must_use]
    pub(crate) fn away_ms(&self, end_ms: i64) -> i64 {
        let first = self.0.partition_point(|gap| gap.end_ms < end_ms);
        self.0.get(first).filter(|gap| gap.start_ms < end_ms).map_or(0, |gap| gap.end_ms - end_ms)
    }

    /// The window of `rule` to judge after one that ended at `after_ms`; `None` when no further one is valid.
    ///
    /// Of the windows that end in a gap only the first can tell something, if it began before; the others are passed
    /// over, unless the rule asks for them with `max_catchup`.
    #[must_use]
    pub(crate) fn next_window(&self, rule: &Rule, after_ms: i64) -> Option<TimeRange> {
        let mut window = rule.schedule.next_ending_after(after_ms)?;
        if rule.walks_gaps {
            return Some(window);
        }
        let first = self.0.partition_point(|gap| gap.end_ms < window.end_ms);
        for gap in &self.0[first..] {
            let ends_in_it = gap.start_ms < window.end_ms && window.end_ms <= gap.end_ms;
            if ends_in_it && (gap.start_ms < after_ms || gap.start_ms <= window.start_ms) {
                window = rule.schedule.next_ending_after(gap.end_ms)?;
            }
            if window.end_ms <= gap.start_ms {
                break;
            }
        }
        Some(window)
    }
}

/// Whether `value` is what a window of `query` came to, that was `missed` so far.
///
/// What is counted of a part is less than the whole; averages and extremes speak of what was seen. That somebody sent
/// nothing is never known of a window that was missed.
#[must_use]
pub(crate) fn is_known(missed: Missed, query: &dyn Query, value: Option<f64>) -> bool {
    let is_heard = value.is_some() && value != query.value_when_empty();
    match missed {
        Missed::Nothing => true,
        Missed::Part => is_heard && !query.is_total(),
        Missed::All => is_heard,
    }
}

/// For people: `from 2026-11-28T10:00:00Z to 2026-11-28T12:00:00Z (2h)`.
#[must_use]
pub fn shown(gap: TimeRange) -> String {
    let [from, to] = [gap.start_ms, gap.end_ms].map(time::format_time);
    format!("from {from} to {to} ({})", time::format_duration(gap.length_ms()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(ranges: &[(i64, i64)]) -> Gaps {
        Gaps::new(ranges.iter().map(|(from, to)| TimeRange::new(from * 1_000, to * 1_000)).collect())
    }

    #[test]
    fn gaps_are_apart() {
        let found = gaps(&[(30, 40), (10, 20), (20, 25), (12, 13), (50, 50)]);
        assert_eq!(found, gaps(&[(10, 25), (30, 40)]));
    }

    #[test]
    fn what_is_missed_of_a_window() {
        #[track_caller]
        fn check(ranges: &[(i64, i64)], window: (i64, i64), expected: Missed) {
            let window = TimeRange::new(window.0 * 1_000, window.1 * 1_000);
            assert_eq!(gaps(ranges).missed(window), expected);
        }
        check(&[], (0, 10), Missed::Nothing);
        check(&[(10, 20)], (0, 10), Missed::Nothing);
        check(&[(10, 20)], (20, 30), Missed::Nothing);
        check(&[(10, 20)], (12, 18), Missed::All);
        check(&[(10, 20)], (10, 20), Missed::All);
        check(&[(10, 20)], (5, 25), Missed::Part);
        check(&[(10, 12), (14, 16)], (0, 400), Missed::Nothing); // 1 %
        check(&[(10, 12), (14, 17)], (0, 400), Missed::Part);
    }

    #[test]
    fn how_long_it_is_until_the_server_is_back() {
        let found = gaps(&[(10, 20), (20, 30), (40, 50)]);
        for (end_s, away_s) in [(5, 0), (10, 0), (11, 19), (20, 10), (30, 0), (35, 0), (41, 9), (51, 0)] {
            assert_eq!(found.away_ms(end_s * 1_000), away_s * 1_000, "{end_s} s");
        }
    }

    #[test]
    fn windows_in_a_gap_are_passed_over_but_for_what_was_begun() {
        #[track_caller]
        fn check(extra: &str, ranges: &[(i64, i64)], expected: &[i64]) {
            let text = format!(
                "{{ id: r, query: {{ stream: s, measure: count }}, absolute: {{ min: 1 }}, {extra} }}"
            );
            let rule = Rule::check(&crate::document::Node::from_yaml(&text).unwrap(), "", 1).unwrap();
            let (gaps, mut after_ms, mut ends) = (gaps(ranges), 0, Vec::new());
            for _ in 0..expected.len() {
                after_ms = gaps.next_window(&rule, after_ms).unwrap().end_ms;
                ends.push(after_ms / 1_000);
            }
            assert_eq!(ends, expected);
        }
        check("window: 10s", &[], &[10, 20, 30]);
        check("window: 10s", &[(12, 47)], &[10, 20, 50, 60]);
        check("window: 10s", &[(10, 40)], &[10, 50, 60]);
        check("window: 10s", &[(12, 24), (25, 38), (51, 52)], &[10, 20, 30, 40, 50, 60]);
        check("window: 30s, every: 10s", &[(12, 67)], &[10, 20, 70, 80]);
        check("window: 10s, max_catchup: 1d", &[(12, 47)], &[10, 20, 30, 40, 50]);
    }
}
