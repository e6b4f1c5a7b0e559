//! Fourteen kinds of anomaly, and how one is planted into a series.

use std::ops::Range;

use super::series::Series;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What is planted, and for how long.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// One sample, so many deviations off.
    Spike(f64),
    Zero,
    Stuck,
    /// A day, so many deviations off.
    Shift(f64),
    /// To six deviations within three days.
    Drift,
    /// No samples.
    Missing,
    /// The daily pattern is half as high.
    Amplitude,
    /// The daily pattern comes three hours late.
    Phase,
    /// The daily pattern takes half as long again.
    Period,
    /// The noise has twice the deviation.
    Variance,
}

pub(crate) const KINDS: [(&str, Kind, i64); 14] = [
    ("spike of 3 deviations", Kind::Spike(3.0), 0),
    ("spike of 5", Kind::Spike(5.0), 0),
    ("spike of 8", Kind::Spike(8.0), 0),
    ("zero for an hour", Kind::Zero, HOUR_MS),
    ("stuck for 6 hours", Kind::Stuck, 6 * HOUR_MS),
    ("shift of 3 for a day", Kind::Shift(3.0), DAY_MS),
    ("shift of 5 for a day", Kind::Shift(5.0), DAY_MS),
    ("drift to 6 within 3 days", Kind::Drift, 3 * DAY_MS),
    ("missing for 3 hours", Kind::Missing, 3 * HOUR_MS),
    ("amplitude halved", Kind::Amplitude, DAY_MS),
    ("phase moved by 3 hours", Kind::Phase, DAY_MS),
    ("period half as long again", Kind::Period, DAY_MS),
    ("variance times 4", Kind::Variance, DAY_MS),
    ("missing for a day", Kind::Missing, DAY_MS),
];

/// A series with what is usual at each of its samples, so that deviations can be told.
pub(crate) struct Base {
    pub(crate) series: Series,
    usual: Vec<f64>,
    deviation: f64,
}

impl Base {
    /// What is usual is the mean of the same time of all weeks (of all days, where weeks are few), smoothed over an hour.
    pub(crate) fn new(series: Series) -> Self {
        let period_ms = if series.days() > 60.0 { 7 * DAY_MS } else { DAY_MS };
        let slot = |time_ms: i64| (time_ms.rem_euclid(period_ms) / (HOUR_MS / 2)) as usize;
        let mut slots = vec![Vec::new(); (period_ms / (HOUR_MS / 2)) as usize];
        series.times_ms.iter().zip(&series.y).for_each(|(&time_ms, &y)| slots[slot(time_ms)].push(y));
        let medians: Vec<f64> = slots.iter_mut().map(|values| middle(values)).collect();
        let usual: Vec<f64> = series.times_ms.iter().map(|&time_ms| medians[slot(time_ms)]).collect();
        let mut off: Vec<f64> = series.y.iter().zip(&usual).map(|(y, usual)| (y - usual).abs()).collect();
        let deviation = 1.4826 * middle(&mut off);
        Self { series, usual, deviation }
    }

    /// The series with one anomaly that begins at sample `at`, as its only window.
    pub(crate) fn with(&self, kind: Kind, at: usize, length_ms: i64) -> Series {
        let mut series = self.series.clone();
        let start_ms = series.times_ms[at];
        let end = series.times_ms.partition_point(|time_ms| *time_ms < start_ms + length_ms).max(at + 1);
        series.windows = std::iter::once(at..end).collect();
        if let Kind::Missing = kind {
            let mut series = series.without(at..end);
            // Known once the next sample is there.
            series.windows = std::iter::once(at..at + 1).collect();
            return series;
        }
        for now in at..end {
            series.y[now] = self.planted(kind, now, at..end);
        }
        series
    }

    fn planted(&self, kind: Kind, now: usize, during: Range<usize>) -> f64 {
        let (y, usual, times_ms) = (self.series.y[now], self.usual[now], &self.series.times_ms);
        let level = self.usual.iter().sum::<f64>() / self.usual.len() as f64;
        let share = (now - during.start) as f64 / during.len() as f64;
        let usual_at = |time_ms: i64| {
            self.usual[times_ms.partition_point(|other| *other < time_ms).min(self.usual.len() - 1)]
        };
        match kind {
            Kind::Spike(size) | Kind::Shift(size) => y + size * self.deviation,
            Kind::Zero => 0.0,
            Kind::Stuck => self.series.y[during.start],
            Kind::Drift => y + 6.0 * share * self.deviation,
            Kind::Missing => y,
            Kind::Amplitude => level + (usual - level) / 2.0 + (y - usual),
            Kind::Phase => usual_at(times_ms[now] - 3 * HOUR_MS) + (y - usual),
            Kind::Period => {
                let begin_ms = times_ms[during.start];
                usual_at(begin_ms + (times_ms[now] - begin_ms) * 2 / 3) + (y - usual)
            }
            Kind::Variance => usual + 2.0 * (y - usual),
        }
    }
}

fn middle(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let at = values.len() / 2;
    *values.select_nth_unstable_by(at, f64::total_cmp).1
}
