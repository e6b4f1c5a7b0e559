//! Filling and removing gaps.

use crate::aggregate::Aggregate;
use crate::evaluate::Answer;
use crate::evaluate::{Call, each};
use crate::functions::given::list;
use crate::series::Series;

use super::buckets::Buckets;

pub(super) fn interpolate(call: &Call<'_>) -> Answer {
    filled(call, |values, gap, before, after| {
        if after.is_nan() {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "gaps are far shorter than 2^53")]
        let (length, step) = ((gap.len() + 1) as f64, after - before);
        let mut place = 0.0;
        for value in values.get_mut(gap).unwrap_or_default() {
            place += 1.0;
            *value = before + place * step / length;
        }
    })
}

pub(super) fn keep_last_value(call: &Call<'_>) -> Answer {
    filled(call, |values, gap, before, _| values.get_mut(gap).unwrap_or_default().fill(before))
}

/// Gives `fill` every gap that is not longer than `limit`: where it is, the value before, the value after (NaN at the
/// end). Gaps at the beginning stay.
fn filled(
    call: &Call<'_>,
    fill: impl Fn(&mut [f64], std::ops::Range<usize>, f64, f64) + Sync + Send,
) -> Answer {
    let limit = call.number("limit").unwrap_or(f64::INFINITY);
    let function = call.function.name;
    Ok(each(list(call)?, |series| {
        let name = format!("{function}({})", series.name);
        let mut series = series.called(name);
        if series.values.iter().any(|value| value.is_nan()) {
            fill_gaps(series.values_mut(), limit, &fill);
        }
        series
    }))
}

fn fill_gaps(values: &mut [f64], limit: f64, fill: impl Fn(&mut [f64], std::ops::Range<usize>, f64, f64)) {
    let mut last: Option<(usize, f64)> = None;
    for i in 0..=values.len() {
        let value = values.get(i).copied();
        if value.is_some_and(f64::is_nan) {
            continue;
        }
        if let Some((at, before)) = last {
            let gap = at + 1..i;
            #[expect(clippy::cast_precision_loss, reason = "gaps are far shorter than 2^53")]
            if !gap.is_empty() && gap.len() as f64 <= limit {
                fill(values, gap, before, value.unwrap_or(f64::NAN));
            }
        }
        last = value.map(|value| (i, value));
    }
}

pub(super) fn compress_periodic_gaps(call: &Call<'_>) -> Answer {
    Ok(each(list(call)?, |series| {
        let name = format!("compressPeriodicGaps({})", series.name);
        let series = series.called(name);
        match period_of(&series) {
            Some((first, period)) => compressed(series, first, period),
            None => series,
        }
    }))
}

/// The place of the first value (not the very first place) and the distance to the next, if the one after that stands
/// alone where it is expected. Zeros are not seen.
fn period_of(series: &Series) -> Option<(usize, usize)> {
    let values = &series.values;
    let seen = |value: f64| !value.is_nan() && value != 0.0;
    let mut places = (1..values.len()).filter(|i| values.get(*i).is_some_and(|value| seen(*value)));
    let (first, second) = (places.next()?, places.next()?);
    let (period, third) = (second - first, second + (second - first));
    let alone =
        values.get(third - 1)?.is_nan() && values.get(third + 1)?.is_nan() && seen(*values.get(third)?);
    (period > 1 && alone).then_some((first, period))
}

fn compressed(mut series: Series, first: usize, period: usize) -> Series {
    let steps = |n: usize| series.step_s.saturating_mul(i64::try_from(n).unwrap_or(i64::MAX));
    let (interval_s, start_s) = (steps(period), series.start_s.saturating_add(steps(first)));
    let buckets = Buckets { start_s, interval_s, n: buckets_until(start_s, series.end_s, interval_s) };
    let values = buckets.summarize(&series, Aggregate::Last);
    series.end_s =
        start_s.saturating_add(interval_s * i64::try_from(values.len()).unwrap_or(0).saturating_sub(1));
    (series.start_s, series.step_s) = (start_s, interval_s);
    series.with_values(values)
}

fn buckets_until(start_s: i64, end_s: i64, interval_s: i64) -> usize {
    let n = end_s.saturating_sub(start_s).max(0).div_euclid(interval_s);
    let partial = end_s.saturating_sub(start_s).rem_euclid(interval_s) != 0;
    usize::try_from(n).unwrap_or(0) + usize::from(partial)
}
