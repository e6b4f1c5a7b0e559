//! Holt-Winters as Graphite computes it: level, trend and one season, one step ahead, with a band around.
//!
//! [`HoltWintersState`] takes one value at a time in O(1), so that whoever watches a series keeps it instead of
//! going through a week again for every new value; [`holt_winters`] takes a whole series.
//!
//! Weights are fixed (level and season 0.1, trend 0.0035), and the order of operations is part of the contract:
//! forecasts are equal to Graphite's bit for bit. A gap forgets the level, and what the season knew at its place.
//!
//! Source: J. D. Brutlag, "Aberrant behavior detection in time series for network monitoring", LISA XIV, 2000;
//! P. R. Winters, "Forecasting sales by exponentially weighted moving averages", Management Science 6(3), 1960.

/// Weight of the newest value in the level, of its distance to the level in the season, and in the deviation.
const ALPHA: f64 = 0.1;
/// Weight of the newest change of the level in the trend.
const BETA: f64 = 0.0035;
/// The season has the weight of the level.
const GAMMA: f64 = ALPHA;

/// What was expected of one value, and how far values lay from what was expected at this place of the season.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// The value expected, from those before only; NaN where there is none: just after a gap.
    pub prediction: f64,
    /// The smoothed distance between values and predictions at this place of the season; never negative.
    pub deviation: f64,
}

/// All that is kept of a series to forecast the next value: 16 bytes for each place of the season.
///
/// ```
/// use lanner_graphite::HoltWintersState;
///
/// let mut state = HoltWintersState::new(2);
/// assert_eq!(state.push(10.0).prediction, 10.0); // nothing is known: the first value is what was expected
/// assert_eq!(state.next_prediction(), 10.0);
/// assert!((state.push(20.0).deviation - 1.0).abs() < 1e-12); // a tenth of the surprise
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HoltWintersState(Lanes<1>);

impl HoltWintersState {
    /// Nothing seen yet; a season is `season_length` values long, 2 at least.
    #[must_use]
    pub fn new(season_length: usize) -> Self {
        Self(Lanes::new(season_length))
    }

    /// What is expected of the next value; NaN if nothing.
    #[must_use]
    pub fn next_prediction(&self) -> f64 {
        let [prediction] = self.0.next_prediction;
        prediction
    }

    /// Takes the next value (NaN is a gap), and says what was expected of it. O(1).
    #[inline]
    pub fn push(&mut self, value: f64) -> Forecast {
        let Forecasts { prediction: [prediction], deviation: [deviation] } = self.0.push([value]);
        Forecast { prediction, deviation }
    }
}

/// The states of `N` series that go step by step, number by number next to each other as processors like them.
#[derive(Debug, Clone, PartialEq)]
struct Lanes<const N: usize> {
    is_first: bool,
    /// NaN after a gap.
    intercept: [f64; N],
    slope: [f64; N],
    /// NaN after a gap.
    next_prediction: [f64; N],
    season: Vec<Place<N>>,
    /// Index into `season` of the value to come.
    at: usize,
}

/// One place of the season.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place<const N: usize> {
    seasonal: [f64; N],
    deviation: [f64; N],
}

/// As [`Forecast`].
struct Forecasts<const N: usize> {
    prediction: [f64; N],
    deviation: [f64; N],
}

impl<const N: usize> Lanes<N> {
    fn new(season_length: usize) -> Self {
        Self {
            is_first: true,
            intercept: [f64::NAN; N],
            slope: [0.0; N],
            next_prediction: [f64::NAN; N],
            season: vec![Place { seasonal: [0.0; N], deviation: [0.0; N] }; season_length.max(2)],
            at: 0,
        }
    }

    #[inline]
    fn push(&mut self, values: [f64; N]) -> Forecasts<N> {
        let is_there = |(value, intercept): (&f64, &f64)| !(value + intercept).is_nan();
        if N > 1 && !self.is_first && values.iter().zip(&self.intercept).all(is_there) {
            self.step::<true>(values)
        } else {
            self.step::<false>(values)
        }
    }

    /// Without gaps, now and just before, there is nothing to choose: all lanes are done at once.
    #[inline]
    fn step<const ALL_THERE: bool>(&mut self, values: [f64; N]) -> Forecasts<N> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        let next = if self.at + 1 == self.season.len() { 0 } else { self.at + 1 };
        let next_seasonal = self.season.get(next).map_or([0.0; N], |place| place.seasonal);
        let Some(place) = self.season.get_mut(self.at) else {
            return Forecasts { prediction: [f64::NAN; N], deviation: [0.0; N] };
        };
        self.at = next;
        let prediction = if !ALL_THERE && is_first { values } else { self.next_prediction };
        for lane in 0..N {
            let value = values[lane];
            let (before, expected) = if ALL_THERE {
                (self.intercept[lane], prediction[lane])
            } else {
                (or(self.intercept[lane], value), or(prediction[lane], 0.0))
            };
            let intercept =
                ALPHA * (value - place.seasonal[lane]) + (1.0 - ALPHA) * (before + self.slope[lane]);
            let slope = BETA * (intercept - before) + (1.0 - BETA) * self.slope[lane];
            let seasonal = GAMMA * (value - intercept) + (1.0 - GAMMA) * place.seasonal[lane];
            let deviation = GAMMA * (value - expected).abs() + (1.0 - GAMMA) * place.deviation[lane];
            let is_gap = !ALL_THERE && value.is_nan();
            self.intercept[lane] = intercept;
            self.slope[lane] = if is_gap { 0.0 } else { slope };
            self.next_prediction[lane] = intercept + slope + next_seasonal[lane];
            place.seasonal[lane] = if is_gap { 0.0 } else { seasonal };
            place.deviation[lane] = if is_gap { 0.0 } else { deviation };
        }
        Forecasts { prediction, deviation: place.deviation }
    }
}

