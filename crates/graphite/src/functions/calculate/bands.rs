//! Holt-Winters: forecast, bands around it, and what lies outside them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::evaluate::Answer;
use crate::evaluate::{Call, each};
use crate::functions::given::{length_s, list, list_from_before, number};
use crate::holt_winters::{Forecast, holt_winters, side_by_side};
use crate::problem::Problem;
use crate::series::{Consolidation, Series};

/// Series that are followed side by side.
const FEW: usize = 4;

/// How far back to learn from, and how long a season is.
struct Learning {
    bootstrap_s: i64,
    season_s: i64,
}

impl Learning {
    fn of(call: &Call<'_>) -> Result<Self, Problem> {
        let (bootstrap, bootstrap_s) = length_s(call, "bootstrapInterval")?;
        let (season, season_s) = length_s(call, "seasonality")?;
        if bootstrap_s < 0 || season_s < 0 {
            let (name, text) =
                if season_s < 0 { ("seasonality", season) } else { ("bootstrapInterval", bootstrap) };
            return Err(call.problem(format!("{name} must not be negative, as '{text}' is")));
        }
        Ok(Self { bootstrap_s, season_s })
    }

    /// The forecasts of `series` without those that it was learnt from, made to values by `finish`.
    fn forecast<T>(&self, series: &Series, finish: impl Fn(Forecast) -> T) -> Vec<T> {
        let points = |length_s: i64| usize::try_from(length_s / series.step_s.max(1)).unwrap_or(0);
        let forecasts = holt_winters(&series.values, points(self.season_s));
        forecasts.skip(points(self.bootstrap_s)).map(finish).collect()
    }

    /// The lower and the upper values around the forecasts of each series, likewise.
    fn tolerated(&self, series: &[Series], delta: f64) -> Vec<[Vec<f64>; 2]> {
        let around = |Forecast { prediction, deviation }: Forecast| {
            (prediction - delta * deviation, prediction + delta * deviation)
        };
        if let [a, b, c, d] = series
            && [b, c, d].iter().all(|other| (other.values.len(), other.step_s) == (a.values.len(), a.step_s))
        {
            let points = |length_s: i64| usize::try_from(length_s / a.step_s.max(1)).unwrap_or(0);
            let n_learned = points(self.bootstrap_s);
            let room = || Vec::with_capacity(a.values.len().saturating_sub(n_learned));
            let mut bands: Vec<[Vec<f64>; 2]> = (0..FEW).map(|_| [room(), room()]).collect();
            let values = [a, b, c, d].map(|series| &series.values[..]);
            side_by_side(values, points(self.season_s), |which, at, forecast| {
                if at >= n_learned
                    && let Some([lower, upper]) = bands.get_mut(which)
                {
                    let (low, high) = around(forecast);
                    lower.push(low);
                    upper.push(high);
                }
            });
            return bands;
        }
        let bands = series.iter().map(|series| self.forecast(series, around).into_iter().unzip());
        bands.map(|(lower, upper)| [lower, upper]).collect()
    }

    /// `series`, which began earlier to learn from, with values of the time range asked for.
    fn drawn(&self, series: &Series, name: String, values: Vec<f64>) -> Series {
        let mut drawn = series.clone().called(name).with_values(values);
        drawn.start_s = series.start_s.saturating_add(self.bootstrap_s);
        drawn.consolidation = Consolidation::Average;
        drawn
    }
}

pub(super) fn forecast(call: &Call<'_>) -> Answer {
    let learning = Learning::of(call)?;
    let series = list_from_before(call, learning.bootstrap_s)?;
    Ok(each(series, |series| {
        let values = learning.forecast(&series, |forecast| forecast.prediction);
        let mut drawn = learning.drawn(&series, format!("holtWintersForecast({})", series.name), values);
        drawn.set_tag("holtWintersForecast", "1");
        drawn.set_tag("holtWintersDeviation", "1");
        drawn
    }))
}

