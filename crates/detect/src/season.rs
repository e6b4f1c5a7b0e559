//! Finds the season of a series: how many steps until it repeats.
//!
//! By its autocorrelation, the correlation of the series with itself some steps later.

use super::fft::{self, Complex};

/// A season that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Season {
    /// Steps until the series repeats.
    pub length: usize,
    /// How well it does: the autocorrelation, from 0 (not at all) to 1 (exactly).
    pub strength: f64,
}

/// Only the latest values are looked at.
const MAX_VALUES: usize = 1 << 17;

/// A repetition weaker than this is none.
const MIN_STRENGTH: f64 = 0.3;

/// A day or a week is preferred unless something else is stronger by this factor.
const PREFERENCE: f64 = 0.9;

/// What a week has to add to the strength of a day.
const WEEK_GAIN: f64 = 0.05;

/// The season of `y`, oldest first at steps of `step_s` seconds (0 where unknown); NaN is a gap.
///
/// A day and a week are preferred to what else the data say, and a week to a day where it explains more. At
/// least two seasons have to be there. Trend is taken away first, and the most extreme 2 % of the values are
/// cut. `None` where nothing repeats. Cost: O(n log n), of the latest 131,072 values.
///
/// ```
/// use lanner_detect::season;
///
/// let hourly: Vec<f64> = (0..240).map(|hour| f64::from((hour % 24 - 12_i32).abs())).collect();
/// assert_eq!(season::find(&hourly, 3600).unwrap().length, 24);
/// assert_eq!(season::find(&[5.0; 240], 3600), None);
/// ```
#[must_use]
pub fn find(y: &[f64], step_s: u32) -> Option<Season> {
    let y = &y[y.len().saturating_sub(MAX_VALUES)..];
    let correlation = autocorrelation(&flattened(y)?)?;
    let least = MIN_STRENGTH.max(3.0 / (y.len() as f64).sqrt());
    let at = |length: usize| {
        let strength = *correlation.get(length)?;
        (length >= 2 && strength >= least).then_some(Season { length, strength })
    };
    let whole = |seconds: u32| {
        let fits = step_s > 0 && seconds.is_multiple_of(step_s);
        if fits { at((seconds / step_s) as usize) } else { None }
    };
    let (day, week) = (whole(86_400), whole(604_800));
    let known = match (day, week) {
        (Some(day), Some(week)) if week.strength < day.strength + WEEK_GAIN => Some(day),
        (day, week) => week.or(day),
    };
    let other = first_peak(&correlation).and_then(at);
    match (known, other) {
        (Some(known), Some(other)) if known.strength < PREFERENCE * other.strength => Some(other),
        (known, other) => known.or(other),
    }
}

/// Without its line of least squares and without extremes, gaps 0; and where values are.
struct Flattened {
    values: Vec<f64>,
    present: Vec<bool>,
}