fn or(number: f64, otherwise: f64) -> f64 {
    if number.is_nan() { otherwise } else { number }
}

/// What was expected of every one of `values` (oldest first, fixed step, NaN is a gap), with seasons of
/// `season_length` values (2 at least). O(n) time; memory does not grow with the season beyond that.
///
/// ```
/// use lanner_graphite::holt_winters;
/// let forecasts: Vec<f64> = holt_winters(&[5.0; 4], 2).map(|forecast| forecast.prediction).collect();
/// assert_eq!(forecasts, [5.0, 5.0, 5.0, 5.0]);
/// ```
pub fn holt_winters(values: &[f64], season_length: usize) -> impl Iterator<Item = Forecast> {
    // No value of a longer season is ever read again.
    let mut state = HoltWintersState::new(season_length.min(values.len() + 1));
    values.iter().map(move |value| state.push(*value))
}

/// As [`holt_winters`] of `N` series of one length, step by step: each value waits for what the one before has come to, so
/// that a processor follows several series in hardly more time than one. `on_forecast` is told which series it is, and which value.
pub(super) fn side_by_side<const N: usize>(
    series: [&[f64]; N],
    season_length: usize,
    mut on_forecast: impl FnMut(usize, usize, Forecast),
) {
    let n_values = series.map(<[f64]>::len).into_iter().min().unwrap_or(0);
    let mut lanes = Lanes::new(season_length.min(n_values + 1));
    for at in 0..n_values {
        let Forecasts { prediction, deviation } = lanes.push(series.map(|values| values[at]));
        for (which, (prediction, deviation)) in prediction.into_iter().zip(deviation).enumerate() {
            on_forecast(which, at, Forecast { prediction, deviation });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: f64 = f64::NAN;

    #[track_caller]
    fn check(values: &[f64], predictions: &[f64], deviations: &[f64]) {
        let found: Vec<Forecast> = holt_winters(values, 2).collect();
        let same = |a: f64, b: f64| (a - b).abs() < 1e-12 || (a.is_nan() && b.is_nan());
        assert!(found.iter().zip(predictions).all(|(f, p)| same(f.prediction, *p)), "{found:?}");
        assert!(found.iter().zip(deviations).all(|(f, d)| same(f.deviation, *d)), "{found:?}");
        assert_eq!(found.len(), values.len());
    }

    #[test]
    fn gaps_and_surprises() {
        check(&[], &[], &[]);
        check(&[7.0, 7.0], &[7.0, 7.0], &[0.0, 0.0]);
        check(&[10.0, 20.0], &[10.0, 10.0], &[0.0, 1.0]);
        // The value after a gap is held against 0, as nothing is expected.
        check(&[10.0, GAP, 20.0], &[10.0, 10.0, GAP], &[0.0, 0.0, 2.0]);
        check(&[GAP, 5.0], &[GAP, GAP], &[0.0, 0.5]);
    }

    #[test]
    fn one_at_a_time_is_all_at_once() {
        let values: Vec<f64> = (0..500)
            .map(|i| if i % 37 == 5 { GAP } else { f64::from(i % 24) + f64::from(i) * 0.1 })
            .collect();
        let (begin, end) = values.split_at(313);
        let mut state = HoltWintersState::new(24);
        begin.iter().for_each(|value| {
            state.push(*value);
        });
        let mut resumed = state;
        let continued = end.iter().map(|value| resumed.push(*value));
        let whole: Vec<Forecast> = holt_winters(&values, 24).skip(begin.len()).collect();
        for (one, all) in continued.zip(whole) {
            assert_eq!(one.prediction.to_bits(), all.prediction.to_bits());
            assert_eq!(one.deviation.to_bits(), all.deviation.to_bits());
        }
    }

    #[test]
    fn side_by_side_is_one_after_the_other() {
        let series: [Vec<f64>; 3] = [7, 11, 13].map(|gap| {
            (0..200)
                .map(|i| if i % gap == 5 { GAP } else { f64::from(i % 24) + 0.1 * f64::from(i) })
                .collect()
        });
        let mut found: [Vec<Forecast>; 3] = Default::default();
        side_by_side([&series[0], &series[1], &series[2]], 24, |which, _, forecast| {
            found[which].push(forecast);
        });
        for (found, values) in found.iter().zip(&series) {
            assert_eq!(format!("{found:?}"), format!("{:?}", holt_winters(values, 24).collect::<Vec<_>>()));
        }
    }

    #[test]
    fn a_season_longer_than_the_series_costs_nothing() {
        assert_eq!(holt_winters(&[1.0, 2.0], usize::MAX).count(), 2);
    }
}
