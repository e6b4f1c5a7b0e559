//! Which windows a schedule promises, and which earlier windows a comparison means, worked out minute by
//! minute: slow, obvious, and unlike the engine's way.

use lanner_core::TimeRange;
use lanner_core::time::{DAY_MS, MINUTE_MS};

use crate::world::{ActiveSpec, RuleSpec, Shift};

/// A time zone as a table of offsets over some time.
#[derive(Debug)]
pub(crate) struct WallClock {
    /// From when which UTC offset holds, both milliseconds.
    offsets: Vec<(i64, i64)>,
}

impl WallClock {
    pub(crate) fn new(zone: Option<&str>, from_ms: i64, to_ms: i64) -> Self {
        let tz = zone.map_or(jiff::tz::TimeZone::UTC, |zone| jiff::tz::TimeZone::get(zone).unwrap());
        let start = jiff::Timestamp::from_millisecond(from_ms).unwrap();
        let mut offsets = vec![(i64::MIN / 2, i64::from(tz.to_offset(start).seconds()) * 1_000)];
        for change in tz.following(start).take_while(|change| change.timestamp().as_millisecond() < to_ms) {
            offsets.push((change.timestamp().as_millisecond(), i64::from(change.offset().seconds()) * 1_000));
        }
        Self { offsets }
    }

    fn offset(&self, time_ms: i64) -> i64 {
        self.offsets.iter().rev().find(|(from_ms, _)| *from_ms <= time_ms).unwrap().1
    }

    /// What clocks show, as if it were UTC.
    fn shows(&self, time_ms: i64) -> i64 {
        time_ms + self.offset(time_ms)
    }

    /// Until when clocks show a time up to `shown_ms`; where they skip it, when they do.
    fn last_up_to(&self, shown_ms: i64) -> i64 {
        let ends = self.offsets.iter().skip(1).map(|(from_ms, _)| *from_ms).chain([i64::MAX]);
        let stretches = self.offsets.iter().zip(ends);
        stretches
            .filter(|((from_ms, offset_ms), _)| shown_ms - offset_ms >= *from_ms)
            .map(|((_, offset_ms), end_ms)| (shown_ms - offset_ms).min(end_ms))
            .max()
            .unwrap()
    }

    /// The start of the window `count` shifts before; `None` where no clock showed that time.
    pub(crate) fn before(&self, start_ms: i64, shift: Shift, count: i64) -> Option<i64> {
        let days = match shift {
            Shift::Minutes(minutes) => return Some(start_ms - count * minutes * MINUTE_MS),
            Shift::Days(days) => days,
        };
        let shown_ms = self.shows(start_ms) - count * days * DAY_MS;
        let instants: Vec<i64> = self.offsets.iter().map(|(_, offset_ms)| shown_ms - offset_ms).collect();
        let fitting = || instants.iter().copied().filter(|instant_ms| self.shows(*instant_ms) == shown_ms);
        let same_offset = fitting().find(|instant_ms| self.offset(*instant_ms) == self.offset(start_ms));
        same_offset.or_else(|| fitting().min())
    }

    /// Whether a window may begin at `start_ms`.
    fn begins(&self, rule: &RuleSpec, start_ms: i64) -> bool {
        let end_ms = start_ms + rule.window_ms;
        if rule.valid.is_some_and(|valid| start_ms < valid.start_ms || end_ms > valid.end_ms) {
            return false;
        }
        if rule.zone.is_none() && rule.active.is_none() {
            return end_ms % rule.every_ms == 0;
        }
        let all_day = ActiveSpec { from_ms: 0, length_ms: DAY_MS, days: [true; 7], ends_inside: false };
        let active = rule.active.unwrap_or(all_day);
        let since_first_ms = self.shows(start_ms) - active.from_ms;
        let (day, into_ms) = (since_first_ms.div_euclid(DAY_MS), since_first_ms.rem_euclid(DAY_MS));
        let monday_based = (day + 3).rem_euclid(7); // 1970-01-01 was a Thursday
        into_ms < active.length_ms
            && into_ms % rule.every_ms == 0
            && active.days[monday_based as usize]
            && (!active.ends_inside
                || end_ms <= self.last_up_to(day * DAY_MS + active.from_ms + active.length_ms))
    }

    /// The windows that end after `from_ms` and by `to_ms`, in order.
    pub(crate) fn windows(&self, rule: &RuleSpec, from_ms: i64, to_ms: i64) -> Vec<TimeRange> {
        let first_ms = (from_ms - rule.window_ms).div_euclid(MINUTE_MS) * MINUTE_MS + MINUTE_MS;
        (first_ms..=to_ms - rule.window_ms)
            .step_by(MINUTE_MS as usize)
            .filter(|start_ms| self.begins(rule, *start_ms))
            .map(|start_ms| TimeRange::new(start_ms, start_ms + rule.window_ms))
            .collect()
    }
}