pub(super) fn confidence_bands(call: &Call<'_>) -> Answer {
    Ok(bands(call)?.into_iter().flatten().collect())
}

/// The lower and the upper band of each series.
fn bands(call: &Call<'_>) -> Result<Vec<[Series; 2]>, Problem> {
    let learning = Learning::of(call)?;
    let delta = number(call, "delta")?;
    let range = (call.scope.start_s.saturating_sub(learning.bootstrap_s), call.scope.end_s);
    call.few_within("seriesList", range, FEW, |series| {
        let drawn = |(series, [lower, upper]): (&Series, [Vec<f64>; 2])| {
            let band = |name: &str, values: Vec<f64>| {
                let mut band = learning.drawn(series, format!("{name}({})", series.name), values);
                band.path_expression = Arc::clone(&series.path_expression);
                for tag in ["Forecast", "Deviation", "ConfidenceUpper", "ConfidenceLower"] {
                    band.set_tag(&format!("holtWinters{tag}"), "1");
                }
                band
            };
            [band("holtWintersConfidenceLower", lower), band("holtWintersConfidenceUpper", upper)]
        };
        series.iter().zip(learning.tolerated(series, delta)).map(drawn).collect()
    })
}

pub(super) fn confidence_area(call: &Call<'_>) -> Answer {
    let mut bands = bands(call)?;
    let (Some([lower, upper]), None) = (bands.pop(), bands.pop()) else {
        return Err(call.problem("takes exactly one series: holtWintersConfidenceBands() takes more"));
    };
    let name = format!("holtWintersConfidenceArea({})", upper.path_expression);
    let area = |series: Series, invisible: bool| {
        let mut series = series.called(name.as_str());
        series.set_tag("holtWintersConfidenceArea", "1");
        let options = Arc::make_mut(&mut series.options);
        options.insert("stacked", "true".to_owned());
        if invisible {
            options.insert("invisible", "true".to_owned());
        }
        series
    };
    Ok(vec![area(lower, true), area(upper, false)])
}

pub(super) fn aberration(call: &Call<'_>) -> Answer {
    let plain = list(call)?;
    let bands = bands(call)?;
    let by_name: HashMap<&str, &[Series; 2]> =
        bands.iter().map(|bands| (name_within(&bands[0].name), bands)).collect();
    if let Some(series) = plain.iter().find(|series| !by_name.contains_key(&*series.name)) {
        return Err(call.problem(format!(
            "{} is called otherwise in another time range: give it a fixed name with alias()",
            series.name
        )));
    }
    Ok(each(plain, |series| {
        let outside = by_name.get(&*series.name).map(|bands| outside(&series, bands)).unwrap_or_default();
        let name = format!("holtWintersAberration({})", series.name);
        let mut series = series.called(name).with_values(outside);
        series.consolidation = Consolidation::Average;
        series.set_tag("holtWintersAberration", "1");
        series
    }))
}

/// `f(x)` without `f(` and `)`.
fn name_within(name: &str) -> &str {
    name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name)
}

/// How far each value of `series` lies outside the bands at its time: above is positive, within or missing is 0.
fn outside(series: &Series, [lower, upper]: &[Series; 2]) -> Vec<f64> {
    let step_s = lower.step_s.max(1);
    let times = (0..).map(|i: i64| series.start_s.saturating_add(series.step_s.saturating_mul(i)));
    let at = |time_s: i64| usize::try_from(time_s.saturating_sub(lower.start_s).div_euclid(step_s)).ok();
    let band =
        |band: &Series, i: Option<usize>| i.and_then(|i| band.values.get(i)).copied().unwrap_or(f64::NAN);
    let values = series.values.iter().zip(times).map(|(value, time_s)| {
        let i = at(time_s);
        let (lower, upper) = (band(lower, i), band(upper, i));
        if *value > upper {
            value - upper
        } else if *value < lower {
            value - lower
        } else {
            0.0
        }
    });
    values.collect()
}