/// `None` if fewer than 8 values are there, or if there is nothing but a line.
fn flattened(y: &[f64]) -> Option<Flattened> {
    let present: Vec<bool> = y.iter().map(|y| y.is_finite()).collect();
    let mut sorted: Vec<f64> = y.iter().copied().filter(|y| y.is_finite()).collect();
    if sorted.len() < 8 {
        return None;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let cut = sorted.len() / 100;
    let (low, high) = (sorted[cut], sorted[sorted.len() - 1 - cut]);
    let scale = low.abs().max(high.abs());
    if scale == 0.0 {
        return None;
    }
    let points: Vec<(f64, f64)> = y
        .iter()
        .enumerate()
        .filter(|(_, y)| y.is_finite())
        .map(|(index, y)| (index as f64, y.clamp(low, high) / scale))
        .collect();
    let n = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / n;
    let products = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>();
    let squares = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>();
    let slope = products / squares;
    let mut values = vec![0.0; y.len()];
    for (x, y) in points {
        values[x as usize] = y - mean_y - slope * (x - mean_x);
    }
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    (largest > super::ROUNDING).then_some(Flattened { values, present })
}

/// For lags up to half the series: the mean product of the values that are there, over their variance.
fn autocorrelation(Flattened { values, present }: &Flattened) -> Option<Vec<f64>> {
    let n = values.len();
    let products = lagged_sums(values.iter().copied());
    let pairs = lagged_sums(present.iter().map(|present| f64::from(u8::from(*present))));
    let variance = products[0] / pairs[0];
    let at = |lag: usize| {
        // With few pairs a correlation says nothing.
        if pairs[lag] < 0.25 * (n - lag) as f64 { 0.0 } else { products[lag] / pairs[lag] / variance }
    };
    (variance > 0.0).then(|| (0..=n / 2).map(at).collect())
}

/// For each lag up to half the length, the sum of `x[j] * x[j + lag]`, by way of the power spectrum.
fn lagged_sums(x: impl ExactSizeIterator<Item = f64>) -> Vec<f64> {
    let n = x.len();
    let mut data: Vec<Complex> = x.map(|x| (x, 0.0)).collect();
    data.resize((n + n / 2 + 1).next_power_of_two(), (0.0, 0.0)); // room, so that the ends do not meet
    fft::forward(&mut data);
    data.iter_mut().for_each(|x| *x = (x.0 * x.0 + x.1 * x.1, 0.0));
    fft::inverse(&mut data);
    data.iter().take(n / 2 + 1).map(|x| x.0).collect()
}

/// The first peak after the correlation fell below 0 that is nearly as high as the highest: the season, and not
/// a multiple of it.
fn first_peak(correlation: &[f64]) -> Option<usize> {
    let start = correlation.iter().position(|strength| *strength < 0.0)?;
    let highest = correlation[start..].iter().copied().fold(0.0, f64::max);
    let is_peak = |lag: &usize| {
        let here = correlation[*lag];
        here >= PREFERENCE * highest && here > correlation[lag - 1] && here >= correlation[lag + 1]
    };
    (start.max(1)..correlation.len() - 1).find(is_peak)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[track_caller]
    fn check(n: u64, step_s: u32, y: impl Fn(u64) -> f64, expected: Option<usize>) {
        let y: Vec<f64> = (0..n).map(y).collect();
        assert_eq!(find(&y, step_s).map(|season| season.length), expected);
    }

    fn wave(index: u64, length: f64) -> f64 {
        (index as f64 / length * std::f64::consts::TAU).sin()
    }

    /// Days of 24 hours; nothing happens on the last two of seven.
    fn working_week(hour: u64) -> f64 {
        if hour / 24 % 7 < 5 { 10.0 + 10.0 * wave(hour, 24.0) } else { 1.0 }
    }

    #[test]
    fn seasons() {
        check(24 * 30, 3600, |i| wave(i, 24.0), Some(24));
        check(24 * 30, 3600, |i| wave(i, 24.0) + 0.5 * noise(i), Some(24));
        check(24 * 30, 3600, |i| wave(i, 24.0) + i as f64, Some(24)); // on a trend
        check(24 * 30, 3600, |i| if i % 7 == 3 { f64::NAN } else { wave(i, 24.0) }, Some(24));
        check(24 * 30, 3600, |i| if noise(i) > 0.985 { 500.0 } else { wave(i, 24.0) }, Some(24));
        check(24 * 28, 3600, |i| working_week(i) + 0.5 * noise(i), Some(168));
        check(24 * 10, 3600, working_week, Some(24)); // too short to know of weeks
        check(24 * 30, 3600, |i| wave(i, 17.0), Some(17));
        check(300, 0, |i| wave(i, 50.0) + 0.1 * noise(i), Some(50));
    }

    #[test]
    fn nothing_that_repeats() {
        check(0, 60, |_| 0.0, None);
        check(5, 60, |i| i as f64, None);
        check(500, 3600, |_| 0.0, None);
        check(500, 3600, |_| 0.1, None);
        check(500, 3600, |i| i as f64, None);
        check(500, 3600, noise, None);
        check(500, 3600, |_| f64::NAN, None);
        check(30, 3600, |i| wave(i, 24.0), None); // a season and a quarter
        check(500, 3600, |i| 1e300 * noise(i), None);
    }
}
